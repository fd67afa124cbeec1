//! Sizes in bytes as people write them: `10 MB`, `10 MiB`, `1500`.

/// Units, the larger first.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
];

/// The bytes of a whole number with or without a unit; none for anything else.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim();
    let factor = match unit {
        "" | "B" | "byte" | "bytes" => 1,
        _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor)?,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// In the largest unit that leaves a whole number; [`parse`] reads it back.
pub fn written(bytes: u64) -> String {
    match UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{} {unit}", bytes / factor),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, bytes) in [
            ("1", 1),
            ("10 MB", 10_000_000),
            ("10mb", 10_000_000),
            ("10 MiB", 10 << 20),
            ("5 bytes", 5),
            ("2 kB", 2000),
        ] {
            assert_eq!(parse(text), Some(bytes));
            assert_eq!(parse(&written(bytes)), Some(bytes));
        }
        for wrong in ["", "-1", "1.5 MB", "MB", "1 M", "1 MB x", "99999999999999999999", "18446744073709551615 TB"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!([1500, 1024, 1000, 0].map(written), ["1500 bytes", "1 KiB", "1 kB", "0 bytes"]);
    }
}
