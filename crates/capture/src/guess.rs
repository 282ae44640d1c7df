//! A proposal for a mapping, from the names of columns and their first values. Each key of it says why it is there;
//! nothing is done with it before someone has seen it.

mod propose;
mod sample;

use crate::{CaptureError, Format, Mapping, Source, delimited, xlsx};
use propose::Proposer;
use sample::Sample;

/// A proposed mapping.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The mapping: what was given, completed.
    pub mapping: Mapping,
    /// Why a key that was not given is as it is: key, reason.
    pub reasons: Vec<(String, String)>,
    /// What else is worth knowing before anything is recorded.
    pub notes: Vec<String>,
}

impl Guess {
    /// The mapping as TOML with notes and reasons as comments, which [`Mapping::parse`] reads.
    ///
    /// # Errors
    /// As [`Mapping::to_toml`].
    pub fn to_toml(&self) -> Result<String, CaptureError> {
        let mut out = String::new();
        for note in &self.notes {
            push_comment(&mut out, &format!("Note: {note}"));
        }
        let mut section = String::new();
        for line in self.mapping.to_toml()?.lines() {
            let heading = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'));
            if let Some(name) = heading {
                section = format!("{name}.");
                self.push_reasons(&mut out, name);
            } else if let Some((key, _)) = line.split_once(" = ") {
                self.push_reasons(&mut out, &format!("{section}{key}"));
            }
            out.push_str(line);
            out.push('\n');
        }
        Ok(out)
    }

    fn push_reasons(&self, out: &mut String, key: &str) {
        for (_, reason) in self.reasons.iter().filter(|(of, _)| of == key) {
            push_comment(out, reason);
        }
    }

    fn reason(&mut self, key: &str, reason: impl Into<String>) {
        self.reasons.push((key.to_owned(), reason.into()));
    }
}

/// Completes a mapping for a source, from its first thousand rows. What `given` says stays as it is.
///
/// # Errors
/// As reading the source: [`CaptureError::Io`], [`CaptureError::Broken`], [`CaptureError::UnknownFormat`].
pub fn guess(source: &Source, given: &Mapping) -> Result<Guess, CaptureError> {
    let mut guess = Guess {
        mapping: given.clone(),
        reasons: Vec::new(),
        notes: Vec::new(),
    };
    let format = given.format(source)?;
    if given.read.format.is_none() {
        guess.mapping.read.format = Some(format);
        guess.reason("read.format", "from the first bytes and the name");
    }
    if format == Format::Csv && given.read.delimiter.is_none() {
        let delimiter = delimited::sniff(source.name(), &source.head()?, given.read.skip);
        guess.mapping.read.delimiter = Some(char::from(delimiter).to_string());
        guess.reason(
            "read.delimiter",
            "splits the first rows into the same number of fields",
        );
    }
    if format == Format::Xlsx && given.read.sheet.is_none() {
        let sheets = xlsx::sheet_names(source)?;
        guess.mapping.read.sheet = sheets.first().cloned();
        let reason = format!("the first of {}: {}", sheets.len(), sheets.join(", "));
        guess.reason("read.sheet", reason);
    }
    let mut sample = Sample::take(source, format, &guess.mapping)?;
    if sample.header_is_data && given.read.header.is_none() && given.read.columns.is_empty() {
        guess.mapping.read.header = Some(false);
        guess.reason(
            "read.header",
            "the first row reads like the others: numbers, and values that turn up again below",
        );
        sample = Sample::take(source, format, &guess.mapping)?;
    }
    guess.notes.extend(sample.renamed.iter().cloned());
    Proposer::new(&mut guess, &sample).propose(format);
    if guess.mapping.columns.id.is_none() && given.source.name.is_none() {
        guess.mapping.source.name = Some(source.name().to_owned());
        guess.reason(
            "source.name",
            "no id column: ids are made from this name, the row and its occurrence, so another file of the same name \
             with equal rows counts as the same rows",
        );
    }
    Ok(guess)
}

/// A comment line. What it says may hold words of the source, which must not end the line.
fn push_comment(out: &mut String, comment: &str) {
    out.push_str("# ");
    let printable = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    out.extend(comment.chars().map(printable));
    out.push('\n');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Members;

    #[test]
    fn a_proposal_is_toml_with_a_reason_for_each_key() {
        let csv = b"loan_id,decided_at,action,score,age\na,2024-06-01,approve,0.2,30\nb,2024-06-02,deny,0.9,40\n";
        let source = Source::from_bytes("loans.csv", &csv[..]);
        let guess = guess(&source, &Mapping::default()).unwrap();
        let columns = &guess.mapping.columns;
        assert_eq!(columns.id.as_deref(), Some("loan_id"));
        assert_eq!(columns.time.as_deref(), Some("decided_at"));
        assert_eq!(columns.decision.as_deref(), Some("action"));
        assert_eq!(columns.score.as_deref(), Some("score"));
        assert_eq!(columns.input, Some(Members::Columns(vec!["*".into()])));
        let toml = guess.to_toml().unwrap();
        assert_eq!(Mapping::parse(&toml).unwrap(), guess.mapping);
        assert!(
            toml.contains(
                "# by its name; different in each of the first 2 rows\nid = \"loan_id\"\n"
            ),
            "{toml}"
        );
        assert!(toml.contains("a decision needs one"), "{toml}");
    }

    #[test]
    fn values_that_do_not_fit_keep_a_name_from_being_taken() {
        let csv = b"id,time,score,class\n1,noon,high,a\n1,noon,0.5,a\n";
        let source = Source::from_bytes("x.csv", &csv[..]);
        let columns = guess(&source, &Mapping::default()).unwrap().mapping.columns;
        assert_eq!(
            (columns.id, columns.time, columns.score),
            (None, None, None)
        );
        assert_eq!(columns.decision.as_deref(), Some("class"));
    }

    #[test]
    fn a_first_row_like_the_others_is_no_header() {
        let header = |csv: &str| {
            let source = Source::from_bytes("x.csv", csv.as_bytes());
            guess(&source, &Mapping::default())
                .unwrap()
                .mapping
                .read
                .header
        };
        assert_eq!(header("A11,6,A34\nA12,48,A32\nA11,12,A34\n"), Some(false));
        assert_eq!(header("5.1,3.5\n4.9,3.0\n"), Some(false));
        assert_eq!(header("country,2019,2020\nDE,1,2\nFR,3,4\n"), None);
        assert_eq!(header("a,b\nx,y\n"), None);
    }

    #[test]
    fn counts_of_time_are_proposed_with_their_unit() {
        let csv = "created,b\n1717243200,x\n1717243201.5,y\n";
        let source = Source::from_bytes("x.csv", csv.as_bytes());
        let guess = guess(&source, &Mapping::default()).unwrap();
        assert_eq!(guess.mapping.columns.time.as_deref(), Some("created"));
        assert_eq!(guess.mapping.time.unit, Some(crate::TimeUnit::Seconds));
        assert!(
            guess
                .to_toml()
                .unwrap()
                .contains("# as many digits as such a count has today\nunit = \"seconds\"")
        );
    }

    #[test]
    fn what_is_given_is_left_alone_and_not_taken_twice() {
        let csv = b"id,decision,class,age\n1,a,x,30\n2,b,y,40\n";
        let source = Source::from_bytes("x.csv", &csv[..]);
        let mut given = Mapping::default();
        given.set("columns.decision", "class").unwrap();
        given.set("columns.context", "id,").unwrap();
        given.set("constants.model.name", "m").unwrap();
        let mapping = guess(&source, &given).unwrap().mapping;
        assert_eq!(mapping.columns.decision.as_deref(), Some("class"));
        assert_eq!(mapping.columns.id, None);
        assert_eq!(mapping.constants, given.constants);
    }

    #[test]
    fn rows_that_look_like_records_are_mapped_member_by_member() {
        let json = b"{\"timestamp\":\"2024-06-01T12:00:00Z\",\"model_version\":\"v1.2\",\"input\":{\"age\":30},\"output\":\"approved\",\"context\":{\"a\":1}}";
        let source = Source::from_bytes("x.jsonl", &json[..]);
        let columns = guess(&source, &Mapping::default()).unwrap().mapping.columns;
        assert_eq!(columns.time.as_deref(), Some("timestamp"));
        assert_eq!(columns.input, Some(Members::Whole("input".into())));
        assert_eq!(columns.output, Some(Members::Whole("output".into())));
        assert_eq!(columns.context, Some(Members::Whole("context".into())));
        let model = [("version".to_owned(), "model_version".to_owned())];
        assert_eq!(columns.model, Some(Members::Named(model.into())));
    }
}
