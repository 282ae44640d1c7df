//! Spans: from a value to a value, each with or without it, or without end.

/// The values from `low` to `high`; a bound that is `true` belongs to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span<T> {
    /// The least, and whether it belongs.
    pub low: Option<(T, bool)>,
    /// The greatest, and whether it belongs.
    pub high: Option<(T, bool)>,
}

impl<T: PartialOrd + Clone> Span<T> {
    /// One value.
    pub fn of(value: T) -> Self {
        Self {
            low: Some((value.clone(), true)),
            high: Some((value, true)),
        }
    }

    /// Whether a value is in it.
    pub fn holds(&self, value: &T) -> bool {
        let above = match &self.low {
            Some((low, true)) => value >= low,
            Some((low, false)) => value > low,
            None => true,
        };
        above
            && match &self.high {
                Some((high, true)) => value <= high,
                Some((high, false)) => value < high,
                None => true,
            }
    }

    /// The value, if it is of one alone.
    pub fn single(&self) -> Option<&T> {
        match (&self.low, &self.high) {
            (Some((low, true)), Some((high, true))) if low == high => Some(low),
            _ => None,
        }
    }

    /// Whether its bounds leave nothing.
    pub(crate) fn is_backwards(&self) -> bool {
        match (&self.low, &self.high) {
            (Some((low, _)), Some((high, _))) => low > high,
            _ => false,
        }
    }
}
