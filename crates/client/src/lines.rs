//! A streamed body, line by line, with a limit on each.

use std::io::{BufRead as _, BufReader, Read};

use serde::de::DeserializeOwned;

use crate::error::ClientError;
use crate::faults;

/// Longest line that is read from a server: a record of 1 MiB, escaped at worst, and what is said about it.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 20;

/// Lines that are not blank. Ends after the first error.
pub(crate) struct Lines {
    reader: BufReader<Box<dyn Read>>,
    server: String,
    ended: bool,
}

impl Lines {
    pub(crate) fn new(reader: Box<dyn Read>, server: String) -> Lines {
        Lines {
            reader: BufReader::with_capacity(1 << 16, reader),
            server,
            ended: false,
        }
    }

    /// The next line as a value.
    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> Option<Result<T, ClientError>> {
        let line = match self.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        Some(serde_json::from_slice(&line).map_err(|error| {
            self.ended = true;
            self.foreign(format!("a line of another shape: {error}"))
        }))
    }

    pub(crate) fn foreign(&self, what: String) -> ClientError {
        faults::foreign(&self.server, what)
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        loop {
            let mut line = Vec::new();
            let limit = LINE_BYTES_MAX as u64 + 1;
            (&mut self.reader)
                .take(limit)
                .read_until(b'\n', &mut line)
                .map_err(|error| faults::of_reading(error, &self.server))?;
            if line.is_empty() {
                return Ok(None);
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(self.foreign(format!("a line longer than {LINE_BYTES_MAX} bytes")));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Vec<u8>, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read();
        self.ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}
