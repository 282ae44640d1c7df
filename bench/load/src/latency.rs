//! Latencies, kept whole in a histogram of three significant digits: an average would hide what a caller waits for.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::Failure;

const SIGNIFICANT_DIGITS: u8 = 3;

/// Latencies in nanoseconds.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    ///
    /// # Errors
    /// Never with the digits chosen; the histogram's constructor checks them.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self(Histogram::new(SIGNIFICANT_DIGITS)?))
    }

    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        // The histogram grows by itself, and no latency is longer than 584 years.
        let _ = self
            .0
            .record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds those of another.
    ///
    /// # Errors
    /// If the other holds values that this one cannot, which a growing histogram can.
    pub fn add(&mut self, other: &Self) -> Result<(), Failure> {
        Ok(self.0.add(&other.0)?)
    }

    /// What is told of them.
    pub fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1e3;
        Percentiles {
            count: self.0.len(),
            p50_us: at(0.50),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.0.max() as f64 / 1e3,
        }
    }
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many latencies.
    pub count: u64,
    /// Half are at most this.
    pub p50_us: f64,
    /// 99 of 100 are at most this.
    pub p99_us: f64,
    /// 999 of 1,000 are at most this.
    pub p999_us: f64,
    /// All are at most this.
    pub max_us: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_latencies_added() {
        let mut first = Latencies::new().unwrap();
        let mut second = Latencies::new().unwrap();
        (1..=500).for_each(|micros| first.record(Duration::from_micros(micros)));
        (501..=1000).for_each(|micros| second.record(Duration::from_micros(micros)));
        first.add(&second).unwrap();
        let told = first.percentiles();
        assert_eq!(told.count, 1000);
        for (is, should) in [
            (told.p50_us, 500.0),
            (told.p99_us, 990.0),
            (told.p999_us, 999.0),
            (told.max_us, 1000.0),
        ] {
            assert!(
                (is - should).abs() <= should / 500.0,
                "{is} is not {should}"
            );
        }
    }
}
