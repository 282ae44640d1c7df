//! Numbers, sizes and times as people read them.

use std::time::Duration;

/// `1,204,331`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `3.4 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    let unit_name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        format!("{count} {unit_name}")
    } else {
        format!("{size:.1} {unit_name}")
    }
}

/// `1.25 ms`, `840 µs`, `2.1 s`.
pub(crate) fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.1} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} µs", seconds * 1e6)
    }
}

/// `2026-06-01 12:52:12`, in UTC.
pub(crate) fn second(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration, grouped};
    use std::time::Duration;

    #[test]
    fn large_numbers_are_grouped_in_threes() {
        assert_eq!(
            [0, 999, 1000, 1_204_331].map(grouped),
            ["0", "999", "1,000", "1,204,331"]
        );
    }

    #[test]
    fn sizes_and_times_have_the_unit_that_fits() {
        assert_eq!(
            [12, 2048, 5 << 20].map(bytes),
            ["12 bytes", "2.0 KiB", "5.0 MiB"]
        );
        let shown = [30, 4_200, 2_100_000].map(|micros| duration(Duration::from_micros(micros)));
        assert_eq!(shown, ["30 µs", "4.2 ms", "2.1 s"]);
    }
}
