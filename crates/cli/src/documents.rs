//! JSON documents in a stream: one, or one a line.
//!
//! A stream is NDJSON if its first line is a document by itself, or if its second line begins an object: no object laid
//! out over several lines has a `{` there, so a broken first line does not mislead.

use std::io::{BufRead, Read};

use causebook_record::{INPUT_BYTES_MAX, canonicalize};

use crate::failure::{Exit, Failure, Outcome, plain_io};

/// Bytes that should be one document, and where they stand.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    /// `loans.ndjson:3`, or what the document is called.
    pub(crate) place: String,
}

/// The documents of a stream, in order.
pub(crate) struct Documents {
    name: String,
    reader: Box<dyn BufRead>,
    /// Whether people know the stream by its lines.
    numbered: bool,
    /// Lines read ahead to tell what the stream is.
    ahead: std::collections::VecDeque<(usize, Vec<u8>)>,
    line: usize,
    /// Whether each line is a document; known after the first call.
    by_line: Option<bool>,
    done: bool,
}

impl Documents {
    pub(crate) fn new(name: &str, reader: Box<dyn BufRead>) -> Documents {
        Documents {
            name: name.to_owned(),
            reader,
            numbered: true,
            ahead: std::collections::VecDeque::new(),
            line: 0,
            by_line: None,
            done: false,
        }
    }

    /// A single document that people did not write into a file.
    pub(crate) fn single(name: &str, text: String) -> Documents {
        let reader = Box::new(std::io::Cursor::new(text.into_bytes()));
        Documents {
            numbered: false,
            ..Documents::new(name, reader)
        }
    }

    fn place(&self, line: usize) -> String {
        if self.numbered {
            format!("{}:{line}", self.name)
        } else {
            self.name.clone()
        }
    }

    /// The next line that is not blank, with its number. A line longer than any document is cut there and its rest is
    /// skipped: it will be refused for its size.
    fn line(&mut self) -> Outcome<Option<(usize, Vec<u8>)>> {
        loop {
            let mut line = Vec::new();
            let limit = INPUT_BYTES_MAX as u64 + 1;
            let read = (&mut self.reader).take(limit).read_until(b'\n', &mut line);
            if read.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if line.len() as u64 == limit && !line.ends_with(b"\n") {
                self.skip_line()?;
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.line, line)));
            }
        }
    }

    fn skip_line(&mut self) -> Outcome {
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) => return Err(self.unreadable(&error)),
            };
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            let finished = end.is_some() || buffer.is_empty();
            self.reader.consume(used);
            if finished {
                return Ok(());
            }
        }
    }

    fn look_ahead(&mut self) -> Outcome<bool> {
        for _ in 0..2 {
            if let Some(line) = self.line()? {
                self.ahead.push_back(line);
            }
        }
        let mut lines = self.ahead.iter().map(|(_, line)| line.trim_ascii_start());
        let first = lines.next().unwrap_or_default();
        let second = lines.next();
        let Some(second) = second else {
            return Ok(true);
        };
        Ok(!first.starts_with(b"[") && (second.starts_with(b"{") || canonicalize(first).is_ok()))
    }

    /// Everything that is left, as one document.
    fn rest(&mut self) -> Outcome<Document> {
        let first = self.ahead.front().map_or(1, |(number, _)| *number);
        let mut bytes = Vec::new();
        while let Some((_, line)) = self.ahead.pop_front() {
            bytes.extend(line);
        }
        let limit = (INPUT_BYTES_MAX as u64 + 1).saturating_sub(bytes.len() as u64);
        let read = (&mut self.reader).take(limit).read_to_end(&mut bytes);
        read.map_err(|error| self.unreadable(&error))?;
        Ok(Document {
            bytes,
            place: self.place(first),
        })
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::new(Exit::Failure, "io", format!("could not read {}", self.name))
            .detail(plain_io(error))
    }

    fn advance(&mut self) -> Outcome<Option<Document>> {
        let by_line = match self.by_line {
            Some(by_line) => by_line,
            None => self.look_ahead()?,
        };
        self.by_line = Some(by_line);
        if !by_line {
            self.done = true;
            return self.rest().map(Some);
        }
        let next = match self.ahead.pop_front() {
            Some(line) => Some(line),
            None => self.line()?,
        };
        Ok(next.map(|(number, bytes)| Document {
            bytes,
            place: self.place(number),
        }))
    }
}

impl Iterator for Documents {
    type Item = Outcome<Document>;

    fn next(&mut self) -> Option<Outcome<Document>> {
        if self.done {
            return None;
        }
        let next = self.advance();
        self.done |= !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn split(text: &str) -> Vec<(String, String)> {
        let documents = Documents::new("f", Box::new(Cursor::new(text.as_bytes().to_vec())));
        let shown = |document: Document| {
            (
                document.place,
                String::from_utf8(document.bytes).unwrap().trim().to_owned(),
            )
        };
        documents.map(|document| shown(document.unwrap())).collect()
    }

    #[test]
    fn lines_are_documents_even_if_the_first_is_broken() {
        let places: Vec<String> = split("{\"a\":\n{\"a\":2}\n\n{\"a\":3}")
            .into_iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(places, ["f:1", "f:2", "f:4"]);
        assert_eq!(split("{\"a\":1}\nnonsense\n").len(), 2);
    }

    #[test]
    fn a_document_may_span_lines() {
        let text = "\n{\n  \"a\": {\n    \"b\": 1\n  }\n}\n";
        assert_eq!(split(text), [("f:2".to_owned(), text.trim().to_owned())]);
    }

    #[test]
    fn an_empty_stream_has_no_documents() {
        assert!(split("\n \n").is_empty());
    }

    #[test]
    fn a_line_too_long_costs_no_more_memory_than_the_limit() {
        let text = format!("{}\n{{}}\n", "x".repeat(INPUT_BYTES_MAX + 1000));
        let lengths: Vec<usize> = split(&text).into_iter().map(|it| it.1.len()).collect();
        assert_eq!(lengths, [INPUT_BYTES_MAX + 1, 2]);
    }
}
