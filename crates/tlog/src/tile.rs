//! Tiles and entry bundles ([c2sp.org/tlog-tiles](https://c2sp.org/tlog-tiles)): their paths, which of them a log of
//! some size has, and their bytes. A tile holds up to 256 consecutive hashes of one level; reading them with the root
//! checked is in `tile_reader`.

use std::fmt;
use std::str::FromStr;

use crate::TlogError;
use crate::error::excerpt;
use crate::text::parse_decimal;
use crate::tree::{HASH_BYTES, Hash};

/// Levels of the tree that a tile spans.
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;

/// Longest entry that fits an entry bundle, in bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes at this tile level, 0 to 63: each covers `256^level` leaves.
    Hashes(u8),
    /// The log's entries themselves.
    Entries,
}

/// Where a tile is: `tile/<level>/<index>[.p/<width>]` or `tile/entries/<index>[.p/<width>]`.
///
/// ```
/// use causebook_tlog::TilePath;
/// let path: TilePath = "tile/0/x001/x234/067.p/8".parse()?;
/// assert_eq!((path.index(), path.width()), (1_234_067, 8));
/// assert!("tile/0/x000/067".parse::<TilePath>().is_err());
/// # Ok::<(), causebook_tlog::TlogError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// Path of a tile of hashes. `level` counts tiles, 8 levels of the tree each; `width` is in hashes, 256 when full.
    ///
    /// # Errors
    /// [`TlogError::TileLevel`] or [`TlogError::TileWidth`].
    pub fn hashes(level: u8, index: u64, width: u16) -> Result<TilePath, TlogError> {
        if level > 63 {
            return Err(TlogError::TileLevel { level });
        }
        TilePath::new(TileKind::Hashes(level), index, width)
    }

    /// Path of an entry bundle. `width` is in entries, 256 when full.
    ///
    /// # Errors
    /// [`TlogError::TileWidth`].
    pub fn entries(index: u64, width: u16) -> Result<TilePath, TlogError> {
        TilePath::new(TileKind::Entries, index, width)
    }

    /// Hashes, and of which level, or entries.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Index of the tile within its level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in the tile, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds fewer than 256.
    pub fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full tile that a partial one grows into: what to fetch when the partial one is gone.
    #[must_use]
    pub fn full(&self) -> TilePath {
        TilePath {
            width: TILE_WIDTH,
            ..*self
        }
    }

    fn new(kind: TileKind, index: u64, width: u16) -> Result<TilePath, TlogError> {
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(TlogError::TileWidth { width });
        }
        Ok(TilePath { kind, index, width })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => write!(f, "tile/entries/")?,
        }
        // Seven groups of three digits hold any u64.
        let mut groups = [0; 7];
        let mut rest = self.index;
        let mut used = 0;
        for (position, group) in groups.iter_mut().enumerate() {
            *group = rest % 1000;
            rest /= 1000;
            if *group != 0 || position == 0 {
                used = position;
            }
        }
        for (position, group) in groups.iter().enumerate().take(used + 1).rev() {
            if position == 0 {
                write!(f, "{group:03}")?;
            } else {
                write!(f, "x{group:03}/")?;
            }
        }
        if self.is_partial() {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

impl FromStr for TilePath {
    type Err = TlogError;

    fn from_str(path: &str) -> Result<TilePath, TlogError> {
        let malformed = || TlogError::TilePath {
            path: excerpt(path),
        };
        let parsed = parse_loosely(path).ok_or_else(malformed)?;
        // One spelling per path: what would be printed otherwise is refused.
        if parsed.to_string() == path {
            Ok(parsed)
        } else {
            Err(malformed())
        }
    }
}

/// Reads a path into the value that a canonical spelling of it must print.
fn parse_loosely(path: &str) -> Option<TilePath> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(parse_decimal(level).and_then(|level| u8::try_from(level).ok())?),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (
            index,
            u16::try_from(parse_decimal(width)?)
                .ok()
                .filter(|width| *width < TILE_WIDTH)?,
        ),
        None => (rest, TILE_WIDTH),
    };
    let mut number: u64 = 0;
    for group in index.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number = number
            .checked_mul(1000)?
            .checked_add(digits.parse().ok()?)?;
    }
    match kind {
        TileKind::Hashes(level) => TilePath::hashes(level, number, width).ok(),
        TileKind::Entries => TilePath::entries(number, width).ok(),
    }
}

/// All tiles of hashes that a log of `size` leaves has, full and partial, level by level.
///
/// ```
/// use causebook_tlog::hash_tiles;
/// let paths: Vec<String> = hash_tiles(256).map(|path| path.to_string()).collect();
/// assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
/// ```
pub fn hash_tiles(size: u64) -> impl Iterator<Item = TilePath> {
    new_tiles(0, size)
}

/// The tiles of hashes to write when a log grows from `old_size` to `new_size` leaves: every one that became full, and
/// the partial ones that grew.
pub fn new_tiles(old_size: u64, new_size: u64) -> impl Iterator<Item = TilePath> {
    (0..TILE_HEIGHT).flat_map(move |level| {
        let (old, new) = (nodes_at(old_size, level), nodes_at(new_size, level));
        tiles_in(TileKind::Hashes(level), old, new)
    })
}

/// The entry bundles to write when a log grows from `old_size` to `new_size` leaves, full and partial.
pub fn entry_bundles(old_size: u64, new_size: u64) -> impl Iterator<Item = TilePath> {
    tiles_in(TileKind::Entries, old_size, new_size)
}

/// Hashes at a tile level of a log of `size` leaves. Level 8 would need more than 2^64 leaves to begin.
pub(crate) fn nodes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
        .unwrap_or(0)
}

/// Tiles touched by the nodes `old..new` of a level.
fn tiles_in(kind: TileKind, old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    let width = u64::from(TILE_WIDTH);
    let first = old / width;
    let end = if new > old {
        new.div_ceil(width)
    } else {
        first
    };
    (first..end).map(move |index| {
        let filled = new - index * width;
        TilePath {
            kind,
            index,
            width: filled.min(width) as u16,
        }
    })
}

/// The bytes of a tile: its hashes one after another.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile.
///
/// # Errors
/// [`TlogError::TileLength`] unless `bytes` is as long as the path says.
pub fn parse_tile(path: &TilePath, bytes: &[u8]) -> Result<Vec<Hash>, TlogError> {
    let expected = usize::from(path.width) * HASH_BYTES;
    if bytes.len() != expected {
        return Err(TlogError::TileLength {
            path: path.to_string(),
            expected,
            given: bytes.len(),
        });
    }
    Ok(bytes
        .as_chunks::<HASH_BYTES>()
        .0
        .iter()
        .copied()
        .map(Hash)
        .collect())
}

/// The bytes of an entry bundle: each entry after its length as a big-endian u16.
///
/// # Errors
/// [`TlogError::EntryTooLong`].
pub fn entry_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TlogError> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len())
            .map_err(|_| TlogError::EntryTooLong { given: entry.len() })?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle that must hold exactly `count`.
///
/// # Errors
/// [`TlogError::EntryBundle`] if it holds fewer, or has bytes left over.
pub fn parse_entry_bundle(bundle: &[u8], count: u16) -> Result<Vec<&[u8]>, TlogError> {
    let mut entries = Vec::with_capacity(usize::from(count.min(TILE_WIDTH)));
    let mut rest = bundle;
    for read in 0..count {
        let wrong_end = TlogError::EntryBundle {
            expected: count,
            read,
        };
        let (length, after) = rest.split_first_chunk::<2>().ok_or(wrong_end.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(wrong_end)?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TlogError::EntryBundle {
            expected: count,
            read: count,
        })
    }
}
