use proptest::{collection::vec, prelude::*};

use super::*;

fn written(contents: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    contents.iter().for_each(|content| write(content, &mut bytes));
    bytes
}

/// Whole records, and how many bytes were damaged and cut.
fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, usize, usize) {
    let (mut whole, mut damaged, mut cut) = (Vec::new(), 0, 0);
    for found in Records::new(bytes) {
        match found {
            Found::Record(content) => whole.push(content.to_vec()),
            Found::Damaged(count) => damaged += count,
            Found::Cut(count) => cut += count,
        }
    }
    (whole, damaged, cut)
}

/// Contents as rows have them: text, of any length that matters.
fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec("[ -~äöü]{0,60}".prop_map(String::into_bytes), 1..8)
}

/// Which record a byte belongs to.
fn record_at(contents: &[Vec<u8>], at: usize) -> usize {
    let mut end = 0;
    contents
        .iter()
        .position(|content| {
            end += HEAD + content.len();
            at < end
        })
        .expect("the byte is in a record")
}

proptest! {
    #[test]
    fn a_cut_at_any_byte_leaves_a_prefix_of_whole_records(contents in contents()) {
        let bytes = written(&contents);
        for cut in 0..=bytes.len() {
            let (whole, damaged, left) = read(&bytes[..cut]);
            prop_assert!(contents.starts_with(&whole), "cut at {cut}");
            prop_assert_eq!(damaged, 0);
            let taken: usize = whole.iter().map(|content| HEAD + content.len()).sum();
            prop_assert_eq!(taken + left, cut);
            prop_assert!(whole.len() == contents.len() || cut < taken + HEAD + contents[whole.len()].len());
        }
    }

    #[test]
    fn a_flipped_bit_is_told_and_costs_its_own_record_only(contents in contents(), bit in 0_u8..8) {
        let bytes = written(&contents);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let (whole, damaged, cut) = read(&flipped);
            let mut left = contents.clone();
            left.remove(record_at(&contents, at));
            prop_assert_eq!(whole, left, "byte {}", at);
            prop_assert!(damaged + cut > 0);
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in vec(prop_oneof![Just(MARK[0]), Just(b'r'), any::<u8>()], 0..300)) {
        let (whole, damaged, cut) = read(&bytes);
        let taken: usize = whole.iter().map(|content| HEAD + content.len()).sum();
        prop_assert_eq!(taken + damaged + cut, bytes.len());
    }
}

#[test]
fn zeros_behind_the_last_record_are_a_cut() {
    let mut bytes = written(&[b"{}".to_vec()]);
    bytes.extend([0; 100]);
    assert_eq!(read(&bytes), (vec![b"{}".to_vec()], 0, 100));
}

#[test]
fn a_stretch_of_rubbish_costs_what_it_covers() {
    let contents: Vec<Vec<u8>> = (0..6).map(|number| format!("row {number}").into_bytes()).collect();
    let mut bytes = written(&contents);
    let length = HEAD + 5;
    bytes[length + 3..4 * length - 2].fill(0xa5);
    let (whole, damaged, cut) = read(&bytes);
    assert_eq!(whole, [&contents[..1], &contents[4..]].concat());
    assert_eq!((damaged, cut), (3 * length, 0));
}
