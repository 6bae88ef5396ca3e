//! `cron(minutes hours day-of-month month day-of-week year)`.
//!
//! Where AWS's reference is silent its engine is Quartz, and Quartz's documentation fills in: a range whose end is before its start goes round
//! (`FRI-MON`, `22-2`), `LW` is the last weekday of the month, `L` as a day of the week is Saturday, and `15W` stays within its month.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// As written, with single spaces.
    text: String,
    minutes: Numbers,
    hours: Numbers,
    days: Days,
    months: Numbers,
    years: Numbers,
}

type Numbers = BTreeSet<i16>;

/// Which days: the one of the two fields that is not `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<MonthDay>),
    OfWeek(Vec<WeekDay>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum MonthDay {
    Any(Numbers),
    /// `L`
    Last,
    /// `LW`
    LastWeekday,
    /// `15W`
    NearestWeekday(i16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum WeekDay {
    /// 1 is Sunday.
    Any(Numbers),
    /// `5L`: the last Thursday.
    LastOfMonth(i16),
    /// `3#2`: the second Tuesday.
    Nth(i16, i16),
}

/// One of the six fields.
struct Field {
    name: &'static str,
    least: i16,
    most: i16,
    /// Words for the numbers from `least` on.
    words: &'static [&'static str],
}

const MINUTES: Field = Field { name: "minutes", least: 0, most: 59, words: &[] };
const HOURS: Field = Field { name: "hours", least: 0, most: 23, words: &[] };
const DAY_OF_MONTH: Field = Field { name: "day of month", least: 1, most: 31, words: &[] };
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field = Field { name: "day of week", least: 1, most: 7, words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const YEAR: Field = Field { name: "year", least: 1970, most: 2199, words: &[] };

const SATURDAY: i16 = 7;
const SUNDAY: i16 = 1;

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written: Vec<&str> = text.split_whitespace().collect();
        let Ok([minutes, hours, day_of_month, month, day_of_week, year]) = <[&str; 6]>::try_from(written.clone()) else {
            return Err("a cron expression has six fields: minutes, hours, day of month, month, day of week, year".to_owned());
        };
        let (minutes, hours) = (MINUTES.numbers(minutes)?, HOURS.numbers(hours)?);
        let of_month = if day_of_month == "?" { None } else { Some(month_days(day_of_month)?) };
        let months = MONTH.numbers(month)?;
        let of_week = if day_of_week == "?" { None } else { Some(week_days(day_of_week)?) };
        let years = YEAR.numbers(year)?;
        let days = match (of_month, of_week) {
            (Some(days), None) => Days::OfMonth(days),
            (None, Some(days)) => Days::OfWeek(days),
            _ => return Err("one of day of month and day of week must be `?`, and not both".to_owned()),
        };
        Ok(Self { text: written.join(" "), minutes, hours, days, months, years })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron({})", self.text)
    }
}

impl Field {
    fn wrong(&self, text: &str) -> String {
        format!("`{text}` is not a {}: {} to {}", self.name, self.least, self.most)
    }

    /// A field that has numbers only.
    fn numbers(&self, text: &str) -> Result<Numbers, String> {
        let mut numbers = Numbers::new();
        for item in text.split(',') {
            numbers.extend(self.item(item).ok_or_else(|| self.wrong(text))?);
        }
        // `*` is no more than a list's item here, and AWS takes it only alone.
        if text.contains(',') && text.split(',').any(|item| item == "*") {
            return Err(self.wrong(text));
        }
        Ok(numbers)
    }

    /// `*`, `7`, `7-9`, and each with a step.
    fn item(&self, item: &str) -> Option<Numbers> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None if range == "*" => (self.least, self.most),
            // `5/15` goes on to the end, `5` alone does not.
            None => self.number(range).map(|from| (from, if step.is_some() { self.most } else { from }))?,
        };
        // Years have no beginning to go round to.
        if from > to && self.name == YEAR.name {
            return None;
        }
        let circle = self.most - self.least + 1;
        let length = (to - from).rem_euclid(circle);
        let round = |offset: i16| (from - self.least + offset) % circle + self.least;
        Some((0..=length).step_by(step.unwrap_or(1)).map(round).collect())
    }

    fn step(&self, text: &str) -> Option<usize> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let most = usize::try_from(self.most).ok()?;
        text.parse().ok().filter(|step| digits && (1..=most).contains(step))
    }

    fn number(&self, text: &str) -> Option<i16> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        if let Some(at) = word {
            return i16::try_from(at).ok().map(|at| at + self.least);
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number| digits && (self.least..=self.most).contains(number))
    }
}

fn month_days(text: &str) -> Result<Vec<MonthDay>, String> {
    match text {
        "L" => return Ok(vec![MonthDay::Last]),
        "LW" => return Ok(vec![MonthDay::LastWeekday]),
        _ => {}
    }
    let mut days = Vec::new();
    let mut plain = Vec::new();
    for item in text.split(',') {
        match item.strip_suffix('W') {
            Some(day) => days.push(MonthDay::NearestWeekday(DAY_OF_MONTH.number(day).ok_or_else(|| DAY_OF_MONTH.wrong(text))?)),
            None => plain.push(item),
        }
    }
    if !plain.is_empty() {
        days.push(MonthDay::Any(DAY_OF_MONTH.numbers(&plain.join(",")).map_err(|_| DAY_OF_MONTH.wrong(text))?));
    }
    Ok(days)
}

fn week_days(text: &str) -> Result<Vec<WeekDay>, String> {
    if text == "L" {
        return Ok(vec![WeekDay::Any(Numbers::from([SATURDAY]))]);
    }
    let wrong = || DAY_OF_WEEK.wrong(text);
    if text.contains('#') && text.contains(',') {
        return Err(format!("`{text}`: a day of week with `#` stands alone"));
    }
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth) && text.ends_with(&format!("#{nth}"))).ok_or_else(wrong)?;
        return Ok(vec![WeekDay::Nth(DAY_OF_WEEK.number(day).ok_or_else(wrong)?, nth)]);
    }
    let mut days = Vec::new();
    let mut plain = Vec::new();
    for item in text.split(',') {
        match item.strip_suffix('L') {
            Some(day) => days.push(WeekDay::LastOfMonth(DAY_OF_WEEK.number(day).ok_or_else(wrong)?)),
            None => plain.push(item),
        }
    }
    if !plain.is_empty() {
        days.push(WeekDay::Any(DAY_OF_WEEK.numbers(&plain.join(",")).map_err(|_| wrong())?));
    }
    Ok(days)
}

impl Cron {
    /// The first minute after `after` that matches.
    pub(super) fn next_after(&self, after: DateTime) -> Option<DateTime> {
        let today = after.date();
        let now = (i16::from(after.hour()), i16::from(after.minute()));
        for &year in self.years.range(today.year()..) {
            for &month in &self.months {
                if (year, month) < (today.year(), i16::from(today.month())) {
                    continue;
                }
                let first = date(year, month, 1)?;
                for day in 1..=i16::from(first.days_in_month()) {
                    let Some(date) = date(year, month, day).filter(|date| *date >= today && self.days.include(*date)) else { continue };
                    // Whole minutes only: within the minute of `after`, the minute has begun already.
                    if let Some((hour, minute)) = self.first_minute((date == today).then_some(now)) {
                        return Some(date.at(hour, minute, 0, 0));
                    }
                }
            }
        }
        None
    }

    /// The first time of a day, after `after` if that is given.
    fn first_minute(&self, after: Option<(i16, i16)>) -> Option<(i8, i8)> {
        for &hour in &self.hours {
            for &minute in &self.minutes {
                if after.is_none_or(|after| (hour, minute) > after) {
                    return Some((i8::try_from(hour).ok()?, i8::try_from(minute).ok()?));
                }
            }
        }
        None
    }
}

impl Days {
    fn include(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.iter().any(|day| day.is(date)),
            Self::OfWeek(days) => days.iter().any(|day| day.is(date)),
        }
    }
}

impl MonthDay {
    fn is(&self, date: Date) -> bool {
        let last = i16::from(date.days_in_month());
        let day = i16::from(date.day());
        match self {
            Self::Any(days) => days.contains(&day),
            Self::Last => day == last,
            Self::LastWeekday => nearest_weekday(date, last) == Some(day),
            Self::NearestWeekday(wanted) => nearest_weekday(date, *wanted) == Some(day),
        }
    }
}

impl WeekDay {
    fn is(&self, date: Date) -> bool {
        let (day, weekday) = (i16::from(date.day()), weekday(date));
        match self {
            Self::Any(days) => days.contains(&weekday),
            Self::LastOfMonth(wanted) => weekday == *wanted && day + 7 > i16::from(date.days_in_month()),
            Self::Nth(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// The day from Monday to Friday in the month of `date` that is nearest to its day `wanted`; none if the month has no such day.
fn nearest_weekday(date: Date, wanted: i16) -> Option<i16> {
    let wanted_date = self::date(date.year(), i16::from(date.month()), wanted)?;
    let last = i16::from(date.days_in_month());
    Some(match weekday(wanted_date) {
        SATURDAY if wanted == 1 => wanted + 2,
        SATURDAY => wanted - 1,
        SUNDAY if wanted == last => wanted - 2,
        SUNDAY => wanted + 1,
        _ => wanted,
    })
}

/// 1 is Sunday.
fn weekday(date: Date) -> i16 {
    i16::from(date.weekday().to_sunday_one_offset())
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
