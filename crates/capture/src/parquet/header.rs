//! The header of a page, as far as it says what reading the page takes: Thrift's compact protocol, read strictly.
//!
//! The Parquet reader keeps its own reading of headers to itself, and it takes a known field for what the format says,
//! whatever type the field announces. So that both readings are of the same bytes, a header is refused here whose
//! fields are not in order or not of the format's types.

use std::io::{Error, ErrorKind, Read, Result};

/// What a page announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// Bytes of the header itself.
    pub(super) header_bytes: u64,
    /// Bytes of the page in the file.
    pub(super) stored_bytes: u64,
    /// Bytes of the page once it is unpacked.
    pub(super) unpacked_bytes: u64,
    pub(super) is_dictionary: bool,
    /// Values may be said by what they share with the one before.
    pub(super) shares_prefixes: bool,
    /// Bytes before the packed part.
    pub(super) level_bytes: u64,
    pub(super) is_packed: bool,
}

impl PageHeader {
    /// Reads a header.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] if it is none, [`ErrorKind::UnexpectedEof`] if it is cut off, or the input's own.
    pub(super) fn read(input: &mut dyn Read) -> Result<Self> {
        let mut header = Self {
            is_packed: true,
            ..Self::default()
        };
        let mut input = Compact {
            input,
            bytes_read: 0,
        };
        let mut sizes = 0;
        input.fields(&mut |input, id, kind| match id {
            TYPE => {
                header.is_dictionary = input.size(kind)? == DICTIONARY_PAGE;
                Ok(())
            }
            UNPACKED_BYTES | STORED_BYTES => {
                sizes += 1;
                let size = input.size(kind)?;
                if id == UNPACKED_BYTES {
                    header.unpacked_bytes = size;
                } else {
                    header.stored_bytes = size;
                }
                Ok(())
            }
            CHECKSUM => input.number(kind).map(drop),
            DATA => header.read_data(input, kind),
            DICTIONARY => read_dictionary(input, kind),
            DATA_V2 => header.read_data_v2(input, kind),
            _ => input.skip(kind, DEPTH_MAX),
        })?;
        if sizes < 2 {
            return Err(broken("a page does not say how large it is"));
        }
        header.header_bytes = input.bytes_read;
        Ok(header)
    }

    fn read_data(&mut self, input: &mut Compact<'_>, kind: u8) -> Result<()> {
        of_kind(kind, STRUCT)?;
        input.fields(&mut |input, id, kind| match id {
            1 | 3 | 4 => input.number(kind).map(drop),
            2 => {
                self.shares_prefixes |= input.number(kind)? == DELTA_BYTE_ARRAY;
                Ok(())
            }
            _ => input.skip(kind, DEPTH_MAX),
        })
    }

    fn read_data_v2(&mut self, input: &mut Compact<'_>, kind: u8) -> Result<()> {
        of_kind(kind, STRUCT)?;
        input.fields(&mut |input, id, kind| match id {
            1..=3 => input.number(kind).map(drop),
            4 => {
                self.shares_prefixes |= input.number(kind)? == DELTA_BYTE_ARRAY;
                Ok(())
            }
            5 | 6 => {
                self.level_bytes += input.size(kind)?;
                Ok(())
            }
            7 => {
                self.is_packed = boolean(kind)?;
                Ok(())
            }
            _ => input.skip(kind, DEPTH_MAX),
        })
    }
}

fn read_dictionary(input: &mut Compact<'_>, kind: u8) -> Result<()> {
    of_kind(kind, STRUCT)?;
    input.fields(&mut |input, id, kind| match id {
        1 | 2 => input.number(kind).map(drop),
        3 => boolean(kind).map(drop),
        _ => input.skip(kind, DEPTH_MAX),
    })
}

/// Thrift's compact protocol, counted.
struct Compact<'a> {
    input: &'a mut dyn Read,
    bytes_read: u64,
}

type Field<'f> = dyn FnMut(&mut Compact<'_>, i16, u8) -> Result<()> + 'f;

impl Compact<'_> {
    /// Reads the fields of a structure, whose numbers rise, to its end.
    fn fields(&mut self, each: &mut Field<'_>) -> Result<()> {
        let mut last = 0_i16;
        loop {
            let byte = self.byte()?;
            let kind = byte & 0x0f;
            if kind == STOP {
                return Ok(());
            }
            let id = match i16::from(byte >> 4) {
                0 => i16::try_from(signed(self.varint()?)).ok(),
                delta => last.checked_add(delta),
            };
            last = id
                .filter(|id| *id > last)
                .ok_or_else(|| broken("the fields of a page header are out of order"))?;
            each(self, last, kind)?;
        }
    }

    fn number(&mut self, kind: u8) -> Result<i32> {
        of_kind(kind, I32)?;
        let number = signed(self.varint()?);
        i32::try_from(number).map_err(|_| broken("a number of a page header is too large"))
    }

    fn size(&mut self, kind: u8) -> Result<u64> {
        let number = self.number(kind)?;
        u64::try_from(number).map_err(|_| broken("a size in a page header is negative"))
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..VARINT_BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(broken("a number of a page header does not end"))
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        self.bytes_read += 1;
        Ok(byte[0])
    }

    /// Passes over a field by the type that it announces, which is how the Parquet reader passes over it too.
    fn skip(&mut self, kind: u8, depth: u8) -> Result<()> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            STRUCT if depth > 0 => self.fields(&mut |input, _, kind| input.skip(kind, depth - 1)),
            _ => Err(broken("a page header holds what no page header holds")),
        }
    }

    fn pass(&mut self, bytes: u64) -> Result<()> {
        let passed = std::io::copy(&mut (&mut *self.input).take(bytes), &mut std::io::sink())?;
        self.bytes_read += passed;
        if passed == bytes {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}

fn of_kind(kind: u8, wanted: u8) -> Result<()> {
    if kind == wanted {
        Ok(())
    } else {
        Err(broken("a field of a page header is of another type"))
    }
}

fn boolean(kind: u8) -> Result<bool> {
    match kind {
        TRUE => Ok(true),
        FALSE => Ok(false),
        _ => of_kind(kind, TRUE).map(|()| true),
    }
}

/// A number's sign stands in its last bit.
fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

pub(super) fn broken(problem: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, problem)
}

const TYPE: i16 = 1;
const UNPACKED_BYTES: i16 = 2;
const STORED_BYTES: i16 = 3;
const CHECKSUM: i16 = 4;
const DATA: i16 = 5;
const DICTIONARY: i16 = 7;
const DATA_V2: i16 = 8;
const DICTIONARY_PAGE: u64 = 2;
const DELTA_BYTE_ARRAY: i32 = 7;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Ten bytes of seven bits hold any 64-bit number; the last may hold one bit only.
const VARINT_BITS: u32 = 63;
const DEPTH_MAX: u8 = 8;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A data page of 2 GiB - 1 that says to be 5 bytes in the file; statistics with a minimum; then a byte of the page.
    const ANNOUNCES_2_GIB: [u8; 30] = [
        0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 10, // type and sizes
        0x2c, 0x15, 2, 0x15, 14, 0x15, 6, 0x15, 6, // a value, encoding 7
        0x1c, 0x28, 2, b'a', b'b', 0x16, 0, 0, // statistics: field 2, then 3
        0, 0, 0xff,
    ];

    fn read(mut bytes: &[u8]) -> Result<PageHeader> {
        PageHeader::read(&mut bytes)
    }

    #[test]
    fn a_header_says_what_its_page_takes() {
        let header = read(&ANNOUNCES_2_GIB).unwrap();
        let expected = PageHeader {
            header_bytes: 29,
            stored_bytes: 5,
            unpacked_bytes: (2 << 30) - 1,
            is_dictionary: false,
            shares_prefixes: true,
            level_bytes: 0,
            is_packed: true,
        };
        assert_eq!(header, expected);
    }

    #[test]
    fn levels_stand_before_what_is_packed() {
        let bytes = [
            0x15, 6, 0x15, 100, 0x15, 60, 0x5c, 0x15, 2, 0x15, 0, 0x15, 2, 0x15, 0, 0x15, 8, 0x15,
            4, 0x12, 0, 0,
        ];
        let header = read(&bytes).unwrap();
        assert_eq!((header.level_bytes, header.is_packed), (6, false));
        assert_eq!((header.unpacked_bytes, header.stored_bytes), (50, 30));
    }

    #[test]
    fn a_header_that_could_be_read_in_two_ways_is_refused() {
        for (place, byte) in [
            (0, 0x16), // another type than the format's
            (2, 0x16),
            (8, 0x16),
            (10, 0x2b),
            (13, 0x16),
            (2, 0x05), // out of order
            (8, 0x04),
            (7, 0xff), // no end, or beyond 32 bits
            (9, 9),    // a negative size
        ] {
            let mut bytes = ANNOUNCES_2_GIB;
            bytes[place] = byte;
            assert!(read(&bytes).is_err(), "{byte:#x} at {place}");
        }
        for cut in 0..29 {
            assert!(read(&ANNOUNCES_2_GIB[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read(&[0x15, 0, 0x15, 2, 0]).is_err(), "one size only");
    }
}
