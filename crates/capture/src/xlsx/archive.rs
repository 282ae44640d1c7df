//! The archive that a workbook is, looked at before the reader of the format opens it, so that a small file cannot ask
//! for a lot of memory.

use std::io::{BufReader, Read};

use crate::{CaptureError, Source};

/// Looks at the archive before the format's reader does, which holds all parts but the sheets in memory and reserves
/// as much as they announce.
pub(super) fn check_archive(source: &Source) -> Result<(), CaptureError> {
    let broken =
        |error: zip::result::ZipError| source.broken(1, format!("not a workbook: {error}"));
    let mut archive = zip::ZipArchive::new(BufReader::new(source.open()?)).map_err(broken)?;
    let limit = |what, found, limit| CaptureError::Limit {
        name: source.name().to_owned(),
        what,
        found,
        limit,
    };
    if archive.len() > ARCHIVE_PARTS_MAX {
        return Err(limit(
            "parts of a workbook",
            archive.len() as u64,
            ARCHIVE_PARTS_MAX as u64,
        ));
    }
    let mut bytes = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(broken)?;
        let name = part.name().map_err(broken)?.to_ascii_lowercase();
        let is_held = matches!(name.rsplit('.').next(), Some("xml" | "rels"))
            && !name.contains("worksheets/");
        if !is_held {
            continue;
        }
        let mut head = Vec::new();
        let io = |error| source.io(error);
        part.by_ref()
            .take(4_096)
            .read_to_end(&mut head)
            .map_err(io)?;
        let room = HELD_BYTES_MAX + 1;
        let rest = std::io::copy(&mut part.take(room), &mut std::io::sink()).map_err(io)?;
        let part_bytes = head.len() as u64 + rest;
        bytes += part_bytes;
        if bytes > HELD_BYTES_MAX {
            return Err(limit("bytes of texts and styles", bytes, HELD_BYTES_MAX));
        }
        if announced_count(&head) > part_bytes {
            return Err(source.broken(1, "it announces more texts than it has"));
        }
    }
    Ok(())
}

/// The number in `uniqueCount="..."`, by which memory is reserved.
fn announced_count(head: &[u8]) -> u64 {
    let head = String::from_utf8_lossy(head);
    let Some((_, after)) = head.split_once("uniqueCount") else {
        return 0;
    };
    let digits: String = after
        .chars()
        .skip_while(|character| !character.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(u64::MAX)
}
const ARCHIVE_PARTS_MAX: usize = 10_000;
const HELD_BYTES_MAX: u64 = 256 << 20;
