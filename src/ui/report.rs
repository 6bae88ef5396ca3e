//! Results as text: sizes, durations, tables.

/// `1.2 MB`: decimal units, as AWS's console shows code sizes.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
            let value = bytes as f64 / unit as f64;
            return format!("{value:.1} {name}");
        }
    }
    format!("{bytes} bytes")
}
