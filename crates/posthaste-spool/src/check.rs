//! Looking through a spool without changing it.

use std::{io, path::Path};

use crate::{
    cursor::Cursor,
    disk::{Disk, Folder},
    segment::{self, Flaws},
};

/// What a look through a spool found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Readable rows that wait.
    pub rows: u64,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// Reads every segment in `folder`, also beside the relay that writes to it. A folder that is not there is an empty spool.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn check(folder: &Path) -> io::Result<Checked> {
    let mut checked = Checked::default();
    if !folder.try_exists()? {
        return Ok(checked);
    }
    let disk = Folder(folder.to_owned());
    let cursor = Cursor::load(&disk);
    for (number, length) in segment::all(&disk)? {
        if number < cursor.segment {
            continue;
        }
        let from = if number == cursor.segment && cursor.place <= length { cursor.place } else { 0 };
        let part = match segment::read(&disk, number, from, length) {
            // The relay was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        checked.rows += part.rows.len() as u64;
        // What is cut is being written at this moment, or was never acknowledged.
        let Flaws { damaged_bytes, unknown_rows, .. } = part.flaws;
        if damaged_bytes > 0 {
            checked.problems.push(format!("{}: {damaged_bytes} bytes are damaged", segment::name(number)));
        }
        if unknown_rows > 0 {
            let name = segment::name(number);
            checked.problems.push(format!("{name}: {unknown_rows} rows are of a form that is not known"));
        }
    }
    for (name, length) in disk.list()? {
        if name.ends_with(".damaged") {
            checked.problems.push(format!(
                "{name}: was set aside with rows that cannot be read, {length} bytes in all; remove it once you have looked"
            ));
        }
    }
    Ok(checked)
}
