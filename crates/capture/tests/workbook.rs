//! Workbooks: one that another tool wrote, small ones made here, and broken ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{Cursor, Write};

use causebook_capture::{CaptureError, Format, Import, Mapping, Source, guess};
use proptest::prelude::*;
use support::{all_input, at, import, with};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const FIXTURE: &[u8] = include_bytes!("fixtures/workbook.xlsx");

#[test]
fn cells_keep_the_types_that_another_tool_gave_them() {
    let source = Source::from_bytes("workbook.xlsx", FIXTURE);
    let mapping = with(
        "read = { sheet = 'Decisions', skip = 4 }\ncolumns = { id = 'id', time = 'decided', input = ['*'] }",
    );
    let taken = import(&source, &mapping);
    let given: Vec<(usize, &str)> = taken
        .import
        .columns()
        .iter()
        .enumerate()
        .filter_map(|(place, column)| Some((place, column.given_name.as_deref()?)))
        .collect();
    assert_eq!(given, [(10, "note"), (11, "")]);
    assert_eq!(
        at(&taken.rows[0], "/input"),
        concat!(
            r#"{"amount":5000,"big":9007199254740992,"clock":"18:30:00","col_12":null,"day":"2024-06-01","#,
            r##""note":" blanks ","note_2":"a","ok":true,"rate":0.1,"reason":"#N/A","spent":"PT129600S"}"##
        )
    );
    assert_eq!(at(&taken.rows[0], "/time"), "\"2024-06-01T12:00:30\"");
    assert_eq!(at(&taken.rows[1], "/time"), "\"2024-06-02T00:00:00\"");
    let second = at(&taken.rows[1], "/input");
    for part in [
        r#""day":"1999-12-31""#,
        r#""spent":"PT90.5S""#,
        r#""rate":1e-7"#,
        r#""note":"0012""#,
        r#""ok":false"#,
    ] {
        assert!(second.contains(part), "{part} in {second}");
    }
    // Row 8 of the sheet is blank and no row; row 9 has a number whose digits are no longer sure.
    assert_eq!((taken.rejected[0].row, taken.rejected[0].line), (3, 9));
    assert!(taken.rejected[0].reason.to_string().contains("beyond 2^53"));
}

#[test]
fn the_sheets_are_named_in_a_proposal() {
    let source = Source::from_bytes("workbook.xlsx", FIXTURE);
    let proposal = guess(&source, &Mapping::default())
        .unwrap()
        .to_toml()
        .unwrap();
    assert!(
        proposal.contains("# the first of 2: Notes, Decisions\nsheet = \"Notes\"\n"),
        "{proposal}"
    );
    let error =
        Import::prepare(&source, &with("read.sheet = 'Decision'"), &mut |_| {}).unwrap_err();
    assert!(
        error.to_string().contains("there are Notes, Decisions"),
        "{error}"
    );
}

#[test]
fn words_declared_missing_are_missing() {
    let source = sheet(
        "<row r='1'><c r='A1' t='inlineStr'><is><t>a</t></is></c><c r='B1' t='inlineStr'><is><t>b</t></is></c></row>\
        <row r='2'><c r='A2' t='inlineStr'><is><t>NA</t></is></c><c r='B2'><v>1</v></c></row>",
    );
    let mapping = with("read = { missing = ['NA'], empty = 'omit' }\ncolumns.input = ['*']");
    assert_eq!(
        at(&import(&source, &mapping).rows[0], "/input"),
        "{\"b\":1}"
    );
}

#[test]
fn a_cell_outside_the_header_and_an_unknown_error_reject_their_rows_only() {
    let source = sheet(
        "<row r='1'><c r='A1' t='inlineStr'><is><t>a</t></is></c></row>\
         <row r='2'><c r='A2'><v>1</v></c><c r='C2'><v>2</v></c></row>\
         <row r='3'><c r='A3'><v>3</v></c></row>",
    );
    let taken = import(&source, &all_input());
    assert_eq!(taken.rows.len(), 1);
    assert_eq!(
        taken.rejected[0].reason.to_string(),
        "column \"C\": a value outside the columns of the header"
    );
    assert_eq!(taken.rejected[0].raw, b"[1]");
}

#[test]
fn a_sheet_without_a_header_is_named_by_position() {
    let source = sheet("<row r='2'><c r='B2'><v>1</v></c><c r='C2'><v>2</v></c></row>");
    let mapping = with("read.header = false\ncolumns.input = ['*']");
    assert_eq!(
        at(&import(&source, &mapping).rows[0], "/input"),
        r#"{"col_1":1,"col_2":2}"#
    );
}

#[test]
fn an_announced_count_of_texts_is_not_believed() {
    let strings = "<sst uniqueCount='18446744073709551615'><si><t>a</t></si></sst>";
    let source = book(
        "<row r='1'><c r='A1' t='s'><v>0</v></c></row>",
        Some(strings),
    );
    let error = Import::prepare(&source, &all_input(), &mut |_| {}).unwrap_err();
    assert!(
        error.to_string().contains("announces more texts"),
        "{error}"
    );
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    let strings = format!("<sst>{}</sst>", " ".repeat(257 << 20));
    let source = book("<row r='1'><c r='A1'><v>0</v></c></row>", Some(&strings));
    assert!(source.head().unwrap().len() < 1 << 20);
    let error = Import::prepare(&source, &all_input(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, CaptureError::Limit { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn damaged_workbooks_are_refused_or_read_but_never_end_the_program(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = FIXTURE.to_vec();
        for (place, byte) in damage {
            bytes[place.index(FIXTURE.len())] = byte;
        }
        if cut {
            bytes.truncate(keep.index(FIXTURE.len()));
        }
        read_all(bytes);
    }

    #[test]
    fn malformed_sheets_are_refused_or_read_but_never_end_the_program(
        reference in "[A-Z]{0,4}[0-9]{0,12}",
        dimension in "[A-Z]{0,3}[0-9]{0,8}:?[A-Z]{0,3}[0-9]{0,8}",
        kind in "(s|b|e|n|str|d|x)?",
        value in "[-0-9.eE#A-Z/!]{0,12}",
    ) {
        let rows = format!("<row><c r='{reference}' t='{kind}'><v>{value}</v></c></row><row><c><v>1</v></c></row>");
        let source = book_of(&format!("<dimension ref='{dimension}'/>"), &rows, None);
        let _ = read_through(&source);
    }
}

fn read_all(bytes: Vec<u8>) {
    let _ = read_through(&Source::from_bytes("x.xlsx", bytes));
}

fn read_through(source: &Source) -> Result<(), CaptureError> {
    let mut mapping = all_input();
    mapping.read.format = Some(Format::Xlsx);
    let import = Import::prepare(source, &mapping, &mut |_| {})?;
    import.run(0, &mut |_| std::ops::ControlFlow::Continue(()))?;
    Ok(())
}

/// A workbook with one sheet of these rows.
fn sheet(rows: &str) -> Source {
    book(rows, None)
}

fn book(rows: &str, strings: Option<&str>) -> Source {
    book_of("", rows, strings)
}

fn book_of(before: &str, rows: &str, strings: Option<&str>) -> Source {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut parts = vec![
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns='{package}'><Relationship Id='r1' Type='{office}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns:r='{office}'><sheets><sheet name='One' sheetId='1' r:id='r1'/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns='{package}'><Relationship Id='r1' Type='{office}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet>{before}<sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    if let Some(strings) = strings {
        parts.push(("xl/sharedStrings.xml", strings.to_owned()));
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    Source::from_bytes("book.xlsx", writer.finish().unwrap().into_inner())
}
