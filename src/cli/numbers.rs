//! Numbers, as people read them.

/// `1 delivery`, `12 deliveries`
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", grouped(count))
}

/// `12,345`
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.2 MiB`
pub(super) fn bytes(count: f64) -> String {
    let mut left = count;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if left < 1_024.0 {
            let places = usize::from(unit != "bytes");
            return format!("{left:.places$} {unit}");
        }
        left /= 1_024.0;
    }
    format!("{left:.1} TiB")
}

/// `3 h 12 min`: the two largest units.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
        let events = [0, 1, 2_000].map(|count| counted(count, "event", "events"));
        assert_eq!(events, ["0 events", "1 event", "2,000 events"]);
        assert_eq!([bytes(512.0), bytes(2_048.0)], ["512 bytes", "2.0 KiB"]);
        assert_eq!(
            [span(59.0), span(61.0), span(90_000.0)],
            ["59 s", "1 min 1 s", "1 d 1 h"]
        );
    }
}
