//! Contents of a file: as a running process reads them, and as they would be found after a power cut. What was synced is
//! certain. Of what was written since, every sector of 512 bytes is found as it was at some moment since the sync,
//! independently of the others and of the length, or the writes are found up to some moment, the last one torn.

use super::random::Random;

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => overwrite(contents, *offset, bytes),
            Self::Length(len) => contents.resize(*len, 0),
        }
    }

    fn torn(&self, random: &mut Random) -> Self {
        match self {
            Self::Write { offset, bytes } => {
                let kept = random.below(bytes.len() as u64 + 1) as usize;
                let bytes = bytes.get(..kept).unwrap_or_default().to_vec();
                Self::Write {
                    offset: *offset,
                    bytes,
                }
            }
            Self::Length(len) => Self::Length(*len),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Contents {
    /// Contents that are durable.
    pub(super) fn settled(bytes: Vec<u8>) -> Self {
        Self {
            durable: bytes.clone(),
            bytes,
            unsynced: Vec::new(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.make(Change::Write { offset, bytes });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.make(Change::Length(len));
    }

    fn make(&mut self, change: Change) {
        change.apply(&mut self.bytes);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that failed: what was written since the last one is still read, but counts as clean. Each piece of it may
    /// have reached the medium; what has not never will.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        self.durable = self.survivor(random);
        self.unsynced.clear();
    }

    /// What is found after a power cut.
    pub(super) fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let manner = random.below(4);
        match manner {
            0 => self.durable.clone(),
            1 => self.replayed(self.unsynced.len()),
            2 => self.cut_off(random),
            _ => self.scattered(random),
        }
    }

    fn replayed(&self, count: usize) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in self.unsynced.iter().take(count) {
            change.apply(&mut bytes);
        }
        bytes
    }

    fn cut_off(&self, random: &mut Random) -> Vec<u8> {
        let reached = random.below(self.unsynced.len() as u64 + 1) as usize;
        let mut bytes = self.replayed(reached);
        if let Some(change) = self.unsynced.get(reached) {
            change.torn(random).apply(&mut bytes);
        }
        bytes
    }

    fn scattered(&self, random: &mut Random) -> Vec<u8> {
        let count = self.unsynced.len();
        let moments: Vec<Vec<u8>> = (0..=count).map(|count| self.replayed(count)).collect();
        let mut pick = || {
            let moment = random.below(count as u64 + 1) as usize;
            moments.get(moment).map_or(&[][..], Vec::as_slice)
        };
        let len = pick().len();
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let from = bytes.len();
            let to = len.min(from + SECTOR_BYTES);
            let moment = pick();
            bytes.extend_from_slice(moment.get(from..to.min(moment.len())).unwrap_or_default());
            bytes.resize(to, 0);
        }
        bytes
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    if written.is_empty() {
        return;
    }
    if bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    if let Some(place) = bytes.get_mut(offset..offset + written.len()) {
        place.copy_from_slice(written);
    }
}
