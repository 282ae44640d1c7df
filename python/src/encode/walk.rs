//! The walk through one value: what JSON can say is written, everything else is described and then written.
//!
//! Depth, size and the number of typed places are bounded, so that neither a cycle nor a value that makes new values
//! while it is walked can exhaust the stack or the memory.

use super::found::Found;
use super::numpy::{self, Kind};
use super::{Encoder, text};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

/// Containers and described values open at one time. A frame of the walk is below 1 KiB; threads have 512 KiB.
const OPEN: usize = 256;
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

type Step = Result<(), Stop>;

/// What a document needs of a record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) facts: usize,
    pub(super) depth: usize,
    pub(super) path_bytes: usize,
}

/// What is taken from `causebook._values`.
struct Values {
    describe: Py<PyAny>,
    opaque: Py<PyAny>,
    attachment: Py<PyType>,
    number: Py<PyType>,
    reals: Py<PyType>,
}

static VALUES: PyOnceLock<Values> = PyOnceLock::new();

fn values(py: Python<'_>) -> PyResult<&'static Values> {
    VALUES.get_or_try_init(py, || {
        let module = py.import("causebook._values")?;
        let class = |name: &str| -> PyResult<Py<PyType>> {
            Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        Ok(Values {
            describe: module.getattr("describe")?.unbind(),
            opaque: module.getattr("opaque")?.unbind(),
            attachment: class("Attachment")?,
            number: class("Number")?,
            reals: class("Reals")?,
        })
    })
}

/// Floating-point numbers of one type.
#[derive(Clone, Copy)]
struct Reals {
    /// Their precision is that of 32 bits.
    single: bool,
}

/// A point of the walk to which it can return.
#[derive(Clone, Copy)]
struct Mark {
    out: usize,
    found: usize,
    size: Size,
}

pub(super) struct Walk<'a, 'py> {
    py: Python<'py>,
    values: &'static Values,
    encoder: &'a mut Encoder,
    out: &'a mut Vec<u8>,
    start: usize,
    /// Where the walk is, a JSON Pointer.
    pointer: String,
    found: Found,
    size: Size,
    /// Addresses of containers and described values around the walk.
    open: Vec<usize>,
    /// Arrays and objects of JSON around the walk.
    depth: usize,
    /// Arrays around the walk: what is in one is no fact of its own.
    arrays: usize,
    /// The walk is in lists of floating-point numbers.
    reals: Option<Reals>,
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

    fn value(&mut self, value: &Bound<'py, PyAny>) -> Step {
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

    fn bool(&mut self, flag: bool) {
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
    fn container(
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
            return self.opaque(value, "nested more than 256 deep");
        }
        self.open.push(address);
        let step = inner(self);
        self.open.pop();
        step
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

    /// Writes what JSON cannot say.
    fn other(&mut self, value: &Bound<'py, PyAny>) -> Step {
        if let Some((kind, name)) = numpy::scalar(value)
            && self.numpy(value, kind, name)?
        {
            return Ok(());
        }
        if self.is(value, &self.values.number) {
            return self.number(value);
        }
        if self.is(value, &self.values.reals) {
            return self.reals(value);
        }
        if let Ok(number) = value.cast_exact::<PyFloat>() {
            self.not_finite(number.value(), "float");
            return Ok(());
        }
        self.container(value, |walk| walk.describe(value))
    }

    /// Writes a scalar of numpy; false if it needs describing.
    fn numpy(
        &mut self,
        value: &Bound<'py, PyAny>,
        kind: Kind,
        name: &'static str,
    ) -> Result<bool, Stop> {
        match kind {
            Kind::Double | Kind::Single => {
                let number: f64 = value.extract()?;
                if !number.is_finite() {
                    self.not_finite(number, name);
                    return Ok(true);
                }
                if matches!(kind, Kind::Single) {
                    text::single(number as f32, self.out);
                } else {
                    text::double(number, self.out);
                }
            }
            Kind::Signed => text::integer(value.extract()?, self.out),
            Kind::Unsigned => text::unsigned(value.extract()?, self.out),
            Kind::Bool => self.bool(value.is_truthy()?),
            Kind::Text => {
                let Ok(string) = value.cast::<PyString>() else {
                    return Ok(false);
                };
                let Ok(string) = string.to_str() else {
                    return Ok(false);
                };
                text::string(string, self.out);
            }
        }
        self.found.add(name.into(), &self.pointer, Vec::new());
        Ok(true)
    }

    fn not_finite(&mut self, number: f64, name: &'static str) {
        text::string(text::not_finite(number), self.out);
        self.found.add(name.into(), &self.pointer, Vec::new());
    }

    /// A number of which the digits are given.
    fn number(&mut self, value: &Bound<'py, PyAny>) -> Step {
        let digits = value.cast::<PyString>().map_err(PyErr::from)?.to_str()?;
        if text::is_number(digits) {
            self.out.extend_from_slice(digits.as_bytes());
        } else {
            text::string(digits, self.out);
        }
        Ok(())
    }

    /// Lists of floating-point numbers of which the type is known: those that are not finite need no place.
    fn reals(&mut self, value: &Bound<'py, PyAny>) -> Step {
        let inner = value.getattr(intern!(self.py, "values"))?;
        let single: bool = value.getattr(intern!(self.py, "single"))?.extract()?;
        let before = self.reals.replace(Reals { single });
        let step = self.value(&inner);
        self.reals = before;
        step
    }

    fn describe(&mut self, value: &Bound<'py, PyAny>) -> Step {
        let described = self.values.describe.bind(self.py).call1((value,))?;
        self.described(&described)
    }

    fn opaque(&mut self, value: &Bound<'py, PyAny>, why: &str) -> Step {
        let described = self.values.opaque.bind(self.py).call1((value, why))?;
        self.described(&described)
    }

    /// Writes `(name, plain, parameters)`.
    fn described(&mut self, described: &Bound<'py, PyAny>) -> Step {
        let described = described.cast::<PyTuple>().map_err(PyErr::from)?;
        let (name, plain, parameters): (String, Bound<'py, PyAny>, Option<Bound<'py, PyDict>>) =
            described.extract()?;
        if self.is(&plain, &self.values.attachment) {
            let json = self.parameters(parameters.as_ref(), Some("attachment"))?;
            self.attach(&plain)?;
            self.found.add(name.into(), &self.pointer, json);
            return Ok(());
        }
        let mark = self.mark();
        self.value(&plain)?;
        let boxed = self.found.ends_at(&self.pointer, mark.found);
        if boxed {
            self.return_to(mark);
            self.boxed(&plain)?;
        }
        let json = self.parameters(parameters.as_ref(), boxed.then_some("boxed"))?;
        self.found.add(name.into(), &self.pointer, json);
        Ok(())
    }

    /// Writes a value that has a type of its own as the only element of an array: a place has one type.
    fn boxed(&mut self, plain: &Bound<'py, PyAny>) -> Step {
        let depth = self.pointer.len();
        self.enter();
        self.arrays += 1;
        self.out.push(b'[');
        text::element(0, &mut self.pointer);
        self.value(plain)?;
        self.pointer.truncate(depth);
        self.out.push(b']');
        self.arrays -= 1;
        self.depth -= 1;
        Ok(())
    }

    fn attach(&mut self, attachment: &Bound<'py, PyAny>) -> Step {
        let media_type: String = attachment
            .getattr(intern!(self.py, "media_type"))?
            .extract()?;
        let data = attachment.getattr(intern!(self.py, "data"))?;
        let bytes = data
            .cast::<PyBytes>()
            .map_err(PyErr::from)?
            .as_bytes()
            .to_vec();
        let digest = self.encoder.attach(&self.pointer, &media_type, bytes);
        text::string(&digest, self.out);
        Ok(())
    }

    /// The JSON of parameters, which need no types, with `flag` set; empty if there is nothing to say.
    fn parameters(
        &mut self,
        parameters: Option<&Bound<'py, PyDict>>,
        flag: Option<&str>,
    ) -> Result<Vec<u8>, Stop> {
        let parameters = match (parameters, flag) {
            (None, None) => return Ok(Vec::new()),
            (Some(given), None) => given.clone(),
            (given, Some(flag)) => {
                let with = given.map_or_else(|| Ok(PyDict::new(self.py)), PyDictMethods::copy)?;
                with.set_item(flag, true)?;
                with
            }
        };
        let mark = self.mark();
        // Parameters are ours and shallow: they have their own depth, also where the value has used up all of it.
        let open = std::mem::take(&mut self.open);
        let step = self.value(parameters.as_any());
        self.open = open;
        step?;
        let json = self.out.split_off(mark.out);
        self.return_to(mark);
        Ok(json)
    }

    fn enter(&mut self) {
        self.depth += 1;
        self.size.depth = self.size.depth.max(self.depth);
    }

    fn mark(&self) -> Mark {
        Mark {
            out: self.out.len(),
            found: self.found.len(),
            size: self.size,
        }
    }

    fn return_to(&mut self, mark: Mark) {
        self.out.truncate(mark.out);
        self.found.truncate(mark.found);
        self.size = mark.size;
    }

    fn is(&self, value: &Bound<'py, PyAny>, class: &Py<PyType>) -> bool {
        std::ptr::eq(value.get_type_ptr().cast(), class.bind(self.py).as_ptr())
    }
}
