//! What a record itself says: its recorded explanation, its conversation, its acts.
