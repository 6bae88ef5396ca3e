//! Which sandbox serves what: reuse, limits, versions, and the end of everything.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use zappa::emulator::{EmulatorError, Options};

use super::lab::{HANDLER, Lab, NAME, error, runs};

#[tokio::test]
async fn requests_run_in_parallel_up_to_the_limit_and_are_throttled_beyond() {
    let lab = Lab::new().await;
    let (first, second) = (lab.hold(None).await, lab.hold(None).await);
    assert_ne!(first.pid, second.pid);
    let throttled = lab.try_invoke(None, &json!({ "do": "echo" })).await.unwrap_err();
    assert!(matches!(&throttled, EmulatorError::Throttled { function_name, limit: 2 } if function_name == NAME), "{throttled}");
    let status = lab.emulator.status(NAME).await.unwrap();
    assert!(status.sandboxes.iter().all(|sandbox| sandbox.state == "busy" && sandbox.version == 1), "{status:?}");
    first.release().await;
    let pid = second.pid;
    second.release().await;
    // The most recently used one serves the next request, and the one after it.
    for _ in 0..2 {
        assert_eq!(lab.answer(json!({ "do": "echo" })).await["pid"], pid);
    }
    let mut status = lab.emulator.status(NAME).await.unwrap();
    status.sandboxes.sort_by_key(|sandbox| sandbox.requests);
    let seen: Vec<(&str, u64)> = status.sandboxes.iter().map(|sandbox| (sandbox.state.as_str(), sandbox.requests)).collect();
    assert_eq!(seen, [("idle", 1), ("idle", 3)]);
    assert_eq!((status.live, status.address), (Some(1), None));
}

#[tokio::test]
async fn one_request_after_another_never_needs_a_second_sandbox() {
    let lab = Lab::with(Options::default(), |config| config.concurrency = 1).await;
    for count in 1..=50 {
        assert_eq!(lab.answer(json!({ "do": "echo" })).await["count"], count);
    }
}

#[tokio::test]
async fn live_moves_while_requests_in_flight_end_where_they_are() {
    let lab = Lab::new().await;
    let idle = lab.answer(json!({ "do": "echo" })).await["pid"].as_u64().unwrap();
    let held = lab.hold(None).await;
    assert_eq!(u64::from(held.pid), idle);
    lab.emulator.put_version(lab.config(2, HANDLER)).await;
    // A version can be tried before it is live, and keeps its warm sandbox.
    let tried = lab.try_invoke(Some(2), &json!({ "do": "echo" })).await.unwrap();
    let tried: serde_json::Value = serde_json::from_slice(&tried.payload).unwrap();
    lab.emulator.set_live(NAME, 2).await.unwrap();
    let next = lab.answer(json!({ "do": "echo" })).await;
    assert_eq!((&next["version"], &next["pid"], &next["count"]), (&json!("2"), &tried["pid"], &json!(2)));
    let old = held.pid;
    let answer: serde_json::Value = serde_json::from_slice(&held.release().await.payload).unwrap();
    assert_eq!(answer["version"], "1");
    assert!(!lab.pids().await.contains(&old));
    // And back: the version is still there.
    lab.emulator.set_live(NAME, 1).await.unwrap();
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["version"], "1");
    lab.emulator.shutdown(Duration::from_secs(30)).await;
    assert!(!runs(old));
}

#[tokio::test]
async fn versions_that_are_not_there_are_refused() {
    let lab = Lab::new().await;
    for version in [Some(2), None] {
        if version.is_none() {
            lab.emulator.remove_version(NAME, 1).await;
        }
        let error = lab.try_invoke(version, &json!({})).await.unwrap_err();
        assert!(matches!(&error, EmulatorError::UnknownFunction { version: missing, .. } if *missing == version), "{error}");
    }
    assert!(lab.emulator.set_live(NAME, 7).await.is_err());
    assert!(lab.emulator.invoke("other", None, Bytes::new()).await.is_err());
    assert!(lab.emulator.status("other").await.is_none());
}

#[tokio::test]
async fn a_sandbox_that_dies_while_idle_costs_nobody_a_request() {
    let lab = Lab::with(Options::default(), |config| config.concurrency = 1).await;
    // Dies as soon as it has answered, at the latest with the next request on its way.
    let source = "import os, threading\ndef lambda_handler(event, context):\n    \
                  threading.Timer(0, lambda: os._exit(9)).start() if event else None\n    return os.getpid()\n";
    lab.emulator.put_version(lab.config(2, source)).await;
    lab.emulator.set_live(NAME, 2).await.unwrap();
    for _ in 0..5 {
        lab.invoke(json!(true)).await;
        assert_eq!(lab.invoke(json!(false)).await.function_error, None);
    }
}

#[tokio::test]
async fn idle_sandboxes_go_after_a_while() {
    let lab = Lab::with(Options { idle_for: Duration::ZERO, ..Options::default() }, |_| {}).await;
    let pid = u32::try_from(lab.answer(json!({ "do": "echo" })).await["pid"].as_u64().unwrap()).unwrap();
    while runs(pid) || !lab.pids().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["count"], 1);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_does_not_stop_the_function() {
    let lab = Lab::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event = json!({ "do": "hold", "port": listener.local_addr().unwrap().port() });
    let emulator = lab.emulator.clone();
    let caller = tokio::spawn(async move { emulator.invoke(NAME, None, event.to_string().into()).await });
    let (connection, pid) = super::lab::meet(&listener).await;
    caller.abort();
    drop(connection);
    lab.emulator.shutdown(Duration::from_secs(60)).await;
    assert!(lab.log().iter().any(|(_, text)| text.starts_with("REPORT") && !text.contains("Status")), "{:?}", lab.log());
    assert!(!runs(pid));
}

#[tokio::test]
async fn shutdown_waits_for_requests_and_leaves_no_process() {
    let lab = Lab::new().await;
    let idle = lab.hold(None).await;
    let busy = lab.hold(None).await;
    let pids = [idle.pid, busy.pid];
    idle.release().await;
    let emulator = lab.emulator.clone();
    let closing = tokio::spawn(async move { emulator.shutdown(Duration::from_secs(60)).await });
    let answer = busy.release().await;
    assert_eq!(answer.function_error, None);
    closing.await.unwrap();
    assert!(pids.iter().all(|pid| !runs(*pid)));
    assert!(lab.try_invoke(None, &json!({ "do": "echo" })).await.is_err());
}

#[tokio::test]
async fn shutdown_kills_what_does_not_end_in_time() {
    let lab = Lab::new().await;
    let held = lab.hold(None).await;
    let pid = held.pid;
    lab.emulator.shutdown(Duration::ZERO).await;
    assert!(!runs(pid));
    assert_eq!(error(&held.end().await).0, "Runtime.ExitError");
    assert_eq!(std::fs::read_dir(lab.scratch()).unwrap().count(), 0);
}

#[test]
fn an_emulator_that_is_dropped_takes_its_sandboxes_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (lab, pid) = runtime.block_on(async {
        let lab = Lab::new().await;
        let pid = lab.hold(None).await.pid;
        (lab, pid)
    });
    drop(runtime);
    // Killed by then, if perhaps not yet dead: waiting for a process of one's own that another thread waits for is not possible.
    while runs(pid) {
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_dir(lab.scratch()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_emulator_that_is_forgotten_takes_its_sandboxes_with_it() {
    let Lab { emulator, directory: _directory } = Lab::new().await;
    emulator.invoke(NAME, None, json!({ "do": "echo" }).to_string().into()).await.unwrap();
    let pid = emulator.status(NAME).await.unwrap().sandboxes[0].pid;
    drop(emulator);
    while runs(pid) {
        tokio::task::yield_now().await;
    }
}
