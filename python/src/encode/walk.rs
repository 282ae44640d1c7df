//! The walk through one value: what JSON can say is written, everything else is described and then written.
//!
//! Depth, size and the number of typed places are bounded, so that neither a cycle nor a value that makes new values
//! while it is walked can exhaust the stack or the memory.

use super::found::Found;
use super::other::{Values, values};
use super::{Encoder, text};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

/// Containers and described values open at one time. A frame of the walk is below 1 KiB; threads have 512 KiB.
const OPEN: usize = 256;
/// What is left of them for that of which a described value consists, so that it is whole or not there.
const WITHIN: usize = 16;
/// Bytes of one document.
const BYTES: usize = 64 * 1024 * 1024;
/// Typed places in one document.
const PLACES: usize = 1 << 20;
/// Beyond these bits Python may refuse to write an integer in decimal digits (640 digits, at the strictest setting).
const BITS: u64 = 2_048;

/// Why a walk ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The document is larger than any may be.
    TooLarge,
    /// Python raised what is not about the value.
    Python(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

pub(super) type Step = Result<(), Stop>;

/// What a document needs of a record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) facts: usize,
    pub(super) depth: usize,
    pub(super) path_bytes: usize,
}

/// Floating-point numbers of one type.
#[derive(Clone, Copy)]
pub(super) struct Reals {
    /// Their precision is that of 32 bits.
    pub(super) single: bool,
}

/// A point of the walk to which it can return.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) out: usize,
    pub(super) found: usize,
    size: Size,
}

pub(super) struct Walk<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) values: &'static Values,
    pub(super) encoder: &'a mut Encoder,
    pub(super) out: &'a mut Vec<u8>,
    start: usize,
    /// Where the walk is, a JSON Pointer.
    pub(super) pointer: String,
    pub(super) found: Found,
    size: Size,
    /// Addresses of containers and described values around the walk.
    pub(super) open: Vec<usize>,
    /// Arrays and objects of JSON around the walk.
    pub(super) depth: usize,
    /// Arrays around the walk: what is in one is no fact of its own.
    pub(super) arrays: usize,
    /// The walk is in lists of floating-point numbers.
    pub(super) reals: Option<Reals>,
    /// The root has a key that means something to readers.
    reserved: bool,
}

impl<'a, 'py> Walk<'a, 'py> {
    pub(super) fn new(
        py: Python<'py>,
        encoder: &'a mut Encoder,
        out: &'a mut Vec<u8>,
    ) -> PyResult<Self> {
        Ok(Self {
            py,
            values: values(py)?,
            encoder,
            start: out.len(),
            out,
            pointer: String::new(),
            found: Found::default(),
            size: Size::default(),
            open: Vec::new(),
            depth: 0,
            arrays: 0,
            reals: None,
            reserved: false,
        })
    }

    pub(super) fn root(&mut self, value: &Bound<'py, PyAny>) -> Step {
        self.value(value)
    }

    /// The value is larger than any document: its type stands for it, and beside the record is what was `attached` before.
    pub(super) fn too_large(&mut self, value: &Bound<'py, PyAny>, attached: usize) -> PyResult<()> {
        self.encoder.attachments.truncate(attached);
        self.return_to(Mark {
            out: self.start,
            found: 0,
            size: Size::default(),
        });
        self.pointer.clear();
        self.open.clear();
        self.depth = 0;
        self.arrays = 0;
        self.reals = None;
        match self.opaque(
            value,
            "larger than 64 MiB, or more than 1,048,576 typed places",
        ) {
            Ok(()) | Err(Stop::TooLarge) => Ok(()),
            Err(Stop::Python(error)) => Err(error),
        }
    }

    /// Puts types beside what was written.
    pub(super) fn finish(mut self) -> Size {
        let object = self.out.get(self.start) == Some(&b'{') && !self.reserved;
        if self.found.is_empty() && !self.reserved {
            return self.size;
        }
        if object {
            self.out.pop();
            if self.out.len() > self.start + 1 {
                self.out.push(b',');
            }
        } else {
            self.out
                .splice(self.start..self.start, br#"{"$value":"#.iter().copied());
            self.out.push(b',');
        }
        self.size.facts += 1 + self.found.len().min(64);
        self.found.write(self.out);
        self.out.push(b'}');
        self.size
    }

    pub(super) fn value(&mut self, value: &Bound<'py, PyAny>) -> Step {
        if self.scalar(value)? {
            Ok(())
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.container(value, |walk| walk.dict(dict))
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.container(value, |walk| walk.list(list))
        } else {
            self.other(value)
        }
    }

    /// Writes what is plain JSON and no container. Needs no place, so it comes before places are made.
    fn scalar(&mut self, value: &Bound<'py, PyAny>) -> Result<bool, Stop> {
        if value.is_exact_instance_of::<PyString>() {
            let Ok(string) = value.cast::<PyString>() else {
                return Ok(false);
            };
            let Ok(string) = string.to_str() else {
                return Ok(false);
            };
            text::string(string, self.out);
        } else if value.is_exact_instance_of::<PyFloat>() {
            let number: f64 = value.extract()?;
            return Ok(self.float(number));
        } else if value.is_exact_instance_of::<PyInt>() {
            return self.int(value);
        } else if value.is_none() {
            self.out.extend_from_slice(b"null");
        } else if let Ok(flag) = value.cast_exact::<PyBool>() {
            self.bool(flag.is_true());
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn float(&mut self, number: f64) -> bool {
        if number.is_finite() {
            if self.reals.is_some_and(|reals| reals.single) {
                text::single(number as f32, self.out);
            } else {
                text::double(number, self.out);
            }
        } else if self.reals.is_some() {
            text::string(text::not_finite(number), self.out);
        } else {
            return false;
        }
        true
    }

    pub(super) fn bool(&mut self, flag: bool) {
        self.out
            .extend_from_slice(if flag { b"true" } else { b"false" });
    }

    fn int(&mut self, value: &Bound<'py, PyAny>) -> Result<bool, Stop> {
        if let Ok(number) = value.extract::<i64>() {
            text::integer(number, self.out);
            return Ok(true);
        }
        let bits: u64 = value
            .call_method0(intern!(self.py, "bit_length"))?
            .extract()?;
        if bits > BITS {
            return Ok(false);
        }
        self.out
            .extend_from_slice(value.str()?.to_str()?.as_bytes());
        Ok(true)
    }

    /// Keeps cycles and depth in bounds around `inner`.
    pub(super) fn container(
        &mut self,
        value: &Bound<'py, PyAny>,
        inner: impl FnOnce(&mut Self) -> Step,
    ) -> Step {
        if self.out.len() - self.start > BYTES || self.found.len() > PLACES {
            return Err(Stop::TooLarge);
        }
        let address = value.as_ptr() as usize;
        if self.open.contains(&address) {
            return self.opaque(value, "holds itself");
        }
        if self.open.len() >= OPEN {
            return self.too_deep(value);
        }
        self.open.push(address);
        let step = inner(self);
        self.open.pop();
        step
    }

    pub(super) fn too_deep(&mut self, value: &Bound<'py, PyAny>) -> Step {
        self.opaque(value, "nested more than 256 deep")
    }

    /// Whether a value that consists of others has room for them.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() + WITHIN < OPEN
    }

    fn dict(&mut self, dict: &Bound<'py, PyDict>) -> Step {
        let mark = self.mark();
        let depth = self.pointer.len();
        self.enter();
        self.out.push(b'{');
        let mut first = true;
        // A copy of our own: describing a value may run code that changes the dictionary.
        for (key, value) in dict.copy()? {
            let Some(key) = key
                .cast_exact::<PyString>()
                .ok()
                .and_then(|key| key.to_str().ok())
            else {
                self.pointer.truncate(depth);
                self.return_to(mark);
                self.depth -= 1;
                return self.describe(dict.as_any());
            };
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.reserved |= depth == 0 && matches!(key, "$types" | "$value");
            text::string(key, self.out);
            self.out.push(b':');
            text::token(key, &mut self.pointer);
            if self.arrays == 0 {
                self.size.facts += 1;
                self.size.path_bytes = self.size.path_bytes.max(self.pointer.len());
            }
            self.value(&value)?;
            self.pointer.truncate(depth);
        }
        self.out.push(b'}');
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self, list: &Bound<'py, PyList>) -> Step {
        let depth = self.pointer.len();
        self.enter();
        self.arrays += 1;
        self.out.push(b'[');
        for (index, value) in list.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            if self.scalar(&value)? {
                continue;
            }
            text::element(index, &mut self.pointer);
            self.value(&value)?;
            self.pointer.truncate(depth);
        }
        self.out.push(b']');
        self.arrays -= 1;
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn enter(&mut self) {
        self.depth += 1;
        self.size.depth = self.size.depth.max(self.depth);
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            out: self.out.len(),
            found: self.found.len(),
            size: self.size,
        }
    }

    pub(super) fn return_to(&mut self, mark: Mark) {
        self.out.truncate(mark.out);
        self.found.truncate(mark.found);
        self.size = mark.size;
    }
}
