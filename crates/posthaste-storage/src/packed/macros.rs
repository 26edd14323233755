//! What structures and enums have in common as bytes. Users have `Packed`, `Input`, `UnpackError` and `Uuid` in scope.

/// Taking a structure apart names all of its fields: one that is not in the list is an error here.
macro_rules! packed_struct {
    ($structure:ident { $($field:ident),* $(,)? }) => {
        impl Packed for $structure {
            fn pack(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.pack(out);)*
            }

            fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
                $(let $field = Packed::unpack(input)?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// The same for a structure that is kept under some of its fields, which are not kept once more with the others.
macro_rules! packed_under {
    ($structure:ident { $($field:ident),* $(,)? } under { $($name:ident: $kind:ty),* $(,)? }) => {
        pub(super) fn pack(from: &$structure, out: &mut Vec<u8>) {
            let $structure { $($field,)* $($name: _),* } = from;
            $($field.pack(out);)*
        }

        pub(super) fn unpack(
            input: &mut Input<'_>,
            ($($name),*): ($($kind),*),
        ) -> Result<$structure, UnpackError> {
            $(let $field = Packed::unpack(input)?;)*
            Ok($structure { $($field,)* $($name),* })
        }
    };
}

macro_rules! packed_enum {
    ($name:ident { $($member:ident = $number:literal),* $(,)? }) => {
        impl Packed for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                out.push(match self {
                    $(Self::$member => $number,)*
                });
            }

            fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
                match input.byte()? {
                    $($number => Ok(Self::$member),)*
                    _ => Err(UnpackError::Unreadable(stringify!($name))),
                }
            }
        }

        #[cfg(test)]
        impl super::tests::Members for $name {
            const MEMBERS: &'static [(Self, u8)] = &[$((Self::$member, $number)),*];
        }
    };
}

macro_rules! packed_identities {
    ($($identity:ident),*) => {$(
        impl Packed for $identity {
            fn pack(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.uuid().as_bytes());
            }

            fn unpack(input: &mut Input<'_>) -> Result<Self, UnpackError> {
                let bytes = Uuid::from_slice(input.bytes(16)?);
                bytes.map(Self::from_uuid).map_err(|_| UnpackError::Unreadable("an identity"))
            }
        }
    )*};
}
