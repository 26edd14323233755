//! Vectors for texts: the same text has the same vector, and that is all that they mean.

use sha2::{Digest, Sha256};

/// A vector of length one.
pub(crate) fn of(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector: Vec<f32> = Vec::with_capacity(dimensions);
    let mut block = 0_u32;
    while vector.len() < dimensions {
        let digest = Sha256::new().chain_update(block.to_be_bytes()).chain_update(text).finalize();
        let left = dimensions - vector.len();
        vector.extend(digest.iter().take(left).map(|byte| f32::from(*byte) - MIDDLE));
        block += 1;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter().map(|value| value / length).collect()
}

/// No byte is this, so that no vector is zero.
const MIDDLE: f32 = 127.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_length_one_and_depend_on_the_text() {
        let vector = of("a", 100);
        assert_eq!(vector.len(), 100);
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
        assert_eq!(vector, of("a", 100));
        assert_ne!(vector, of("b", 100));
    }
}
