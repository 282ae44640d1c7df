//! Reads frames from a segment, some at a time.

use std::io;

use crate::destination::Parcel;
use crate::frame::{self, Decoded, SEGMENT_HEADER_BYTES};
use crate::segment::Segment;

/// Bytes read at a time, unless one frame has more.
const READ_BYTES: usize = 4 << 20;
/// Parcels delivered at a time. A server answers each line of a batch before it reads on.
const PARCELS_MAX: usize = 500;

/// How far a segment is delivered.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) offset: u64,
    /// Something in the segment could not be read.
    pub(crate) spoilt: bool,
    buffer: Vec<u8>,
}

/// Where reading ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// There may be more.
    Open,
    /// What follows is the beginning of a frame, as a write leaves it that was not finished; so many bytes.
    Torn(u64),
    /// What follows is no frame.
    Damaged,
}

/// Parcels, each with the offset at which it ends.
pub(crate) struct Read<'a> {
    pub(crate) parcels: Vec<Parcel<'a>>,
    pub(crate) ends: Vec<u64>,
    pub(crate) end: End,
}

impl Default for Cursor {
    fn default() -> Cursor {
        Cursor {
            offset: SEGMENT_HEADER_BYTES,
            spoilt: false,
            buffer: Vec::new(),
        }
    }
}

impl Cursor {
    /// Goes on with another segment.
    pub(crate) fn begin(&mut self) {
        self.offset = SEGMENT_HEADER_BYTES;
        self.spoilt = false;
    }

    /// Passes over what is no frame: to the next one, or to the end.
    pub(crate) fn pass_over(&mut self, segment: &Segment) -> io::Result<()> {
        self.spoilt = true;
        let left = segment.written.saturating_sub(self.offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX);
        segment.place.read(self.offset, length, &mut self.buffer)?;
        self.offset = match frame::find(self.buffer.get(1..).unwrap_or_default()) {
            Some(place) => self.offset + 1 + place as u64,
            None => segment.written,
        };
        Ok(())
    }

    /// Reads what comes next in `segment`.
    pub(crate) fn read(&mut self, segment: &Segment) -> io::Result<Read<'_>> {
        let available = segment.written.saturating_sub(self.offset);
        let mut length = usize::try_from(available)
            .unwrap_or(READ_BYTES)
            .min(READ_BYTES);
        loop {
            segment.place.read(self.offset, length, &mut self.buffer)?;
            match frame::decode(&self.buffer) {
                Decoded::Part(whole) if whole > length && whole as u64 <= available => {
                    length = whole;
                }
                _ => break,
            }
        }
        // The room that one large frame took is not kept for ever.
        if length <= READ_BYTES && self.buffer.capacity() > 4 * READ_BYTES {
            self.buffer.shrink_to(READ_BYTES);
        }
        let mut some = Read {
            parcels: Vec::new(),
            ends: Vec::new(),
            end: End::Open,
        };
        let mut used = 0;
        while some.parcels.len() < PARCELS_MAX {
            let rest = self.buffer.get(used..).unwrap_or_default();
            let left = available - used as u64;
            match frame::decode(rest) {
                Decoded::Frame(parcel, bytes) => {
                    used += bytes;
                    some.parcels.push(parcel);
                    some.ends.push(self.offset + used as u64);
                }
                Decoded::Part(whole) if whole as u64 <= left && left > rest.len() as u64 => break,
                Decoded::Part(_) => {
                    if left > 0 {
                        some.end = End::Torn(left);
                    }
                    break;
                }
                Decoded::Damaged => {
                    some.end = End::Damaged;
                    break;
                }
            }
        }
        Ok(some)
    }
}
