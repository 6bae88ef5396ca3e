//! Each call of each command, disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::scenario::{
    CODE, CONFIGURATION, DEPENDENCIES, DEPLOY, FETCHED, FRONT_DOOR, ROLLBACK, SCHEDULE, Scenario, UNDEPLOY, assert_same, assert_serves,
    found,
};
use crate::support::aws::Fault;

/// How many cases go on at the same time.
const AT_A_TIME: usize = 4;

/// A command that nobody disturbs.
struct Undisturbed {
    /// Names of the calls, in order.
    calls: Vec<String>,
    after: Value,
}

fn undisturbed(scenario: &Scenario) -> Undisturbed {
    let (stage, _) = scenario.stage();
    scenario.run(&stage).expect_code(0);
    let calls = stage.aws.calls().iter().map(|call| call.name()).collect();
    Undisturbed { calls, after: found(&stage) }
}

/// Runs all cases, some at a time, and tells of every one that failed.
fn all<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    all_of(cases, AT_A_TIME, run);
}

fn all_of<T: Sync>(cases: &[T], at_a_time: usize, run: impl Fn(&T) + Sync) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(case))) {
                        let text = panic.downcast_ref::<String>().cloned();
                        failures.lock().unwrap().push(text.unwrap_or_else(|| "a case failed".to_owned()));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases failed:\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

fn killed(scenario: Scenario) {
    let undisturbed = undisturbed(&scenario);
    let cases: Vec<usize> = (1..undisturbed.calls.len()).collect();
    all(&cases, |calls| {
        let (stage, before) = scenario.stage();
        let what = format!("{}: killed after call {calls} ({})", scenario.name, undisturbed.calls[calls - 1]);
        let ended = stage.aws.killed_after(*calls, stage.project.command(scenario.command));
        assert!(ended.is_none(), "{what}: it was not killed: {ended:?}");
        if scenario.serves_throughout() {
            assert_serves(&found(&stage), &before, &undisturbed.after, &what);
        }
        let again = scenario.run(&stage);
        assert_eq!(again.code, 0, "{what}: and run again:\n{}", again.stderr);
        assert_same(&found(&stage), &undisturbed.after, &what);
    });
}

fn denied(scenario: Scenario) {
    let undisturbed = undisturbed(&scenario);
    let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
    let mut cases = Vec::new();
    // Who may not look whether an object is there uploads it.
    for name in undisturbed.calls.iter().filter(|name| *name != "s3:HeadObject") {
        let before = seen.entry(name).or_default();
        cases.push((name, *before));
        *before += 1;
    }
    all(&cases, |(name, before)| {
        let (stage, was) = scenario.stage();
        let what = format!("{}: {name} denied (after {before} others)", scenario.name);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(name).after(*before).times(1));
        let refused = stage.project.zappa(scenario.command);
        assert_eq!(refused.code, 1, "{what}\n{}\n{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains("access denied for `") && refused.stderr.contains("hint: allow `"), "{what}\n{}", refused.stderr);
        stage.aws.clear();
        if scenario.serves_throughout() {
            assert_serves(&found(&stage), &was, &undisturbed.after, &what);
        }
        let again = scenario.run(&stage);
        assert_eq!(again.code, 0, "{what}: and run again:\n{}", again.stderr);
        assert_same(&found(&stage), &undisturbed.after, &what);
    });
}

/// Every call fails once; the SDK asks again.
fn repeated(scenario: Scenario) {
    let undisturbed = undisturbed(&scenario);
    // What a function has done cannot be known where the answer was lost, so it is called once.
    let once = "lambda:Invoke";
    let cases = [
        ("throttled", Fault::throttle()),
        ("HTTP 500", Fault::server_error().except(once)),
        ("reset before", Fault::reset_before().except(once)),
        ("reset after", Fault::reset_after().except(once)),
    ];
    all(&cases, |(how, fault)| {
        let (stage, before) = scenario.stage();
        let what = format!("{}: every call {how}", scenario.name);
        stage.aws.clear();
        stage.aws.fault(fault.clone().once_each());
        let outcome = stage.project.zappa(scenario.command);
        assert_eq!(outcome.code, 0, "{what}\n{}\n{}", outcome.stderr, stage.aws.text());
        let twice = undisturbed.calls.iter().filter(|call| *call != once).count();
        assert!(stage.aws.calls().len() >= 2 * twice, "{what}: not every call failed:\n{}", stage.aws.text());
        let now = found(&stage);
        if scenario.serves_throughout() {
            assert_serves(&now, &before, &undisturbed.after, &what);
        }
        assert_same(&now, &undisturbed.after, &what);
    });
}

/// A call is never answered; it is given up after half a minute, for all cases the same one, and made again. Calls that take their time by nature (an
/// archive goes along, a function runs) are waited for much longer, and are no cases.
fn hanging(scenario: Scenario) {
    let undisturbed = undisturbed(&scenario);
    let patient = ["lambda:Invoke", "lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:PublishLayerVersion"];
    let cases: BTreeSet<&String> = undisturbed.calls.iter().filter(|name| !patient.contains(&name.as_str())).collect();
    let cases: Vec<&String> = cases.into_iter().collect();
    all_of(&cases, cases.len(), |name| {
        let (stage, _) = scenario.stage();
        let what = format!("{}: {name} hangs", scenario.name);
        stage.aws.clear();
        stage.aws.fault(Fault::hang().on(name).times(1));
        let outcome = stage.project.zappa(scenario.command);
        assert_eq!(outcome.code, 0, "{what}\n{}", outcome.stderr);
        assert!(stage.aws.calls().iter().any(|call| call.status.is_none()), "{what}: nothing hung");
        assert_same(&found(&stage), &undisturbed.after, &what);
    });
}

#[test]
fn a_call_that_hangs_in_a_first_deployment_is_made_again() {
    hanging(DEPLOY);
}

#[test]
fn a_call_that_hangs_in_an_update_is_made_again() {
    hanging(CODE);
}

macro_rules! matrix {
    ($($module:ident = $scenario:ident;)*) => {$(
        mod $module {
            #[test]
            fn killed_after_each_call() {
                super::killed(super::$scenario);
            }

            #[test]
            fn each_call_denied() {
                super::denied(super::$scenario);
            }

            #[test]
            fn each_call_fails_once() {
                super::repeated(super::$scenario);
            }
        }
    )*};
}

matrix! {
    deploy = DEPLOY;
    update_of_code = CODE;
    update_of_configuration = CONFIGURATION;
    update_of_dependencies = DEPENDENCIES;
    update_to_fetched_dependencies = FETCHED;
    update_of_schedules = SCHEDULE;
    update_to_another_front_door = FRONT_DOOR;
    rollback = ROLLBACK;
    undeploy = UNDEPLOY;
}
