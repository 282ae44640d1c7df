//! Acts on records, by somebody who knows every format and has every tool: files stay valid, checksums and statistics
//! fit, the table's log is in order.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use causebook_bench::Random;
use causebook_lake::DeltaTable;
use causebook_ledger::{Row, Scan, TableSink};
use causebook_record::Stored;
use causebook_torture::{Failure, files_below};

use crate::acts::{Act, change};
use crate::classes::Class;
use crate::parquet;
use crate::specimen::{REDACTED, Specimen};
use crate::wal::{Frame, Segment};

/// Places at which each act is done.
const PLACES: usize = 8;

pub(crate) fn acts(
    specimen: &Specimen,
    random: &mut Random,
    acts: &mut Vec<Act>,
) -> Result<(), Failure> {
    in_data_files(specimen, random, acts)?;
    in_table(specimen, random, acts)?;
    in_table_log(specimen, acts)?;
    in_segments(specimen, random, acts)
}

type Substitute = fn(Stored) -> Stored;
type Rearrange = fn(&mut Vec<Row>, usize);
type Lie = fn(&mut serde_json::Value);
type Edit = fn(&RecordBatch, usize) -> Result<RecordBatch, Failure>;

/// Single data files, rewritten in place.
fn in_data_files(
    specimen: &Specimen,
    random: &mut Random,
    acts: &mut Vec<Act>,
) -> Result<(), Failure> {
    let table = DeltaTable::open(&specimen.now().join("table"))?;
    let mut files = table.table_snapshot().files;
    files.retain(|file| file.rows > 1);
    let edits: [(&'static str, Edit); 12] = [
        ("data file: change a value", |rows, at| {
            parquet::set_text(rows, "decision", at, "approved by hand")
        }),
        ("data file: change a derived column", |rows, at| {
            parquet::set_null(rows, "score", at)
        }),
        ("data file: change an id", |rows, at| {
            parquet::set_text(rows, "id", at, "d-forged")
        }),
        ("data file: take the opening key", |rows, at| {
            parquet::set_null(rows, "opening_key", at)
        }),
        ("data file: take a value", |rows, at| {
            parquet::set_null(rows, "input", at)
        }),
        ("data file: swap two", |rows, at| {
            rearranged(rows, |places| places.swap(at, at + 1), false)
        }),
        ("data file: swap two, renumbered", |rows, at| {
            rearranged(rows, |places| places.swap(at, at + 1), true)
        }),
        ("data file: replay one", |rows, at| {
            rearranged(rows, |places| places.push(at), false)
        }),
        ("data file: replay one in another's place", |rows, at| {
            rearranged(
                rows,
                |places| {
                    if let Some(place) = places.get_mut(at + 1) {
                        *place = at;
                    }
                },
                true,
            )
        }),
        ("data file: drop one", |rows, at| {
            rearranged(
                rows,
                |places| {
                    places.remove(at);
                },
                false,
            )
        }),
        ("data file: drop one, renumbered", |rows, at| {
            rearranged(
                rows,
                |places| {
                    places.remove(at);
                },
                true,
            )
        }),
        ("data file: insert one", |rows, at| {
            let more = rearranged(rows, |places| places.insert(at, at), true)?;
            parquet::set_text(&more, "id", at, "d-inserted")
        }),
    ];
    for (kind, edit) in edits {
        for _ in 0..PLACES {
            let file = files
                .get(random.below(files.len() as u64) as usize)
                .ok_or("no data file")?;
            let name = file.path.strip_prefix(specimen.now())?.to_owned();
            let at = random.below(file.rows.saturating_sub(1)) as usize;
            let what = format!("row {at} of {}", name.display());
            acts.push(Act::new(Class::Records, kind, what, move |_, folder| {
                let path = folder.join(&name);
                parquet::write(&path, &edit(&parquet::read(&path)?, at)?)
            }));
        }
    }
    Ok(())
}

fn rearranged(
    rows: &RecordBatch,
    rearrange: impl FnOnce(&mut Vec<usize>),
    renumber: bool,
) -> Result<RecordBatch, Failure> {
    let mut places: Vec<usize> = (0..rows.num_rows()).collect();
    rearrange(&mut places);
    let picked = parquet::pick(rows, &places)?;
    if renumber {
        parquet::renumber(&picked)
    } else {
        Ok(picked)
    }
}

/// The table changed or made anew with the product's own code: nothing in it contradicts anything else in it.
fn in_table(specimen: &Specimen, random: &mut Random, acts: &mut Vec<Act>) -> Result<(), Failure> {
    let count = DeltaTable::open(&specimen.now().join("table"))?.covered();
    let substitutes: [(&'static str, Substitute); 3] = [
        ("change a value, table in order", forged),
        ("wipe a record, table in order", Stored::erase),
        ("wipe a field, table in order", |stored| {
            let duration = "/input/duration".parse().ok();
            let pointers: Vec<_> = duration.into_iter().collect();
            stored.clone().erase_facts(&pointers).unwrap_or(stored)
        }),
    ];
    for (kind, substitute) in substitutes {
        for _ in 0..PLACES {
            let index = random.below(count);
            acts.push(Act::new(
                Class::Records,
                kind,
                format!("index {index}"),
                move |_, folder| replace(folder, |row| row.index == index, substitute),
            ));
        }
    }
    let what = format!("{REDACTED}, of which one field's erasure is on record");
    acts.push(Act::new(
        Class::Records,
        "wipe a record that lost a field",
        what,
        |_, folder| {
            replace(
                folder,
                |row| row.record.fields().id.as_deref() == Some(REDACTED),
                Stored::erase,
            )
        },
    ));
    let anew: [(&'static str, Rearrange); 5] = [
        ("drop one, table made anew", |rows, at| {
            rows.remove(at);
        }),
        ("insert one, table made anew", |rows, at| {
            let mut row = rows.get(at).cloned();
            if let Some(row) = &mut row {
                row.record = forged(row.record.clone());
            }
            if let Some(row) = row {
                rows.insert(at, row);
            }
        }),
        ("replay one, table made anew", |rows, at| {
            if let Some(row) = rows.get(at).cloned() {
                rows.push(row);
            }
        }),
        ("swap two, table made anew", |rows, at| {
            rows.swap(at, at + 1);
        }),
        ("cut off the end, table made anew", |rows, at| {
            rows.truncate(at);
        }),
    ];
    for (kind, rearrange) in anew {
        for _ in 0..2 {
            let at = random.below(count - 1) as usize;
            acts.push(Act::new(
                Class::Records,
                kind,
                format!("index {at}"),
                move |_, folder| {
                    let path = folder.join("table");
                    let mut rows = rows_of(&DeltaTable::open(&path)?)?;
                    rearrange(&mut rows, at);
                    for (index, row) in rows.iter_mut().enumerate() {
                        row.index = index as u64;
                    }
                    fs::remove_dir_all(&path)?;
                    DeltaTable::create(&path)?
                        .append(&rows)
                        .map_err(Failure::from)
                },
            ));
        }
    }
    Ok(())
}

/// A record with another output under the same id and key.
fn forged(stored: Stored) -> Stored {
    match stored {
        Stored::Whole { text, key } => Stored::Whole {
            text: altered(&text),
            key,
        },
        other => other,
    }
}

fn altered(text: &str) -> String {
    let changed = text.replacen(r#""housing":"A15"#, r#""housing":"B15"#, 1);
    if changed == text {
        text.replacen("\"id\":\"", "\"id\":\"x", 1)
    } else {
        changed
    }
}

fn replace(
    folder: &Path,
    wanted: impl Fn(&Row) -> bool,
    substitute: Substitute,
) -> Result<(), Failure> {
    let table = DeltaTable::open_or_create(&folder.join("table"))?;
    let mut rows: Vec<Row> = rows_of(&table)?.into_iter().filter(wanted).collect();
    for row in &mut rows {
        row.record = substitute(row.record.clone());
    }
    Ok(table.replace(&rows)?)
}

fn rows_of(table: &DeltaTable) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let scan = Scan {
        indexes: 0..u64::MAX,
        check_columns: false,
    };
    table.scan(&scan, &mut |scanned| {
        rows.push(scanned.row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Statistics in the table's log that hide rows or claim too many.
fn in_table_log(specimen: &Specimen, acts: &mut Vec<Act>) -> Result<(), Failure> {
    let lies: [(&'static str, Lie); 5] = [
        ("least index one higher", |stats| {
            shift(stats, "/minValues/index", 1);
        }),
        ("greatest index one lower", |stats| {
            shift(stats, "/maxValues/index", -1);
        }),
        ("greatest index far higher", |stats| {
            shift(stats, "/maxValues/index", 1_000_000);
        }),
        ("one record fewer", |stats| shift(stats, "/numRecords", -1)),
        ("least index far higher", |stats| {
            shift(stats, "/minValues/index", 1_000_000);
        }),
    ];
    let entries = files_below(&specimen.now())?;
    let adding = |path: &&String| {
        Class::of(path) == Some(Class::TableLog)
            && fs::read_to_string(specimen.now().join(path))
                .is_ok_and(|text| text.contains("\"add\""))
    };
    for path in entries.iter().filter(adding).take(PLACES) {
        for (name, lie) in lies {
            let file = path.clone();
            acts.push(Act::new(
                Class::Records,
                "lie in the table log's statistics",
                format!("{path}: {name}"),
                move |_, folder| {
                    let path = folder.join(&file);
                    let text = fs::read_to_string(&path)?;
                    let mut lines = Vec::new();
                    for line in text.lines() {
                        lines.push(with_stats(line, lie)?);
                    }
                    Ok(fs::write(&path, lines.join("\n"))?)
                },
            ));
        }
    }
    Ok(())
}

fn with_stats(line: &str, lie: Lie) -> Result<String, Failure> {
    let mut action: serde_json::Value = serde_json::from_str(line)?;
    if let Some(place) = action.pointer_mut("/add/stats")
        && let Some(text) = place.as_str()
    {
        let mut stats: serde_json::Value = serde_json::from_str(text)?;
        lie(&mut stats);
        *place = serde_json::Value::String(stats.to_string());
    }
    Ok(action.to_string())
}

fn shift(stats: &mut serde_json::Value, pointer: &str, by: i64) {
    if let Some(place) = stats.pointer_mut(pointer)
        && let Some(number) = place.as_i64()
    {
        *place = serde_json::json!(number + by);
    }
}

type EditFrames = fn(&mut Vec<Frame>, usize) -> Result<(), Failure>;

fn in_segments(
    specimen: &Specimen,
    random: &mut Random,
    acts: &mut Vec<Act>,
) -> Result<(), Failure> {
    let edits: [(&'static str, bool, EditFrames); 8] = [
        (
            "write-ahead log: change a value, digest left",
            false,
            |frames, at| {
                edit(frames, at, |frame| {
                    frame.text = altered(&frame.text);
                    Ok(())
                })
            },
        ),
        (
            "write-ahead log: change a value, digest made anew",
            false,
            |frames, at| {
                edit(frames, at, |frame| {
                    frame.text = altered(&frame.text);
                    frame.seal()
                })
            },
        ),
        (
            "write-ahead log: change an opening key",
            false,
            |frames, at| {
                edit(frames, at, |frame| {
                    frame.key = [7; 16];
                    frame.seal()
                })
            },
        ),
        ("write-ahead log: swap two", true, |frames, at| {
            frames.swap(at, at + 1);
            Ok(())
        }),
        ("write-ahead log: replay one", true, |frames, at| {
            let frame = frames.get(at).cloned();
            frames.extend(frame);
            Ok(())
        }),
        ("write-ahead log: drop one", true, |frames, at| {
            frames.remove(at);
            Ok(())
        }),
        (
            "write-ahead log: drop the last of a segment",
            false,
            |frames, _| {
                frames.pop();
                Ok(())
            },
        ),
        ("write-ahead log: insert one", true, |frames, at| {
            let frame = frames.get(at).cloned();
            if let Some(mut frame) = frame {
                frame.text = altered(&frame.text);
                frame.seal()?;
                frames.insert(at, frame);
            }
            Ok(())
        }),
    ];
    let files: Vec<String> = files_below(&specimen.now())?
        .into_iter()
        .filter(|path| Class::of(path) == Some(Class::Segment))
        .collect();
    let files = Arc::new(files);
    for (kind, renumber, edit) in edits {
        for _ in 0..PLACES {
            let file = files
                .get(random.below(files.len() as u64) as usize)
                .ok_or("no segment")?
                .clone();
            let frames = Segment::parse(&fs::read(specimen.now().join(&file))?)?
                .frames
                .len() as u64;
            let at = random.below(frames.saturating_sub(1)) as usize;
            let what = format!("record {at} of {file}");
            acts.push(Act::new(Class::Records, kind, what, move |_, folder| {
                let path = folder.join(&file);
                let mut segment = Segment::parse(&fs::read(&path)?)?;
                edit(&mut segment.frames, at)?;
                if renumber {
                    segment.renumber();
                }
                change(&path, |bytes| *bytes = segment.bytes())
            }));
        }
    }
    Ok(())
}

fn edit(
    frames: &mut [Frame],
    at: usize,
    change: impl FnOnce(&mut Frame) -> Result<(), Failure>,
) -> Result<(), Failure> {
    change(frames.get_mut(at).ok_or("no such record")?)
}
