//! Schedules and events through the built binary.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Deployed, TestProject};

const SETTINGS: &str = "[local]\ntarget = \"local\"\napp_function = \"app.app\"\nkeep_warm = false\n";

/// The echo app with two more functions for schedules.
fn project(settings: &str) -> TestProject {
    let project = TestProject::copy_of("tests/fixtures/apps/echo");
    let mut app = std::fs::read_to_string(project.root().join("app.py")).unwrap();
    app.push_str("\n\ndef mirror(event, context):\n    print('mirrored')\n    return event\n\n\ndef fails(event, context):\n    raise ValueError('no stock')\n");
    project.file("app.py", app).file("zappa_settings.toml", format!("{SETTINGS}{settings}"))
}

fn event(function: &str, name: &str, expression: &str) -> String {
    format!("[[local.events]]\nfunction = \"{function}\"\nname = \"{name}\"\nexpression = \"{expression}\"\nkwargs = {{ depth = 3 }}\n")
}

fn schedules(deployed: &Deployed) -> Value {
    deployed.zappa(["status", "local", "--json"]).expect_code(0).json()["schedules"].clone()
}

#[test]
fn a_schedule_is_fired_by_hand_with_the_event_of_event_bridge() {
    let settings = event("app.mirror", "nightly", "cron(0 3 L * ? *)") + &event("app.fails", "stock", "rate(1 day)");
    let deployed = Deployed::new(project(&settings));
    let fired = deployed.zappa(["invoke", "local", "--schedule", "nightly"]).expect_code(0);
    assert!(fired.stderr.contains("mirrored"), "{}", fired.stderr);
    let mut event = fired.json();
    let uuid = event["id"].take();
    assert_eq!(uuid.as_str().unwrap().len(), 36, "{uuid}");
    let time = event["time"].take();
    assert_eq!(time.as_str().unwrap().len(), "2026-11-24T10:00:00Z".len(), "{time}");
    let expected = json!({
        "version": "0", "id": null, "detail-type": "Scheduled Event", "source": "aws.events", "account": "000000000000", "time": null,
        "region": "us-east-1", "resources": ["arn:aws:events:us-east-1:000000000000:rule/echo-local.nightly"], "detail": {},
        "zappa": "schedule", "name": "nightly", "function": "app.mirror", "kwargs": { "depth": 3 },
    });
    assert_eq!(event, expected);

    let failed = deployed.zappa(["invoke", "local", "--schedule", "stock", "--json"]).expect_code(1).json();
    assert_eq!((&failed["result"]["errorMessage"], &failed["function_error"]), (&json!("no stock"), &json!("Unhandled")));

    let unknown = deployed.zappa(["invoke", "local", "--schedule", "nigthly"]).expect_code(2);
    assert!(unknown.stderr.contains("`echo-local` has no schedule `nigthly`; did you mean `nightly`?"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("it has `nightly`, `stock`"), "{}", unknown.stderr);
    for flags in [["--payload", "{}"], ["--event", "x.json"]] {
        deployed.zappa([["invoke", "local", "--schedule", "nightly"].as_slice(), &flags].concat()).expect_code(2);
    }
    let both = deployed.zappa(["invoke", "local", "app.add", "--schedule", "nightly"]).expect_code(2);
    assert!(both.stderr.contains("`--schedule` takes the place of the function `app.add`"), "{}", both.stderr);
}

#[test]
fn status_tells_when_schedules_fire_and_commands_change_them() {
    let deployed = Deployed::new(project(&event("app.tick", "tick", "rate(1 day)")));
    let first = schedules(&deployed);
    assert_eq!((&first[0]["name"], &first[0]["expression"], &first[0]["last_run"]), (&json!("tick"), &json!("rate(1 day)"), &Value::Null));
    let next: jiff::Timestamp = first[0]["next_run"].as_str().unwrap().parse().unwrap();
    assert!(next > jiff::Timestamp::now());
    assert!(deployed.zappa(["status", "local"]).expect_code(0).stdout.contains(&format!("next {next}")));

    let same = deployed.zappa(["schedule", "local", "--json"]).expect_code(0).json();
    assert_eq!((&same["outcome"], &same["schedules"]), (&json!("unchanged"), &first), "a rate goes on counting from where it began");
    // What does not change when it fires does not begin anew.
    let path = deployed.project.root().join("zappa_settings.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("depth = 3", "depth = 4")).unwrap();
    let updated = deployed.zappa(["schedule", "local", "--json"]).expect_code(0).json();
    assert_eq!((&updated["outcome"], &updated["schedules"][0]["next_run"]), (&json!("updated"), &first[0]["next_run"]));

    let removed = deployed.zappa(["unschedule", "local", "--json"]).expect_code(0).json();
    assert_eq!(removed, json!({ "function_name": "echo-local", "removed": ["tick"] }));
    assert_eq!(schedules(&deployed), json!([]));
    let none = deployed.zappa(["invoke", "local", "--schedule", "tick"]).expect_code(2);
    assert!(none.stderr.contains("`zappa schedule`"), "{}", none.stderr);
    assert!(deployed.zappa(["unschedule", "local"]).expect_code(0).stdout.contains("nothing to remove"));
    let back = deployed.zappa(["schedule", "local"]).expect_code(0);
    assert!(back.stdout.contains("has 1 schedule (created)") && back.stdout.contains("tick  rate(1 day)  next "), "{}", back.stdout);
    // One that the release has never heard of.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + &event("app.mirror", "new", "rate(1 hour)")).unwrap();
    deployed.zappa(["schedule", "local"]).expect_code(0);
    assert_eq!(deployed.zappa(["invoke", "local", "--schedule", "new"]).expect_code(0).json()["kwargs"], json!({ "depth": 3 }));
    assert_eq!(deployed.zappa(["invoke", "local", "--schedule", "tick"]).expect_code(0).json()["ticked"], true);
}

/// A moment some seconds ahead is the one thing that fires without a test having to wait for a minute.
#[test]
fn the_background_process_fires_what_is_due() {
    let deployed = Deployed::new(project(""));
    let mut ahead = 3;
    // On a machine that is so busy that the moment is over before it is scheduled, a later one is taken.
    loop {
        let moment = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(ahead)).unwrap();
        let at = moment.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string();
        let settings = format!("{SETTINGS}{}{}", event("app.mirror", "good", &at), event("app.fails", "bad", &at));
        deployed.project.write("zappa_settings.toml", settings);
        let report = deployed.zappa(["schedule", "local", "--json"]).expect_code(0).json();
        if report["schedules"][0]["next_run"].is_string() {
            break;
        }
        ahead *= 2;
    }
    let start = std::time::Instant::now();
    let runs = loop {
        let schedules = schedules(&deployed);
        let runs = [&schedules[0]["last_run"], &schedules[1]["last_run"]].map(Clone::clone);
        if runs[0]["result"] == "succeeded" && runs[1]["error"] == "ValueError: no stock" {
            break runs;
        }
        assert!(start.elapsed().as_secs() < 60, "nothing fired: {schedules}");
        std::thread::yield_now();
    };
    let [good, bad] = runs;
    assert_eq!((&good["error"], &good["attempt"], &good["retry"]), (&Value::Null, &json!(1), &Value::Null));
    assert_eq!((&bad["result"], &bad["attempt"]), (&json!("failed"), &json!(1)));
    assert!(bad["retry"].is_string(), "{bad}");
    let text = deployed.zappa(["status", "local"]).expect_code(0).stdout;
    assert!(text.contains("failed: ValueError: no stock (attempt 1, again at "), "{text}");
    let log = std::fs::read_to_string(deployed.project.root().join(".zappa/echo-local/function.log")).unwrap();
    assert!(log.contains("mirrored") && log.contains("ValueError: no stock"), "{log}");
    // No schedule, no retry.
    deployed.zappa(["unschedule", "local"]).expect_code(0);
    let memory = std::fs::read_to_string(deployed.project.root().join(".zappa/echo-local/schedules.json")).unwrap();
    assert!(!memory.contains("retry\": \""), "{memory}");
}

#[test]
fn what_never_fires_is_said() {
    let settings = event("app.tick", "never", "cron(0 0 30 2 ? *)") + &event("app.tick", "over", "at(2020-01-31T12:00:00)");
    let project = project(&settings);
    let first = project.zappa(["deploy", "local"]).expect_code(0);
    let deployed = Deployed::new(project);
    for said in [
        "schedule `never` never fires: no day to come fits `cron(0 0 30 2 ? *)`",
        "schedule `over` does not fire any more: `at(2020-01-31T12:00:00)` (UTC) is over",
    ] {
        assert!(first.stderr.contains(said), "{}", first.stderr);
    }
    assert_eq!(schedules(&deployed)[0]["next_run"], Value::Null);
    assert!(deployed.zappa(["status", "local"]).stdout.contains("never again"));
}

#[test]
fn nothing_is_scheduled_without_a_deployment() {
    let project = project("");
    for command in [["schedule", "local"], ["unschedule", "local"]] {
        let refused = project.zappa(command).expect_code(2);
        assert!(refused.stderr.contains("`echo-local` is not deployed"), "{}", refused.stderr);
    }
    assert!(!project.root().join(".zappa").exists());
}

#[test]
fn any_event_can_be_sent() {
    let deployed = Deployed::new(project(""));
    deployed.project.write("event.json", "\u{FEFF}{\n  \"command\": \"app.mirror\",\n  \"big\": 12345678901234567890\n}\n");
    let sent = deployed.zappa(["invoke", "local", "--event", "event.json"]).expect_code(0);
    assert_eq!(sent.json(), json!({ "command": "app.mirror", "big": 12_345_678_901_234_567_890_u64 }));
    // There is one stage, so it need not be said.
    deployed.zappa(["invoke", "--event", "event.json"]).expect_code(0);

    let command = &mut deployed.project.command(["invoke", "local", "--event", "-", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"zappa\": \"keep-warm\"}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["result"], json!({ "zappa": "warm" }));

    deployed.project.write("list.json", "[1]");
    let failed = deployed.zappa(["invoke", "local", "--event", "list.json"]).expect_code(1);
    assert!(failed.stdout.contains("the event is a list, not an object"), "{}", failed.stdout);

    deployed.project.write("broken.json", "{\n  \"a\": 1,\n  b: 2\n}\n");
    let broken = deployed.zappa(["invoke", "local", "--event", "broken.json"]).expect_code(2);
    assert!(broken.stderr.contains("broken.json:3: the event is not JSON"), "{}", broken.stderr);
    let missing = deployed.zappa(["invoke", "local", "--event", "missing.json"]).expect_code(2);
    assert!(missing.stderr.contains("could not read the event from `missing.json`"), "{}", missing.stderr);
    deployed.zappa(["invoke", "local", "app.mirror", "--event", "event.json"]).expect_code(2);
    deployed.zappa(["invoke", "local", "--event", "event.json", "--payload", "{}"]).expect_code(2);
    deployed.zappa(["invoke"]).expect_code(2);
}
