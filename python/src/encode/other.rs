//! What JSON cannot say: scalars of numpy are written here, everything else as `causebook._values` describes it.

use super::numpy::{self, Kind};
use super::text;
use super::walk::{Reals, Step, Stop, Walk};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyString, PyTuple, PyType};

/// What is taken from `causebook._values`.
pub(super) struct Values {
    describe: Py<PyAny>,
    opaque: Py<PyAny>,
    attachment: Py<PyType>,
    number: Py<PyType>,
    reals: Py<PyType>,
}

static VALUES: PyOnceLock<Values> = PyOnceLock::new();

pub(super) fn values(py: Python<'_>) -> PyResult<&'static Values> {
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

impl<'py> Walk<'_, 'py> {
    /// Writes what JSON cannot say.
    pub(super) fn other(&mut self, value: &Bound<'py, PyAny>) -> Step {
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

    pub(super) fn describe(&mut self, value: &Bound<'py, PyAny>) -> Step {
        if !self.has_room() {
            return self.too_deep(value);
        }
        let described = self.values.describe.bind(self.py).call1((value,))?;
        self.described(&described)
    }

    pub(super) fn opaque(&mut self, value: &Bound<'py, PyAny>, why: &str) -> Step {
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

    fn is(&self, value: &Bound<'py, PyAny>, class: &Py<PyType>) -> bool {
        std::ptr::eq(value.get_type_ptr().cast(), class.bind(self.py).as_ptr())
    }
}
