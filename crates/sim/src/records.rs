//! What simulated clients send: records that differ in what the engine looks at, and each with a mark of its own.

use causebook_ledger::sim::Random;
use causebook_record::{Draft, RecordError};

/// Subjects and traces are few, so that many records share one.
pub(crate) const SUBJECTS: u64 = 5;
pub(crate) const TRACES: u64 = 3;

/// One record as a client means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Left to the ledger if `None`.
    pub(crate) id: Option<String>,
    pub(crate) refers_to: Option<String>,
    pub(crate) subject: u64,
    pub(crate) trace: u64,
    /// No other content has it. The same mark under the same id is the same record sent again.
    pub(crate) mark: u64,
    /// Bytes of filling.
    pub(crate) filling: usize,
}

impl Spec {
    pub(crate) fn random(
        random: &mut Random,
        id: Option<String>,
        refers_to: Option<String>,
    ) -> Self {
        let filling = match random.below(12) {
            0 => 3_000,
            1 => 700,
            _ => random.below(40) as usize,
        };
        Self {
            id,
            refers_to,
            subject: random.below(SUBJECTS),
            trace: random.below(TRACES),
            mark: random.next_u64(),
            filling,
        }
    }

    pub(crate) fn subject_name(subject: u64) -> String {
        format!("applicant-{subject}")
    }

    pub(crate) fn trace_name(trace: u64) -> String {
        format!("trace-{trace}")
    }

    /// What is found nowhere once the record is erased.
    pub(crate) fn secret(&self) -> String {
        format!("secret-{:016x}", self.mark)
    }

    pub(crate) fn draft(&self) -> Result<Draft, RecordError> {
        self.draft_as(self.id.as_deref())
    }

    /// The content that is stored if the ledger gives the record this id.
    pub(crate) fn content_as(&self, id: &str) -> Result<String, RecordError> {
        Ok(self.draft_as(Some(id))?.content().to_owned())
    }

    fn draft_as(&self, id: Option<&str>) -> Result<Draft, RecordError> {
        let id = id.map_or(String::new(), |id| format!(r#""id":"{id}","#));
        let (subject, trace) = (
            Self::subject_name(self.subject),
            Self::trace_name(self.trace),
        );
        let input = format!(
            r#""input":{{"secret":"{}","filling":"{}"}}"#,
            self.secret(),
            "x".repeat(self.filling)
        );
        let text = match &self.refers_to {
            None => format!(
                r#"{{{id}"model":{{"name":"m","version":"v1"}},{input},"decision":"deny","score":0.50,
                "subject":"{subject}","context":{{"trace_id":"{trace}"}}}}"#
            ),
            Some(first) => format!(
                r#"{{{id}"kind":"outcome","refers_to":"{first}","outcome":{{"paid":false}},{input},
                "subject":"{subject}","context":{{"trace_id":"{trace}"}}}}"#
            ),
        };
        Draft::parse(text.as_bytes())
    }
}
