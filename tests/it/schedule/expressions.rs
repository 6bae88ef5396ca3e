//! When expressions fire: tables, and a comparison with a matcher that looks at every minute.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use zappa::schedule::Expression;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read(text: &str) -> Expression {
    let expression: Expression = text.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(expression.to_string(), text);
    expression
}

/// The first firings after `after`.
fn firings(expression: &str, after: &str, count: usize) -> Vec<String> {
    let (expression, after) = (read(expression), at(after));
    let mut moment = after;
    let mut found = Vec::new();
    while found.len() < count {
        let Some(next) = expression.next_after(moment, after) else { break };
        assert!(next > moment);
        moment = next;
        found.push(moment.strftime("%Y-%m-%d %H:%M").to_string());
    }
    found
}

#[test]
fn cron_follows_the_calendar() {
    for (expression, after, expected) in [
        // A run at the very minute is over, and so is a minute that has begun.
        ("cron(0 3 * * ? *)", "2026-11-24T03:00:00Z", &["2026-11-25 03:00", "2026-11-26 03:00"][..]),
        ("cron(0 3 * * ? *)", "2026-11-24T02:59:59.999Z", &["2026-11-24 03:00"]),
        ("cron(0 3 * * ? *)", "2026-11-24T03:00:30Z", &["2026-11-25 03:00"]),
        ("cron(* * * * ? *)", "2026-12-31T23:59:00Z", &["2027-01-01 00:00", "2027-01-01 00:01"]),
        ("cron(0/25 9-10 * * ? *)", "2026-11-24T09:30:00Z", &["2026-11-24 09:50", "2026-11-24 10:00", "2026-11-24 10:25"]),
        ("cron(1/10 0 * * ? *)", "2026-11-24T00:00:00Z", &["2026-11-24 00:01", "2026-11-24 00:11"]),
        ("cron(0 0/12 1-31/15 * ? *)", "2026-11-02T00:00:00Z", &["2026-11-16 00:00", "2026-11-16 12:00", "2026-12-01 00:00"]),
        // Month ends and leap years.
        ("cron(0 0 31 * ? *)", "2026-01-31T00:00:00Z", &["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z", &["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 29 2 ? *)", "2096-03-01T00:00:00Z", &["2104-02-29 00:00"]),
        ("cron(0 0 L * ? *)", "2028-01-31T00:00:00Z", &["2028-02-29 00:00", "2028-03-31 00:00", "2028-04-30 00:00"]),
        ("cron(0 0 LW * ? *)", "2026-01-01T00:00:00Z", &["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-31 00:00"]),
        // The nearest weekday stays in its month: 2026-08-01 is a Saturday, 2026-05-31 a Sunday.
        ("cron(0 0 1W 8 ? *)", "2026-01-01T00:00:00Z", &["2026-08-03 00:00", "2027-08-02 00:00"]),
        ("cron(0 0 31W 5 ? *)", "2026-01-01T00:00:00Z", &["2026-05-29 00:00", "2027-05-31 00:00"]),
        ("cron(0 0 15W 8 ? *)", "2026-01-01T00:00:00Z", &["2026-08-14 00:00", "2027-08-16 00:00"]),
        ("cron(0 0 31W 2 ? *)", "2026-01-01T00:00:00Z", &[]),
        // 1 is Sunday.
        ("cron(0 0 ? * 1 *)", "2026-11-24T00:00:00Z", &["2026-11-29 00:00", "2026-12-06 00:00"]),
        ("cron(0 0 ? * MON-fri *)", "2026-11-27T00:00:00Z", &["2026-11-30 00:00", "2026-12-01 00:00"]),
        (
            "cron(0 0 ? * FRI-MON *)",
            "2026-11-24T00:00:00Z",
            &["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00", "2026-11-30 00:00"],
        ),
        ("cron(0 22-1 ? * TUE *)", "2026-11-24T01:00:00Z", &["2026-11-24 22:00", "2026-11-24 23:00", "2026-12-01 00:00"]),
        ("cron(0 0 ? * L *)", "2026-11-24T00:00:00Z", &["2026-11-28 00:00", "2026-12-05 00:00"]),
        ("cron(0 0 ? * 5L *)", "2026-11-24T00:00:00Z", &["2026-11-26 00:00", "2026-12-31 00:00"]),
        ("cron(0 0 ? * 3#2 *)", "2026-11-24T00:00:00Z", &["2026-12-08 00:00", "2027-01-12 00:00"]),
        ("cron(0 0 ? * FRI#5 *)", "2026-11-24T00:00:00Z", &["2027-01-29 00:00", "2027-04-30 00:00"]),
        // Years.
        ("cron(0 0 1 1 ? 2026-2030/2)", "2026-06-01T00:00:00Z", &["2028-01-01 00:00", "2030-01-01 00:00"]),
        ("cron(59 23 31 12 ? 2199)", "2026-06-01T00:00:00Z", &["2199-12-31 23:59"]),
        // Never.
        ("cron(0 0 30 2 ? *)", "2026-06-01T00:00:00Z", &[]),
        ("cron(0 0 31 4,6,9,11 ? *)", "2026-06-01T00:00:00Z", &[]),
        ("cron(0 0 1 1 ? 2020)", "2026-06-01T00:00:00Z", &[]),
        // The nights in which clocks are changed elsewhere are like any other in UTC.
        ("cron(30 1,2 29 3 ? 2026)", "2026-03-28T00:00:00Z", &["2026-03-29 01:30", "2026-03-29 02:30"]),
        ("cron(30 0/1 25 10 ? 2026)", "2026-10-25T00:30:00Z", &["2026-10-25 01:30", "2026-10-25 02:30", "2026-10-25 03:30"]),
    ] {
        let count = expected.len().max(1);
        assert_eq!(firings(expression, after, count), expected, "{expression} after {after}");
    }
}

#[test]
fn rates_count_from_the_beginning() {
    assert_eq!(firings("rate(1 day)", "2026-11-24T10:20:30Z", 2), ["2026-11-25 10:20", "2026-11-26 10:20"]);
    let since = at("2026-11-24T10:00:00Z");
    for (rate, after, expected) in [
        ("rate(1 minute)", "2026-11-24T10:00:00Z", "2026-11-24T10:01:00Z"),
        ("rate(1 minute)", "2026-11-24T10:00:59.9Z", "2026-11-24T10:01:00Z"),
        ("rate(7 minutes)", "2026-11-24T11:00:00Z", "2026-11-24T11:03:00Z"),
        ("rate(5 hours)", "2026-11-25T09:00:00Z", "2026-11-25T11:00:00Z"),
        ("rate(999999999 days)", "2026-11-25T09:00:00Z", ""),
        // The clock was turned back behind the beginning.
        ("rate(1 hour)", "2026-11-24T08:30:00Z", "2026-11-24T09:30:00Z"),
    ] {
        let next = read(rate).next_after(at(after), since);
        assert_eq!(next.map(|next| next.to_string()).unwrap_or_default(), expected, "{rate} after {after}");
    }
}

#[test]
fn a_moment_comes_once() {
    let expression = read("at(2030-01-31T12:00:07)");
    let since = at("2026-01-01T00:00:00Z");
    assert_eq!(expression.next_after(since, since), Some(at("2030-01-31T12:00:07Z")));
    assert_eq!(expression.next_after(at("2030-01-31T12:00:07Z"), since), None);
}

#[test]
fn what_is_wrong_is_said() {
    for (text, problem) in [
        ("rate(5 minute)", "AWS wants `rate(5 minutes)`"),
        ("rate(05 minutes)", "AWS wants `rate(5 minutes)`"),
        ("cron(0 3 * * *)", "has six fields"),
        ("cron(0 3 * * 1 *)", "must be `?`, and not both"),
        ("cron(0 3 ? * ? *)", "must be `?`, and not both"),
        ("cron(? 3 * * ? *)", "`?` is not a minutes: 0 to 59"),
        ("cron(0 3 ? * 3#1,6#3 *)", "a day of week with `#` stands alone"),
        ("cron(0 3 ? * 3#6 *)", "`3#6` is not a day of week"),
        ("cron(0 3 ? * 3#+1 *)", "`3#+1` is not a day of week"),
        ("cron(0 3 1,*,5 * ? *)", "`1,*,5` is not a day of month"),
        ("cron(0 3 L,1 * ? *)", "`L,1` is not a day of month"),
        ("cron(0 3 * * ? 2030-2029)", "`2030-2029` is not a year"),
        ("cron(*/60 * * * ? *)", "`*/60` is not a minutes"),
        ("rate(5 minutes", "a schedule is written"),
    ] {
        let error = text.parse::<Expression>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}`: ")) && error.contains(problem), "{error}");
    }
}

/// Random numbers that are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.below(u64::try_from(most - least + 1).unwrap())).unwrap()
    }

    fn item(&mut self, least: i64, most: i64) -> String {
        let (a, b) = (self.between(least, most), self.between(least, most));
        match self.below(6) {
            0 => format!("{}-{}", a.min(b), a.max(b)),
            1 => format!("{a}/{}", self.between(1, 7)),
            2 => format!("{}-{}/{}", a.min(b), a.max(b), self.between(1, 5)),
            3 => format!("*/{}", self.between(1, 7)),
            _ => a.to_string(),
        }
    }

    fn field(&mut self, least: i64, most: i64) -> String {
        match self.below(3) {
            0 => "*".to_owned(),
            _ => (0..=self.below(3)).map(|_| self.item(least, most)).collect::<Vec<_>>().join(","),
        }
    }

    fn expression(&mut self) -> String {
        let (of_month, of_week) = if self.below(2) == 0 {
            let day = match self.below(5) {
                0 => "L".to_owned(),
                1 => "LW".to_owned(),
                2 => format!("{}W", self.between(1, 31)),
                _ => self.field(1, 31),
            };
            (day, "?".to_owned())
        } else {
            let day = match self.below(5) {
                0 => "L".to_owned(),
                1 => format!("{}L", self.between(1, 7)),
                2 => format!("{}#{}", self.between(1, 7), self.between(1, 5)),
                _ => self.field(1, 7),
            };
            ("?".to_owned(), day)
        };
        let year = if self.below(4) == 0 { self.item(2024, 2030) } else { "*".to_owned() };
        format!("{} {} {of_month} {} {of_week} {year}", self.field(0, 59), self.field(0, 23), self.field(1, 12))
    }
}

/// Whether a number is in a field of plain numbers.
fn in_field(field: &str, number: i64, most: i64) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, ""));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None if range == "*" => (i64::from(most == 12 || most == 31 || most == 7), most),
            None => (range.parse().unwrap(), if step.is_empty() { range.parse().unwrap() } else { most }),
        };
        let step = if step.is_empty() { 1 } else { step.parse().unwrap() };
        number >= from && number <= to && (number - from) % step == 0
    })
}

/// What the reference says, said in another way: every day and every minute is looked at.
fn day_matches(fields: &[&str], date: jiff::civil::Date) -> bool {
    let day = i64::from(date.day());
    let is_weekday = |date: jiff::civil::Date| !matches!(date.weekday().to_sunday_one_offset(), 1 | 7);
    let month = || (1..=date.days_in_month()).map(|day| jiff::civil::Date::new(date.year(), date.month(), day).unwrap());
    let year = fields[5];
    // `*/n` counts from 1970.
    let year = year.strip_prefix('*').filter(|rest| !rest.is_empty()).map_or(year.to_owned(), |step| format!("1970{step}"));
    if !(year == "*" || in_field(&year, i64::from(date.year()), 2199)) || !in_field(fields[3], i64::from(date.month()), 12) {
        return false;
    }
    if fields[2] != "?" {
        return match fields[2] {
            "L" => day == i64::from(date.days_in_month()),
            "LW" => month().rfind(|date| is_weekday(*date)) == Some(date),
            text if text.ends_with('W') => {
                let wanted: i64 = text.trim_end_matches('W').parse().unwrap();
                let exists = wanted <= i64::from(date.days_in_month());
                let nearest = month().filter(|date| is_weekday(*date)).min_by_key(|date| {
                    let distance = i64::from(date.day()) - wanted;
                    // Saturday goes to Friday, Sunday to Monday: one day before two.
                    (distance.abs(), distance)
                });
                exists && nearest == Some(date)
            }
            text => in_field(text, day, 31),
        };
    }
    let weekday = i64::from(date.weekday().to_sunday_one_offset());
    let same: Vec<_> = month().filter(|other| other.weekday() == date.weekday()).collect();
    match fields[4] {
        "L" => weekday == 7,
        text if text.ends_with('L') => weekday == text.trim_end_matches('L').parse::<i64>().unwrap() && same.last() == Some(&date),
        text if text.contains('#') => {
            let (wanted, nth) = text.split_once('#').unwrap();
            weekday == wanted.parse::<i64>().unwrap() && same.get(nth.parse::<usize>().unwrap() - 1) == Some(&date)
        }
        text => in_field(text, weekday, 7),
    }
}

#[test]
fn random_expressions_fire_when_a_naive_matcher_says_so() {
    const DAYS: i64 = 2 * 366;
    let mut random = Random(0x5EED_2026);
    let mut fired = 0;
    for _ in 0..400 {
        let text = random.expression();
        let fields: Vec<&str> = text.split(' ').collect();
        let expression = read(&format!("cron({text})"));
        let after =
            Timestamp::from_second(random.between(at("2025-01-01T00:00:00Z").as_second(), at("2028-12-31T00:00:00Z").as_second())).unwrap();
        let first = TimeZone::UTC.to_datetime(after).date();
        let naive = (0..DAYS).find_map(|offset| {
            let date = first.checked_add(SignedDuration::from_hours(24 * offset)).unwrap();
            if !day_matches(&fields, date) {
                return None;
            }
            (0..24 * 60).find_map(|of_day| {
                let (hour, minute) = (of_day / 60, of_day % 60);
                let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap();
                let moment = midnight.checked_add(SignedDuration::from_mins(of_day)).unwrap();
                (moment > after && in_field(fields[0], minute, 59) && in_field(fields[1], hour, 23)).then_some(moment)
            })
        });
        let limit = after.checked_add(SignedDuration::from_hours(24 * (DAYS - 1))).unwrap();
        let ours = expression.next_after(after, after).filter(|next| *next < limit);
        assert_eq!(ours, naive.filter(|next| *next < limit), "cron({text}) after {after}");
        fired += usize::from(ours.is_some());
    }
    assert!(fired > 200, "most of them fire: {fired}");
}
