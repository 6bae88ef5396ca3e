//! The life of a stage on the local target, through the built binary: released, changed, broken, rolled back, moved, killed, taken down.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::http::get;
use crate::support::{Deployed, TestProject, eventually, local};

fn echo() -> TestProject {
    TestProject::copy_of("tests/fixtures/apps/echo")
}

/// Changes what `/version` answers.
fn edit_version(project: &TestProject, version: &str) {
    let path = project.root().join("app.py");
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find("VERSION = \"").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    std::fs::write(path, format!("{}VERSION = \"{version}\"{}", &text[..start], &text[end..])).unwrap();
}

fn state(project: &TestProject) -> PathBuf {
    project.root().join(".zappa")
}

fn emulator_pid(state: &Path) -> u32 {
    let record: Value = serde_json::from_slice(&std::fs::read(state.join("emulator.json")).unwrap()).unwrap();
    u32::try_from(record["pid"].as_u64().unwrap()).unwrap()
}

/// Whether a process exists; one that has ended but was not waited for does not count.
fn alive(pid: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let stat = String::from_utf8(output.stdout).unwrap();
    !stat.trim().is_empty() && !stat.trim().starts_with('Z')
}

/// In a user namespace of its own, in which nobody may have mounts of his own.
#[cfg(target_os = "linux")]
#[test]
fn dependencies_are_found_where_mounts_are_refused() {
    let project = TestProject::new().file(
        "app.py",
        "import greeting\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [greeting.__file__.encode()]\n",
    );
    project.install("greeting", "1.0", "");
    project.write("zappa_settings.toml", "[dev]\napp_function = \"app.app\"\n");
    let refuse = "echo 0 > /proc/sys/user/max_mnt_namespaces && exec \"$@\"";
    let here = |args: &[&str]| {
        let mut command = Command::new("unshare");
        let zappa = project.command(args);
        command.args(["--map-root-user", "sh", "-c", refuse, "sh"]).arg(zappa.get_program()).args(zappa.get_args()).env_clear();
        command.envs(zappa.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(project.root());
        command
    };
    if !here(&["--version"]).status().is_ok_and(|status| status.success()) {
        #[expect(clippy::print_stderr, reason = "a test that proves nothing here has to say so")]
        {
            eprintln!("skipped: user namespaces are not permitted");
        }
        return;
    }
    let deployed = here(&["deploy", "local", "--json"]).output().unwrap();
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    let report: Value = serde_json::from_slice(&deployed.stdout).unwrap();
    let text = get(local::port_of(report["url"].as_str().unwrap()), "/").text();
    let undeployed = here(&["undeploy", "local", "--yes"]).status().unwrap();
    assert!(text.starts_with(project.root().join(".zappa").to_str().unwrap()) && text.ends_with("/python/greeting.py"), "{text}");
    assert!(undeployed.success());
}

#[test]
fn a_stage_of_an_earlier_version_goes_on() {
    let project = TestProject::new().file("app.py", include_str!("../fixtures/apps/plain/app.py")).file("requirements.txt", "");
    let settings = "[local]\napp_function = \"app.app\"\n";
    project.write("zappa_settings.toml", format!("{settings}dependencies_layer = false\n"));
    let deployed = Deployed::new(project);
    // As it was written when dependencies were always beside the code.
    let path = state(&deployed.project).join("shop-local/stage.json");
    let mut written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    written["format"] = json!(1);
    assert!(written["versions"][0].as_object_mut().unwrap().remove("dependencies").is_some());
    std::fs::write(&path, written.to_string()).unwrap();
    assert_eq!(deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json()["release"], "unchanged");
    deployed.project.write("zappa_settings.toml", settings);
    deployed.project.install("greeting", "1.0", "");
    let update = deployed.zappa(["update", "local", "--json"]).expect_code(0).json();
    assert_eq!((&update["version"], &update["previous"]), (&json!(2), &json!(1)));
    deployed.zappa(["rollback", "local"]).expect_code(0);
    assert_eq!(get(deployed.port, "/").text(), "one");
}

#[test]
fn a_release_and_what_comes_after_it() {
    let deployed = Deployed::new(echo());
    assert_eq!(deployed.report["version"], 1);
    assert_eq!(deployed.report["release"], "created");
    assert_eq!(deployed.report["first_request"]["status"], 200);
    assert!(deployed.report["first_request"]["cold_ms"].as_f64() > deployed.report["first_request"]["warm_ms"].as_f64());
    assert_eq!(get(deployed.port, "/version").text(), "one");

    let again = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    assert_eq!((&again["release"], &again["route"], &again["version"]), (&json!("unchanged"), &json!("unchanged"), &json!(1)));

    edit_version(&deployed.project, "two");
    let planned = deployed.zappa(["deploy", "local", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!((&planned["release"], &planned["changes"]), (&json!("created"), &json!(["code"])));
    assert_eq!(get(deployed.port, "/version").text(), "one", "a dry run changes nothing");
    let update = deployed.zappa(["update", "local", "--json"]).expect_code(0).json();
    assert_eq!((&update["version"], &update["previous"]), (&json!(2), &json!(1)));
    assert_eq!(update["url"], deployed.report["url"], "the URL stays");
    assert_eq!(get(deployed.port, "/version").text(), "two");

    let back = deployed.zappa(["rollback", "local", "--json"]).expect_code(0).json();
    assert_eq!((&back["from"], &back["to"]), (&json!(2), &json!(1)));
    assert_eq!(get(deployed.port, "/version").text(), "one");
    let refused = deployed.zappa(["rollback", "local"]).expect_code(2);
    assert!(refused.stderr.contains("no release 1 before version 1"), "{}", refused.stderr);
    deployed.zappa(["rollback", "local", "--to", "7"]).expect_code(2);
    deployed.zappa(["rollback", "local", "--to", "2"]).expect_code(0);
    assert_eq!(get(deployed.port, "/version").text(), "two");

    let status = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    assert_eq!((&status["live"], &status["releases"][0]["version"]), (&json!(2), &json!(1)));
    assert_eq!(status["schedules"][1]["name"], "tick");
}

#[test]
fn a_version_that_is_not_healthy_never_serves() {
    let deployed = Deployed::new(echo());
    deployed.project.write("app.py", "import os\n\n\nraise RuntimeError('the settings are missing')\n");
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    for said in ["version 2 is not healthy", "the settings are missing", "raise RuntimeError", "version 1 goes on serving"] {
        assert!(failed.stderr.contains(said), "`{said}` is not in\n{}", failed.stderr);
    }
    assert_eq!(get(deployed.port, "/version").text(), "one");

    deployed.project.write("app.py", "def app(environ, start_response):\n    return undefined_name\n");
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(failed.stderr.contains("NameError"), "{}", failed.stderr);
    assert_eq!(get(deployed.port, "/version").text(), "one");

    deployed.project.write("app.py", "def app(environ, start_response:\n");
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(failed.stderr.contains("SyntaxError"), "{}", failed.stderr);
    assert_eq!(get(deployed.port, "/version").text(), "one");

    // A status below 500 is health; the same version is asked again, not made again.
    deployed.project.write("app.py", "def app(environ, start_response):\n    start_response('404 Not Found', [])\n    return [b'none']\n");
    let report = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    assert_eq!(report["first_request"]["status"], 404);
    assert_eq!(get(deployed.port, "/version").status, 404);
}

#[test]
fn a_module_that_the_bundle_lacks_is_named_with_the_reason() {
    let deployed = Deployed::new(echo());
    deployed.project.write("app.py", "import nowhere.at_all\n");
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    let hint = "\nhint: `nowhere` is not in the bundle, whose packages are the ones that `requirements.txt` lists\n";
    assert!(failed.stderr.contains(hint), "{}", failed.stderr);
    let frames: Vec<&str> = failed.stderr.lines().filter(|line| line.contains("File \"")).collect();
    assert!(frames.len() == 1 && frames[0].ends_with("/app.py\", line 1, in <module>"), "only the app's own: {}", failed.stderr);

    let settings = "[local]\ntarget = \"local\"\napp_function = \"app.app\"\nexclude = [\"nowhere\"]\n";
    deployed.project.write("zappa_settings.toml", settings);
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(failed.stderr.contains("\nhint: `exclude` leaves `nowhere` out of the bundle\n"), "{}", failed.stderr);
}

#[test]
fn what_goes_live_unasked_is_said_to_be_live() {
    let project = echo();
    project.write("app.py", "raise RuntimeError\n");
    project.zappa(["deploy", "local"]).expect_code(1);
    let deployed = Deployed { port: 0, report: Value::Null, project };
    // The version is there already; what is new is that it serves.
    let unasked = deployed.zappa(["deploy", "local", "--no-check"]).expect_code(0);
    assert!(unasked.stdout.starts_with("echo-local is live: version 1\n"), "{}", unasked.stdout);
    let again = deployed.zappa(["deploy", "local", "--no-check"]).expect_code(0);
    assert!(again.stdout.starts_with("echo-local is up to date: version 1 is live\n"), "{}", again.stdout);
}

/// `zappa init` of zappa/Zappa leaves boto3 and what it needs out of the bundle, because Lambda's runtime has them.
#[test]
fn the_runtime_has_boto3_of_its_own() {
    let project =
        echo().file("zappa_settings.json", r#"{ "local": { "app_function": "app.app", "exclude": ["boto3", "dateutil", "botocore"] } }"#);
    std::fs::remove_file(project.root().join("zappa_settings.toml")).unwrap();
    project.write(
        "app.py",
        "import boto3, dateutil\n\n\ndef app(environ, start_response):\n    start_response('204 No Content', [])\n    return []\n",
    );
    let deployed = Deployed::new(project);
    assert_eq!(deployed.report["first_request"]["status"], 204);
}

#[test]
fn old_versions_are_pruned_but_never_the_live_one() {
    let deployed = Deployed::new(echo().env("ZAPPA_NUM_RETAINED_VERSIONS", "2"));
    for version in ["two", "three", "four"] {
        edit_version(&deployed.project, version);
        deployed.zappa(["deploy", "local"]).expect_code(0);
    }
    let status = deployed.zappa(["status", "local", "--json"]).expect_code(0).json();
    let versions: Vec<&Value> = status["releases"].as_array().unwrap().iter().map(|release| &release["version"]).collect();
    assert_eq!(versions, [&json!(3), &json!(4)]);
    let code = std::fs::read_dir(state(&deployed.project).join("echo-local/code")).unwrap();
    assert_eq!(code.count(), 2, "the code of pruned versions goes too");
    deployed.zappa(["rollback", "local"]).expect_code(0);
    assert_eq!(get(deployed.port, "/version").text(), "three");
}

#[test]
fn the_function_lives_as_in_lambda() {
    let deployed = Deployed::new(echo());
    let wrote = get(deployed.port, "/write-code").json();
    assert_eq!(wrote["wrote"], false, "{wrote}");
    let context = get(deployed.port, "/context").json();
    assert_eq!((&context["function_name"], &context["function_version"]), (&json!("echo-local"), &json!("1")));
    assert_eq!(context["invoked_function_arn"], "arn:aws:lambda:us-east-1:000000000000:function:echo-local:live");
    let env = get(deployed.port, "/env").json();
    let names: Vec<&str> = env["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in ["AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT", "_HANDLER", "TZ"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(!names.contains(&"ZAPPA_CACHE_DIR") && !names.contains(&"PWD"), "the developer's environment leaks: {names:?}");
    assert_eq!(get(deployed.port, "/tmp/put?name=mine.txt&value=x").status, 200);
    assert_eq!(get(deployed.port, "/tmp/list").json()["names"], json!(["mine.txt"]));
}

#[test]
fn failures_are_the_gateways_and_the_next_request_is_served() {
    let deployed = Deployed::new(echo().env("ZAPPA_TIMEOUT_SECONDS", "1"));
    for (path, status) in [("/osexit/7", 502), ("/sleep/30", 502), ("/raise", 500)] {
        assert_eq!(get(deployed.port, path).status, status, "{path}");
        assert_eq!(get(deployed.port, "/version").status, 200, "after {path}");
    }
    let log = std::fs::read_to_string(state(&deployed.project).join("echo-local/function.log")).unwrap();
    for line in ["Task timed out after 1.00 seconds", "exit status 7", "raised before start_response", "REPORT RequestId:"] {
        assert!(log.contains(line), "`{line}` is not in\n{log}");
    }
}

#[test]
fn functions_are_called_by_name() {
    let deployed = Deployed::new(echo());
    let sum = deployed.zappa(["invoke", "local", "app.add", "--payload", r#"{"a": 2, "b": 3}"#]).expect_code(0);
    assert_eq!(sum.stdout, "5\n");
    let failed = deployed.zappa(["invoke", "local", "app.boom"]).expect_code(1);
    assert!(failed.stdout.contains("boom with detail"), "{}", failed.stdout);
    deployed.zappa(["invoke", "local", "app.nothing"]).expect_code(1);
    deployed.zappa(["invoke", "local", "app.add", "--payload", "[1]"]).expect_code(2);
    let raw = deployed.zappa(["invoke", "local", "--raw", "print(1)"]).expect_code(2);
    assert!(raw.stderr.contains("allow_raw_invoke"), "{}", raw.stderr);
    let manage = deployed.zappa(["manage", "local", "migrate"]).expect_code(1);
    assert!(manage.stdout.contains("django_settings"), "{}", manage.stdout);
}

#[test]
fn a_killed_emulator_is_started_again_at_the_same_url() {
    let deployed = Deployed::new(echo());
    let first = emulator_pid(&state(&deployed.project));
    Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    eventually("the death of the emulator", || !alive(first));
    let status = deployed.zappa(["status", "local"]).expect_code(0);
    assert!(status.stdout.contains("not running"), "{}", status.stdout);
    let again = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    assert_eq!(again["url"], deployed.report["url"]);
    assert_eq!(get(deployed.port, "/version").text(), "one");
    assert_ne!(emulator_pid(&state(&deployed.project)), first);
}

/// In the middle of a request the sandbox talks to nobody: only the kernel can tell it that the emulator is gone.
#[cfg(target_os = "linux")]
#[test]
fn an_emulator_that_is_killed_takes_its_sandboxes_with_it() {
    use std::io::Write as _;

    let deployed = Deployed::new(echo().env("ZAPPA_TIMEOUT_SECONDS", "600"));
    let sandbox = u32::try_from(get(deployed.port, "/pid").json()["pid"].as_u64().unwrap()).unwrap();
    let mut client = std::net::TcpStream::connect(("127.0.0.1", deployed.port)).unwrap();
    client.write_all(b"GET /sleep/500 HTTP/1.1\r\nHost: shop.test\r\n\r\n").unwrap();
    let busy = format!("process {sandbox}, version 1, busy");
    eventually("the request", || deployed.zappa(["status", "local"]).stdout.contains(&busy));
    Command::new("kill").args(["-9", &emulator_pid(&state(&deployed.project)).to_string()]).status().unwrap();
    eventually("the death of the sandbox", || !alive(sandbox));
}

/// A daemon is no child of the sandbox any more, and nobody was there to tell it that the end has come.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_emulator_left_is_cleaned_up_by_the_next() {
    let app = "import os, subprocess, sys, tempfile\n\n\ndef app(environ, start_response):\n    \
               code = \"import time; print('up', flush=True); time.sleep(600)\"\n    \
               child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True, stdout=subprocess.PIPE)\n    \
               child.stdout.readline()\n    \
               start_response('200 OK', [])\n    \
               return [f'{child.pid} {tempfile.gettempdir()}'.encode()]\n";
    let deployed = Deployed::new(echo().file("app.py", app));
    let text = get(deployed.port, "/").text();
    let (daemon, temporary) = text.split_once(' ').unwrap();
    let daemon: u32 = daemon.parse().unwrap();
    let emulator = emulator_pid(&state(&deployed.project));
    Command::new("kill").args(["-9", &emulator.to_string()]).status().unwrap();
    eventually("the death of the emulator", || !alive(emulator));
    assert!(alive(daemon));
    deployed.zappa(["deploy", "local"]).expect_code(0);
    eventually("the death of the daemon", || !alive(daemon));
    // The project lies below `/tmp` here, so that its sandboxes have directories instead.
    assert!(temporary == "/tmp" || !Path::new(temporary).exists(), "{temporary}");
}

#[test]
fn a_port_in_use_is_left_to_its_owner() {
    let deployed = Deployed::new(echo());
    let first = emulator_pid(&state(&deployed.project));
    Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    eventually("the death of the emulator", || !alive(first));
    let taken = std::net::TcpListener::bind(("127.0.0.1", deployed.port)).unwrap();
    let port = deployed.port.to_string();
    let refused = deployed.zappa(["deploy", "local", "--port", &port]).expect_code(1);
    assert!(refused.stderr.contains(&format!("port {port}")) && refused.stderr.contains("--port"), "{}", refused.stderr);
    let moved = deployed.zappa(["deploy", "local", "--json"]).expect_code(0);
    assert!(moved.stderr.contains("the URL changes"), "{}", moved.stderr);
    let other = local::port_of(moved.json()["url"].as_str().unwrap());
    assert_ne!(other, deployed.port);
    assert_eq!(get(other, "/version").text(), "one");
    drop(taken);
}

#[test]
fn a_moved_project_takes_its_stage_along() {
    // The project's name, which is the directory's by default, is said so that it does not move along.
    let mut deployed = Deployed::new(echo().env("ZAPPA_PROJECT_NAME", "echo"));
    let first = emulator_pid(&state(&deployed.project));
    deployed.project.move_to("moved");
    let status = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    assert_eq!(status["release"], "unchanged", "{status}");
    assert_eq!(get(local::port_of(status["url"].as_str().unwrap()), "/version").text(), "one");
    eventually("the end of the old emulator", || !alive(first));
}

#[test]
fn a_deleted_project_leaves_no_process() {
    let deployed = Deployed::new(echo());
    let pid = emulator_pid(&state(&deployed.project));
    std::fs::remove_file(state(&deployed.project).join("emulator.json")).unwrap();
    eventually("the end of the emulator", || !alive(pid));
}

#[test]
fn undeploy_leaves_nothing_and_can_be_repeated() {
    let deployed = Deployed::new(echo());
    let pid = emulator_pid(&state(&deployed.project));
    let refused = deployed.zappa(["undeploy", "local"]).expect_code(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let gone = deployed.zappa(["undeploy", "local", "--yes", "--remove-logs"]).expect_code(0);
    assert!(gone.stdout.contains("echo-local is gone"), "{}", gone.stdout);
    assert!(!state(&deployed.project).exists());
    eventually("the end of the emulator", || !alive(pid));
    deployed.zappa(["undeploy", "local", "--yes"]).expect_code(0);
    for command in [["status", "local"], ["rollback", "local"], ["update", "local"]] {
        let refused = deployed.zappa(command).expect_code(2);
        assert!(refused.stderr.contains("`echo-local` is not deployed"), "{}", refused.stderr);
    }
    assert!(!state(&deployed.project).exists(), "looking leaves no trace");
}

#[test]
fn two_runs_at_once_do_not_interleave() {
    let deployed = Deployed::new(echo());
    // A run that has nothing to do takes no lock.
    edit_version(&deployed.project, "two");
    let lock = std::fs::File::options().write(true).open(state(&deployed.project).join("echo-local/lock")).unwrap();
    lock.lock().unwrap();
    let refused = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(refused.stderr.contains("another run is at work") && refused.stderr.contains("--wait"), "{}", refused.stderr);
    let waiting = deployed.project.command(["deploy", "local", "--wait", "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn two_stages_share_an_emulator_and_nothing_else() {
    let project = TestProject::copy_of("tests/fixtures/apps/echo");
    let deployed = Deployed::new(project);
    deployed.project.write(
        "zappa_settings.toml",
        "[local]\ntarget = \"local\"\napp_function = \"app.app\"\n\n[other]\nextends = \"local\"\nenvironment_variables = { OTHER = \"1\" }\n",
    );
    let other = deployed.zappa(["deploy", "other", "--json"]).expect_code(0).json();
    let port = local::port_of(other["url"].as_str().unwrap());
    assert_ne!(port, deployed.port);
    assert!(get(port, "/env").text().contains("\"OTHER\""));
    assert!(!get(deployed.port, "/env").text().contains("\"OTHER\""));
    deployed.zappa(["undeploy", "other", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(get(deployed.port, "/version").text(), "one", "the other stage goes on");
}

#[test]
fn an_emulator_of_another_build_is_replaced() {
    let deployed = Deployed::new(echo());
    let first = emulator_pid(&state(&deployed.project));
    let path = state(&deployed.project).join("emulator.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    record["build"] = json!("0.0.1 1 1");
    std::fs::write(path, record.to_string()).unwrap();
    let again = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    assert_eq!(again["url"], deployed.report["url"]);
    assert_ne!(emulator_pid(&state(&deployed.project)), first);
    eventually("the end of the old emulator", || !alive(first));
    assert_eq!(get(deployed.port, "/version").text(), "one");
}
