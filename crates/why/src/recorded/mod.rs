//! What the ledger itself says of a decision: its conversation, and the acts that came after.
//!
//! Records are read as they are. What has another form than those known here is passed over, never an error: a record that
//! was accepted is not refused when somebody asks about it.

mod acts;
mod conversation;
mod explanation;

pub use acts::acts;
pub use conversation::conversation;
pub use explanation::{attributions, difference, pointer};
