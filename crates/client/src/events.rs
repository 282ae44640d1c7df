//! Server-sent events, as the HTML standard says they are read. Bytes in, events out, no I/O.

/// Most bytes of a line or of the data of one event.
const EVENT_BYTES_MAX: usize = crate::lines::LINE_BYTES_MAX;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its kind; `message` if it names none.
    pub kind: String,
    /// Its data, lines joined by a line feed.
    pub data: String,
    /// The last id that was given, by this event or an earlier one.
    pub id: Option<String>,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A line or the data of one event is longer than any this API sends.
    #[error("an event longer than {EVENT_BYTES_MAX} bytes")]
    TooLong,
    /// The stream is not text.
    #[error("an event that is not UTF-8")]
    NotText,
}

/// Takes a stream apart. Pieces may be cut anywhere.
#[derive(Debug, Default)]
pub struct EventParser {
    line: Vec<u8>,
    /// The line before ended with a carriage return, so that a line feed now belongs to it.
    after_return: bool,
    begun: bool,
    kind: String,
    data: String,
    has_data: bool,
    id: Option<String>,
    /// What the stream asked to be waited before it is opened again, in milliseconds.
    retry_ms: Option<u64>,
}

impl EventParser {
    /// A parser at the beginning of a stream.
    pub fn new() -> EventParser {
        EventParser::default()
    }

    /// How long the server asks to wait before it is connected to again, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next piece and gives the events that it completes.
    ///
    /// # Errors
    /// [`EventError`]; the stream cannot be read on.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, EventError> {
        let mut events = Vec::new();
        for &byte in piece {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.line(&line)?);
                }
                byte if self.line.len() < EVENT_BYTES_MAX => self.line.push(byte),
                _ => return Err(EventError::TooLong),
            }
        }
        Ok(events)
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Event>, EventError> {
        let text = std::str::from_utf8(line).map_err(|_| EventError::NotText)?;
        let text = if std::mem::replace(&mut self.begun, true) {
            text
        } else {
            text.trim_start_matches('\u{feff}')
        };
        if text.is_empty() {
            return Ok(self.dispatch());
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if self.data.len() + value.len() >= EVENT_BYTES_MAX {
                    return Err(EventError::TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => self.retry_ms = value.parse().ok().or(self.retry_ms),
            // Comments, which have no name, and fields that nobody knows.
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let data = std::mem::take(&mut self.data);
        let has_data = std::mem::take(&mut self.has_data);
        has_data.then(|| Event {
            kind: if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            },
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&str]) -> Vec<Event> {
        let mut parser = EventParser::new();
        pieces
            .iter()
            .flat_map(|piece| parser.push(piece.as_bytes()).unwrap())
            .collect()
    }

    fn event(kind: &str, data: &str, id: Option<&str>) -> Event {
        Event {
            kind: kind.to_owned(),
            data: data.to_owned(),
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn every_end_of_line_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let text = format!(
                "\u{feff}: hi{end}id: 7{end}event: record{end}data:{{}}{end}{end}data: a{end}data{end}data:  b{end}{end}"
            );
            let expected = [
                event("record", "{}", Some("7")),
                event("message", "a\n\n b", Some("7")),
            ];
            assert_eq!(events(&[&text]), expected, "{end:?}");
        }
    }

    #[test]
    fn an_event_that_was_not_finished_is_not_an_event() {
        assert!(events(&["id: 7\ndata: {}\n"]).is_empty());
        assert!(events(&[": heartbeat\n\n", "event: record\n\n"]).is_empty());
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut parser = EventParser::new();
        let piece = vec![b'x'; 1 << 20];
        let outcomes: Vec<_> = (0..10).map(|_| parser.push(&piece)).collect();
        assert!(outcomes.contains(&Err(EventError::TooLong)));
        let mut parser = EventParser::new();
        let line = format!("data: {}\n", "x".repeat(1 << 20));
        let outcomes: Vec<_> = (0..10).map(|_| parser.push(line.as_bytes())).collect();
        assert!(outcomes.contains(&Err(EventError::TooLong)));
    }

    proptest! {
        #[test]
        fn where_a_stream_is_cut_changes_nothing(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'd'), any::<u8>()],
                0..200,
            ),
            cut in 0_usize..200,
        ) {
            let (mut whole, mut cut_up) = (EventParser::new(), EventParser::new());
            let cut = cut.min(bytes.len());
            let at_once = whole.push(&bytes);
            let in_two = cut_up.push(&bytes[..cut]).and_then(|mut first| {
                first.extend(cut_up.push(&bytes[cut..])?);
                Ok(first)
            });
            prop_assert_eq!(at_once, in_two);
        }
    }
}
