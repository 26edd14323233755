//! Tables for spreadsheets.

use csv::Writer;

use crate::AdminError;

/// Comma-separated values whose cells no spreadsheet takes for formulas: names are what somebody else wrote, and a formula can
/// send the table away or start programs where it is opened. As OWASP advises, what would begin one gets an apostrophe before it:
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
pub(crate) struct Table {
    writer: Writer<Vec<u8>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Result<Self, AdminError> {
        let mut table = Self { writer: Writer::from_writer(Vec::new()) };
        table.row(head)?;
        Ok(table)
    }

    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: &[T]) -> Result<(), AdminError> {
        let harmless = cells.iter().map(|cell| harmless(cell.as_ref()));
        self.writer.write_record(harmless).map_err(|error| AdminError::internal("a table", error))
    }

    pub(crate) fn text(self) -> Result<String, AdminError> {
        let bytes =
            self.writer.into_inner().map_err(|error| AdminError::internal("a table", error.into_error()))?;
        String::from_utf8(bytes).map_err(|error| AdminError::internal("a table", error))
    }
}

fn harmless(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        let mut table = Table::new(&["name"]).unwrap();
        let odd = [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "=HYPERLINK(\"http://evil.example\",\"x\")",
        ];
        for cell in odd {
            table.row(&[cell]).unwrap();
        }
        let text = table.text().unwrap();
        let cells: Vec<String> = csv::Reader::from_reader(text.as_bytes())
            .records()
            .map(|record| record.unwrap()[0].to_owned())
            .collect();
        let expected: Vec<String> = odd.iter().map(|cell| format!("'{cell}")).collect();
        assert_eq!(cells, expected);
    }

    #[test]
    fn other_cells_are_as_they_were() {
        let mut table = Table::new(&["name", "tags"]).unwrap();
        let cells = ["a, \"b\"\nc", "ü=1"];
        table.row(&cells).unwrap();
        let text = table.text().unwrap();
        let record = csv::Reader::from_reader(text.as_bytes()).records().next().unwrap().unwrap();
        assert_eq!(record.iter().collect::<Vec<_>>(), cells);
    }
}
