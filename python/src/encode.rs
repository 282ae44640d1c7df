//! Values of programs as typed documents (`docs/format.md`, "Values of programs").
//!
//! What JSON can say is written here, straight into the bytes of the record. What it cannot say is described by
//! `causebook._values` in terms of what it can, or by `numpy` here for the scalars that every model returns. A document
//! that does not fit into a record becomes an attachment, and a value that nobody can describe becomes its type and its
//! `repr`: encoding fails only if Python itself is interrupted or out of memory.

mod found;
mod numpy;
mod other;
mod text;
mod walk;

use found::Found;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
pub(crate) use text::string;
use walk::{Stop, Walk};

/// Media type of a document that was moved out of its record.
const DOCUMENT: &str = "application/vnd.causebook.document+json";

/// What a record may hold of documents. Beyond it, a document becomes an attachment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one document.
    pub(crate) document_bytes: usize,
    /// Facts of one document.
    pub(crate) document_facts: usize,
    /// Bytes of all documents of the record.
    pub(crate) record_bytes: usize,
    /// Facts of all documents of the record.
    pub(crate) record_facts: usize,
    /// Arrays and objects open at one time in a document.
    pub(crate) depth: usize,
    /// Bytes of the path of a fact within its document.
    pub(crate) path_bytes: usize,
}

impl Default for Limits {
    /// A record has 1 MiB, 4,096 facts, 128 open containers and 4,096 bytes of path; other members need their share.
    fn default() -> Self {
        Self {
            document_bytes: 256 * 1024,
            document_facts: 3_000,
            record_bytes: 768 * 1024,
            record_facts: 3_600,
            depth: 100,
            path_bytes: 3_072,
        }
    }
}

/// Bytes that go beside a record.
#[derive(Debug)]
pub(crate) struct Attached {
    /// Where it was found: the name of the member, and the place in its document.
    pub(crate) name: String,
    pub(crate) media_type: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) bytes: Vec<u8>,
}

impl Attached {
    /// Bytes with the digest by which they are found.
    pub(crate) fn of(name: String, media_type: String, bytes: Vec<u8>) -> Attached {
        let mut digest = String::with_capacity(71);
        digest.push_str("sha256:");
        for byte in Sha256::digest(&bytes) {
            let _ = write!(digest, "{byte:02x}");
        }
        Attached {
            name,
            media_type,
            digest,
            bytes,
        }
    }
}

/// Encodes the documents of one record.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    limits: Limits,
    member: String,
    attachments: Vec<Attached>,
    bytes: usize,
    facts: usize,
}

impl Encoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Names the member that the next document is of. Attachments are named after it.
    pub(crate) fn named(&mut self, member: &str) {
        member.clone_into(&mut self.member);
    }

    /// Appends the JSON of the document of `value` to `out`.
    ///
    /// # Errors
    /// What Python raises that is not about the value: `KeyboardInterrupt`, `SystemExit`, `MemoryError`. Nothing is
    /// appended then.
    pub(crate) fn document(&mut self, value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
        let start = out.len();
        let attached = self.attachments.len();
        let written = self.written(value, out);
        if written.is_err() {
            out.truncate(start);
            self.attachments.truncate(attached);
        }
        written
    }

    /// What goes beside the record: each digest once.
    pub(crate) fn attachments(self) -> Vec<Attached> {
        self.attachments
    }

    fn written(&mut self, value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
        let start = out.len();
        let attached = self.attachments.len();
        let mut walk = Walk::new(value.py(), self, out)?;
        match walk.root(value) {
            Ok(()) => {}
            Err(Stop::TooLarge) => walk.too_large(value, attached)?,
            Err(Stop::Python(error)) => return Err(error),
        }
        let size = walk.finish();
        let bytes = out.len() - start;
        let fits = bytes <= self.limits.document_bytes
            && size.facts <= self.limits.document_facts
            && size.depth <= self.limits.depth
            && size.path_bytes <= self.limits.path_bytes
            && self.bytes + bytes <= self.limits.record_bytes
            && self.facts + size.facts <= self.limits.record_facts;
        if fits {
            self.bytes += bytes;
            self.facts += size.facts;
            return Ok(());
        }
        let whole = out.split_off(start);
        let digest = self.attach("", DOCUMENT, whole);
        let mut found = Found::default();
        found.add("document".into(), "", br#"{"attachment":true}"#.to_vec());
        out.extend_from_slice(br#"{"$value":"#);
        text::string(&digest, out);
        out.push(b',');
        found.write(out);
        out.push(b'}');
        self.bytes += out.len() - start;
        self.facts += 2;
        Ok(())
    }

    /// Puts bytes beside the record, and gives their digest.
    fn attach(&mut self, place: &str, media_type: &str, bytes: Vec<u8>) -> String {
        let name = format!("{}{place}", self.member);
        let name = if name.is_empty() {
            "value".to_owned()
        } else {
            name
        };
        let attached = Attached::of(name, media_type.to_owned(), bytes);
        let digest = attached.digest.clone();
        if !self.attachments.iter().any(|known| known.digest == digest) {
            self.attachments.push(attached);
        }
        digest
    }
}

/// The typed document of a value, and what goes beside it: `(name, media_type, digest, bytes)` each.
///
/// # Errors
/// What Python raises that is not about the value: `KeyboardInterrupt`, `SystemExit`, `MemoryError`.
#[pyfunction]
pub(crate) fn encode<'py>(value: &Bound<'py, PyAny>) -> PyResult<(String, Bound<'py, PyList>)> {
    let py = value.py();
    let mut encoder = Encoder::new(Limits::default());
    let mut out = Vec::with_capacity(512);
    encoder.document(value, &mut out)?;
    let attachments = PyList::empty(py);
    for attached in encoder.attachments() {
        let bytes = PyBytes::new(py, &attached.bytes);
        attachments.append((attached.name, attached.media_type, attached.digest, bytes))?;
    }
    Ok((String::from_utf8(out)?, attachments))
}
