//! Schedule expressions of EventBridge: `rate(...)`, `cron(...)`, `at(...)`. Only their form is judged here; when they fire is for those who run them.
//!
//! The rules are AWS's ("Schedule types in EventBridge Scheduler"): what passes here is what `PutRule` and `CreateSchedule` take.

use std::str::FromStr as _;

/// Whether `text` is any of the three.
pub(super) fn check(text: &str) -> Result<(), String> {
    match inside(text, "at") {
        Some(moment) => at(moment).map_err(|problem| format!("`{text}`: {problem}")),
        None if ["rate(", "cron("].iter().any(|kind| text.starts_with(kind)) => check_repeating(text),
        None => Err(format!("`{text}`: a schedule is written `rate(4 minutes)`, `cron(0 3 * * ? *)` or `at(2030-01-31T12:00:00)`")),
    }
}

/// Whether `text` is one of the two that repeat.
pub(super) fn check_repeating(text: &str) -> Result<(), String> {
    let result = if let Some(rest) = inside(text, "rate") {
        rate(rest)
    } else if let Some(rest) = inside(text, "cron") {
        cron(rest)
    } else {
        Err("what repeats is written `rate(4 minutes)` or `cron(0 3 * * ? *)`".to_owned())
    };
    result.map_err(|problem| format!("`{text}`: {problem}"))
}

fn inside<'t>(text: &'t str, kind: &str) -> Option<&'t str> {
    text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')
}

fn rate(text: &str) -> Result<(), String> {
    let wrong = || "a rate is a number and `minutes`, `hours` or `days`: `rate(4 minutes)`".to_owned();
    let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) || number.len() > 9 {
        return Err(wrong());
    }
    let number = u32::from_str(number).map_err(|_| wrong())?;
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    if !["minute", "hour", "day"].contains(&singular) {
        return Err(wrong());
    }
    if number == 0 {
        return Err("the shortest rate is `rate(1 minute)`".to_owned());
    }
    // AWS insists on the grammar.
    let right = if number == 1 { singular.to_owned() } else { format!("{singular}s") };
    if unit == right { Ok(()) } else { Err(format!("AWS wants `rate({number} {right})`")) }
}

fn at(text: &str) -> Result<(), String> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let moment = jiff::civil::DateTime::from_str(text);
    if shape == "0000-00-00T00:00:00" && moment.is_ok() { Ok(()) } else { Err("a moment is written `at(yyyy-mm-ddThh:mm:ss)`".to_owned()) }
}

/// One of the six fields of a cron expression.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Words for the numbers from `least` on.
    words: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, most: 59, words: &[] },
    Field { name: "hours", least: 0, most: 23, words: &[] },
    Field { name: "day of month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: MONTHS },
    Field { name: "day of week", least: 1, most: 7, words: DAYS },
    Field { name: "year", least: 1970, most: 2199, words: &[] },
];

fn cron(text: &str) -> Result<(), String> {
    let written: Vec<&str> = text.split_whitespace().collect();
    let Ok(written) = <[&str; 6]>::try_from(written) else {
        return Err("a cron expression has six fields: minutes, hours, day of month, month, day of week, year".to_owned());
    };
    for (field, text) in FIELDS.iter().zip(written) {
        if !field.takes(text) {
            return Err(format!("`{text}` is not a {}: {} to {}", field.name, field.least, field.most));
        }
    }
    let [_, _, day_of_month, _, day_of_week, _] = written;
    if (day_of_month == "?") == (day_of_week == "?") {
        return Err("one of day of month and day of week must be `?`, and not both".to_owned());
    }
    Ok(())
}

impl Field {
    fn takes(&self, text: &str) -> bool {
        match (self.name, text) {
            (_, "*") => true,
            ("day of month" | "day of week", "?") => true,
            ("day of month", "L" | "LW") | ("day of week", "L") => true,
            _ => text.split(',').all(|item| self.takes_item(item)),
        }
    }

    fn takes_item(&self, item: &str) -> bool {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let step_fits = step
            .is_none_or(|step| step.bytes().all(|b| b.is_ascii_digit()) && step.parse().is_ok_and(|n: u32| (1..=self.most).contains(&n)));
        let range_fits = match (self.name, range.split_once('-')) {
            (_, Some((from, to))) => self.number(from).is_some() && self.number(to).is_some(),
            (_, None) if range == "*" => step.is_some(),
            ("day of month", None) if step.is_none() && range.ends_with('W') => self.number(range.trim_end_matches('W')).is_some(),
            ("day of week", None) if step.is_none() && range.ends_with('L') => self.number(range.trim_end_matches('L')).is_some(),
            ("day of week", None) if step.is_none() && range.contains('#') => {
                range.split_once('#').is_some_and(|(day, nth)| self.number(day).is_some() && ["1", "2", "3", "4", "5"].contains(&nth))
            }
            (_, None) => self.number(range).is_some(),
        };
        step_fits && range_fits
    }

    fn number(&self, text: &str) -> Option<u32> {
        let upper = text.to_ascii_uppercase();
        if let Some(at) = self.words.iter().position(|word| *word == upper) {
            return u32::try_from(at).ok().map(|at| at + self.least);
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| digits && (self.least..=self.most).contains(n))
    }
}
