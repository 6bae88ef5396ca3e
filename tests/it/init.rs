//! `zappa init`: what it finds, asks, refuses and writes, with and without a terminal.

use std::process::{Command, Stdio};

use expect_test::expect;

use crate::support::{Outcome, TestProject};

const FLASK: &str = "from flask import Flask\n\napp = Flask(__name__)\n";

fn flask() -> TestProject {
    TestProject::new().file("app.py", FLASK).file("requirements.txt", "flask\n")
}

fn written(project: &TestProject) -> String {
    std::fs::read_to_string(project.root().join("zappa_settings.toml")).unwrap()
}

fn table(project: &TestProject) -> toml::Table {
    written(project).parse().unwrap()
}

/// Everything in the project's directory.
fn files(project: &TestProject) -> Vec<String> {
    let names = std::fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_commented_file_is_written() {
    let project = flask();
    let outcome = project.zappa(["init"]).expect_code(0);
    expect![[r#"
        Wrote zappa_settings.toml (`dev` and `local`). Next:

          zappa deploy local  # runs it on this machine, as on AWS
          zappa serve local   # the same while you work: every save is served at once
          zappa deploy dev    # puts it up in your AWS account
    "#]]
    .assert_eq(&outcome.stdout);
    assert!(
        outcome.stderr.contains("`app:app` (Flask, app.py:3)") && outcome.stderr.contains("what `requirements.txt` lists"),
        "{}",
        outcome.stderr
    );
    let python = Command::new("python3").args(["-c", "import sys; print('python3.%d' % sys.version_info[1])"]).output().unwrap();
    let runtime = String::from_utf8(python.stdout).unwrap();
    expect![[r##"
        # Settings of zappa: every table is a stage, one deployment of the project.
        # `zappa settings STAGE` prints every setting of a stage and where it comes from.

        # On AWS Lambda.
        [dev]
        # What is served: `module:callable`, or `module:factory()` for a function that makes the app.
        app_function = "app:app"
        # Every name is derived from this one and the stage's: this function is `shop-dev`.
        project_name = "shop"
        # Python of the function: the one of the project's environment.
        runtime = "[RUNTIME]"
        # Where it runs.
        aws_region = "us-east-1"

        # Often wanted:
        # memory_size = 512        # MB; processor power comes with it
        # timeout_seconds = 30     # how long one request may take
        # keep_warm = true         # call the function every few minutes, so that it does not have to start anew
        # environment_variables = { DATABASE_URL = "postgres://…" }
        # exclude_glob = ["docs/**"]  # what the app does not need

        # The same on this machine, without AWS: `zappa deploy local`.
        [local]
        extends = "dev"
        target = "local"
    "##]]
    .assert_eq(&written(&project).replace(runtime.trim(), "[RUNTIME]"));
    assert_eq!(files(&project), ["app.py", "requirements.txt", "zappa_settings.toml"]);
}

#[test]
fn flags_and_variables_decide() {
    let project = flask().env("AWS_DEFAULT_REGION", "eu-central-1").file("shop/settings.py", "");
    project.zappa(["init", "--yes"]).expect_code(0);
    assert_eq!(table(&project)["dev"]["aws_region"].as_str(), Some("eu-central-1"));

    let project = project.env("AWS_REGION", "ap-southeast-2");
    project.zappa(["init", "-y", "--force", "--stage", "prod", "--django-settings", "shop.settings"]).expect_code(0);
    let settings = table(&project);
    assert_eq!(settings["prod"]["aws_region"].as_str(), Some("ap-southeast-2"));
    assert_eq!(settings["prod"]["django_settings"].as_str(), Some("shop.settings"));
    assert_eq!(settings["local"]["extends"].as_str(), Some("prod"));
    assert!(!settings.contains_key("dev") && !settings["prod"].as_table().unwrap().contains_key("app_function"));

    project.zappa(["init", "--force", "--region", "us-gov-west-1", "--stage", "local", "--app", "app.app"]).expect_code(0);
    let settings = table(&project);
    assert_eq!((settings.len(), settings["local"]["target"].as_str()), (1, Some("local")));
    assert_eq!(settings["local"]["app_function"].as_str(), Some("app.app"));

    for (flags, expected) in [
        (["--stage", "a b"], "`a b` is not a stage name"),
        (["--stage", "Local"], "makes the same names as the stage `local`"),
        (["--region", "frankfurt"], "`frankfurt` is not an AWS region"),
        (["--app", "app"], "`app` does not name an app"),
        (["--app", "ap:app"], "did you mean `app`?"),
    ] {
        let outcome = project.zappa(["init", "--force"].into_iter().chain(flags)).expect_code(2);
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    }
    let outcome = project.env("AWS_REGION", "moon").zappa(["init", "--force"]).expect_code(2);
    assert!(outcome.stderr.contains("`AWS_REGION`") && outcome.stderr.contains("`moon`"), "{}", outcome.stderr);
}

#[test]
fn an_existing_file_stays_unless_forced() {
    for name in ["zappa_settings.toml", "zappa_settings.json", "zappa_settings.yaml", "zappa_settings.yml"] {
        let project = flask().file(name, "kept");
        let outcome = project.zappa(["init", "--yes"]).expect_code(2);
        assert!(outcome.stderr.contains(&format!("`{name}` exists")) && outcome.stderr.contains("--force"), "{}", outcome.stderr);
        assert_eq!(std::fs::read_to_string(project.root().join(name)).unwrap(), "kept");
        assert_eq!(files(&project).len(), 3);

        let outcome = project.zappa(["init", "--force", "--quiet"]).expect_code(0);
        assert!(table(&project).contains_key("dev"));
        assert_eq!(outcome.stderr.contains("stays beside the new file"), name != "zappa_settings.toml", "{}", outcome.stderr);
    }
}

#[test]
fn another_directory_and_another_file_can_be_named() {
    let project = flask();
    let outside = project.outside().to_str().unwrap().to_owned();
    let outcome = project.zappa(["-C", "../shop", "-s", "../my settings.toml", "init"]).expect_code(0);
    assert!(outcome.stdout.contains("zappa -C ../shop -s '../my settings.toml' deploy local"), "{}", outcome.stdout);
    assert!(std::path::Path::new(&outside).join("my settings.toml").is_file());
    let outcome = project.zappa(["-s", "settings.json", "init"]).expect_code(2);
    assert!(outcome.stderr.contains("`settings.json`"), "{}", outcome.stderr);
    project.zappa(["-C", "gone", "init"]).expect_code(2);
}

#[test]
fn json_is_one_document() {
    let project = flask();
    let json = project.zappa(["init", "--json"]).expect_code(0).json();
    assert_eq!(json["app"]["function"], "app:app");
    assert_eq!(json["found"], "Flask, app.py:3");
    assert_eq!(json["stages"], serde_json::json!(["dev", "local"]));
    assert_eq!(json["settings_file"], "zappa_settings.toml");
    assert_eq!(json["next"][0], "zappa deploy local");
    let json = project.zappa(["init", "--json"]).expect_code(2).json();
    assert!(json["error"]["message"].as_str().unwrap().contains("exists"), "{json}");
}

#[test]
fn what_cannot_be_known_is_an_error_without_a_terminal() {
    let project = TestProject::new().file("requirements.txt", "").file("shop.py", FLASK).file("admin.py", FLASK);
    let outcome = project.zappa(["init"]).expect_code(2);
    expect![[r#"
        : more than one app was found:
          `app_function = "admin:app"` (Flask, admin.py:3)
          `app_function = "shop:app"` (Flask, shop.py:3)

        hint: choose one: `app_function = "admin:app"` in zappa_settings.toml, or `zappa init --app 'admin:app'`
    "#]]
    .assert_eq(outcome.stderr.split_once("error").unwrap().1);
    assert_eq!(files(&project).len(), 3);
    let project = TestProject::new();
    let outcome = project.zappa(["init", "--yes"]).expect_code(2);
    assert!(outcome.stderr.contains("python3 -m venv .venv"), "{}", outcome.stderr);
}

#[test]
fn odd_names_are_written_as_toml_and_made_short() {
    let project = TestProject::new();
    let odd = project.root().join("Größe \"x\"\n und noch ein sehr langer Name für ein Verzeichnis");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("requirements.txt"), "").unwrap();
    std::fs::write(odd.join("größe.py"), FLASK).unwrap();
    let outcome = project.zappa([std::ffi::OsStr::new("-C"), odd.as_os_str(), "init".as_ref()]).expect_code(0);
    assert!(outcome.stdout.contains("Next:"), "{}", outcome.stdout);
    let settings: toml::Table = std::fs::read_to_string(odd.join("zappa_settings.toml")).unwrap().parse().unwrap();
    assert_eq!(settings["dev"]["app_function"].as_str(), Some("größe:app"));
    assert_eq!(settings["dev"]["project_name"].as_str(), Some("gr-e-x-und-noch"));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let project = flask();
    // A directory in the file's place: also root cannot replace it.
    std::fs::create_dir(project.root().join("zappa_settings.toml")).unwrap();
    let outcome = project.zappa(["init", "--force"]).expect_code(1);
    assert!(outcome.stderr.contains("could not write `zappa_settings.toml`"), "{}", outcome.stderr);
    assert_eq!(files(&project), ["app.py", "requirements.txt", "zappa_settings.toml"]);
}

/// Runs the binary on a pseudo-terminal. Each of `turns` is a text to wait for and the keys to press then.
#[cfg(unix)]
fn on_terminal(project: &TestProject, args: &[&str], turns: &[(&str, &str)]) -> Outcome {
    const DRIVER: &str = r#"
import json, os, pty, sys
arguments, turns = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(arguments[0], arguments)
seen, position = b"", 0
def read():
    global seen
    try:
        more = os.read(terminal, 65536)
    except OSError:  # Linux: the other end is closed.
        more = b""
    seen += more
    return more
for text, keys in turns:
    while text.encode() not in seen[position:]:
        if not read():
            sys.exit("ended before %r in %r" % (text, seen))
    position = seen.index(text.encode(), position) + len(text)
    os.write(terminal, keys.encode())
while read():
    pass
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode("utf-8", "replace"))
sys.exit(status if status >= 0 else 255)
"#;
    let binary = project.command(args);
    let line: Vec<&str> = [binary.get_program()].into_iter().chain(binary.get_args()).map(|word| word.to_str().unwrap()).collect();
    let mut driver = Command::new(crate::support::python::interpreter());
    driver.args(["-c", DRIVER, &serde_json::json!([line, turns]).to_string()]);
    driver.current_dir(project.root()).stdin(Stdio::null()).env_clear().env("TERM", "xterm");
    driver.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = driver.output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[cfg(unix)]
#[test]
fn a_terminal_is_asked_only_what_cannot_be_known() {
    let project = flask();
    let turns = [
        ("Name of the first stage [dev]", "pro d\r"),
        ("is not a stage name", "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}prod\r"),
        ("AWS region (several, or `all`) [us-east-1]", "\r"),
    ];
    let outcome = on_terminal(&project, &["init"], &turns).expect_code(0);
    assert!(!outcome.stdout.contains("Which app"), "{}", outcome.stdout);
    let settings = table(&project);
    assert_eq!((settings["prod"]["aws_region"].as_str(), settings["prod"]["app_function"].as_str()), (Some("us-east-1"), Some("app:app")));
    on_terminal(&project, &["init", "--yes", "--force"], &[]).expect_code(0);
    assert!(table(&project).contains_key("dev"));

    let project = TestProject::new().file("requirements.txt", "").file("shop.py", FLASK).file("admin.py", FLASK);
    let turns = [("Which app is it?", "\u{1b}[B"), ("> `app_function = \"shop", "\r"), ("first stage", "\r"), ("region", "\r")];
    on_terminal(&project, &["init"], &turns).expect_code(0);
    assert_eq!(table(&project)["dev"]["app_function"].as_str(), Some("shop:app"));

    let project = TestProject::new().file("requirements.txt", "").file("mine.py", "served = print\n");
    let turns = [("No app was found", "mine:served\r"), ("first stage", "\r"), ("region", "\r")];
    on_terminal(&project, &["init"], &turns).expect_code(0);
    assert_eq!(table(&project)["dev"]["app_function"].as_str(), Some("mine:served"));
}

#[cfg(unix)]
#[test]
fn interrupting_leaves_nothing() {
    let project = flask();
    on_terminal(&project, &["init"], &[("first stage", "\u{3}")]).expect_code(130);
    on_terminal(&project, &["init"], &[("first stage", "\r"), ("region", "\u{3}")]).expect_code(130);
    assert_eq!(files(&project), ["app.py", "requirements.txt"]);

    let project = project.file("shop.py", FLASK).file("admin.py", FLASK);
    std::fs::remove_file(project.root().join("app.py")).unwrap();
    let outcome = on_terminal(&project, &["init"], &[("Which app is it?", "\u{3}")]).expect_code(130);
    let (hidden, shown) = (outcome.stdout.rfind("\u{1b}[?25l"), outcome.stdout.rfind("\u{1b}[?25h"));
    assert!(shown.is_some() && shown > hidden, "the cursor is hidden: {:?}", outcome.stdout);
    assert_eq!(files(&project), ["admin.py", "requirements.txt", "shop.py"]);
}

#[test]
fn what_was_deployed_without_settings_is_found_again_with_them() {
    let mut project = flask();
    project.move_to("a shop with a very long name");
    let name = || project.zappa(["settings", "local", "--json"]).expect_code(0).json()["function_name"].clone();
    let before = name();
    project.zappa(["init", "--yes"]).expect_code(0);
    assert_eq!(before, name());
}
