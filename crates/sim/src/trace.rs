//! The trace: everything that happened, folded into one number, so that two runs of a seed can be compared, and, where a
//! run is to be shown, its last lines.

use std::collections::VecDeque;

/// Lines kept of a run that is to be shown.
const LINES_KEPT: usize = 60;

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<VecDeque<String>>,
}

impl Trace {
    pub(crate) fn new(keeps_lines: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            lines: keeps_lines.then(VecDeque::new),
        }
    }

    /// Adds to the number alone.
    pub(crate) fn fold(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (place, byte) in word.iter_mut().zip(chunk) {
                *place = *byte;
            }
            self.fold_number(u64::from_le_bytes(word));
        }
        self.fold_number(bytes.len() as u64);
    }

    pub(crate) fn fold_number(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash ^= self.hash >> 29;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// Adds a line that is kept to be shown; the number is added to by [`fold`](Self::fold).
    pub(crate) fn keep(&mut self, line: String) {
        if let Some(lines) = &mut self.lines {
            if lines.len() == LINES_KEPT {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().flatten().cloned().collect()
    }
}
