//! What a section of the configuration is, and the macro that declares one.

use super::{reader::Reader, setting::Kind};

/// A section: a typed struct that can be read, shown and documented.
pub trait Section: Sized {
    /// What the reference says about it.
    const INFO: SectionInfo;

    /// Reads it. What could not be read, which the reader has noted, has its default.
    fn read(reader: &mut Reader<'_>) -> Self;

    /// Its keys with their values, secrets redacted.
    fn show(&self) -> Vec<Shown>;
}

/// What is known of a section before any value.
#[derive(Clone, Copy, Debug)]
pub struct SectionInfo {
    /// Its name in the file.
    pub name: &'static str,
    /// Sections that are alike but for their names are shown in the reference once, under this name.
    pub alike: Option<&'static str>,
    /// What it is for.
    pub doc: &'static [&'static str],
    /// Its keys.
    pub keys: &'static [KeyInfo],
}

/// What is known of a key before any value.
#[derive(Clone, Copy, Debug)]
pub struct KeyInfo {
    /// The section's name.
    pub section: &'static str,
    /// Its name in the section.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static [&'static str],
    /// The form of its values, for people.
    pub expected: &'static str,
    /// The kinds of TOML values that it takes.
    pub kinds: &'static [Kind],
    /// The default as one would write it; `None` when it is unset.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Whether it is taken from the environment only.
    pub env_only: bool,
}

impl KeyInfo {
    /// `section.key`
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The section's name.
    pub section: &'static str,
    /// The key's name.
    pub key: &'static str,
    /// The value as one would write it in the file; `None` when it is unset.
    pub value: Option<String>,
}

/// Declares a section: a struct whose doc comments are also its documentation, each field with its default in the form
/// that the file takes, or `unset`.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $name:literal $(in $alike:literal)? => $section:ident {
            $( $(#[doc = $key_doc:literal])* $key:ident: $type:ty = $default:tt, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $section {
            $( $(#[doc = $key_doc])* pub $key: $type, )*
        }

        impl $crate::config::Section for $section {
            const INFO: $crate::config::SectionInfo = $crate::config::SectionInfo {
                name: $name,
                alike: $crate::config::section::alike!($($alike)?),
                doc: &[$($doc),*],
                keys: &[$(
                    $crate::config::KeyInfo {
                        section: $name,
                        name: stringify!($key),
                        doc: &[$($key_doc),*],
                        expected: <$type as $crate::config::Setting>::EXPECTED,
                        kinds: <$type as $crate::config::Setting>::KINDS,
                        default: $crate::config::section::default_text!($default),
                        secret: <$type as $crate::config::Setting>::SECRET,
                        env_only: <$type as $crate::config::Setting>::ENV_ONLY,
                    },
                )*],
            };

            fn read(reader: &mut $crate::config::reader::Reader<'_>) -> Self {
                let mut keys = Self::INFO.keys.iter();
                $( let $key = reader.key(keys.next().expect("each field has its key")); )*
                Self { $( $key, )* }
            }

            fn show(&self) -> Vec<$crate::config::Shown> {
                vec![$(
                    $crate::config::Shown {
                        section: $name,
                        key: stringify!($key),
                        value: $crate::config::Setting::show(&self.$key),
                    },
                )*]
            }
        }
    };
}

macro_rules! default_text {
    (unset) => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

macro_rules! alike {
    () => {
        None
    };
    ($name:literal) => {
        Some($name)
    };
}

/// Declares a setting that takes one of a few names.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        $choice:ident {
            $first:ident = $first_name:literal: $first_doc:literal
            $(, $member:ident = $name:literal: $member_doc:literal)* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $choice {
            #[doc = $first_doc]
            $first,
            $(
                #[doc = $member_doc]
                $member,
            )*
        }

        impl $choice {
            /// The name that the file uses.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $( Self::$member => $name, )*
                }
            }
        }

        impl $crate::config::Setting for $choice {
            const EXPECTED: &'static str = concat!("`", $first_name, "`", $( " or `", $name, "`" ),*);

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $first_name => Some(Self::$first),
                    $( $name => Some(Self::$member), )*
                    _ => None,
                }
            }

            fn show(&self) -> Option<String> {
                Some(format!("{:?}", self.as_str()))
            }
        }
    };
}

pub(crate) use {alike, choice, default_text, section};
