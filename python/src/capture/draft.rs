//! The text of a record, but for its source.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::Encoded;
use super::clock::now;
use super::ids::Ids;
use crate::encode::{Attached, Encoder, Limits, string};

/// A record being written.
pub(super) struct Draft<'a> {
    out: &'a mut Vec<u8>,
    encoder: Encoder,
    /// Attachments of members that were encoded before, and those that the caller gave.
    attached: Vec<Arc<Attached>>,
}

impl<'a> Draft<'a> {
    /// Begins a record of `kind` in `out`, which is emptied before.
    pub(super) fn begin(out: &'a mut Vec<u8>, kind: &str) -> Draft<'a> {
        out.clear();
        out.extend_from_slice(br#"{"kind":"#);
        string(kind, out);
        Draft {
            out,
            encoder: Encoder::new(Limits::default()),
            attached: Vec::new(),
        }
    }

    /// Writes the id, a new one if none is given, and gives it.
    pub(super) fn identify<'py>(
        &mut self,
        py: Python<'py>,
        id: Option<&Bound<'py, PyString>>,
        ids: &Ids,
    ) -> PyResult<Bound<'py, PyString>> {
        let id = match id {
            Some(id) => id.clone(),
            None => PyString::new(py, &ids.next()?),
        };
        self.out.extend_from_slice(br#","id":"#);
        string(id.to_str()?, self.out);
        Ok(id)
    }

    /// Writes the time, the present if none is given.
    pub(super) fn time(&mut self, time: Option<&str>) {
        self.out.extend_from_slice(br#","time":"#);
        match time {
            Some(time) => string(time, self.out),
            None => string(&format!("{:.9}", now()), self.out),
        }
    }

    /// Writes members, each a typed document.
    pub(super) fn members(&mut self, members: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, value) in members {
            let name = name.cast::<PyString>()?;
            let name = name.to_str()?;
            self.out.push(b',');
            string(name, self.out);
            self.out.push(b':');
            if let Ok(encoded) = value.cast_exact::<Encoded>() {
                encoded.get().write(self.out, &mut self.attached);
            } else {
                self.encoder.named(name);
                self.encoder.document(&value, self.out)?;
            }
        }
        Ok(())
    }

    /// Takes files that the caller attaches: name, media type, bytes.
    pub(super) fn attach(&mut self, files: Vec<(String, String, Vec<u8>)>) {
        for (name, media_type, bytes) in files {
            self.attached
                .push(Arc::new(Attached::of(name, media_type, bytes)));
        }
    }

    /// Writes what is attached. The record lacks its source, and its end.
    pub(super) fn end(mut self) -> Vec<Arc<Attached>> {
        self.attached
            .extend(self.encoder.attachments().into_iter().map(Arc::new));
        if !self.attached.is_empty() {
            self.out.extend_from_slice(br#","attachments":["#);
            for (nth, attached) in self.attached.iter().enumerate() {
                if nth > 0 {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(br#"{"name":"#);
                string(&attached.name, self.out);
                self.out.extend_from_slice(br#","media_type":"#);
                string(&attached.media_type, self.out);
                self.out.extend_from_slice(br#","digest":"#);
                string(&attached.digest, self.out);
                self.out.extend_from_slice(br#","size":"#);
                let mut size = itoa::Buffer::new();
                self.out
                    .extend_from_slice(size.format(attached.bytes.len()).as_bytes());
                self.out.push(b'}');
            }
            self.out.push(b']');
        }
        self.attached
    }
}
