//! `zappa serve` as the one who works on the project sees it: an address, lines as things happen, the new code after a save, nothing left at the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::http::{exchange, get, own_port, request};
use crate::support::local::port_of;
use crate::support::{Deployed, TestProject};
use serving::{Lines, Serving, alive, scratch};

mod serving;

fn echo() -> TestProject {
    TestProject::copy_of("tests/fixtures/apps/echo")
}

#[test]
fn it_says_what_happens_in_lines() {
    let mut serving = Serving::spawn(echo(), &["serve", "local"]);
    let url = serving.stdout.until("the address", |line| line.starts_with("http://127.0.0.1:"));
    serving.stderr.until("the first version", |line| line.contains("version 1 serves"));
    let port = port_of(&url);
    assert_eq!(get(port, "/print?page=2").status, 200);
    let access = serving.stdout.until("the access line", |line| line.starts_with("GET"));
    let words: Vec<&str> = access.split_whitespace().collect();
    let [method, status, size, "bytes", duration, "ms", "warm", memory, "MB", target] = words[..] else { panic!("{access}") };
    assert_eq!((method, status, size, target), ("GET", "200", "8", "/print?page=2"), "{access}");
    assert!(duration.parse::<f64>().unwrap() > 0.0 && memory.parse::<u64>().unwrap() > 0, "{access}");
    let own = |line: &&String| line.starts_with("  | ");
    for said in ["echo: a line on stdout", "echo: a line on stderr", "echo: a line through logging"] {
        assert!(serving.stdout.seen.iter().filter(own).any(|line| line.contains(said)), "{:#?}", serving.stdout.seen);
    }
    assert!(
        !serving.stdout.seen.iter().any(|line| line.contains("REPORT RequestId") || line.contains('\u{1b}')),
        "{:#?}",
        serving.stdout.seen
    );
    // The init of a second sandbox is waited for, and told.
    let slow = std::thread::spawn(move || get(port, "/sleep/3"));
    while !slow.is_finished() {
        assert_eq!(get(port, "/version").status, 200);
    }
    assert_eq!(slow.join().unwrap().status, 200);
    let cold = serving.stdout.until("a cold start", |line| line.contains("  cold, init "));
    assert!(cold.contains(" ms ") && cold.contains(" MB "), "{cold}");
    assert!(serving.end().success());
}

#[test]
fn a_stage_of_aws_is_served_with_what_only_aws_does_not_have() {
    let settings = "[dev]\nalb_enabled = true\nevents = [{ function = \"app.add\", expression = \"at(2099-01-31T12:00:00)\" }]\n";
    let project = echo();
    project.write("zappa_settings.toml", settings);
    let mut serving = Serving::spawn(project, &["serve", "dev", "--json"]);
    serving.port = port_of(serving.event("serving")["url"].as_str().unwrap());
    let mut serving = serving.ready();
    assert_eq!(get(serving.port, "/version").status, 200);
    assert!(serving.end().success());
}

#[test]
fn with_json_each_line_is_an_object() {
    let mut serving = Serving::new(echo()).ready();
    let body = vec![b'x'; 10];
    assert_eq!(exchange(serving.port, &request("POST", b"/print", &[], &body)).status, 200);
    let log = serving.event("log");
    assert!(log["text"].is_string() && log["by"] == "function" || log["by"] == "platform", "{log}");
    let access = serving.event("request");
    assert_eq!(
        (&access["method"], &access["target"], &access["status"], &access["size"]),
        (&json!("POST"), &json!("/print"), &json!(200), &json!(8))
    );
    assert!(
        access["duration_ms"].as_f64().unwrap() > 0.0 && access["init_ms"].is_null() && access["max_memory_mb"].as_u64().unwrap() > 0,
        "{access}"
    );
}

#[test]
fn a_save_is_served_without_a_failed_request() {
    let mut serving = Serving::new(echo()).ready();
    let order = ["one", "two", "three", "four"];
    let over = AtomicBool::new(false);
    let port = serving.port;
    std::thread::scope(|scope| {
        let hammering = || {
            let mut seen = BTreeSet::new();
            let mut newest = 0;
            while !over.load(Ordering::Relaxed) {
                let response = get(port, "/version");
                assert_eq!(response.status, 200, "{response:?}");
                let position = order.iter().position(|version| *version == response.text()).unwrap();
                assert!(position >= newest, "an old version answered after a new one");
                newest = position;
                seen.insert(newest);
            }
            seen
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(hammering)).collect();
        for (index, version) in order.iter().enumerate().skip(1) {
            serving.edit_version(version);
            let swapped = serving.event("version");
            assert_eq!((&swapped["version"], &swapped["changed"]), (&json!(index + 1), &json!(["app.py"])), "{swapped}");
            assert_eq!(serving.version(), *version);
        }
        over.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().unwrap().contains(&0));
        }
    });
}

#[test]
fn a_request_in_flight_ends_where_it_began() {
    // One sandbox in all: the new version must not wait for the old one to be free.
    let mut serving = Serving::new(echo().env("ZAPPA_LAMBDA_CONCURRENCY", "1")).ready();
    let port = serving.port;
    let old = get(port, "/pid").json()["pid"].as_u64().unwrap();
    let slow = serving.begin("/sleep/5");
    serving.edit_version("two");
    serving.event("version");
    assert_eq!(serving.version(), "two");
    assert!(!slow.is_finished(), "this machine took five seconds for a save: nothing is shown");
    assert_eq!(slow.join().unwrap().json()["pid"], old);
    serving.gone(old);
}

#[test]
fn a_mistake_shows_its_traceback_and_the_last_good_version_serves() {
    let mut serving = Serving::new(echo()).ready();
    let good = std::fs::read_to_string(serving.project.root().join("app.py")).unwrap();
    serving.project.write("app.py", "def app(:\n");
    serving.stdout.until("the traceback", |line| line.contains("SyntaxError"));
    let refused = serving.event("refused");
    assert_eq!((&refused["version"], &refused["live"]), (&json!(2), &json!(1)), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("SyntaxError"), "{refused}");
    assert_eq!(serving.version(), "one");

    serving.project.write("app.py", "import os\n\n\nraise RuntimeError('the settings are missing')\n");
    serving.stdout.until("the line that raised", |line| line.contains("raise RuntimeError"));
    assert!(serving.event("refused")["message"].as_str().unwrap().contains("the settings are missing"));
    assert_eq!(serving.version(), "one");

    // A module that ends the process is no version either.
    serving.project.write("app.py", "import os\n\nos._exit(3)\n");
    assert_eq!(serving.event("refused")["live"], 1);
    assert_eq!(serving.version(), "one");

    serving.project.write("app.py", good.replace("VERSION = \"one\"", "VERSION = \"two\""));
    assert_eq!(serving.event("version")["version"], 5);
    assert_eq!(serving.version(), "two");
}

#[test]
fn a_project_that_is_broken_at_the_start_is_served_once_it_is_mended() {
    let project = echo();
    let good = std::fs::read_to_string(project.root().join("app.py")).unwrap();
    project.write("app.py", "app = 1 / 0\n");
    let mut serving = Serving::new(project);
    let refused = serving.event("refused");
    assert!(refused["message"].as_str().unwrap().contains("division by zero") && refused["live"].is_null(), "{refused}");
    assert_eq!(get(serving.port, "/version").status, 502);
    serving.project.write("app.py", good);
    serving.event("version");
    assert_eq!(serving.version(), "one");
}

#[test]
fn files_come_and_go() {
    let app = "import importlib, os\n\nimport helpers\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    here = os.path.dirname(os.path.abspath(__file__))\n    found = sorted(os.path.relpath(os.path.join(d, f), here) for d, _, fs in os.walk(here) for f in fs if f.endswith('.txt'))\n    return [' '.join(found).encode()]\n";
    let project = echo().file("app.py", app).file("helpers.py", "").file(".zappaignore", "ignored.txt\n").file("ignored.txt", "");
    let mut serving = Serving::new(project).ready();
    let listed = |serving: &Serving| get(serving.port, "/").text().replace("requirements.txt", "").trim().to_owned();
    assert_eq!(listed(&serving), "");

    serving.project.write("new.txt", "1");
    assert_eq!(serving.event("version")["changed"], json!(["new.txt"]));
    assert_eq!(listed(&serving), "new.txt");

    // What is in a new directory is found however early it was there.
    serving.project.write("deep/er/still.txt", "1");
    while !listed(&serving).contains("still.txt") {
        serving.event("version");
    }

    // None of these makes a version: what comes next is the first thing to be told, as if nothing had been.
    serving.project.write("ignored.txt", "changed");
    serving.project.write("__pycache__/app.cpython-311.pyc", "x");
    serving.project.write(".app.py.swp", "x");
    serving.project.write("app.py~", "x");
    // Touched, not written: a file is empty for a moment while it is written, and that is a change.
    let touched = std::fs::File::options().append(true).open(serving.project.root().join("app.py")).unwrap();
    touched.set_modified(std::time::SystemTime::now()).unwrap();
    std::fs::remove_dir_all(serving.project.root().join("deep")).unwrap();
    assert_eq!(serving.event("version")["changed"], json!(["deep/er/still.txt"]));
    assert_eq!(listed(&serving), "new.txt");

    // A burst is one change, or at least none of it is lost.
    for index in 0..50 {
        serving.project.write(&format!("burst/{index:02}.txt"), "1");
    }
    let mut versions = 0;
    while listed(&serving).split(' ').count() != 51 {
        serving.event("version");
        versions += 1;
    }
    assert!(versions < 25, "{versions} versions for one burst");

    std::fs::remove_file(serving.project.root().join("helpers.py")).unwrap();
    assert!(serving.event("refused")["message"].as_str().unwrap().contains("helpers"));
}

#[test]
fn settings_are_read_again() {
    let mut serving = Serving::new(echo()).ready();
    let path = serving.project.root().join("zappa_settings.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let default = get(serving.port, "/context").json()["memory_limit_in_mb"].clone();
    serving.project.write("zappa_settings.toml", good.replace("target =", "timeout_seconds = 7\nmemory_size = 512\ntarget ="));
    assert!(serving.event("note")["message"].as_str().unwrap().contains("zappa_settings.toml"));
    serving.event("version");
    assert_eq!(get(serving.port, "/context").json()["memory_limit_in_mb"], "512");

    serving.project.write("zappa_settings.toml", good.replace("target =", "memory_siez = 1\ntarget ="));
    let failed = serving.event("failed");
    assert!(failed.to_string().contains("memory_size"), "{failed}");
    assert_eq!(get(serving.port, "/context").json()["memory_limit_in_mb"], "512");
    serving.project.write("zappa_settings.toml", good);
    serving.event("version");
    assert_eq!(get(serving.port, "/context").json()["memory_limit_in_mb"], default);

    serving.project.write("requirements.txt", "# nothing, said otherwise\n");
    assert!(serving.event("note")["message"].as_str().unwrap().contains("requirements.txt"));
    serving.edit_version("two");
    while serving.version() != "two" {
        serving.event("version");
    }
}

#[test]
fn every_front_door() {
    for (door, version) in [("rest", Value::Null), ("http", json!("2.0")), ("function-url", json!("2.0")), ("alb", Value::Null)] {
        let project = echo().file(
            "app.py",
            "import json\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    event = environ['lambda.event']\n    return [json.dumps([event.get('version'), sorted(event['requestContext'])]).encode()]\n",
        );
        let mut serving = Serving::with(project, &["--front-door", door]);
        serving.event("version");
        let seen = get(serving.port, "/some/path").json();
        assert_eq!(seen[0], version, "{door}: {seen}");
        assert_eq!(seen[1] == json!(["elb"]), door == "alb", "{door}: {seen}");
        assert!(serving.end().success());
    }
    let refused = echo().zappa(["serve", "local", "--front-door", "window"]).expect_code(2);
    assert!(refused.stderr.contains("function-url"), "{}", refused.stderr);
}

#[test]
fn the_end_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        // Not the usual port, which another test may want as soon as it is free.
        let free = own_port().local_addr().unwrap().port().to_string();
        let mut serving = Serving::with(echo(), &["--port", &free]).ready();
        let port = serving.port;
        serving.edit_version("two");
        serving.event("version");
        let sandbox = get(port, "/pid").json()["pid"].as_u64().unwrap();
        assert_eq!(scratch(&serving.project).len(), 1);
        assert_eq!(get(port, "/write-code").json()["wrote"], false, "code is read-only");
        // A request in flight is answered.
        let slow = serving.begin("/sleep/1");
        serving.signal(signal);
        assert!(serving.child.wait().unwrap().success());
        assert_eq!(slow.join().unwrap().status, 200);
        assert!(!alive(sandbox));
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "the port is free again");
        assert!(!serving.project.root().join(".zappa").exists());
        assert!(!serving.stderr.rest().contains("error"));
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let mut serving = Serving::new(echo().env("ZAPPA_TIMEOUT_SECONDS", "600")).ready();
    let port = serving.port;
    let sandbox = get(port, "/pid").json()["pid"].as_u64().unwrap();
    let slow = serving.begin("/sleep/500");
    serving.signal("INT");
    serving.stdout.until("the first answer to it", |line| line.contains("Ctrl-C"));
    serving.signal("INT");
    assert_eq!(serving.child.wait().unwrap().code(), Some(130));
    assert!(slow.join().is_err(), "the connection is cut");
    serving.gone(sandbox);
    assert_eq!(scratch(&serving.project), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_run_left_is_taken_away_by_the_next() {
    let mut serving = Serving::new(echo()).ready();
    let left = scratch(&serving.project);
    serving.signal("KILL");
    serving.child.wait().unwrap();
    assert!(left[0].exists());
    let project = std::mem::replace(&mut serving.project, TestProject::new());
    let serving = Serving::new(project).ready();
    assert!(!left[0].exists());
    assert_eq!(serving.version(), "one");
}

#[test]
fn a_port_in_use_ends_it_only_if_it_was_asked_for() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let project = echo();
    let refused = project.zappa(["serve", "local", "--port", &port.to_string()]).expect_code(1);
    assert!(refused.stderr.contains(&format!("port {port}")) && refused.stderr.contains("--port"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    assert!(!project.root().join(".zappa").exists());
    let serving = Serving::new(project.env("ZAPPA_LOCAL_PORT", port.to_string()));
    assert_ne!(serving.port, port);
    assert!(serving.stdout.seen.iter().any(|line| line.contains(&format!("port {port} is taken"))), "{:?}", serving.stdout.seen);
}

#[test]
fn what_is_deployed_is_not_touched() {
    let deployed = Deployed::new(echo());
    let status = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    let root = deployed.project.root().to_owned();
    let mut command = deployed.project.command(["serve", "local", "--json"]);
    let mut child = command.current_dir(&root).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = Lines::of(child.stdout.take().unwrap());
    let serving: Value = serde_json::from_str(&lines.until("the address", |line| line.contains("\"serving\""))).unwrap();
    lines.until("the first version", |line| line.contains("\"version\""));
    let port = port_of(serving["url"].as_str().unwrap());
    assert_eq!(get(port, "/version").text(), get(deployed.port, "/version").text());
    deployed.project.write("app.py", "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'new']\n");
    lines.until("the new version", |line| line.contains("\"version\"") && line.contains("app.py"));
    assert_eq!((get(port, "/version").text(), get(deployed.port, "/version").text()), ("new".to_owned(), "one".to_owned()));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success());
    let after = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    assert_eq!((&after["live"], &after["releases"]), (&status["live"], &status["releases"]));
    assert_eq!(get(deployed.port, "/version").text(), "one");
}
