//! Segments of the write-ahead log taken apart and put together again by somebody who knows the format: checksums are
//! right afterwards. Written from `docs/storage.md`, not with the engine's own code.

use causebook_record::{OpeningKey, Stored};
use causebook_torture::Failure;

const HEADER_BYTES: usize = 128;
const FRAME_HEADER_BYTES: usize = 24;
const DIGEST_BYTES: usize = 32;
const KEY_BYTES: usize = 16;

/// A record in a segment.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) index: u64,
    pub(crate) group_first: u64,
    pub(crate) digest: [u8; DIGEST_BYTES],
    pub(crate) key: [u8; KEY_BYTES],
    pub(crate) text: String,
}

/// A segment taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    header: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
}

impl Segment {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let header = bytes.get(..HEADER_BYTES).ok_or("no segment header")?;
        let mut frames = Vec::new();
        let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
        while let Some(length) = number::<4>(rest, 0).map(u32::from_le_bytes) {
            if length == 0 {
                break;
            }
            let end = FRAME_HEADER_BYTES + length as usize;
            let (text_at, short) = (FRAME_HEADER_BYTES + DIGEST_BYTES + KEY_BYTES, "a cut frame");
            let text = rest.get(text_at..end).ok_or(short)?;
            frames.push(Frame {
                index: number::<8>(rest, 8).map(u64::from_le_bytes).ok_or(short)?,
                group_first: number::<8>(rest, 16).map(u64::from_le_bytes).ok_or(short)?,
                digest: number(rest, FRAME_HEADER_BYTES).ok_or(short)?,
                key: number(rest, FRAME_HEADER_BYTES + DIGEST_BYTES).ok_or(short)?,
                text: String::from_utf8(text.to_vec())?,
            });
            rest = rest.get(end.next_multiple_of(8)..).unwrap_or_default();
        }
        Ok(Self {
            header: header.to_vec(),
            frames,
        })
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        for frame in &self.frames {
            frame.write(&mut bytes);
        }
        bytes
    }

    /// Gives the frames the positions they have now, each a commit group of its own.
    pub(crate) fn renumber(&mut self) {
        let first = self.frames.iter().map(|frame| frame.index).min();
        for (place, frame) in self.frames.iter_mut().enumerate() {
            frame.index = first.unwrap_or(0) + place as u64;
            frame.group_first = frame.index;
        }
    }
}

impl Frame {
    /// Makes the digest that of the text, as a careful forger would.
    pub(crate) fn seal(&mut self) -> Result<(), Failure> {
        let stored = Stored::Whole {
            text: self.text.clone(),
            key: OpeningKey(self.key),
        };
        if let Some(digest) = stored.digest()? {
            self.digest = digest.0;
        }
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let length = (DIGEST_BYTES + KEY_BYTES + self.text.len()) as u32;
        let mut covered = Vec::new();
        covered.extend_from_slice(&self.index.to_le_bytes());
        covered.extend_from_slice(&self.group_first.to_le_bytes());
        covered.extend_from_slice(&self.digest);
        covered.extend_from_slice(&self.key);
        covered.extend_from_slice(self.text.as_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), &covered);
        let start = bytes.len();
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(&covered);
        let size = bytes.len() - start;
        bytes.resize(start + size.next_multiple_of(8), 0);
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
