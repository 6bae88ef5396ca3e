//! A request that goes well: what the handler gets, what the caller gets, what the log says.

use std::time::Duration;

use serde_json::json;

use super::lab::{Lab, minor_version, python};

#[tokio::test]
async fn the_handler_gets_the_event_and_its_context() {
    let lab = Lab::new().await;
    let invocation = lab.invoke(json!({ "do": "echo", "name": "żółw 🐢" })).await;
    assert!(invocation.init_duration.is_some());
    assert!(invocation.duration.is_some());
    let first: serde_json::Value = serde_json::from_slice(&invocation.payload).unwrap();
    assert_eq!(first["event"], json!({ "do": "echo", "name": "żółw 🐢" }));
    assert_eq!(first["arn"], "arn:aws:lambda:eu-west-1:123456789012:function:shop:live");
    assert_eq!(first["version"], "1");
    let remaining = first["remaining"].as_i64().unwrap();
    assert!((1..=60_000).contains(&remaining), "{remaining}");
    let trace = first["trace"].as_str().unwrap();
    assert!(trace.starts_with("Root=1-") && trace.len() == "Root=1-12345678-123456789012345678901234".len(), "{trace}");

    let second = lab.try_invoke(Some(1), &json!({ "do": "echo" })).await.unwrap();
    assert_eq!(second.init_duration, None);
    let second: serde_json::Value = serde_json::from_slice(&second.payload).unwrap();
    assert_eq!(second["arn"], "arn:aws:lambda:eu-west-1:123456789012:function:shop:1");
    assert_eq!((&second["pid"], &second["count"]), (&first["pid"], &json!(2)));
    assert_ne!(second["id"], first["id"]);
}

#[tokio::test]
async fn the_environment_is_the_managed_runtimes_and_the_stages() {
    let lab = Lab::with(zappa::emulator::Options::default(), |config| {
        config.environment.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), "mine".to_owned());
        config.environment.insert("LANG".to_owned(), "C".to_owned());
    })
    .await;
    let found = lab.answer(json!({ "do": "environment" })).await;
    let mut names: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names.retain(|name| !(cfg!(windows) && ["SYSTEMROOT", "TEMP", "TMP"].contains(name)) && *name != "LC_CTYPE");
    let mut expected = vec![
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "GREETING",
        "HOME",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    ];
    expected.retain(|name| !(cfg!(windows) && *name == "HOME") && (cfg!(target_os = "linux") || *name != "LD_LIBRARY_PATH"));
    assert_eq!(names, expected);
    let (code, runtime) = (lab.code(1), format!("AWS_Lambda_python{}", minor_version()));
    let expected = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EXECUTION_ENV", runtime.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop"),
        ("GREETING", "hello"),
        ("LANG", "C"),
        ("_HANDLER", "zappa.handler.lambda_handler"),
        ("LAMBDA_TASK_ROOT", code.to_str().unwrap()),
        ("LAMBDA_RUNTIME_DIR", python().parent().unwrap().parent().unwrap().to_str().unwrap()),
    ];
    for (name, value) in expected {
        assert_eq!(found[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_log_tells_each_request_from_start_to_report() {
    let lab = Lab::new().await;
    let invocation = lab.invoke(json!({ "do": "say", "hex": hex(b"one\ntwo\r\nthree\rno newline") })).await;
    lab.invoke(json!({ "do": "echo" })).await;
    let log = lab.log();
    let ids: Vec<&String> = log.iter().filter_map(|(id, text)| text.starts_with("START").then_some(id)).collect();
    let text: Vec<String> = log.iter().map(|(_, text)| without_numbers(text)).collect();
    assert_eq!(
        text,
        [
            format!("INIT_START Runtime Version: python:{}", minor_version()),
            "imported".to_owned(),
            format!("START RequestId: {} Version: 1", ids[0]),
            "one".to_owned(),
            "two".to_owned(),
            "three".to_owned(),
            "no newline".to_owned(),
            format!("END RequestId: {}", ids[0]),
            format!(
                "REPORT RequestId: {}\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 512 MB{}\tInit Duration: N ms",
                ids[0],
                memory()
            ),
            format!("START RequestId: {} Version: 1", ids[1]),
            format!("END RequestId: {}", ids[1]),
            format!("REPORT RequestId: {}\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 512 MB{}", ids[1], memory()),
        ]
    );
    let owners: Vec<&str> = log.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(&owners[..2], ["-", "-"]);
    assert!(owners[2..9].iter().all(|owner| owner == ids[0]) && owners[9..].iter().all(|owner| owner == ids[1]), "{owners:?}");
    let tail: Vec<String> = invocation.log_tail.lines().map(without_numbers).collect();
    assert_eq!(tail, text[..9]);
}

#[tokio::test]
async fn bytes_that_are_not_text_and_floods_of_output_do_no_harm() {
    let lab = Lab::new().await;
    lab.invoke(json!({ "do": "say", "hex": hex(b"caf\xe9 \xf0\x9f\x90\n") })).await;
    assert!(lab.log().iter().any(|(_, text)| text == "caf\u{fffd} \u{fffd}"), "{:?}", lab.log());
    let flooded = lab.invoke(json!({ "do": "flood" })).await;
    assert_eq!(flooded.payload, "\"flooded\"");
    assert!(flooded.log_tail.len() <= 4096 && flooded.log_tail.contains("REPORT"));
    assert_eq!(lab.log().iter().filter(|(_, text)| text.len() == 65535).count(), 160);
    // A line without end is cut where CloudWatch would cut it.
    lab.invoke(json!({ "do": "say", "hex": "78".repeat(300 * 1024) })).await;
    assert!(lab.log().iter().any(|(_, text)| text.len() == 256 * 1024));
}

#[tokio::test]
async fn answers_pass_up_to_six_megabytes() {
    let lab = Lab::new().await;
    let size = 6_291_556 - 2;
    assert_eq!(lab.invoke(json!({ "do": "large", "size": size })).await.payload.len(), size + 2);
    let pid = lab.pids().await;
    let refused = lab.invoke(json!({ "do": "large", "size": size + 1 })).await;
    assert_eq!(
        super::lab::error(&refused),
        (
            "Function.ResponseSizeTooLarge".to_owned(),
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).".to_owned()
        )
    );
    // The runtime client does not survive that; the next request does not notice.
    let next = lab.answer(json!({ "do": "echo" })).await;
    assert_ne!(vec![u32::try_from(next["pid"].as_u64().unwrap()).unwrap()], pid);
}

#[tokio::test]
async fn the_runtime_api_refuses_what_makes_no_sense() {
    let lab = Lab::new().await;
    let wrong_id = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
    for (method, path, status, error) in [
        ("GET", "no/such/thing", 404, None),
        ("PUT", "invocation/next", 404, None),
        ("POST", "invocation/00000000-0000-0000-0000-000000000000/response", 400, Some(&wrong_id)),
        ("POST", "invocation/00000000-0000-0000-0000-000000000000/error", 400, Some(&wrong_id)),
        ("GET", "invocation/next", 403, None),
        ("POST", "init/error", 403, None),
    ] {
        let answer = lab.answer(json!({ "do": "call", "method": method, "path": path })).await;
        assert_eq!(answer[0], status, "{method} {path}: {answer}");
        let body: serde_json::Value = serde_json::from_str(answer[1].as_str().unwrap()).unwrap();
        match error {
            Some(error) => assert_eq!(&body, error),
            None => assert!(body["errorType"].is_string() && body["errorMessage"].is_string(), "{body}"),
        }
    }
    // The first answer counts; the runtime client's own, which comes too late, is refused.
    let early = lab.invoke(json!({ "do": "call", "method": "POST", "path": "invocation/{id}/response" })).await;
    assert_eq!((early.payload, early.function_error), ("\"early\"".into(), None));
    assert_eq!(lab.answer(json!({ "do": "echo" })).await["count"], 1);
}

#[tokio::test]
async fn events_over_six_megabytes_are_refused() {
    let lab = Lab::new().await;
    let error = lab.try_invoke(None, &json!({ "do": "echo", "text": "x".repeat(6 * 1024 * 1024) })).await.unwrap_err();
    assert!(matches!(error, zappa::emulator::EmulatorError::PayloadTooLarge { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_code_is_read_only_even_for_root_and_every_sandbox_has_its_own_temporary_directory() {
    use std::os::unix::fs::PermissionsExt as _;

    let lab = Lab::new().await;
    let handler = lab.code(1).join("zappa/handler.py");
    std::fs::set_permissions(&handler, std::fs::Permissions::from_mode(0o444)).unwrap();
    for directory in [lab.code(1).join("zappa"), lab.code(1)] {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    let overwrite = lab.answer(json!({ "do": "write", "path": handler })).await;
    let create = lab.answer(json!({ "do": "write", "path": lab.code(1).join("new") })).await;
    for directory in [lab.code(1), lab.code(1).join("zappa")] {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // By a mount that cannot be written to, as in Lambda, or by the modes where there can be none.
    for refused in [overwrite, create] {
        assert!(refused == "OSError" || refused == "PermissionError", "{refused}");
    }
    assert!(!lab.code(1).join("zappa/__pycache__").exists());

    let held = lab.hold(None).await;
    let first = lab.answer(json!({ "do": "temporary" })).await;
    let again = lab.answer(json!({ "do": "temporary" })).await;
    assert_eq!((&first["found"], &again["found"]), (&json!([]), &json!(["mine"])));
    held.release().await;
    let other = lab.answer(json!({ "do": "temporary" })).await;
    assert_ne!(other["directory"], first["directory"]);
    assert_eq!(other["found"], json!([]));
    lab.emulator.shutdown(Duration::from_secs(30)).await;
    assert_eq!(std::fs::read_dir(lab.scratch()).unwrap().count(), 0);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every measured number as `N`.
fn without_numbers(line: &str) -> String {
    let measured = ["Duration: ", "Max Memory Used: "];
    let fields = line.split('\t').map(|field| match measured.iter().find(|name| field.contains(*name)) {
        Some(name) => {
            let (head, rest) = field.split_once(name).unwrap();
            format!("{head}{name}N {}", rest.split_once(' ').unwrap().1)
        }
        None => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("\t")
}

fn memory() -> &'static str {
    if cfg!(target_os = "linux") { "\tMax Memory Used: N MB" } else { "" }
}
