//! Operators of `ai.onnx` that compute value by value.

use crate::ModelError;

use super::attributes::Attributes;
use super::inside::Flow;
use super::proto::{BOOL, DOUBLE, FLOAT, INT64, STRING};
use super::tensor::{Data, Tensor, broadcast, stretched};
use super::unsupported;
use super::work::{Done, Trouble, Work, unfit, wrong};

/// An operator that computes value by value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arithmetic {
    One(Unary),
    Two(Binary),
    Cast(i64),
    /// Bounds given as attributes; as inputs, they are the second and third.
    Clip {
        least: Option<f32>,
        most: Option<f32>,
    },
    Where,
}

/// Of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Abs,
    Exp,
    Log,
    Neg,
    Not,
    Reciprocal,
    Relu,
    Sigmoid,
    Sqrt,
    Tanh,
    Floor,
    Ceil,
    IsNan,
}

/// Of two values; some take any number of inputs, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    And,
    Or,
    Xor,
}

impl Arithmetic {
    /// The operator of this name, if it is one of these.
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Result<Option<Self>, ModelError> {
        use {Binary as B, Unary as U};
        Ok(Some(match attributes.operator() {
            "Abs" => Self::One(U::Abs),
            "Exp" => Self::One(U::Exp),
            "Log" => Self::One(U::Log),
            "Neg" => Self::One(U::Neg),
            "Not" => Self::One(U::Not),
            "Reciprocal" => Self::One(U::Reciprocal),
            "Relu" => Self::One(U::Relu),
            "Sigmoid" => Self::One(U::Sigmoid),
            "Sqrt" => Self::One(U::Sqrt),
            "Tanh" => Self::One(U::Tanh),
            "Floor" => Self::One(U::Floor),
            "Ceil" => Self::One(U::Ceil),
            "IsNaN" => Self::One(U::IsNan),
            "Add" | "Sum" => Self::Two(B::Add),
            "Sub" => Self::Two(B::Sub),
            "Mul" => Self::Two(B::Mul),
            "Div" => Self::Two(B::Div),
            "Pow" => Self::Two(B::Pow),
            "Min" => Self::Two(B::Min),
            "Max" => Self::Two(B::Max),
            "Less" => Self::Two(B::Less),
            "LessOrEqual" => Self::Two(B::LessOrEqual),
            "Greater" => Self::Two(B::Greater),
            "GreaterOrEqual" => Self::Two(B::GreaterOrEqual),
            "Equal" => Self::Two(B::Equal),
            "And" => Self::Two(B::And),
            "Or" => Self::Two(B::Or),
            "Xor" => Self::Two(B::Xor),
            "Cast" => {
                let to = attributes.integer("to", 0)?;
                // Both are for numbers of 8 bits.
                attributes.skip("saturate");
                attributes.skip("round_mode");
                if ![FLOAT, DOUBLE, INT64, BOOL, STRING].contains(&to) {
                    return Err(unsupported(&format!("Cast to the type {to}")));
                }
                Self::Cast(to)
            }
            "Clip" => Self::Clip {
                least: attributes.single("min")?,
                most: attributes.single("max")?,
            },
            "Where" => Self::Where,
            _ => return Ok(None),
        }))
    }

    pub(super) fn flow(&self) -> Flow {
        match self {
            Self::One(_) | Self::Cast(_) => Flow::Keep,
            Self::Two(_) | Self::Clip { .. } | Self::Where => Flow::Combine,
        }
    }

    /// The library rounds these otherwise, in the last digit.
    pub(super) fn exact(&self) -> bool {
        use Unary::{Exp, Log, Sigmoid, Tanh};
        match self {
            Self::One(one) => !matches!(one, Exp | Log | Sigmoid | Tanh),
            Self::Two(two) => *two != Binary::Pow,
            _ => true,
        }
    }

    pub(super) fn run(&self, inputs: &[Option<&Tensor>], work: &mut Work) -> Done<Tensor> {
        let given: Vec<&Tensor> = inputs.iter().flatten().copied().collect();
        match (self, &given[..]) {
            (Self::One(one), [x]) => {
                work.room(&x.dims)?;
                let data = unary(*one, &x.data).ok_or_else(|| unfit("an operator", &given))?;
                Ok(Tensor {
                    dims: x.dims.clone(),
                    data,
                })
            }
            (Self::Two(two), [first, rest @ ..]) if inputs.len() == given.len() => {
                let mut result: Option<Tensor> = None;
                for next in rest {
                    let done = combine(*two, result.as_ref().unwrap_or(first), next, work)?;
                    result = Some(done);
                }
                Ok(result.unwrap_or_else(|| (*first).clone()))
            }
            (Self::Cast(to), [x]) => {
                work.room(&x.dims)?;
                Ok(Tensor {
                    dims: x.dims.clone(),
                    data: cast(&x.data, *to, work)?,
                })
            }
            (Self::Clip { least, most }, [x, ..]) => {
                let bound = |bound: Option<f32>| {
                    bound.map(|bound| Tensor {
                        dims: Vec::new(),
                        data: Data::Single(vec![bound]),
                    })
                };
                let (least, most) = (bound(*least), bound(*most));
                let least = least.as_ref().or(inputs.get(1).copied().flatten());
                let most = most.as_ref().or(inputs.get(2).copied().flatten());
                let mut result = (*x).clone();
                work.room(&x.dims)?;
                for (two, bound) in [(Binary::Max, least), (Binary::Min, most)] {
                    if let Some(bound) = bound {
                        result = combine(two, &result, bound, work)?;
                    }
                }
                Ok(result)
            }
            (Self::Where, [condition, yes, no]) => choose(condition, yes, no, work),
            _ => Err(wrong("an operator", "it has not the inputs that it needs")),
        }
    }
}

fn unary(one: Unary, data: &Data) -> Option<Data> {
    if let (Unary::Not, Data::Boolean(list)) = (one, data) {
        return Some(Data::Boolean(list.iter().map(|bit| !bit).collect()));
    }
    if one == Unary::IsNan {
        let list = data.doubles()?;
        return Some(Data::Boolean(
            list.iter().map(|value| value.is_nan()).collect(),
        ));
    }
    match data {
        Data::Single(list) => {
            let of: fn(f32) -> f32 = match one {
                Unary::Abs => f32::abs,
                Unary::Exp => f32::exp,
                Unary::Log => f32::ln,
                Unary::Neg => |value| -value,
                Unary::Reciprocal => f32::recip,
                // NaN stays NaN.
                Unary::Relu => |value| if value < 0.0 { 0.0 } else { value },
                Unary::Sigmoid => |value| (1.0 / (1.0 + f64::from(-value).exp())) as f32,
                Unary::Sqrt => f32::sqrt,
                Unary::Tanh => f32::tanh,
                Unary::Floor => f32::floor,
                Unary::Ceil => f32::ceil,
                Unary::Not | Unary::IsNan => return None,
            };
            Some(Data::Single(list.iter().copied().map(of).collect()))
        }
        Data::Double(list) => {
            let of: fn(f64) -> f64 = match one {
                Unary::Abs => f64::abs,
                Unary::Exp => f64::exp,
                Unary::Log => f64::ln,
                Unary::Neg => |value| -value,
                Unary::Reciprocal => f64::recip,
                Unary::Relu => |value| if value < 0.0 { 0.0 } else { value },
                Unary::Sigmoid => |value| 1.0 / (1.0 + (-value).exp()),
                Unary::Sqrt => f64::sqrt,
                Unary::Tanh => f64::tanh,
                Unary::Floor => f64::floor,
                Unary::Ceil => f64::ceil,
                Unary::Not | Unary::IsNan => return None,
            };
            Some(Data::Double(list.iter().copied().map(of).collect()))
        }
        Data::Integer(list) => {
            let of: fn(i64) -> Option<i64> = match one {
                Unary::Abs => i64::checked_abs,
                Unary::Neg => i64::checked_neg,
                _ => return None,
            };
            let list: Option<_> = list.iter().copied().map(of).collect();
            list.map(Data::Integer)
        }
        _ => None,
    }
}

fn combine(two: Binary, a: &Tensor, b: &Tensor, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit(two.name(), &[a, b]);
    let dims = broadcast(&a.dims, &b.dims).ok_or_else(unfit)?;
    work.room(&dims)?;
    let (of_a, of_b) = (stretched(&a.dims, &dims), stretched(&b.dims, &dims));
    let pairs = of_a.iter().zip(&of_b);
    let data = match (&a.data, &b.data) {
        (Data::Single(x), Data::Single(y)) => {
            let pairs = pairs.map(|(i, j)| (x[*i], y[*j]));
            match two {
                Binary::Pow => Data::Single(pairs.map(|(x, y)| power(x, y)).collect()),
                _ => floats(two, pairs, Data::Single).ok_or_else(unfit)?,
            }
        }
        (Data::Double(x), Data::Double(y)) => {
            let pairs = pairs.map(|(i, j)| (x[*i], y[*j]));
            match two {
                Binary::Pow => Data::Double(pairs.map(|(x, y)| x.powf(y)).collect()),
                _ => floats(two, pairs, Data::Double).ok_or_else(unfit)?,
            }
        }
        (Data::Integer(x), Data::Integer(y)) => {
            let pairs: Vec<_> = pairs.map(|(i, j)| (x[*i], y[*j])).collect();
            match compared(two, pairs.iter().copied()) {
                Some(bits) => Data::Boolean(bits),
                None => Data::Integer(integers(two, &pairs, work.blank).ok_or_else(unfit)??),
            }
        }
        (Data::Boolean(x), Data::Boolean(y)) => {
            let of = match two {
                Binary::And => |x, y| x && y,
                Binary::Or => |x, y| x || y,
                Binary::Xor => |x, y| x != y,
                Binary::Equal => |x, y| x == y,
                _ => return Err(unfit()),
            };
            Data::Boolean(pairs.map(|(i, j)| of(x[*i], y[*j])).collect())
        }
        (Data::Text(x), Data::Text(y)) if two == Binary::Equal => {
            Data::Boolean(pairs.map(|(i, j)| x[*i] == y[*j]).collect())
        }
        _ => return Err(unfit()),
    };
    Ok(Tensor { dims, data })
}

/// Numbers that are not whole.
trait Float:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    fn missing(self) -> bool;
}

impl Float for f32 {
    fn missing(self) -> bool {
        self.is_nan()
    }
}

impl Float for f64 {
    fn missing(self) -> bool {
        self.is_nan()
    }
}

fn floats<T: Float>(
    two: Binary,
    pairs: impl Iterator<Item = (T, T)> + Clone,
    of: fn(Vec<T>) -> Data,
) -> Option<Data> {
    if let Some(bits) = compared(two, pairs.clone()) {
        return Some(Data::Boolean(bits));
    }
    let compute: fn(T, T) -> T = match two {
        Binary::Add => |x, y| x + y,
        Binary::Sub => |x, y| x - y,
        Binary::Mul => |x, y| x * y,
        Binary::Div => |x, y| x / y,
        // NaN of either is NaN.
        Binary::Min => |x, y| if x < y || x.missing() { x } else { y },
        Binary::Max => |x, y| if x > y || x.missing() { x } else { y },
        _ => return None,
    };
    Some(of(pairs.map(|(x, y)| compute(x, y)).collect()))
}

#[allow(clippy::float_cmp, reason = "the runtime multiplies for exactly 2")]
fn power(base: f32, exponent: f32) -> f32 {
    if exponent == 2.0 {
        base * base
    } else {
        base.powf(exponent)
    }
}

/// Comparisons; `None` if it is none.
fn compared<T: PartialOrd>(two: Binary, pairs: impl Iterator<Item = (T, T)>) -> Option<Vec<bool>> {
    let of: fn(&T, &T) -> bool = match two {
        Binary::Less => |x, y| x < y,
        Binary::LessOrEqual => |x, y| x <= y,
        Binary::Greater => |x, y| x > y,
        Binary::GreaterOrEqual => |x, y| x >= y,
        Binary::Equal => |x, y| x == y,
        _ => return None,
    };
    Some(pairs.map(|(x, y)| of(&x, &y)).collect())
}

fn integers(two: Binary, pairs: &[(i64, i64)], blank: bool) -> Option<Done<Vec<i64>>> {
    let of: fn(i64, i64) -> Option<i64> = match two {
        Binary::Add => i64::checked_add,
        Binary::Sub => i64::checked_sub,
        Binary::Mul => i64::checked_mul,
        Binary::Div => i64::checked_div,
        Binary::Min => |x, y| Some(x.min(y)),
        Binary::Max => |x, y| Some(x.max(y)),
        _ => return None,
    };
    let each = pairs.iter().map(|(x, y)| match of(*x, *y) {
        Some(value) => Ok(value),
        None if blank => Ok(0),
        None => Err(Trouble::Row(format!(
            "{} of {x} and {y} is no number",
            two.name()
        ))),
    });
    Some(each.collect())
}

impl Binary {
    fn name(self) -> &'static str {
        match self {
            Binary::Add => "Add",
            Binary::Sub => "Sub",
            Binary::Mul => "Mul",
            Binary::Div => "Div",
            Binary::Pow => "Pow",
            Binary::Min => "Min",
            Binary::Max => "Max",
            Binary::Less => "Less",
            Binary::LessOrEqual => "LessOrEqual",
            Binary::Greater => "Greater",
            Binary::GreaterOrEqual => "GreaterOrEqual",
            Binary::Equal => "Equal",
            Binary::And => "And",
            Binary::Or => "Or",
            Binary::Xor => "Xor",
        }
    }
}

fn choose(condition: &Tensor, yes: &Tensor, no: &Tensor, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("Where", &[condition, yes, no]);
    let Data::Boolean(bits) = &condition.data else {
        return Err(unfit());
    };
    let dims = broadcast(&yes.dims, &no.dims).and_then(|dims| broadcast(&dims, &condition.dims));
    let dims = dims.ok_or_else(unfit)?;
    work.room(&dims)?;
    let (of_yes, of_no) = (stretched(&yes.dims, &dims), stretched(&no.dims, &dims));
    let from = stretched(&condition.dims, &dims);
    let behind = yes.data.len();
    let both = yes.data.clone().append(&no.data).ok_or_else(unfit)?;
    work.room(&[both.len()])?;
    let places = from.iter().enumerate().map(|(at, bit)| {
        if bits.get(*bit) == Some(&true) {
            of_yes[at]
        } else {
            behind + of_no[at]
        }
    });
    Ok(Tensor {
        data: both.select(&places.collect::<Vec<_>>()),
        dims,
    })
}

/// A number without its fraction, if it is one that a whole number can be.
pub(super) fn whole(value: f64) -> Option<i64> {
    let bound = 9_223_372_036_854_775_808.0;
    (value >= -bound && value < bound).then_some(value as i64)
}

fn cast(data: &Data, to: i64, work: &Work) -> Done<Data> {
    let no_whole = |value: f64| match whole(value) {
        Some(whole) => Ok(whole),
        None if work.blank => Ok(0),
        None => Err(Trouble::Row(format!(
            "{value} is to be made a whole number"
        ))),
    };
    Ok(match (to, data) {
        (FLOAT, Data::Single(_))
        | (DOUBLE, Data::Double(_))
        | (INT64, Data::Integer(_))
        | (BOOL, Data::Boolean(_))
        | (STRING, Data::Text(_)) => data.clone(),
        (FLOAT, Data::Double(list)) => Data::Single(list.iter().map(|v| *v as f32).collect()),
        (FLOAT, Data::Integer(list)) => Data::Single(list.iter().map(|v| *v as f32).collect()),
        (FLOAT, Data::Boolean(list)) => {
            Data::Single(list.iter().map(|v| f32::from(u8::from(*v))).collect())
        }
        (DOUBLE, Data::Single(list)) => Data::Double(list.iter().copied().map(f64::from).collect()),
        (DOUBLE, Data::Integer(list)) => Data::Double(list.iter().map(|v| *v as f64).collect()),
        (DOUBLE, Data::Boolean(list)) => {
            Data::Double(list.iter().map(|v| f64::from(u8::from(*v))).collect())
        }
        (INT64, Data::Single(list)) => {
            let each = list.iter().map(|value| no_whole(f64::from(*value)));
            Data::Integer(each.collect::<Done<_>>()?)
        }
        (INT64, Data::Double(list)) => {
            let each = list.iter().map(|value| no_whole(*value));
            Data::Integer(each.collect::<Done<_>>()?)
        }
        (INT64, Data::Boolean(list)) => {
            Data::Integer(list.iter().copied().map(i64::from).collect())
        }
        (BOOL, Data::Single(list)) => Data::Boolean(list.iter().map(|v| *v != 0.0).collect()),
        (BOOL, Data::Double(list)) => Data::Boolean(list.iter().map(|v| *v != 0.0).collect()),
        (BOOL, Data::Integer(list)) => Data::Boolean(list.iter().map(|v| *v != 0).collect()),
        (STRING, Data::Integer(list)) => {
            Data::Text(list.iter().map(|value| value.to_string().into()).collect())
        }
        // How fractions are written, and what is read as one, is the library's own.
        (STRING, _) => {
            return Err(unsupported(&format!("Cast of {} to string", data.kind())).into());
        }
        _ => return Err(unsupported(&format!("Cast of {} to a number", data.kind())).into()),
    })
}
