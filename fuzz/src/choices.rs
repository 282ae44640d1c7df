//! The fuzzer's bytes read as choices: numbers, and mutations of something that was right.

/// Reads an input from the front. Past its end everything is zero.
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub fn new(data: &'a [u8]) -> Choices<'a> {
        Choices { rest: data }
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().unwrap_or((&0, &[]));
        self.rest = rest;
        *first
    }

    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `end`, which is not 0. Takes two bytes of the input.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % end
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Changes bytes as the rest of the input says, at most eight times.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..8 {
            if self.is_empty() || bytes.is_empty() {
                return;
            }
            let (act, at) = (self.byte() % 8, self.below(bytes.len()));
            match act {
                0 => bytes[at] ^= 1 << (self.byte() % 8),
                1 => bytes[at] = self.byte(),
                2 => bytes.truncate(at),
                3 => {
                    bytes.remove(at);
                }
                4 => bytes.insert(at, self.byte()),
                5 => {
                    let (from, length) = (self.below(bytes.len()), usize::from(self.byte()));
                    let piece = bytes[from..bytes.len().min(from + length)].to_vec();
                    bytes.splice(at..at, piece);
                }
                6 => {
                    let length = usize::from(self.byte());
                    bytes.drain(at..bytes.len().min(at + length));
                }
                _ => {
                    let (other, length) = (self.below(bytes.len()), usize::from(self.byte()));
                    let piece = bytes[other..bytes.len().min(other + length)].to_vec();
                    for (slot, byte) in bytes[at..].iter_mut().zip(piece) {
                        *slot = byte;
                    }
                }
            }
        }
    }

    /// Changes a text as the rest of the input says; what is no UTF-8 afterwards gives `None`.
    pub fn mutate_text(&mut self, text: &str) -> Option<String> {
        let mut bytes = text.as_bytes().to_vec();
        self.mutate(&mut bytes);
        String::from_utf8(bytes).ok()
    }
}
