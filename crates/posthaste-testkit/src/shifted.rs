//! The time of day of another process, which jumps.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    process::Command,
};

use tempfile::TempDir;

use crate::preload;

/// A library that, loaded before a program's own, moves its time of day while it runs; durations stay as they are. Linux only;
/// it is compiled with `cc` when the value is made.
#[derive(Debug)]
pub struct ShiftedClock {
    folder: TempDir,
    shift: File,
}

impl ShiftedClock {
    /// Compiles it. The clock is right at first.
    ///
    /// # Panics
    /// When there is no C compiler, which the program's own build needs as well.
    pub fn new() -> Self {
        let folder = preload::compile(include_str!("shifted/clock.c"));
        let path = folder.path().join("shift");
        fs::write(&path, 0_i64.to_ne_bytes()).expect("the folder is ours");
        let shift = OpenOptions::new().write(true).open(path).expect("the folder is ours");
        Self { folder, shift }
    }

    /// Puts it under a program.
    pub fn under<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", preload::library(&self.folder))
            .env("SHIFTED_CLOCK", self.folder.path().join("shift"))
    }

    /// From now on the time is so many seconds ahead of the machine's, or behind.
    ///
    /// # Panics
    /// When that cannot be told.
    pub fn shift(&self, seconds: i64) {
        self.shift.write_all_at(&seconds.to_ne_bytes(), 0).expect("the file is ours");
    }
}

impl Default for ShiftedClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn another_programs_time_of_day_is_moved() {
        let clock = ShiftedClock::new();
        let year = || {
            let output = clock.under(Command::new("date").args(["-u", "+%s"])).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<i64>().unwrap()
        };
        let now = year();
        clock.shift(-86_400);
        assert!((86_300..=86_400).contains(&(now - year())));
        clock.shift(3_600);
        assert!((3_600..3_700).contains(&(year() - now)));
    }
}
