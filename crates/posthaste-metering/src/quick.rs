//! Hashing for tables that only the operator and the program fill: short names, looked for with every request.

use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a. Who chooses the keys of a table could make it slow, so that it is not for tables that clients fill; those who only
/// look for names in it cannot.
pub(crate) type QuickHash = BuildHasherDefault<Fnv>;

#[derive(Clone, Debug)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draft-eastlake-fnv, appendix C.
    #[test]
    fn it_hashes_as_published() {
        let hash = |text: &str| {
            let mut hasher = Fnv::default();
            hasher.write(text.as_bytes());
            hasher.finish()
        };
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
