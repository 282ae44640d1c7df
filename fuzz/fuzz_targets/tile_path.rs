//! Paths of tiles: read exactly if they are spelled as the specification spells them, and printed as they were read.
#![no_main]

use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::path;
use causebook_tlog::{TileKind, TilePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let read = text.parse::<TilePath>().ok();
        let parts = read.map(|path| {
            assert_eq!(path.to_string(), text);
            let level = match path.kind() {
                TileKind::Hashes(level) => Some(level),
                TileKind::Entries => None,
            };
            (level, path.index(), path.width())
        });
        assert_eq!(parts, path::read(text), "{text:?}");
    }
    let mut choices = Choices::new(data);
    let (level, index, width) = (choices.byte(), choices.number(), choices.below(300) as u16);
    let made = [
        TilePath::hashes(level, index, width),
        TilePath::entries(index, width),
    ];
    for path in made.into_iter().flatten() {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
});
