//! The bytes of a segment: a header, then frames.
//!
//! ```text
//! segment   "CBSPOOL1" | number u64
//! frame     length u32 | crc u32 | seq u64 | rows u32 | kind u8 | 0 0 0 | body
//! ```
//! Numbers are little-endian. The checksum is CRC-32C over everything in the frame but itself, the length included.

use crate::destination::{Parcel, ParcelKind};

/// What a segment begins with.
const MAGIC: &[u8; 8] = b"CBSPOOL1";
/// Bytes of it, and the segment's number.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 16;
/// Bytes of a frame before its body.
pub(crate) const FRAME_HEADER_BYTES: usize = 24;
/// Most bytes of a body.
pub(crate) const BODY_BYTES_MAX: usize = 256 << 20;

/// The first bytes of segment `number`.
pub(crate) fn segment_header(number: u64) -> [u8; 16] {
    let mut header = [0; 16];
    let (magic, rest) = header.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    rest.copy_from_slice(&number.to_le_bytes());
    header
}

/// Whether these bytes begin segment `number`.
pub(crate) fn is_segment(bytes: &[u8], number: u64) -> bool {
    bytes.get(..16) == Some(&segment_header(number)[..])
}

/// Writes a frame into `out`, which is emptied before. The body is what `fill` appends.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    kind: ParcelKind,
    seq: u64,
    rows: u32,
    fill: impl FnOnce(u64, &mut Vec<u8>),
) {
    out.clear();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
    out.extend_from_slice(&[kind_byte(kind), 0, 0, 0]);
    fill(seq, out);
    let length = (out.len() - FRAME_HEADER_BYTES) as u32;
    let (head, rest) = out.split_at_mut(8);
    let (length_bytes, crc_bytes) = head.split_at_mut(4);
    length_bytes.copy_from_slice(&length.to_le_bytes());
    crc_bytes.copy_from_slice(&checksum(length_bytes, rest).to_le_bytes());
}

fn checksum(length: &[u8], rest: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(length), rest)
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    /// A frame, and its length.
    Frame(Parcel<'a>, usize),
    /// The beginning of a frame of so many bytes, or of an unknown number (0).
    Part(usize),
    /// No frame.
    Damaged,
}

/// Reads a frame.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Some((header, _)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else {
        return Decoded::Part(0);
    };
    let length = u32_at(header, 0) as usize;
    if length > BODY_BYTES_MAX {
        return Decoded::Damaged;
    }
    let whole = FRAME_HEADER_BYTES + length;
    let Some(frame) = bytes.get(..whole) else {
        return Decoded::Part(whole);
    };
    let (length_bytes, rest) = frame.split_at(4);
    let (_, covered) = rest.split_at(4);
    let kind = kind_of(header[20]);
    let zeros = header[21..] == [0, 0, 0];
    match kind {
        Some(kind) if zeros && checksum(length_bytes, covered) == u32_at(header, 4) => {
            let (_, body) = frame.split_at(FRAME_HEADER_BYTES);
            let parcel = Parcel {
                kind,
                seq: u64::from(u32_at(header, 8)) | u64::from(u32_at(header, 12)) << 32,
                rows: u32_at(header, 16),
                body,
            };
            Decoded::Frame(parcel, whole)
        }
        _ => Decoded::Damaged,
    }
}

/// Where the first frame begins in some bytes.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(FRAME_HEADER_BYTES)?;
    (0..=last).find(|start| {
        let candidate = bytes.get(*start..).unwrap_or_default();
        // Cheap first: hashing at every byte of a long segment would take minutes.
        let plausible = candidate
            .get(20)
            .is_some_and(|kind| kind_of(*kind).is_some())
            && candidate.get(21..24) == Some(&[0, 0, 0]);
        plausible && matches!(decode(candidate), Decoded::Frame(..))
    })
}

fn u32_at(header: &[u8; FRAME_HEADER_BYTES], place: usize) -> u32 {
    let byte = |nth: usize| u32::from(header[place + nth]) << (8 * nth);
    byte(0) | byte(1) | byte(2) | byte(3)
}

fn kind_byte(kind: ParcelKind) -> u8 {
    match kind {
        ParcelKind::Record => 1,
        ParcelKind::Batch => 2,
        ParcelKind::Attachment => 3,
    }
}

fn kind_of(byte: u8) -> Option<ParcelKind> {
    Some(match byte {
        1 => ParcelKind::Record,
        2 => ParcelKind::Batch,
        3 => ParcelKind::Attachment,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut out = vec![7];
        encode(&mut out, ParcelKind::Record, 77, 1, |seq, out| {
            assert_eq!(seq, 77);
            out.extend_from_slice(body);
        });
        out
    }

    #[test]
    fn the_bytes_of_a_frame_are_what_the_format_says() {
        assert_eq!(
            frame(b"{}"),
            b"\x02\0\0\0\x85\x16\xd6\xeb\x4d\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0{}"
        );
        assert!(is_segment(b"CBSPOOL1\x03\0\0\0\0\0\0\0 and more", 3));
        assert!(!is_segment(b"CBSPOOL1\x03\0\0\0\0\0\0\0", 4));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(body: Vec<u8>, after: Vec<u8>) {
            let mut bytes = frame(&body);
            let length = bytes.len();
            bytes.extend_from_slice(&after);
            let parcel = Parcel { kind: ParcelKind::Record, seq: 77, rows: 1, body: &body };
            prop_assert_eq!(decode(&bytes), Decoded::Frame(parcel, length));
            prop_assert!(matches!(decode(&bytes[..length - 1]), Decoded::Part(_)));
        }

        #[test]
        fn a_changed_bit_is_seen(body: Vec<u8>, place: prop::sample::Index, bit in 0..8_u8) {
            let mut bytes = frame(&body);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(!matches!(decode(&bytes), Decoded::Frame(..)));
        }

        #[test]
        fn a_frame_is_found_behind_anything(before: Vec<u8>, body: Vec<u8>) {
            let mut bytes = before.clone();
            bytes.extend_from_slice(&frame(&body));
            prop_assert_eq!(find(&bytes), Some(before.len()));
        }

        #[test]
        fn other_bytes_are_no_frame(bytes: Vec<u8>) {
            prop_assert!(!matches!(decode(&bytes), Decoded::Frame(..)));
        }
    }
}
