//! The answer for people: as text for a terminal, and as a self-contained page to file, print or send.
//!
//! Both are written from one plan ([`compose`]), so that they say the same in the same order. Recorded text is made harmless
//! by the one writer that puts it out.

mod compose;
mod harmless;
mod html;
mod redact;
mod sheet;
mod text;
mod words;

pub use html::html;
pub use redact::{Audience, redact};
pub use text::{Look, text};
pub use words::Words;
