//! `zappa init`, as a script runs it and as a person does.

use std::process::{Command, Stdio};

use expect_test::expect;

use crate::support::{TestProject, python};

fn flask() -> TestProject {
    TestProject::new().file("requirements.txt", "flask\n").file("app.py", "from flask import Flask\n\napp = Flask(__name__)\n")
}

/// The `runtime` line differs from machine to machine.
fn without_runtime(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("runtime = ")).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_file_is_complete_and_loads() {
    let project = flask().env("AWS_REGION", "eu-north-1");
    let outcome = project.zappa(["init", "--yes"]).expect_code(0);
    assert!(outcome.stderr.contains("app:app (app.py:3)"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("zappa deploy local"), "{}", outcome.stdout);
    let text = std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap();
    expect![[r##"
        # Each table is a stage. `zappa settings dev` shows every value and where it came from; all keys are explained in settings.example.toml.

        [dev]
        app_function = "app:app"
        project_name = "shop"
        aws_region = "eu-north-1"
        # The Python that the function runs on: the one of this project's environment.
        # MB; the processor's share grows with it.
        memory_size = 512
        # Seconds for one request; a REST API waits for 29.
        timeout_seconds = 30

        # What the process finds in its environment.
        # environment_variables = { KEY = "value" }

        # Functions that run on a schedule.
        # events = [{ function = "package.module.function", expression = "rate(1 hour)" }]

        # The same deployment on this machine: `zappa deploy local`. Values here win over those of `dev`.
        [local]
        extends = "dev"
        target = "local"
    "##]]
    .assert_eq(&without_runtime(&text));
    for stage in ["dev", "local"] {
        let settings = project.zappa(["settings", stage, "--json"]).expect_code(0).json();
        assert_eq!(settings["settings"]["app_function"]["value"], "app:app");
        assert_eq!(settings["target"], if stage == "local" { "local" } else { "aws" });
    }
}

#[test]
fn values_are_escaped() {
    let project = flask();
    project.zappa(["init", "--yes", "--app", "a\"b\\c:d\ne"]).expect_code(0);
    let text = std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap();
    let parsed: toml::Table = text.parse().unwrap();
    assert_eq!(parsed["dev"]["app_function"].as_str(), Some("a\"b\\c:d\ne"));
}

#[test]
fn an_existing_file_is_not_overwritten() {
    for name in ["zappa_settings.toml", "zappa_settings.json", "zappa_settings.yml"] {
        let project = flask().file(name, "{}");
        let refused = project.zappa(["init", "--yes"]).expect_code(2);
        assert!(refused.stderr.contains(name) && refused.stderr.contains("--force"), "{}", refused.stderr);
        assert_eq!(std::fs::read(project.root().join(name)).unwrap(), b"{}");
    }
    let project = flask().file("zappa_settings.toml", "old = true\n");
    project.zappa(["init", "--yes", "--force"]).expect_code(0);
    assert!(std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap().contains("[dev]"));
}

#[test]
fn django_is_found_by_its_manage_py() {
    let project = TestProject::copy_of("examples/django-site");
    std::fs::remove_file(project.root().join("zappa_settings.toml")).unwrap();
    let report = project.zappa(["init", "--yes", "--json", "--stage", "production", "--region", "us-west-2"]).expect_code(0).json();
    assert_eq!(report["app"]["django"], "website.settings");
    assert_eq!((&report["stage"], &report["aws_region"]), (&"production".into(), &"us-west-2".into()));
}

#[test]
fn what_cannot_be_known_is_asked_for() {
    let project =
        flask().file("other/app.py", "").file("app.py", "from flask import Flask\n\none = Flask(__name__)\ntwo = Flask(__name__)\n");
    let refused = project.zappa(["init", "--yes"]).expect_code(2);
    for said in ["`app:one` in app.py", "`app:two` in app.py", "--app"] {
        assert!(refused.stderr.contains(said), "`{said}` is not in\n{}", refused.stderr);
    }
    assert!(!project.root().join("zappa_settings.toml").exists());
    project.zappa(["init", "--yes", "--app", "app:two"]).expect_code(0);

    let nothing = TestProject::new().file("requirements.txt", "").file("asgi.py", "from fastapi import FastAPI\napp = FastAPI()\n");
    let refused = nothing.zappa(["init", "--yes"]).expect_code(2);
    assert!(refused.stderr.contains("ASGI") && refused.stderr.contains("app_function"), "{}", refused.stderr);
    let stage = flask().zappa(["init", "--yes", "--stage", "not a stage"]).expect_code(2);
    assert!(stage.stderr.contains("`not a stage`"), "{}", stage.stderr);
}

/// Python's `pty` gives the binary a terminal: it waits for `expect`, then types `answers`. Prints what the terminal showed and the exit status.
const TERMINAL: &str = r#"
import os, pty, sys, signal
expected, answers, command = sys.argv[1], sys.argv[2].encode().decode("unicode_escape").encode("latin-1"), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
shown, sent = b"", False
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    shown += data
    if not sent and expected.encode() in shown:
        os.write(terminal, answers)
        sent = True
status = os.waitpid(pid, 0)[1]
sys.stdout.write(shown.decode("utf-8", "replace"))
print("\nended:", os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))
"#;

fn at_a_terminal(project: &TestProject, expected: &str, answers: &str) -> String {
    let init = project.command(["init"]);
    let mut command = Command::new(python::interpreter());
    command.args(["-c", TERMINAL, expected, answers]).arg(init.get_program()).args(init.get_args()).current_dir(project.root());
    command.env_clear().envs(init.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm").stdin(Stdio::null());
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[cfg(unix)]
#[test]
fn a_person_is_asked_and_may_walk_away() {
    let project = flask();
    let shown = at_a_terminal(&project, "Name of the first stage", "prod\\r\\r");
    assert!(shown.contains("ended: 0") && shown.contains("AWS region"), "{shown}");
    assert!(std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap().contains("[prod]"));

    let project = flask();
    let shown = at_a_terminal(&project, "Name of the first stage", "\\x03");
    assert!(shown.contains("ended: 130"), "{shown}");
    let left: Vec<_> = std::fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn help() {
    let outcome = TestProject::new().zappa(["init", "--help"]).expect_code(0);
    let options: Vec<&str> = outcome.stdout.lines().filter(|line| line.trim_start().starts_with('-')).map(str::trim).collect();
    for option in ["-y, --yes", "--force", "--stage <NAME>", "--app <APP>", "--django-settings <MODULE>", "--region <REGION>"] {
        assert!(options.iter().any(|line| line.starts_with(option)), "`{option}` is not in\n{}", outcome.stdout);
    }
}
