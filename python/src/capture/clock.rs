//! The time of decisions.

/// The present, for records that do not say when.
#[expect(
    clippy::disallowed_methods,
    reason = "decisions are made by programs in real time; nothing here is simulated"
)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
