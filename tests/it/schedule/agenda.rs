//! What is due when, with a clock that does what clocks do.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use zappa::schedule::{Agenda, Memory, Plan, Run, RunOutcome};

const START: &str = "2026-11-24T10:00:00Z";

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn minutes(minutes: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn plan(name: &str, expression: &str) -> Plan {
    Plan { name: name.to_owned(), expression: expression.parse().unwrap(), since: start() }
}

fn agenda(plans: &[Plan]) -> Agenda {
    let mut agenda = Agenda::default();
    agenda.set(plans.to_vec(), &BTreeMap::new());
    agenda
}

fn due(agenda: &mut Agenda, now: Timestamp) -> Vec<Run> {
    agenda.due(now, Uuid::new_v4)
}

/// Minutes after the start at which each run was to be.
fn times(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.due.duration_since(start()).as_mins()).collect()
}

#[test]
fn it_fires_at_its_times_and_only_then() {
    let mut agenda = agenda(&[plan("a", "rate(5 minutes)"), plan("b", "cron(7 * * * ? *)"), plan("c", "at(2026-11-24T10:06:00)")]);
    let mut fired = Vec::new();
    for minute in 0..=12 {
        fired.extend(due(&mut agenda, minutes(minute)).into_iter().map(|run| (minute, run.name)));
    }
    let expected = [(5, "a"), (6, "c"), (7, "b"), (10, "a")].map(|(minute, name)| (minute, name.to_owned()));
    assert_eq!(fired, expected);
    assert_eq!(agenda.next(), Some(minutes(15)));
}

#[test]
fn a_clock_that_jumps_brings_no_storm_and_nothing_twice() {
    let mut agenda = agenda(&[plan("a", "rate(1 minute)")]);
    assert_eq!(times(&due(&mut agenda, minutes(1))), [1]);
    // Back by some minutes: they have had their run.
    for minute in [-30, 0, 1] {
        assert_eq!(times(&due(&mut agenda, minutes(minute))), [0; 0], "minute {minute}");
    }
    assert_eq!(times(&due(&mut agenda, minutes(2))), [2]);
    // Ten hours of sleep.
    assert_eq!(due(&mut agenda, minutes(602)).len(), 1);
    assert_eq!(due(&mut agenda, minutes(602)).len(), 0);
    assert_eq!(times(&due(&mut agenda, minutes(603))), [603]);
    // The clock was a year ahead, and is put right: firing goes on, and begins with a whole period.
    let year = 365 * 24 * 60;
    assert_eq!(due(&mut agenda, minutes(year)).len(), 1);
    assert_eq!(due(&mut agenda, minutes(604)).len(), 0);
    assert_eq!(times(&due(&mut agenda, minutes(605))), [605]);
}

#[test]
fn failures_are_tried_again_after_one_and_two_minutes() {
    let mut agenda = agenda(&[plan("a", "rate(1 hour)")]);
    let mut first = due(&mut agenda, minutes(60));
    let run = first.pop().unwrap();
    assert_eq!(agenda.memory()["a"].last.as_ref().unwrap().outcome, RunOutcome::Running);
    assert_eq!(agenda.ended(&run, minutes(60), Err("E: broken".to_owned())), Some(minutes(61)));
    assert_eq!(agenda.next(), Some(minutes(61)));
    let last = agenda.memory()["a"].last.clone().unwrap();
    assert_eq!((last.attempt, last.outcome, last.retry), (1, RunOutcome::Failed("E: broken".to_owned()), Some(minutes(61))));

    assert_eq!(due(&mut agenda, minutes(60)), []);
    // A clock that was turned back does not put the retry off for ever.
    assert_eq!(due(&mut agenda, minutes(30)), []);
    assert_eq!(agenda.next(), Some(minutes(31)));
    let second = due(&mut agenda, minutes(61)).pop().unwrap();
    assert_eq!((second.id, second.due, second.attempt), (run.id, run.due, 2));
    assert_eq!(agenda.ended(&second, minutes(61), Err("E: broken".to_owned())), Some(minutes(63)));
    assert_eq!(due(&mut agenda, minutes(62)), []);
    let third = due(&mut agenda, minutes(63)).pop().unwrap();
    assert_eq!(third.attempt, 3);
    assert_eq!(agenda.ended(&third, minutes(63), Err("E: broken".to_owned())), None, "twice is all");
    assert_eq!(agenda.next(), Some(minutes(120)));

    let next = due(&mut agenda, minutes(120)).pop().unwrap();
    assert_ne!(next.id, run.id);
    assert_eq!(agenda.ended(&next, minutes(120), Ok(())), None);
    assert_eq!(agenda.memory()["a"].last.as_ref().unwrap().outcome, RunOutcome::Succeeded);
}

#[test]
fn changes_take_effect_at_once_and_only_for_what_changed() {
    let mut agenda = agenda(&[plan("a", "rate(1 hour)"), plan("b", "rate(1 hour)"), plan("c", "rate(1 hour)")]);
    let runs = due(&mut agenda, minutes(60));
    for run in &runs {
        agenda.ended(run, minutes(60), Err("broken".to_owned()));
    }
    let changed = Plan { since: minutes(60), ..plan("b", "rate(2 minutes)") };
    agenda.set(vec![plan("a", "rate(1 hour)"), changed], &BTreeMap::new());
    let names: Vec<String> = due(&mut agenda, minutes(61)).into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["a"], "the retries of what was changed or removed are gone");
    let later = due(&mut agenda, minutes(62));
    assert_eq!(later.iter().map(|run| (run.name.as_str(), run.attempt)).collect::<Vec<_>>(), [("b", 1)]);
    // A run that began before the change does not speak for what is there now.
    assert_eq!(agenda.ended(&runs[1], minutes(62), Err("late".to_owned())), None);
    assert_eq!(agenda.ended(&runs[2], minutes(62), Err("late".to_owned())), None);
}

#[test]
fn a_restart_neither_resets_a_rate_nor_repeats_a_run() {
    let plans = [plan("day", "rate(1 day)"), plan("once", "at(2026-11-24T10:30:00)"), plan("hour", "rate(1 hour)")];
    let mut first = agenda(&plans);
    assert_eq!(times(&due(&mut first, minutes(30))), [30]);
    assert_eq!(times(&due(&mut first, minutes(60))), [60]);
    let kept = serde_json::to_string(&first.memory()).unwrap();
    let memory: BTreeMap<String, Memory> = serde_json::from_str(&kept).unwrap();

    let mut second = Agenda::default();
    second.set(plans.to_vec(), &memory);
    assert_eq!(second.next(), Some(minutes(120)));
    assert_eq!(due(&mut second, minutes(60)), []);
    assert_eq!(second.memory()["once"].last.as_ref().unwrap().outcome, RunOutcome::Failed("its end was not seen".to_owned()));
    // Away for a day and a half: each once.
    let mut late: Vec<String> = due(&mut second, minutes(36 * 60 + 1)).into_iter().map(|run| run.name).collect();
    late.sort();
    assert_eq!(late, ["day", "hour"]);
    assert_eq!(second.next(), Some(minutes(37 * 60)));
    // What was made anew under the same name begins anew.
    let made_anew = Plan { since: minutes(36 * 60), ..plan("once", "at(2026-11-26T10:30:00)") };
    second.set(vec![made_anew], &memory);
    assert_eq!(second.next(), Some("2026-11-26T10:30:00Z".parse().unwrap()));
}
