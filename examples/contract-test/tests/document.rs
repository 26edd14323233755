//! The code that `docs/EMBEDDING.md` shows is the examples' own.

use std::{fs, path::Path};

/// Stands before a block of code, with the file that it is of.
const MARK: &str = "<!-- from ";

#[test]
fn what_is_shown_stands_in_the_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/EMBEDDING.md")).unwrap();
    let blocks: Vec<_> = page.split(MARK).skip(1).collect();
    assert_eq!(blocks.len(), page.matches("```rust").count(), "each block of code names its file");
    for block in blocks {
        let (file, rest) = block.split_once(" -->\n\n```rust\n").expect("the file's name, and then the code");
        let code = rest.split("```").next().unwrap();
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(code), "{file} has no such lines:\n{code}");
    }
}
