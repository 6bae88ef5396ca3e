//! What a sandbox has in common with Lambda's, and no process beside it has: its own `/tmp`, read-only code, a memory limit, no time between
//! requests.
#![cfg(target_os = "linux")]

use std::process::Command;

use serde_json::{Value, json};

use super::lab::{Lab, NAME, error, process_state, runs};
use crate::support::project::repository;

/// What these tests' handlers share.
const COMMON: &str = r#"
import errno, mmap, os, socket, sys, tempfile, threading, time

ticks = 0
kept = []

def lambda_handler(event, context):
    return globals()[event["do"]](event, context)

def attempt(action):
    try:
        action()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]

def fill(path, megabytes):
    with open(path, "wb", 0) as file:
        for _ in range(megabytes):
            file.write(b"x" * 1048576)

def tmp(event, context):
    before = sorted(os.listdir("/tmp"))
    small, large = attempt(lambda: fill("/tmp/small", 1)), attempt(lambda: fill("/tmp/large", 8))
    os.unlink("/tmp/large")
    return {
        "before": before, "small": small, "large": large, "after": attempt(lambda: fill("/tmp/large", 1)), "mode": oct(os.stat("/tmp").st_mode),
        "TMPDIR": os.environ.get("TMPDIR"), "python": tempfile.gettempdir(),
    }

def tamper(event, context):
    root = os.environ["LAMBDA_TASK_ROOT"]
    path = os.path.join(root, "zappa", "handler.py")
    return [
        attempt(lambda: os.chmod(path, 0o666)), attempt(lambda: open(path, "a").close()), attempt(lambda: open("new", "w").close()),
        attempt(lambda: open(os.path.join(root, "new"), "w").close()), os.getcwd() == root,
    ]

def layer(event, context):
    import greeting, deeper
    return {
        "path": sys.path[:4], "greeting": greeting.__file__, "deeper": deeper.VALUE, "variable": os.environ["PYTHONPATH"],
        "libraries": os.environ["LD_LIBRARY_PATH"].split(":")[-1], "programs": os.environ["PATH"].split(":")[-1], "opt": sorted(os.listdir("/opt")),
        "write": [attempt(lambda: open(greeting.__file__, "a").close()), attempt(lambda: open("/opt/new", "w").close())],
    }

def take(event, context):
    kept.append(b"x" * (event["megabytes"] * 1048576))
    if event["then"] == "wait":
        threading.Event().wait()
    if event["then"] == "child":
        os.waitpid(breed(event["megabytes"]), 0)
    if event["then"] == "let go":
        kept.clear()
    return "well"

def breed(megabytes):
    child = os.fork()
    if child == 0:
        kept.append(b"y" * (megabytes * 1048576))
        threading.Event().wait()
    return child

def share(event, context):
    # As many bytes as the limit, in four processes that have them in common.
    kept.append(b"x" * (event["megabytes"] * 1048576))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            with socket.create_connection(("127.0.0.1", event["port"])) as connection:
                connection.recv(1)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return "well"

def map_file(event, context):
    path = os.path.join(tempfile.gettempdir(), "model")
    fill(path, event["megabytes"])
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        kept.append(mapped)
        return sum(mapped[i] for i in range(0, len(mapped), 4096)) > 0

def tick(event, context):
    def forever():
        global ticks
        while True:
            ticks += 1
            time.sleep(0.001)
    threading.Thread(target=forever, daemon=True).start()
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(0.001)
    return {"pid": os.getpid(), "child": child}

def ticked(event, context):
    before = ticks
    while ticks == before:
        time.sleep(0.001)
    return {"pid": os.getpid(), "remaining": context.get_remaining_time_in_millis()}
"#;

/// Whether mounts of one's own can be had here; says why not.
fn mounts_permitted() -> bool {
    if repository().starts_with("/tmp") {
        skipped("the repository lies below /tmp");
        return false;
    }
    let permitted =
        Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status().is_ok_and(|status| status.success());
    if !permitted {
        skipped("the kernel does not permit mounts of one's own");
    }
    permitted
}

#[expect(clippy::print_stderr, reason = "a test that proves nothing here has to say so")]
fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}

#[tokio::test]
async fn tmp_is_the_sandboxs_own_and_limited() {
    if !mounts_permitted() {
        return;
    }
    let lab = Lab::at_home(COMMON, |config| config.ephemeral_storage_mb = 4).await;
    let found = lab.answer(json!({ "do": "tmp" })).await;
    let expected = json!({
        "before": [], "small": "done", "large": "ENOSPC", "after": "done", "mode": "0o41777", "TMPDIR": null, "python": "/tmp",
    });
    assert_eq!(found, expected);
    assert!(!std::path::Path::new("/tmp/small").exists());
    // It stays with the sandbox, and another sandbox has another.
    assert_eq!(lab.answer(json!({ "do": "tmp" })).await["before"], json!(["large", "small"]));
    let status = lab.emulator.status(NAME).await.unwrap();
    assert!(status.sandboxes[0].own_tmp, "{status:?}");
    let pid = status.sandboxes[0].pid;
    lab.emulator.put_version(lab.config(2, COMMON)).await;
    lab.emulator.set_live(NAME, 2).await.unwrap();
    assert_eq!(lab.answer(json!({ "do": "tmp" })).await["before"], json!([]));
    lab.emulator.shutdown(std::time::Duration::from_secs(30)).await;
    assert!(!runs(pid));
    assert!(!lab.scratch().exists());
}

#[tokio::test]
async fn code_below_tmp_is_not_hidden_and_tmpdir_takes_its_place() {
    let lab = Lab::of(COMMON, |_| {}).await;
    if !lab.directory.path().starts_with("/tmp") {
        skipped("the system's temporary directory is not /tmp");
        return;
    }
    let answer = lab.answer(json!({ "do": "take", "megabytes": 0, "then": "" })).await;
    assert_eq!(answer, "well");
    assert!(!lab.emulator.status(NAME).await.unwrap().sandboxes[0].own_tmp);
}

#[tokio::test]
async fn a_layer_is_where_lambda_has_it() {
    if !mounts_permitted() {
        return;
    }
    let version = format!("python{}", super::lab::minor_version());
    let lab = Lab::of(COMMON, |config| {
        let layer = config.code.with_file_name("layer");
        let deep = layer.join("python/lib").join(&config.runtime).join("site-packages");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("deeper.py"), "VALUE = 'deep'\n").unwrap();
        std::fs::write(layer.join("python/deeper.py"), "VALUE = 'flat'\n").unwrap();
        std::fs::write(layer.join("python/greeting.py"), "").unwrap();
        config.layer = Some(layer);
        config.environment.insert("PYTHONPATH".to_owned(), "/of/the/stage".to_owned());
    })
    .await;
    let answer = lab.answer(json!({ "do": "layer" })).await;
    let deep = format!("/opt/python/lib/{version}/site-packages");
    assert_eq!(
        answer,
        json!({
            "path": [lab.code(1), deep, "/opt/python", "/of/the/stage"], "greeting": "/opt/python/greeting.py",
            "deeper": "deep", "variable": format!("{deep}:/opt/python:/of/the/stage"), "libraries": "/opt/lib", "programs": "/opt/bin",
            "opt": ["python"], "write": ["EROFS", "EROFS"],
        })
    );
}

#[tokio::test]
async fn the_code_is_read_only_even_for_its_owner() {
    if !mounts_permitted() {
        return;
    }
    for lab in [Lab::at_home(COMMON, |_| {}).await, Lab::of(COMMON, |_| {}).await] {
        assert_eq!(lab.answer(json!({ "do": "tamper" })).await, json!(["EROFS", "EROFS", "EROFS", "EROFS", true]));
        // The version can be removed while its sandbox stands there.
        std::fs::remove_dir_all(lab.code(1)).unwrap();
    }
}

#[tokio::test]
async fn too_much_memory_is_reported_as_lambda_does() {
    let lab = Lab::of(COMMON, |config| config.memory_mb = 128).await;
    for (megabytes, then) in [(300, "wait"), (300, "answer"), (80, "child")] {
        let died = lab.invoke(json!({ "do": "take", "megabytes": megabytes, "then": then })).await;
        let id = lab.last_request();
        let expected = format!("RequestId: {id} Error: Runtime exited with error: signal: killed");
        assert_eq!(error(&died), ("Runtime.ExitError".to_owned(), expected.clone()), "{then}");
        assert!(died.log_tail.contains(&format!("\n{expected}\nRuntime.ExitError\nEND RequestId: {id}\n")), "{}", died.log_tail);
        let report = died.log_tail.lines().last().unwrap();
        assert!(report.contains("\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"), "{report}");
        assert!(report.ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory"), "{report}");
        let status = lab.emulator.status(NAME).await.unwrap();
        assert!(status.sandboxes.is_empty());
        assert_eq!(status.last_error.unwrap().error_type, "Runtime.OutOfMemory");
    }
    let source = format!("{COMMON}\nkept.append(b'x' * (300 * 1048576))\nthreading.Event().wait()\n");
    let mut config = lab.config(2, &source);
    config.memory_mb = 128;
    lab.emulator.put_version(config).await;
    let died = lab.try_invoke(Some(2), &json!({})).await.unwrap();
    assert_eq!(error(&died).0, "Runtime.ExitError");
    assert!(died.log_tail.contains("\tPhase: init\tStatus: error\tError Type: Runtime.OutOfMemory\n"), "{}", died.log_tail);
}

#[tokio::test]
async fn memory_that_is_shared_mapped_or_given_back_is_not_too_much() {
    let lab = Lab::of(COMMON, |config| config.memory_mb = 128).await;
    assert_eq!(lab.answer(json!({ "do": "take", "megabytes": 60, "then": "let go" })).await, "well");
    assert_eq!(lab.answer(json!({ "do": "map_file", "megabytes": 200 })).await, true);
    let report = lab.invoke(json!({ "do": "take", "megabytes": 0, "then": "" })).await.log_tail;
    assert!(report.contains("\tMax Memory Used: 128 MB"), "{report}");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event = json!({ "do": "share", "megabytes": 60, "port": listener.local_addr().unwrap().port() });
    let ((), answer) = tokio::join!(
        async {
            let mut children = Vec::new();
            for _ in 0..3 {
                children.push(listener.accept().await.unwrap());
            }
            // Long enough for somebody to have looked: the sandbox's own clock is the only one that tells.
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        },
        lab.answer(event)
    );
    assert_eq!(answer, "well");
}

#[tokio::test]
async fn between_requests_nothing_moves() {
    let lab = Lab::of(COMMON, |_| {}).await;
    let family = lab.answer(json!({ "do": "tick" })).await;
    let pid = |name: &str| u32::try_from(family[name].as_u64().unwrap()).unwrap();
    for _ in 0..3 {
        while process_state(pid("pid")) != 'T' || process_state(pid("child")) != 'T' {
            tokio::task::yield_now().await;
        }
        let thawed = lab.answer(json!({ "do": "ticked" })).await;
        assert_eq!(thawed["pid"], family["pid"]);
        let remaining = thawed["remaining"].as_i64().unwrap();
        assert!((1..=60_000).contains(&remaining), "{remaining}");
    }
    // What is stopped can be killed.
    while process_state(pid("pid")) != 'T' {
        tokio::task::yield_now().await;
    }
    lab.emulator.shutdown(std::time::Duration::from_secs(30)).await;
    assert!(!runs(pid("pid")));
    // Killed as well, but nobody's to wait for: the kernel takes a moment.
    while runs(pid("child")) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_frozen_sandbox_that_is_killed_costs_nobody_a_request() {
    let lab = Lab::new().await;
    let first = lab.answer(json!({ "do": "echo" })).await["pid"].as_u64().unwrap();
    let pid = u32::try_from(first).unwrap();
    while process_state(pid) != 'T' {
        tokio::task::yield_now().await;
    }
    Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    while runs(pid) {
        tokio::task::yield_now().await;
    }
    let next: Value = lab.answer(json!({ "do": "echo" })).await;
    assert_ne!(next["pid"], first);
}
