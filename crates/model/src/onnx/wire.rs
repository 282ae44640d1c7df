//! The Protocol Buffers encoding, as much as ONNX files need of it: fields one after the other, borrowed from the file, so
//! that nothing is allocated by what a length announces.

/// A field's value, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// What is wrong with a message.
pub(super) type Broken = &'static str;

/// The fields of a message, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let (value, rest) = varint(self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Broken> {
        let count = usize::try_from(count).map_err(|_| CUT)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(CUT)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Broken> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.array()?),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(self.array()?),
            _ => return Err("a field is of a wire type that ONNX does not use"),
        };
        Ok((key >> 3, field))
    }
}

const CUT: Broken = "it ends within a field";

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Broken> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(at + 1..).unwrap_or_default()));
        }
    }
    Err("a number has no end")
}

impl<'a> Field<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Broken> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            _ => Err("a field that holds bytes is a number"),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Broken> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8")
    }

    pub(super) fn integer(self) -> Result<i64, Broken> {
        match self {
            Field::Varint(value) => Ok(value as i64),
            _ => Err("a field that holds a whole number does not"),
        }
    }

    pub(super) fn single(self) -> Result<f32, Broken> {
        match self {
            Field::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err("a field that holds a number of 4 bytes does not"),
        }
    }

    /// One whole number, or many in a row.
    pub(super) fn integers(self, to: &mut Numbers<i64>) -> Result<(), Broken> {
        match self {
            Field::Varint(value) => to.push(value as i64),
            Field::Bytes(mut packed) => {
                while !packed.is_empty() {
                    let (value, rest) = varint(packed)?;
                    to.push(value as i64)?;
                    packed = rest;
                }
                Ok(())
            }
            _ => Err("a field that holds whole numbers does not"),
        }
    }

    pub(super) fn singles(self, to: &mut Numbers<f32>) -> Result<(), Broken> {
        match self {
            Field::Fixed32(bytes) => to.push(f32::from_le_bytes(bytes)),
            Field::Bytes(packed) => {
                let (chunks, rest) = packed.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(CUT);
                }
                to.extend(chunks, f32::from_le_bytes)
            }
            _ => Err("a field that holds numbers of 4 bytes does not"),
        }
    }

    pub(super) fn doubles(self, to: &mut Numbers<f64>) -> Result<(), Broken> {
        match self {
            Field::Fixed64(bytes) => to.push(f64::from_le_bytes(bytes)),
            Field::Bytes(packed) => {
                let (chunks, rest) = packed.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(CUT);
                }
                to.extend(chunks, f64::from_le_bytes)
            }
            _ => Err("a field that holds numbers of 8 bytes does not"),
        }
    }
}

/// Numbers of a field that may be repeated, up to a bound: a whole number may take 1 byte in the file, and 8 here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers<T> {
    pub(super) list: Vec<T>,
    most: usize,
}

impl<T> Numbers<T> {
    pub(super) fn up_to(most: usize) -> Self {
        Self {
            list: Vec::new(),
            most,
        }
    }

    fn push(&mut self, value: T) -> Result<(), Broken> {
        if self.list.len() >= self.most {
            return Err(TOO_MANY);
        }
        self.list.push(value);
        Ok(())
    }

    fn extend<const N: usize>(
        &mut self,
        chunks: &[[u8; N]],
        read: fn([u8; N]) -> T,
    ) -> Result<(), Broken> {
        if chunks.len() > self.most.saturating_sub(self.list.len()) {
            return Err(TOO_MANY);
        }
        self.list.extend(chunks.iter().map(|chunk| read(*chunk)));
        Ok(())
    }
}

const TOO_MANY: Broken = "a list is longer than a model may have nodes";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Broken> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn fields_of_all_four_wire_types_are_read() {
        let message = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 0, 0, 0, 0, 0,
            0, 0xf0, 0x3f,
        ];
        let one = 1.0_f32.to_le_bytes();
        let expected = vec![
            (1, Field::Varint(150)),
            (2, Field::Bytes(b"hi")),
            (3, Field::Fixed32(one)),
            (4, Field::Fixed64(1.0_f64.to_le_bytes())),
        ];
        assert_eq!(read(&message).unwrap(), expected);
    }

    #[test]
    fn what_is_cut_announced_too_long_or_endless_is_an_error() {
        for message in [
            &[0x08][..],
            &[0x12, 0x05, b'h'],
            &[
                0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            &[0x1d, 0, 0],
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
            &[0x0b],
        ] {
            assert!(read(message).is_err(), "{message:?}");
        }
    }

    #[test]
    fn a_negative_number_is_ten_bytes_and_lists_may_be_packed_or_not() {
        let mut numbers = Numbers::up_to(3);
        let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        Field::Bytes(&minus_one).integers(&mut numbers).unwrap();
        Field::Varint(7).integers(&mut numbers).unwrap();
        assert_eq!(numbers.list, [-1, 7]);
        assert!(Field::Bytes(&[1, 2]).integers(&mut numbers).is_err());
    }
}
