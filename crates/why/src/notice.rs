//! The notice to the subject: text rendered from the record, whose bytes are recorded.
