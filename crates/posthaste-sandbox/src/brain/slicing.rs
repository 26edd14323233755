//! Text in pieces, as streams deliver it.

/// Pieces of a few words, each with the blank before it.
pub(crate) fn words(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let blanks = rest.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
        let (piece, behind) =
            rest.split_at(blanks.into_iter().nth(WORDS_PER_PIECE - 1).unwrap_or(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Pieces of a few bytes, cut without regard to the JSON.
pub(crate) fn slices(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(BYTES_PER_SLICE));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

const WORDS_PER_PIECE: usize = 3;
const BYTES_PER_SLICE: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        for text in ["", "a", " a  b ", "one two three four five", "ä ö ü ß “x”", "    "] {
            assert_eq!(words(text).concat(), text);
            assert_eq!(slices(text).concat(), text);
        }
        assert_eq!(words("one two three four five"), ["one two three", " four five"]);
    }
}
