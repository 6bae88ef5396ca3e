//! Functions that fail: what the caller gets, what the log says, what becomes of the sandbox.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use zappa::emulator::Options;

use super::lab::{Lab, NAME, error, meet, runs};

#[tokio::test]
async fn an_exception_is_the_answer_and_the_sandbox_lives_on() {
    let lab = Lab::new().await;
    let before = lab.answer(json!({ "do": "echo" })).await;
    let raised = lab.invoke(json!({ "do": "boom" })).await;
    assert_eq!(error(&raised), ("ValueError".to_owned(), "no such product".to_owned()));
    assert!(raised.log_tail.contains("[ERROR] ValueError: no such product\nTraceback"), "{}", raised.log_tail);
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["pid"], before["pid"]);
}

#[tokio::test]
async fn a_process_that_ends_is_reported_and_replaced() {
    let lab = Lab::new().await;
    for (event, reason) in [
        (json!({ "do": "leave" }), "Runtime exited with error: exit status 3"),
        (json!({ "do": "drop_dead", "code": 1 }), "Runtime exited with error: exit status 1"),
        (json!({ "do": "drop_dead", "code": 0 }), "Runtime exited without providing a reason"),
        #[cfg(unix)]
        (json!({ "do": "suicide" }), "Runtime exited with error: signal: killed"),
    ] {
        let died = lab.invoke(event).await;
        let id = lab.last_request();
        assert_eq!(error(&died), ("Runtime.ExitError".to_owned(), format!("RequestId: {id} Error: {reason}")));
        let tail: Vec<&str> = died.log_tail.lines().collect();
        let said = [format!("RequestId: {id} Error: {reason}"), "Runtime.ExitError".to_owned(), format!("END RequestId: {id}")];
        assert_eq!(&tail[tail.len() - 4..tail.len() - 1], said);
        assert!(tail[tail.len() - 1].ends_with("\tStatus: error\tError Type: Runtime.ExitError"), "{tail:?}");
        assert!(lab.pids().await.is_empty());
    }
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["count"], 1);
}

#[tokio::test]
async fn an_import_that_fails_fails_the_request_that_needed_it() {
    let lab = Lab::new().await;
    lab.emulator.put_version(lab.config(2, "print('so far so good')\nimport no_such_module\n")).await;
    let failed = lab.try_invoke(Some(2), &json!({})).await.unwrap();
    let expected = "Unable to import module 'zappa.handler': No module named 'no_such_module'";
    assert_eq!(error(&failed), ("Runtime.ImportModuleError".to_owned(), expected.to_owned()));
    assert!(failed.log_tail.contains("so far so good\n"), "{}", failed.log_tail);
    assert!(failed.log_tail.contains("\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n"), "{}", failed.log_tail);

    lab.emulator.put_version(lab.config(3, "import sys\nsys.exit('no database')\n")).await;
    let failed = lab.try_invoke(Some(3), &json!({})).await.unwrap();
    assert_eq!(error(&failed).0, "Runtime.ExitError");
    assert!(failed.log_tail.contains("no database\n"), "{}", failed.log_tail);
    assert!(lab.pids().await.is_empty());
}

#[tokio::test]
async fn an_interpreter_that_is_not_there_fails_the_request() {
    let lab = Lab::new().await;
    let mut config = lab.config(2, "");
    config.python = lab.scratch().join("no-such-python");
    lab.emulator.put_version(config).await;
    let failed = lab.try_invoke(Some(2), &json!({})).await.unwrap();
    let (kind, message) = error(&failed);
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("could not start `") && message.contains("no-such-python"), "{message}");
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed() {
    let lab = Lab::with(Options::default(), |config| config.timeout = Duration::from_secs(1)).await;
    let held = lab.hold(None).await;
    let pid = held.pid;
    let timed_out = held.end().await;
    let id = lab.last_request();
    assert_eq!(error(&timed_out), ("Sandbox.Timedout".to_owned(), format!("RequestId: {id} Error: Task timed out after 1.00 seconds")));
    assert!(
        timed_out.log_tail.contains(&format!("\n{id} Task timed out after 1.00 seconds\nEND RequestId: {id}\n")),
        "{}",
        timed_out.log_tail
    );
    assert!(timed_out.log_tail.ends_with("\tStatus: timeout\n"), "{}", timed_out.log_tail);
    assert!(!runs(pid));
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["count"], 1);
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_repeated_within_the_functions_timeout() {
    let options = Options { init_limit: Duration::from_millis(200), ..Options::default() };
    let lab = Lab::with(options, |_| {}).await;
    // Every attempt waits for us.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = format!(
        "import socket\nconnection = socket.create_connection(('127.0.0.1', {}))\nconnection.sendall(b'1234')\nconnection.recv(1)\n\
         def lambda_handler(event, context):\n    return 'ready'\n",
        listener.local_addr().unwrap().port()
    );
    lab.emulator.put_version(lab.config(2, &source)).await;
    let starts = || lab.log().iter().filter(|(_, text)| text.starts_with("INIT_START")).count();
    let let_the_second_go_on = async {
        loop {
            let (mut attempt, _) = meet(&listener).await;
            if starts() == 2 {
                return attempt.write_all(b"!").await.unwrap();
            }
            // The first one ends when it is killed.
            let _ = attempt.read(&mut [0]).await;
        }
    };
    let event = json!({});
    let (invocation, ()) = tokio::join!(lab.try_invoke(Some(2), &event), let_the_second_go_on);
    let invocation = invocation.unwrap();
    assert_eq!((invocation.payload, invocation.init_duration), ("\"ready\"".into(), None));
    assert_eq!(starts(), 2);
    assert!(invocation.log_tail.contains("Phase: init\tStatus: timeout\n"), "{}", invocation.log_tail);

    let mut config = lab.config(3, "import time\ntime.sleep(600)\n");
    config.timeout = Duration::from_millis(200);
    lab.emulator.put_version(config).await;
    let never = lab.try_invoke(Some(3), &json!({})).await.unwrap();
    assert_eq!(error(&never).0, "Sandbox.Timedout");
    assert!(lab.log().iter().any(|(_, text)| text.ends_with("Task timed out after 0.20 seconds")));
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_function_leaves_behind_goes_with_its_sandbox() {
    for daemon in [false, true] {
        if daemon && !cfg!(target_os = "linux") {
            continue;
        }
        let lab = Lab::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        lab.answer(json!({ "do": "breed", "daemon": daemon, "port": port })).await;
        let (mut grandchild, _) = meet(&listener).await;
        lab.emulator.remove_function(NAME).await;
        // Its connection breaks when it dies.
        assert!(matches!(grandchild.read(&mut [0]).await, Ok(0) | Err(_)));
    }
}
