//! Schedule expressions of EventBridge, `rate(...)`, `cron(...)` and `at(...)`: read, written, and asked when they fire next. Always UTC.
//!
//! The rules are AWS's ("Cron expressions reference" and "Rate expressions reference" of EventBridge, "Schedule types" of EventBridge Scheduler): what
//! is read here is what `PutRule` and `CreateSchedule` take. No I/O and no clock: whoever asks says what time it is.

mod agenda;
mod cron;
mod event;
mod rule;

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use agenda::{Agenda, LastRun, Memory, Plan, Run, RunOutcome};
pub use cron::Cron;
pub use event::{Occasion, event, input_of, is_bare};
pub use rule::{rule_name, rule_prefix};

/// Why a text is not a schedule expression, the text included. Lower case, no full stop: it becomes part of somebody else's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidExpression(String);

/// When something fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Again and again, counted from when the schedule was made.
    Rate(Rate),
    /// At times of the calendar.
    Cron(Cron),
    /// Once.
    At(DateTime),
}

/// `rate(4 minutes)`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    number: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    fn singular(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}

impl Rate {
    /// Seconds between two times.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.number) * self.unit.seconds()
    }
}

impl Expression {
    /// Whether it is one of the two that repeat: what a keep-warm interval has to be.
    pub fn repeating(text: &str) -> Result<Self, InvalidExpression> {
        if !["rate(", "cron("].iter().any(|kind| text.starts_with(kind)) {
            return Err(wrong(text, "what repeats is written `rate(4 minutes)` or `cron(0 3 * * ? *)`"));
        }
        text.parse()
    }

    /// The first time after `after` at which a schedule fires that was made at `since` (which matters to rates only). `None`: never again.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, since: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(rate) => {
                let period = rate.seconds();
                // The clock was turned back behind the beginning: counted from now on.
                let since = since.min(after);
                let elapsed = after.duration_since(since).as_secs();
                let periods = elapsed / period + 1;
                since.checked_add(SignedDuration::from_secs(periods.checked_mul(period)?)).ok()
            }
            Self::Cron(cron) => cron.next_after(TimeZone::UTC.to_datetime(after)).and_then(utc),
            Self::At(moment) => utc(*moment).filter(|moment| *moment > after),
        }
    }
}

fn utc(moment: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(moment).ok()
}

impl FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        let read = if let Some(rest) = inside("rate") {
            rest.parse().map(Self::Rate)
        } else if let Some(rest) = inside("cron") {
            rest.parse().map(Self::Cron)
        } else if let Some(rest) = inside("at") {
            at(rest).map(Self::At)
        } else {
            Err("a schedule is written `rate(4 minutes)`, `cron(0 3 * * ? *)` or `at(2030-01-31T12:00:00)`".to_owned())
        };
        read.map_err(|problem| wrong(text, &problem))
    }
}

fn wrong(text: &str, problem: &str) -> InvalidExpression {
    InvalidExpression(format!("`{text}`: {problem}"))
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "a rate is a number and `minutes`, `hours` or `days`: `rate(4 minutes)`".to_owned();
        let (number, word) = text.split_once(' ').ok_or_else(wrong)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) || number.len() > 9 {
            return Err(wrong());
        }
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let singular = word.strip_suffix('s').unwrap_or(word);
        let unit = Unit::ALL.into_iter().find(|unit| unit.singular() == singular).ok_or_else(wrong)?;
        if number == 0 {
            return Err("the shortest rate is `rate(1 minute)`".to_owned());
        }
        let rate = Self { number, unit };
        // AWS insists on the grammar.
        if rate.to_string() == format!("rate({text})") { Ok(rate) } else { Err(format!("AWS wants `{rate}`")) }
    }
}

/// Reads exactly the form that AWS takes, of which others would be moments too.
fn at(text: &str) -> Result<DateTime, String> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let moment = DateTime::from_str(text).ok().filter(|_| shape == "0000-00-00T00:00:00");
    moment.ok_or_else(|| "a moment is written `at(yyyy-mm-ddThh:mm:ss)`".to_owned())
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.number == 1 { "" } else { "s" };
        write!(f, "rate({} {}{plural})", self.number, self.unit.singular())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(f),
            Self::Cron(cron) => cron.fmt(f),
            Self::At(moment) => write!(f, "at({})", moment.strftime("%Y-%m-%dT%H:%M:%S")),
        }
    }
}
