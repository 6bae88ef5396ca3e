//! What `invoke` and `manage` show while a function runs, and how they end.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::support::{Deployed, TestProject, eventually};

fn echo() -> TestProject {
    TestProject::copy_of("tests/fixtures/apps/echo").env("ZAPPA_TIMEOUT_SECONDS", "300")
}

/// Where a function waits for a word.
struct Holder(TcpListener);

impl Holder {
    fn new() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).unwrap())
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Waits until the function waits.
    fn held(&self) -> TcpStream {
        self.0.accept().unwrap().0
    }
}

/// Begins `zappa invoke local app.talk`.
fn talk(deployed: &Deployed, holder: &Holder, flags: &[&str]) -> Child {
    let payload = json!({ "port": holder.port() }).to_string();
    let mut command = deployed.project.command(["invoke", "local", "app.talk", "--payload", &payload].iter().chain(flags));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn read_exactly(from: &mut impl std::io::Read, length: usize) -> String {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn read_rest(from: &mut impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_a_function_prints_is_there_before_it_ends() {
    let deployed = Deployed::new(echo());
    let holder = Holder::new();
    let mut child = talk(&deployed, &holder, &[]);
    let mut stderr = child.stderr.take().unwrap();
    // A line that is not even ended.
    assert_eq!(read_exactly(&mut stderr, 5), "first");
    holder.held().write_all(b"!").unwrap();
    assert_eq!(read_rest(&mut stderr), " and last\n", "neither twice nor with the platform's lines");
    assert_eq!(read_rest(&mut child.stdout.take().unwrap()), "\"talked\"\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let child = talk(&deployed, &holder, &["--json"]);
    holder.held().write_all(b"!").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.stderr.is_empty());
    let document: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(document["result"], "talked");
    assert!(document["log"].as_str().unwrap().contains("first and last"), "{document}");
}

#[test]
fn a_traceback_is_shown_once_and_in_lines() {
    let deployed = Deployed::new(echo());
    let failed = deployed.zappa(["invoke", "local", "app.boom"]).expect_code(1);
    assert!(failed.stderr.starts_with("[ERROR] ValueError: boom with detail\nTraceback (most recent call last):\n"), "{}", failed.stderr);
    assert!(!failed.stderr.contains('\r') && failed.stderr.matches("Traceback").count() == 1, "{}", failed.stderr);
    // What never ran has shown nothing: its log is told at the end.
    deployed.project.write("app.py", "print('on the way')\nraise RuntimeError('no settings')\n");
    deployed.zappa(["deploy", "local", "--no-check"]).expect_code(0);
    let failed = deployed.zappa(["invoke", "local", "app.boom"]).expect_code(1);
    assert!(failed.stderr.contains("on the way") && failed.stderr.contains("no settings"), "{}", failed.stderr);
    assert!(!failed.stderr.lines().any(|line| line.starts_with("INIT_")), "{}", failed.stderr);
}

#[test]
fn a_run_that_takes_too_long_names_the_setting() {
    // Not checked: on a busy machine the limit is short for an answer, which is not what this is about.
    let deployed = Deployed::with(echo().env("ZAPPA_TIMEOUT_SECONDS", "3"), &["--no-check"]);
    let holder = Holder::new();
    let child = talk(&deployed, &holder, &[]);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(stderr.starts_with("first\n") && stderr.contains("hint: `timeout_seconds`"), "{stderr}");
    assert!(String::from_utf8(ended.stdout).unwrap().contains("Task timed out after 3.00 seconds"));
}

#[cfg(unix)]
#[test]
fn who_stops_watching_does_not_stop_the_function() {
    let deployed = Deployed::new(echo());
    let holder = Holder::new();
    let mut child = talk(&deployed, &holder, &[]);
    let mut stderr = child.stderr.take().unwrap();
    assert_eq!(read_exactly(&mut stderr, 5), "first");
    let mut held = holder.held();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let told = read_rest(&mut stderr);
    assert!(told.contains("the function goes on") && told.contains("zappa tail local"), "{told}");
    held.write_all(b"!").unwrap();
    eventually("the end of the function", || {
        deployed.zappa(["tail", "local", "--no-follow", "--filter", "first and last"]).stdout.contains("first and last")
    });
}

#[test]
fn source_streams_and_ends_with_its_status() {
    let deployed = Deployed::new(echo().env("ZAPPA_ALLOW_RAW_INVOKE", "true"));
    let ran = deployed.zappa(["invoke", "local", "--raw", "import sys; print('a\\n\\n b', end=''); sys.exit(3)"]).expect_code(3);
    assert_eq!(ran.stdout, "a\n\n b");
    let ran = deployed.zappa(["invoke", "local", "--raw", "print(1)", "--json"]).expect_code(0).json();
    assert_eq!(ran["result"]["output"], "1\n");
}

const HOLD: &str = r#"
import socket
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("port", type=int)
        parser.add_argument("words", nargs="*")

    def handle(self, *args, port, words, **options):
        self.stdout.write("a  | b\n---+---\n\n  1|  2  \n\n")
        self.stdout.write(".", ending="")
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.recv(1)
        self.stdout.write(". " + repr(words), ending="")
        sys.exit(7)
"#;

#[test]
fn a_management_command_prints_as_if_it_ran_here() {
    if crate::examples::python_is_older_than_django() {
        return;
    }
    let project = TestProject::copy_of("examples/django-site").file("notes/management/commands/hold.py", HOLD);
    let deployed = Deployed::new(project.env("ZAPPA_TIMEOUT_SECONDS", "300"));
    let holder = Holder::new();
    let arguments = ["manage", "local", "hold", &holder.port().to_string(), "two words", "\"quoted\" 'twice'"].map(str::to_owned);
    let mut child = deployed.project.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let begun = "a  | b\n---+---\n\n  1|  2  \n\n.";
    assert_eq!(read_exactly(&mut stdout, begun.len()), begun);
    holder.held().write_all(b"!").unwrap();
    let rest = ". ['two words', '\"quoted\" \\'twice\\'']";
    assert_eq!(read_rest(&mut stdout), rest);
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(read_rest(&mut child.stderr.take().unwrap()), "");

    // As one document: nothing before the end, and the same text.
    let mut json: Vec<String> = arguments.to_vec();
    json.insert(0, "--json".to_owned());
    let child = deployed.project.command(&json).stdout(Stdio::piped()).spawn().unwrap();
    holder.held().write_all(b"!").unwrap();
    let ended = child.wait_with_output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(document, json!({ "status": 7, "output": format!("{begun}{rest}") }));

    let unknown = deployed.zappa(["manage", "local", "no_such_command"]).expect_code(1);
    assert_eq!(unknown.stdout.matches("Unknown command: 'no_such_command'").count(), 1, "{}", unknown.stdout);
    let report = deployed.zappa(["manage", "local", "notes_report", "--fail"]).expect_code(1);
    assert_eq!(report.stdout, "CommandError: told to fail\n");
}

#[test]
fn a_reader_that_is_too_slow_holds_nobody_up_and_is_told() {
    let (mut live, mut pieces) = zappa::emulator::Live::channel();
    for _ in 0..10_000 {
        live.write(b"x");
    }
    let mut read = || std::iter::from_fn(|| pieces.try_recv().ok()).fold(Vec::new(), |text, piece| [text, piece.to_vec()].concat());
    let kept = read();
    assert!(!kept.is_empty() && kept.iter().all(|byte| *byte == b'x'));
    live.write(b"and on\n");
    assert_eq!(String::from_utf8(read()).unwrap(), "\n[output is left out here; all of it is in the log]\nand on\n");
    // What the runtime client says of an exception is one event to CloudWatch and several lines to people; a progress bar is left alone.
    live.write(b"[ERR");
    live.write(b"OR] no\rTraceback:\r  here\n10 %\r20 %\n[ERROR]\r");
    assert_eq!(String::from_utf8(read()).unwrap(), "[ERROR] no\nTraceback:\n  here\n10 %\r20 %\n[ERROR]\r");
}
