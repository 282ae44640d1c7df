//! The log of a running server, verified by public tools that know nothing of Causebook: Tessera's client and fsck, in Go.
//! Then a byte of a tile is changed on disk, and they must say so.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Failure, output, program_in_root, root, runs, say, scratch, target};
use crate::served::Served;
use crate::steps::{built, path};

/// What the demonstration's ledger of 402 records has: a full tile, the one that is filling, and the one above.
const ENTRIES_IN_TILE: u64 = 256;

/// Builds the peer, lets it verify, and lets it find every change.
pub(crate) fn tiles() -> Result<(), Failure> {
    let peer = path(&peer()?)?;
    let binary = path(&built("causebook")?)?;
    let folder = scratch("tiles")?;
    let home = path(&folder.join("home"))?;
    output(&binary, &["demo", "--home", &home])?;
    let ledger = Path::new(&home).join("ledgers/main");
    let vkey = ed25519_key(&ledger)?;
    let served = Served::start(&binary, &home, &[])?;
    let url = format!("{}/v1/ledgers/main", served.url);
    let verify = || output(&peer, &["-ledger", &url, "-vkey", &vkey]);
    say(verify()?.trim());
    let tiles = tiles_of(&ledger)?;
    for tile in &tiles {
        let file = ledger.join("log").join(tile);
        let honest = std::fs::read(&file).map_err(|error| format!("{tile}: {error}"))?;
        for place in [0, honest.len() / 2, honest.len() - 1] {
            let mut changed = honest.clone();
            if let Some(byte) = changed.get_mut(place) {
                *byte ^= 1;
            }
            std::fs::write(&file, &changed)?;
            if let Ok(said) = verify() {
                return Err(format!(
                    "byte {place} of {tile} was changed, and the peer says: {said}"
                )
                .into());
            }
        }
        std::fs::write(&file, &honest)?;
    }
    verify()?;
    say(&format!(
        "{} changes of a byte in {} tiles were noticed; as it was, the log verifies again",
        tiles.len() * 3,
        tiles.len()
    ));
    Ok(())
}

/// The files that a log of this size is made of, one of each sort.
fn tiles_of(ledger: &Path) -> Result<Vec<String>, Failure> {
    let checkpoint = std::fs::read_to_string(ledger.join("log/checkpoint"))?;
    let size: u64 = checkpoint
        .lines()
        .nth(1)
        .ok_or("a checkpoint has a size")?
        .parse()?;
    let (full, filling) = (size / ENTRIES_IN_TILE, size % ENTRIES_IN_TILE);
    if full == 0 || filling == 0 {
        return Err(format!("a log of {size} entries has not every sort of tile").into());
    }
    Ok(vec![
        "tile/0/000".to_owned(),
        "tile/entries/000".to_owned(),
        format!("tile/0/{full:03}.p/{filling}"),
        format!("tile/entries/{full:03}.p/{filling}"),
        format!("tile/1/000.p/{full}"),
    ])
}

/// The key that every tool for signed notes knows.
fn ed25519_key(ledger: &Path) -> Result<String, Failure> {
    let identity: Value = serde_json::from_slice(&std::fs::read(ledger.join("ledger.json"))?)?;
    let keys = identity.get("keys").and_then(Value::as_array);
    let first = keys.and_then(|keys| keys.first()).and_then(Value::as_str);
    Ok(first.ok_or("ledger.json names no key")?.to_owned())
}

fn peer() -> Result<PathBuf, Failure> {
    if !runs("go", &["version"]) {
        say("Go is missing: installing Debian's");
        program_in_root("apt-get", &["install", "-y", "-qq", "golang-go"])?;
    }
    let module = path(&root().join("tests/peers/tiles"))?;
    let program = target()?.join("peers").join("tiles");
    program_in_root("go", &["-C", &module, "vet", "./..."])?;
    let build = ["-C", &module, "build", "-trimpath", "-buildvcs=false", "-o"];
    program_in_root("go", &[&build[..], &[&path(&program)?, "."]].concat())?;
    Ok(program)
}
