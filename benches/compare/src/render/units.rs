//! Numbers with their units, as people read them.

/// What stands where there is no number.
pub const NONE: &str = "–";

/// A number with three digits that count.
pub fn digits(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    match value.abs() {
        size if size >= 1e6 => format!("{value:.1e}"),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn scaled(value: f64, units: &[(f64, &str)], write: impl Fn(f64) -> String) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    // What would be rounded to 1000 belongs to the next unit.
    let fits = |(size, _): &&(f64, &str)| value.abs() >= size * 0.9995;
    let (size, unit) = units.iter().rev().find(fits).unwrap_or(&units[0]);
    format!("{}{unit}", write(value / size))
}

const TIMES: [(f64, &str); 4] = [(1.0, " ns"), (1e3, " µs"), (1e6, " ms"), (1e9, " s")];
const COUNTS: [(f64, &str); 4] = [(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")];
const SIZES: [(f64, &str); 3] = [(1.0, " KiB"), (1024.0, " MiB"), (1048576.0, " GiB")];

/// Nanoseconds.
pub fn time(nanoseconds: f64) -> String {
    scaled(nanoseconds, &TIMES, digits)
}

/// Nanoseconds at a tick of an axis: without zeros that say nothing.
pub fn time_tick(nanoseconds: f64) -> String {
    if nanoseconds == 0.0 { "0".into() } else { scaled(nanoseconds, &TIMES, short) }
}

/// A count at a tick of an axis: `1k`, `1M`.
pub fn count_tick(count: f64) -> String {
    scaled(count, &COUNTS, short)
}

/// KiB.
pub fn memory(kib: f64) -> String {
    scaled(kib, &SIZES, |size| if kib < 1024.0 { format!("{size:.0}") } else { digits(size) })
}

/// KiB at a tick of an axis.
pub fn memory_tick(kib: f64) -> String {
    scaled(kib, &SIZES, short)
}

/// A number without zeros that say nothing.
pub fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// A ratio.
pub fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{}×", digits(value)) } else { NONE.into() }
}

/// How far the lowest and the highest are from a value, in per cent.
pub fn spread(middle: f64, (low, high): (f64, f64)) -> String {
    let (below, above) = ((1.0 - low / middle) * 100.0, (high / middle - 1.0) * 100.0);
    if below.is_finite() && above.is_finite() { format!("−{below:.0} +{above:.0} %") } else { NONE.into() }
}

/// Seconds since 1970 as a date and a time of day.
pub fn date(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86400);
    let minutes = seconds % 86400 / 60;
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// Days since 1970 as year, month and day.
fn civil(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // The calendar repeats after 400 years.
    let (mut year, mut days) = (1970 + days / 146_097 * 400, days % 146_097);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(time(0.587), "0.59 ns");
        assert_eq!(time(999.7), "1.00 µs");
        assert_eq!(time(5318.0), "5.32 µs");
        assert_eq!(time(f64::NAN), NONE);
        assert_eq!(memory(20_480.0), "20.0 MiB");
        assert_eq!(memory(12.0), "12 KiB");
        assert_eq!(time_tick(1e4), "10 µs");
        assert_eq!(count_tick(2e6), "2M");
        assert_eq!(ratio(1.234), "1.23×");
        assert_eq!(spread(100.0, (97.0, 112.0)), "−3 +12 %");
        assert_eq!(spread(0.0, (0.0, 0.0)), NONE);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
        date(u64::MAX);
    }
}
