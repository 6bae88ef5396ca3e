//! `zappa tail` and what `zappa status` tells of a running stage.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::http::get;
use crate::support::{Deployed, TestProject, eventually};

fn deployed() -> Deployed {
    Deployed::new(TestProject::copy_of("tests/fixtures/apps/echo").env("ZAPPA_TIMEOUT_SECONDS", "300"))
}

fn log_file(deployed: &Deployed) -> std::path::PathBuf {
    deployed.project.root().join(".zappa/echo-local/function.log")
}

/// A running `zappa tail local`. Killed when dropped.
struct Tail {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn new(deployed: &Deployed, flags: &[&str]) -> Self {
        let mut child = deployed.project.command(["tail", "local"].iter().chain(flags)).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// Reads on until a line has `text` in it.
    fn until(&mut self, text: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(text)).unwrap()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that `tail --json --no-follow` prints.
fn events(deployed: &Deployed, flags: &[&str]) -> Vec<Value> {
    let told = deployed.zappa(["tail", "local", "--json", "--no-follow"].iter().chain(flags)).expect_code(0);
    told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["text"].as_str().unwrap()).collect()
}

#[test]
fn a_log_is_read_in_every_way() {
    let deployed = deployed();
    get(deployed.port, "/print");
    deployed.zappa(["invoke", "local", "app.boom"]).expect_code(1);

    let all = events(&deployed, &[]);
    assert_eq!(all[0]["text"], "INIT_START Runtime Version: ".to_owned() + &version(&all[0]));
    assert_eq!((&all[0]["kind"], &all[0]["request_id"]), (&json!("platform"), &Value::Null));
    let printed = all.iter().find(|event| event["text"] == "echo: a line on stdout").unwrap();
    assert_eq!(printed["kind"], "function");
    let id = printed["request_id"].as_str().unwrap();

    let request = events(&deployed, &["--request", &id[..8]]);
    assert!(request.iter().all(|event| event["request_id"] == id));
    let words: Vec<&str> = texts(&request).into_iter().map(|text| text.split([' ', '\t']).next().unwrap()).collect();
    assert_eq!(words, ["START", "echo:", "echo:", "[WARNING]", "END", "REPORT"]);

    let filtered = events(&deployed, &["--filter", "a line on", "--filter", "stderr"]);
    assert_eq!(texts(&filtered), ["echo: a line on stderr"]);
    assert!(events(&deployed, &["--filter", "A LINE ON"]).is_empty(), "as it is written");

    // A traceback is one event: a filter shows all of it or nothing.
    let raised = events(&deployed, &["--filter", "in boom"]);
    assert_eq!(raised.len(), 1, "{raised:#?}");
    let text = raised[0]["text"].as_str().unwrap();
    assert!(text.starts_with("[ERROR] ValueError: boom with detail\nTraceback (most recent call last):\n"), "{text}");

    let text = deployed.zappa(["tail", "local", "--no-follow", "--filter", "in boom"]).expect_code(0).stdout;
    assert!(text.lines().count() > 5 && text.lines().skip(1).all(|line| line.starts_with("                  ")), "{text}");
    let colour = deployed.zappa(["tail", "local", "--disable-keep-open", "--filter", "REPORT", "--color", "always"]).expect_code(0);
    assert!(colour.stdout.contains("\u{1b}[2mREPORT"), "{:?}", colour.stdout);
}

/// `python:3.N` out of the event that has it.
fn version(event: &Value) -> String {
    event["text"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn since_when() {
    let deployed = deployed();
    let recent = std::fs::read_to_string(log_file(&deployed)).unwrap();
    std::fs::write(log_file(&deployed), format!("2001-01-01T00:00:00.000Z\t-\tlong ago\nnot a line of ours\n{recent}")).unwrap();
    assert!(!texts(&events(&deployed, &[])).contains(&"long ago"));
    assert!(!texts(&events(&deployed, &["--since", "1d12h"])).contains(&"long ago"));
    assert!(texts(&events(&deployed, &["--since", "5200w"])).contains(&"long ago"));
    assert!(texts(&events(&deployed, &["--since", "99999999999999"])).contains(&"long ago"), "from the beginning");
    assert!(events(&deployed, &["--since", "0s"]).is_empty());
    let refused = deployed.zappa(["tail", "local", "--since", "soon"]).expect_code(2);
    assert!(refused.stderr.contains("`10m`"), "{}", refused.stderr);
}

#[cfg(unix)]
#[test]
fn a_log_is_followed_from_before_it_exists() {
    let deployed = deployed();
    std::fs::remove_file(log_file(&deployed)).unwrap();
    assert!(events(&deployed, &[]).is_empty());
    let mut tail = Tail::new(&deployed, &[]);
    get(deployed.port, "/print");
    tail.until("echo: a line on stdout");
    // Gone altogether, and back again in another life.
    deployed.zappa(["undeploy", "local", "--yes", "--remove-logs"]).expect_code(0);
    let report = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    get(crate::support::local::port_of(report["url"].as_str().unwrap()), "/print");
    tail.until("echo: a line on stdout");
    // Ctrl-C is how it ends.
    Command::new("kill").args(["-INT", &tail.child.id().to_string()]).status().unwrap();
    assert_eq!(tail.child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let deployed = deployed();
    let mut child = deployed.project.command(["tail", "local"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("INIT_START"), "{first}");
    // The reader is gone by now; the next line has nowhere to go.
    get(deployed.port, "/print");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn rotation_loses_nothing_and_keeps_one_file() {
    let deployed = deployed();
    let mut tail = Tail::new(&deployed, &["--json", "--filter", "line "]);
    let invoke = |lines: u32| {
        let payload = json!({ "lines": lines }).to_string();
        let mut command = deployed.project.command(["invoke", "local", "app.count", "--json", "--payload", &payload]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    const LINES: u32 = 12_000;
    let mut running = invoke(LINES);
    let first = tail.json()["request_id"].as_str().unwrap().to_owned();
    for expected in 1..LINES {
        let event = tail.json();
        let number: u32 = event["text"].as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!((number, event["request_id"].as_str().unwrap()), (expected, first.as_str()));
    }
    running.wait().unwrap();
    let older = log_file(&deployed).with_extension("log.1");
    let size = |path: &std::path::Path| path.metadata().unwrap().len();
    assert!(size(&older) <= 10_000_000 && size(&older) > 9_000_000, "{}", size(&older));
    // Both files, as one.
    assert_eq!(events(&deployed, &["--request", &first, "--filter", "line "]).len(), LINES as usize);
    // As many as to fill the second file too.
    let mut running = invoke(LINES * 2 / 3);
    running.wait().unwrap();
    let total = size(&older) + size(&log_file(&deployed));
    assert!(total <= 20_000_000 && total > 10_000_000, "{total}");
    deployed.zappa(["undeploy", "local", "--yes", "--remove-logs"]).expect_code(0);
    assert!(!older.exists());
}

#[test]
fn what_was_never_deployed_has_no_log() {
    let project = TestProject::copy_of("tests/fixtures/apps/echo");
    let refused = project.zappa(["tail", "local"]).expect_code(2);
    assert!(refused.stderr.contains("`echo-local` is not deployed"), "{}", refused.stderr);
}

#[test]
fn what_is_left_of_a_stage_can_be_read() {
    let deployed = deployed();
    deployed.zappa(["undeploy", "local", "--yes"]).expect_code(0);
    assert!(texts(&events(&deployed, &[])).iter().any(|text| text.starts_with("REPORT RequestId: ")));
}

#[test]
fn status_tells_of_sandboxes_and_of_the_last_error() {
    let deployed = deployed();
    let before = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    assert!(before["host"]["pid"].is_u64() && before["host"]["uptime_seconds"].is_u64(), "{before}");
    assert_eq!(before.get("last_error"), None);
    deployed.zappa(["invoke", "local", "app.boom"]).expect_code(1);
    let pid = get(deployed.port, "/pid").json()["pid"].clone();

    let status = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    let [sandbox] = status["sandboxes"].as_array().unwrap().as_slice() else { panic!("{status}") };
    assert_eq!((&sandbox["pid"], &sandbox["version"], &sandbox["state"]), (&pid, &json!(1), &json!("idle")));
    // Two by the deployment.
    assert_eq!(sandbox["requests"], 4);
    if cfg!(target_os = "linux") {
        let (now, peak) = (sandbox["memory_mb"].as_u64().unwrap(), sandbox["peak_memory_mb"].as_u64().unwrap());
        assert!(0 < now && now <= peak, "{sandbox}");
    }
    let error = &status["last_error"];
    assert_eq!((&error["error_type"], &error["message"]), (&json!("ValueError"), &json!("boom with detail")));
    let [event] = events(&deployed, &["--filter", "[ERROR]"]).try_into().unwrap();
    assert_eq!(error["request_id"], event["request_id"]);
    let text = deployed.zappa(["status", "local"]).expect_code(0).stdout;
    assert!(text.contains("ValueError: boom with detail") && text.contains(", 4 requests, ") && text.contains(", up "), "{text}");

    get(deployed.port, "/osexit/7");
    let status = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    assert_eq!(status["last_error"]["error_type"], "Runtime.ExitError");
    eventually("the end of the sandbox", || deployed.zappa(["status", "local", "--json"]).json()["sandboxes"] == json!([]));
}
