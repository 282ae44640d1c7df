//! Workbooks: archives as they come, and good archives around XML as it comes, because the archive's checksums keep
//! changes of a whole file from the readers of its parts.
#![no_main]

#[path = "support/import.rs"]
mod support;

use std::io::{Cursor, Write};

use causebook_capture::Format;
use libfuzzer_sys::fuzz_target;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MAPPING: &str = "columns.input = ['*']\nconstants.model.name = 'm'";

/// The parts of a workbook of one sheet. The first byte of an input says which of them is the rest of it; one after the
/// last says that the whole file is.
const PARTS: [(&str, &str); 6] = [
    (
        "xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c></row>\
         <row r='2'><c r='A2' s='1'><v>45444.5</v></c><c r='B2' t='b'><v>1</v></c></row></sheetData></worksheet>",
    ),
    (
        "xl/sharedStrings.xml",
        "<sst uniqueCount='2'><si><t>a</t></si><si><r><t>b</t></r></si></sst>",
    ),
    (
        "xl/styles.xml",
        "<styleSheet><numFmts count='1'><numFmt numFmtId='164' formatCode='yyyy-mm-dd hh:mm'/></numFmts>\
         <cellXfs count='2'><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>",
    ),
    (
        "xl/workbook.xml",
        "<workbook xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><workbookPr date1904='0'/>\
         <sheets><sheet name='One' sheetId='1' r:id='r1'/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' \
         Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/>\
         </Relationships>",
    ),
    (
        "_rels/.rels",
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' \
         Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/>\
         </Relationships>",
    ),
];

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        let Some((way, data)) = data.split_first() else { return };
        let way = usize::from(*way) % (PARTS.len() + 1);
        let file = if way < PARTS.len() { archive(way, data) } else { data.to_vec() };
        support::import("book.xlsx", Format::Xlsx, MAPPING, &file);
    }
);

fn archive(replaced: usize, by: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (place, (name, text)) in PARTS.iter().enumerate() {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(*name, options).expect("in memory");
        let content = if place == replaced {
            by
        } else {
            text.as_bytes()
        };
        writer.write_all(content).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}
