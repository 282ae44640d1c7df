//! The notice to the subject of an adverse decision: plain text rendered from the answer to "why", always the same bytes for the
//! same answer, so that what was sent can be recorded and compared.
//!
//! The form is that of the sample notices of Regulation B (12 CFR 1002, appendix C, form C-1); the paragraph on the Equal
//! Credit Opportunity Act is that of 12 CFR 1002.9(b)(1). Whether a notice is owed, and what else it must say, is the
//! creditor's to know.

use std::fmt::Write as _;

use crate::document::{Reason, Why};

/// Name and version of the form, as it is recorded with a notice.
pub const TEMPLATE: &str = "adverse-action/1";

/// What a notice says that is on no record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Name of the creditor.
    pub creditor: String,
    /// Its address.
    pub address: String,
    /// Name and address of the agency that administers compliance for this creditor.
    pub agency: String,
    /// Where to ask for a review by a person, if it is said.
    pub contact: Option<String>,
    /// Date of the notice, as it shall stand there.
    pub date: String,
    /// The decision in words, if not as it was recorded.
    pub decision: Option<String>,
}

/// A notice, and what is recorded of it beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its text.
    pub text: String,
    /// The reasons that it gives: code and text, in order.
    pub reasons: Vec<(String, String)>,
    /// Version of the dictionary that they are from.
    pub dictionary: Option<String>,
}

/// Why no notice was rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// The decision is not adverse, or that is not known.
    #[error("the decision is not known to be adverse: {0}")]
    NotAdverse(String),
    /// There are no reasons.
    #[error("there are no reasons to give: {0}")]
    NoReasons(String),
    /// A principal reason has no words.
    #[error("{} contributed among the principal reasons and {} no words in the dictionary: add an entry for {}; none may be left out", fields.join(", "), if fields.len() == 1 { "has" } else { "have" }, if fields.len() == 1 { "it" } else { "them" })]
    Unmapped {
        /// The fields.
        fields: Vec<String>,
    },
    /// Something is not said that the notice must say.
    #[error("{0} is missing: a notice names it")]
    Missing(&'static str),
}

/// Renders the notice.
///
/// # Errors
/// [`NoticeError`], for anything that would make it incomplete or untrue.
pub fn render(why: &Why, terms: &Terms) -> Result<Notice, NoticeError> {
    for (name, said) in [
        ("the creditor's name", &terms.creditor),
        ("the creditor's address", &terms.address),
        ("the agency", &terms.agency),
        ("the date", &terms.date),
    ] {
        if said.trim().is_empty() {
            return Err(NoticeError::Missing(name));
        }
    }
    let outcome = why.outcome.content();
    if outcome.and_then(|it| it.adverse) != Some(true) {
        let said = outcome.and_then(|it| it.in_force.clone().or_else(|| it.decision.clone()));
        return Err(NoticeError::NotAdverse(
            said.unwrap_or_else(|| "no policy is registered".to_owned()),
        ));
    }
    let reasons = principal(why)?;
    let content = why.reasons.content();
    let decision = outcome
        .and_then(|it| it.decision.clone())
        .unwrap_or_default();
    let decision = terms.decision.clone().unwrap_or(decision);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}\n{}\n\nDate: {}\n",
        terms.creditor.trim(),
        terms.address.trim(),
        terms.date.trim()
    );
    let _ = writeln!(
        text,
        "Statement of action taken\n\nYour application: {}\nDecided: {}\nAction taken: {decision}\n",
        why.id, why.time
    );
    text.push_str("Principal reasons for our decision:\n");
    for (place, (_, reason)) in reasons.iter().enumerate() {
        let _ = writeln!(text, "  {}. {reason}", place + 1);
    }
    if let Some(contact) = &terms.contact {
        let _ = writeln!(
            text,
            "\nYou can give us your view and have this decision reviewed by a person: {}",
            contact.trim()
        );
    }
    let _ = write!(
        text,
        "\n{ECOA} {}.\n",
        terms.agency.trim().trim_end_matches('.')
    );
    Ok(Notice {
        text,
        reasons,
        dictionary: content.and_then(|it| it.dictionary.clone()),
    })
}

/// 12 CFR 1002.9(b)(1), up to the name of the agency.
const ECOA: &str = "Notice: The federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit \
applicants on the basis of race, color, religion, national origin, sex, marital status, age (provided the applicant has the \
capacity to enter into a binding contract); because all or part of the applicant's income derives from any public assistance \
program; or because the applicant has in good faith exercised any right under the Consumer Credit Protection Act. The federal \
agency that administers compliance with this law concerning this creditor is";

/// The principal reasons with their words; none is left out.
fn principal(why: &Why) -> Result<Vec<(String, String)>, NoticeError> {
    let reasons = match &why.reasons {
        crate::Block::Absent { absent } => return Err(NoticeError::NoReasons(absent.clone())),
        crate::Block::Present { content, .. } => content,
    };
    let most = reasons.principal.len().max(1);
    let first = reasons.ordered.iter().take(most);
    let wordless = |reason: &&Reason| reason.code.is_none();
    let fields: Vec<String> = first
        .filter(wordless)
        .flat_map(|it| it.fields.clone())
        .collect();
    if !fields.is_empty() {
        return Err(NoticeError::Unmapped { fields });
    }
    let told = reasons
        .principal
        .iter()
        .filter_map(|it| Some((it.code.clone()?, it.text.clone()?)));
    let told: Vec<(String, String)> = told.collect();
    if told.is_empty() {
        return Err(NoticeError::NoReasons(
            "no dictionary of reasons is registered".to_owned(),
        ));
    }
    Ok(told)
}
