//! Functions that do what no function should, and the sandboxes that put up with it.
#![cfg(unix)]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use zappa::emulator::EmulatorError;

use super::lab::{Lab, NAME, error, meet, runs};

const RUDE: &str = r#"
import http.client, json, logging, os, signal, socket, sys, threading

def lambda_handler(event, context):
    return globals()[event["do"]](event, context)

def well(event, context):
    return os.getpid()

def deaf(event, context):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Event().wait()

def kill_group(event, context):
    os.killpg(0, signal.SIGKILL)
    threading.Event().wait()

def close_output(event, context):
    os.close(1)
    os.close(2)
    return os.getpid()

def fork_and_reap(event, context):
    child = os.fork()
    if child == 0:
        print("the child")
        os._exit(7)
    return os.waitpid(child, 0)[1] >> 8

def fork_and_leave(event, context):
    reader, writer = os.pipe()
    if os.fork() == 0:
        with socket.create_connection(("127.0.0.1", event["port"])) as connection:
            connection.sendall(os.getpid().to_bytes(4, "big"))
            os.write(writer, b"!")
            connection.recv(1)
        os._exit(0)
    # Once this request is over, the child is stopped like everything else.
    os.read(reader, 1)
    return os.getpid()

def unfinished(event, context):
    os.write(1, event["text"].encode())
    return "said"

def late(event, context):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request("POST", f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response", body='"early"')
    connection.getresponse().read()
    os.write(1, b"after the answer\n")
    os._exit(0)

def leave_thread(event, context):
    global go, thread
    go = threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), print("from the thread")))
    thread.start()
    return "left"

def join_thread(event, context):
    go.set()
    thread.join()
    return "joined"

def log(event, context):
    logging.getLogger().warning("about %s", "the shop")
    print("plain")
    return {"format": os.environ.get("AWS_LAMBDA_LOG_FORMAT")}

def boom(event, context):
    raise ValueError("no such product")

def leave(event, context):
    sys.exit(3)

def size(event, context):
    return len(json.dumps(event))
"#;

async fn rude() -> Lab {
    Lab::of(RUDE, |_| {}).await
}

#[tokio::test]
async fn signals_that_are_ignored_do_not_save_it() {
    let lab = Lab::of(RUDE, |config| config.timeout = Duration::from_secs(1)).await;
    let pid = u32::try_from(lab.answer(json!({ "do": "well" })).await.as_u64().unwrap()).unwrap();
    let killed = lab.invoke(json!({ "do": "deaf" })).await;
    assert_eq!(error(&killed).0, "Sandbox.Timedout");
    assert!(!runs(pid));
    assert_eq!(lab.invoke(json!({ "do": "well" })).await.function_error, None);
}

#[tokio::test]
async fn one_that_kills_its_own_group_kills_nobody_else() {
    let lab = rude().await;
    let killed = lab.invoke(json!({ "do": "kill_group" })).await;
    let expected = format!("RequestId: {} Error: Runtime exited with error: signal: killed", lab.last_request());
    assert_eq!(error(&killed), ("Runtime.ExitError".to_owned(), expected));
    // Nobody took too much memory.
    assert!(killed.log_tail.ends_with("\tStatus: error\tError Type: Runtime.ExitError\n"), "{}", killed.log_tail);
    assert_eq!(lab.invoke(json!({ "do": "well" })).await.function_error, None);
}

#[tokio::test]
async fn one_without_output_goes_on_serving() {
    let lab = rude().await;
    let pid = lab.answer(json!({ "do": "close_output" })).await;
    assert_eq!(lab.answer(json!({ "do": "well" })).await, pid);
    let report = lab.log().pop().unwrap().1;
    assert!(report.starts_with("REPORT"), "{report}");
}

#[tokio::test]
async fn children_come_and_go() {
    let lab = rude().await;
    assert_eq!(lab.answer(json!({ "do": "fork_and_reap" })).await, 7);
    let id = lab.last_request();
    assert!(lab.log().contains(&(id, "the child".to_owned())));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event = json!({ "do": "fork_and_leave", "port": listener.local_addr().unwrap().port() });
    let (parent, (connection, child)) = tokio::join!(lab.answer(event), meet(&listener));
    assert_eq!(lab.answer(json!({ "do": "well" })).await, parent);
    assert!(runs(child));
    lab.emulator.remove_function(NAME).await;
    while runs(child) {
        tokio::task::yield_now().await;
    }
    drop(connection);
}

#[tokio::test]
async fn output_belongs_to_the_request_during_which_it_was_written_or_to_none() {
    let lab = rude().await;
    lab.answer(json!({ "do": "unfinished", "text": "no newline" })).await;
    let first = lab.last_request();
    lab.answer(json!({ "do": "leave_thread" })).await;
    lab.answer(json!({ "do": "join_thread" })).await;
    let third = lab.last_request();
    assert_eq!(lab.answer(json!({ "do": "late" })).await, "early");
    while !lab.pids().await.is_empty() {
        tokio::task::yield_now().await;
    }
    let log = lab.log();
    let owner = |text: &str| log.iter().find(|(_, line)| line == text).map(|(owner, _)| owner.clone()).unwrap();
    assert_eq!([owner("no newline"), owner("from the thread")], [first, third]);
    assert_eq!(owner("after the answer"), "-");
}

#[tokio::test]
async fn a_log_in_json_is_json_from_both_sides() {
    let lab = Lab::of(RUDE, |config| {
        config.environment.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned());
    })
    .await;
    assert_eq!(lab.answer(json!({ "do": "log" })).await["format"], "JSON");
    lab.invoke(json!({ "do": "boom" })).await;
    lab.invoke(json!({ "do": "leave" })).await;
    let events: Vec<Value> = lab.log().iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect();
    let platform: Vec<&Value> = events.iter().filter(|event| event["type"].is_string()).collect();
    let kinds: Vec<&str> = platform.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "platform.initStart",
        "platform.start",
        "platform.report",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ];
    assert_eq!(kinds, expected);
    let report = &platform[2]["record"];
    assert_eq!((&report["status"], &report["metrics"]["memorySizeMB"]), (&json!("success"), &json!(512)));
    assert_eq!(report["requestId"], platform[1]["record"]["requestId"]);
    for measured in ["durationMs", "billedDurationMs", "initDurationMs"] {
        assert!(report["metrics"][measured].is_number(), "{report}");
    }
    let last = &platform[8]["record"];
    assert_eq!((&last["status"], &last["errorType"]), (&json!("error"), &json!("Runtime.ExitError")));
    // The runtime client's own part.
    let warning = events.iter().find(|event| event["level"] == "WARNING").unwrap();
    assert_eq!((&warning["message"], &warning["requestId"]), (&json!("about the shop"), &report["requestId"]));
    let raised = events.iter().find(|event| event["level"] == "ERROR").unwrap();
    assert_eq!((&raised["errorType"], &raised["errorMessage"]), (&json!("ValueError"), &json!("no such product")));
    assert!(lab.log().iter().any(|(_, text)| text == "plain"));
}

#[tokio::test]
async fn an_event_of_six_megabytes_passes_and_one_byte_more_does_not() {
    let lab = rude().await;
    let event = |size: usize| {
        let frame = json!({ "do": "size", "text": "" }).to_string().len();
        json!({ "do": "size", "text": "x".repeat(size - frame) })
    };
    let largest = event(6 * 1024 * 1024);
    assert_eq!(largest.to_string().len(), 6 * 1024 * 1024);
    assert_eq!(lab.invoke(largest).await.function_error, None);
    let refused = lab.try_invoke(None, &event(6 * 1024 * 1024 + 1)).await.unwrap_err();
    assert!(matches!(refused, EmulatorError::PayloadTooLarge { size: 6_291_457, limit: 6_291_456 }), "{refused}");
}

#[tokio::test]
async fn a_function_without_concurrency_is_switched_off() {
    let lab = Lab::of(RUDE, |config| config.concurrency = 0).await;
    for _ in 0..2 {
        let error = lab.try_invoke(None, &json!({ "do": "well" })).await.unwrap_err();
        assert!(matches!(error, EmulatorError::Throttled { limit: 0, .. }), "{error}");
        assert!(error.to_string().contains("switched off"), "{error}");
    }
    assert!(lab.pids().await.is_empty());
}
