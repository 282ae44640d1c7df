//! The bytes of a write-ahead segment: a header, then frames, then zeros up to the size reserved.
//!
//! ```text
//! header (128 bytes, little endian)            frame (24-byte header, body, padding to 8 bytes)
//!   0  magic "CBKWAL\r\n"                        0  u32 length of the body, never 0
//!   8  u32 format                                4  u32 CRC-32C of bytes 8..24+length and the length
//!  12  u32 shard                                 8  u64 index of the record
//!  16  u64 epoch                                16  u64 first index of its commit group
//!  24  u64 index of the first frame             24  body: digest (32), opening key (16), canonical text
//!  32  root of the tree before that index (32)
//! 124  u32 CRC-32C of bytes 0..124
//! ```
//!
//! The checksum covers position, length and body together, so that a frame that is whole but in the wrong place is
//! not taken for good. A commit group is what one write and one sync made durable: a bad frame can only be a torn
//! write if nothing after it belongs to a later group, since a later group is written only once the earlier is synced.
//! The checksum guards against accidents; tampering is what the tree is for.

use causebook_record::{Digest, OpeningKey, Sealed};
use causebook_tlog::Hash;

pub(crate) const HEADER_BYTES: usize = 128;
const FRAME_HEADER_BYTES: usize = 24;
const ALIGNMENT: usize = 8;
const MAGIC: &[u8; 8] = b"CBKWAL\r\n";
pub(crate) const FORMAT: u32 = 1;
/// Digest and opening key before the text.
const BODY_PREFIX_BYTES: usize = 48;
/// No body is longer: the prefix and the longest canonical text.
const BODY_BYTES_MAX: usize = BODY_PREFIX_BYTES + causebook_record::RECORD_BYTES_MAX;

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) shard: u32,
    pub(crate) epoch: u64,
    pub(crate) first_index: u64,
    pub(crate) root_before: Hash,
}

/// Why a header was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    NotASegment,
    Newer(u32),
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.shard.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.first_index.to_le_bytes());
        bytes.extend_from_slice(&self.root_before.0);
        bytes.resize(HEADER_BYTES - 4, 0);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let header = bytes.get(..HEADER_BYTES).ok_or(HeaderFault::NotASegment)?;
        let (covered, checksum) = header.split_at(HEADER_BYTES - 4);
        if !covered.starts_with(MAGIC) || checksum != crc32c::crc32c(covered).to_le_bytes() {
            return Err(HeaderFault::NotASegment);
        }
        let format = u32_at(header, 8).ok_or(HeaderFault::NotASegment)?;
        if format != FORMAT {
            return Err(HeaderFault::Newer(format));
        }
        let field = |at| u64_at(header, at).ok_or(HeaderFault::NotASegment);
        Ok(Self {
            shard: u32_at(header, 12).ok_or(HeaderFault::NotASegment)?,
            epoch: field(16)?,
            first_index: field(24)?,
            root_before: Hash(array_at(header, 32).ok_or(HeaderFault::NotASegment)?),
        })
    }
}

/// Bytes that a record of `text_len` bytes takes in a segment.
pub(crate) fn frame_bytes(text_len: usize) -> usize {
    (FRAME_HEADER_BYTES + BODY_PREFIX_BYTES + text_len).next_multiple_of(ALIGNMENT)
}

/// What a frame says of its body: enough to tell later, from another copy of the record, that it is the one that was
/// written and synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameSeal {
    group_first: u64,
    checksum: u32,
}

impl FrameSeal {
    /// Whether a record is, byte for byte, that of the frame at `index`.
    pub(crate) fn fits(self, index: u64, digest: &Digest, key: &OpeningKey, text: &str) -> bool {
        let length = (BODY_PREFIX_BYTES + text.len()) as u32;
        let parts: [&[u8]; 5] = [
            &index.to_le_bytes(),
            &self.group_first.to_le_bytes(),
            &digest.0,
            &key.0,
            text.as_bytes(),
        ];
        let length = crc32c::crc32c(&length.to_le_bytes());
        let checksum = parts.into_iter().fold(length, crc32c::crc32c_append);
        checksum == self.checksum
    }
}

/// Appends the frame of a record to a commit group.
pub(crate) fn push_frame(
    group: &mut Vec<u8>,
    index: u64,
    group_first: u64,
    sealed: &Sealed,
) -> FrameSeal {
    let start = group.len();
    let length = (BODY_PREFIX_BYTES + sealed.text.len()) as u32;
    group.extend_from_slice(&length.to_le_bytes());
    group.extend_from_slice(&[0; 4]);
    group.extend_from_slice(&index.to_le_bytes());
    group.extend_from_slice(&group_first.to_le_bytes());
    group.extend_from_slice(&sealed.digest.0);
    group.extend_from_slice(&sealed.key.0);
    group.extend_from_slice(sealed.text.as_bytes());
    let checksum = group
        .get(start + 8..)
        .map_or(0, |covered| frame_checksum(length, covered));
    if let Some(place) = group.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
    group.resize(start + frame_bytes(sealed.text.len()), 0);
    FrameSeal {
        group_first,
        checksum,
    }
}

fn frame_checksum(length: u32, covered: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), covered)
}

/// A frame read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) index: u64,
    pub(crate) seal: FrameSeal,
    pub(crate) digest: Digest,
    pub(crate) key: OpeningKey,
    pub(crate) text: &'a str,
    /// Bytes it takes, padding included.
    pub(crate) size: usize,
}

fn decode_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let length = u32_at(bytes, 0)?;
    let body_len = length as usize;
    if !(BODY_PREFIX_BYTES..=BODY_BYTES_MAX).contains(&body_len) {
        return None;
    }
    let covered = bytes.get(8..FRAME_HEADER_BYTES + body_len)?;
    let checksum = u32_at(bytes, 4)?;
    if checksum != frame_checksum(length, covered) {
        return None;
    }
    let index = u64_at(bytes, 8)?;
    // A ledger that held it would have one record more than a u64 counts.
    if index == u64::MAX {
        return None;
    }
    let text = bytes.get(FRAME_HEADER_BYTES + BODY_PREFIX_BYTES..FRAME_HEADER_BYTES + body_len)?;
    Some(Frame {
        index,
        seal: FrameSeal {
            group_first: u64_at(bytes, 16)?,
            checksum,
        },
        digest: Digest(array_at(bytes, FRAME_HEADER_BYTES)?),
        key: OpeningKey(array_at(bytes, FRAME_HEADER_BYTES + 32)?),
        text: std::str::from_utf8(text).ok()?,
        size: frame_bytes(text.len()),
    })
}

/// How the frames of a segment end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Zeros, or the end of the file, right after the last frame.
    Clean,
    /// A write that was never acknowledged was cut off at this offset.
    Torn { offset: usize },
    /// A frame at this offset is bad although a later group was written after it: it was once whole and synced.
    Damaged { offset: usize },
}

/// Visits the frames of a segment from its first, whose index must be `first_index`, and tells how they end.
///
/// `bytes` is the whole file, header included.
pub(crate) fn read_frames<'a>(
    bytes: &'a [u8],
    first_index: u64,
    visit: &mut dyn FnMut(Frame<'a>),
) -> End {
    let mut offset = HEADER_BYTES;
    let mut expected = first_index;
    loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        match decode_frame(rest) {
            Some(frame) if frame.index == expected => {
                offset += frame.size;
                expected += 1;
                visit(frame);
            }
            _ if rest.iter().all(|byte| *byte == 0) => return End::Clean,
            _ => return judge_bad_frame(bytes, offset, expected),
        }
    }
}

/// Whether the bad frame at `offset`, where index `expected` should be, can be a torn write.
fn judge_bad_frame(bytes: &[u8], offset: usize, expected: u64) -> End {
    let mut at = offset + ALIGNMENT;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match decode_frame(rest) {
            Some(frame) if frame.seal.group_first > expected => return End::Damaged { offset },
            Some(frame) => at += frame.size,
            None => at += ALIGNMENT,
        }
    }
    End::Torn { offset }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> Sealed {
        Sealed {
            text: text.to_owned(),
            key: OpeningKey([7; 16]),
            digest: Digest([9; 32]),
        }
    }

    /// Three groups: records 5 and 6, then 7, then 8 and 9; zeros behind.
    fn segment() -> (Vec<u8>, Vec<usize>) {
        let header = Header {
            shard: 0,
            epoch: 1,
            first_index: 5,
            root_before: Hash([1; 32]),
        };
        let mut bytes = header.encode().to_vec();
        let mut offsets = Vec::new();
        for (index, group_first) in [(5, 5), (6, 5), (7, 7), (8, 8), (9, 8)] {
            offsets.push(bytes.len());
            push_frame(
                &mut bytes,
                index,
                group_first,
                &sealed(&format!("{{\"id\":\"{index}\"}}")),
            );
        }
        bytes.resize(bytes.len() + 4096, 0);
        (bytes, offsets)
    }

    fn read(bytes: &[u8]) -> (Vec<u64>, End) {
        let mut indexes = Vec::new();
        let end = read_frames(bytes, 5, &mut |frame| indexes.push(frame.index));
        (indexes, end)
    }

    #[test]
    fn a_header_comes_back_and_any_changed_byte_is_refused() {
        let header = Header {
            shard: 3,
            epoch: 8,
            first_index: 99,
            root_before: Hash([4; 32]),
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for at in 0..HEADER_BYTES {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert!(Header::decode(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn frames_come_back_in_order_and_end_clean() {
        let (bytes, _) = segment();
        assert_eq!(read(&bytes), (vec![5, 6, 7, 8, 9], End::Clean));
    }

    #[test]
    fn a_bad_frame_in_the_last_group_is_a_torn_write() {
        let (mut bytes, offsets) = segment();
        bytes[offsets[3] + 30] ^= 1;
        assert_eq!(
            read(&bytes),
            (vec![5, 6, 7], End::Torn { offset: offsets[3] })
        );
    }

    #[test]
    fn a_bad_frame_before_a_later_group_is_damage() {
        for broken in 0..3 {
            let (mut bytes, offsets) = segment();
            bytes[offsets[broken] + 1] ^= 1;
            assert_eq!(
                read(&bytes).1,
                End::Damaged {
                    offset: offsets[broken]
                },
                "frame {broken}"
            );
        }
    }

    #[test]
    fn a_whole_frame_in_the_wrong_place_is_not_accepted() {
        let (mut bytes, offsets) = segment();
        let copy = bytes[offsets[0]..offsets[1]].to_vec();
        bytes[offsets[1]..offsets[2]].copy_from_slice(&copy);
        assert_eq!(read(&bytes).1, End::Damaged { offset: offsets[1] });
    }

    #[test]
    fn a_segment_cut_anywhere_in_its_last_group_ends_torn_or_clean() {
        let (bytes, offsets) = segment();
        for cut in offsets[3]..bytes.len() {
            let (indexes, end) = read(&bytes[..cut]);
            assert!(indexes.len() >= 3, "cut at {cut}");
            assert!(!matches!(end, End::Damaged { .. }), "cut at {cut}");
        }
    }
}
