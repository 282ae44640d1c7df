//! Records of a server in columns. A server gives columns to SQL alone, and SQL knows no filters: which records are meant
//! is asked first, then those are asked for by their positions.

use std::ops::ControlFlow;

use arrow::ipc::reader::StreamReader;
use causebook_client::{RemoteLedger, SqlFormat};
use causebook_filter::Filter;
use causebook_query::Answer;

use super::Book;
use super::remote::Remote;
use crate::failure::{Exit, Failure, Outcome};

const EVERYTHING: &str = "SELECT * FROM records ORDER BY \"index\"";
/// Rows that are asked for where no limit is given: the most that a server gives.
const ROWS_MAX: u64 = 1_000_000;
/// Positions that one statement names: with 20 digits each they stay within the 64 KiB that a server reads.
const POSITIONS_MAX: usize = 2000;

/// Every record that a filter means, within so many bytes.
pub(super) fn of(book: &Remote, filter: &Filter, memory: usize) -> Outcome<Answer> {
    if filter.is_empty() {
        let answer = ask(book.ledger(), EVERYTHING, None, memory)?.0;
        if answer.truncated {
            let title = "there are more records than a server gives in this format";
            return Err(Failure::new(Exit::Failure, "too-many", title)
                .hint("--format ndjson exports all of them"));
        }
        return Ok(answer);
    }
    let mut positions = Vec::new();
    book.each(filter, &mut |item| {
        positions.push(item.index);
        ControlFlow::Continue(())
    })?;
    let mut parts = positions.chunks(POSITIONS_MAX).map(at);
    let first = parts.next().unwrap_or_else(|| at(&[]));
    let (mut answer, mut room) = ask(book.ledger(), &first, None, memory)?;
    for part in parts {
        let (more, left) = ask(book.ledger(), &part, None, room)?;
        answer.batches.extend(more.batches);
        room = left;
    }
    Ok(answer)
}

/// The statement that asks for the records at these positions, which ascend.
fn at(positions: &[u64]) -> String {
    let (Some(first), Some(last)) = (positions.first(), positions.last()) else {
        return "SELECT * FROM records WHERE false".to_owned();
    };
    let listed: Vec<String> = positions.iter().map(u64::to_string).collect();
    // The range spares the server the files that hold none of them.
    format!(
        "SELECT * FROM records WHERE \"index\" BETWEEN {first} AND {last} AND \"index\" IN ({}) ORDER BY \"index\"",
        listed.join(",")
    )
}

/// The answer to a statement, and what is left of the bytes that it may take.
pub(super) fn ask(
    ledger: &RemoteLedger,
    statement: &str,
    rows_max: Option<usize>,
    memory: usize,
) -> Outcome<(Answer, usize)> {
    let asked = rows_max.map_or(ROWS_MAX, |rows| rows as u64);
    let mut bytes = Bounded {
        bytes: Vec::new(),
        limit: memory,
    };
    let truncated = ledger.sql(statement, Some(asked), SqlFormat::Arrow, &mut bytes)?;
    let unreadable = |error: arrow::error::ArrowError| {
        Failure::new(
            Exit::Failure,
            "not-this-api",
            "the answer is not an Arrow stream",
        )
        .place(ledger.address())
        .detail(error.to_string())
    };
    let reader = StreamReader::try_new(bytes.bytes.as_slice(), None).map_err(unreadable)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<_, _>>().map_err(unreadable)?;
    let left = memory - bytes.bytes.len();
    Ok((Answer::new(schema, batches, truncated), left))
}

/// Holds what is written, up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(std::io::Error::other(
                "the answer is larger than CAUSEBOOK_SQL_MEMORY_MB",
            ));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
