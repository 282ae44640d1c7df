//! Writing to a ledger of a server: records, batches, attachments, erasures.

use std::io::Read;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answers::{Blob, Erased, Receipt};
use crate::batch::Batch;
use crate::error::ClientError;
use crate::faults;
use crate::ledger::RemoteLedger;
use crate::transport::{Answer, BYTES, Call, Payload};

/// Records read from the caller line by line.
pub(crate) type Source<'a> = Box<dyn std::io::BufRead + 'a>;

impl RemoteLedger {
    /// Records one document. When this returns, it is durable on the server.
    ///
    /// A record that bears an `id` is sent again if no answer comes: the server records it once. One that bears none is
    /// sent once, and a lost answer leaves open whether it was recorded.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::leaves_outcome_open`] tells whether it may have been recorded.
    pub fn append(&self, record: &[u8]) -> Result<Receipt, ClientError> {
        let call = Call::post(self.url(&["records"], &[])?, record).repeatable(bears_id(record));
        self.transport().run(call, Answer::json)
    }

    /// Records one document a line, and gives what came of each line, in order.
    ///
    /// Lines are sent in portions; those of a portion whose records all bear an `id` are sent again if no answer comes, and
    /// then what was recorded the first time comes as repeated.
    pub fn append_batch<'a>(&'a self, lines: impl std::io::BufRead + 'a) -> Batch<'a> {
        Batch::new(self, Box::new(lines))
    }

    /// Keeps a file beside the ledger.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Local`] if `content` cannot be read.
    pub fn attach(&self, content: &mut dyn Read) -> Result<Blob, ClientError> {
        let call = Call {
            method: "POST",
            payload: Payload::Stream(content, BYTES),
            repeatable: false,
            ..Call::get(self.url(&["attachments"], &[])?)
        };
        self.transport().run(call, Answer::json)
    }

    /// Erases facts of a record, or with `None` all its content. The act itself is recorded, with the reason.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn erase(
        &self,
        id: &str,
        facts: Option<&[String]>,
        reason: &str,
    ) -> Result<Erased, ClientError> {
        let mut body = json!({ "reason": reason });
        if let (Some(object), Some(facts)) = (body.as_object_mut(), facts) {
            object.insert("facts".to_owned(), json!(facts));
        }
        let body = body.to_string();
        let url = self.url(&["records", id, "erasure"], &[])?;
        let mut call = Call::post(url, body.as_bytes());
        // Files are rewritten and searched before the answer.
        call.patience = Some(crate::log::LONG_WORK);
        let report: Value = self.transport().run(call, Answer::json)?;
        let receipt = report.get("receipt").cloned().unwrap_or_default();
        let receipt = serde_json::from_value(receipt).map_err(|error| {
            let server = self.transport().address.server();
            faults::foreign(&server, format!("an erasure without its receipt: {error}"))
        })?;
        Ok(Erased { receipt, report })
    }
}

/// Whether a record says who it is, so that the server knows it again.
pub(crate) fn bears_id(record: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Id {
        id: Option<String>,
    }
    serde_json::from_slice::<Id>(record).is_ok_and(|it| it.id.is_some())
}

#[cfg(test)]
mod tests {
    use super::bears_id;

    #[test]
    fn only_an_id_of_its_own_makes_a_record_known_again() {
        assert!(bears_id(br#"{"input":{"age":1E400},"id":"a"}"#));
        for record in [
            r#"{"input":{"id":"a"}}"#,
            r#"{"id":null}"#,
            r#"{"id":7}"#,
            "{",
            "",
        ] {
            assert!(!bears_id(record.as_bytes()), "{record}");
        }
    }
}
