//! A throw-away emulator with one function, `shop`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zappa::cloud::Invocation;
use zappa::emulator::log::{older, parse};
use zappa::emulator::{Emulator, EmulatorError, FunctionConfig, Options, ric};
use zappa::observe::Silent;

use crate::support::project::cache;

pub(super) const NAME: &str = "shop";

/// Does what the event asks for.
pub(super) const HANDLER: &str = r#"
import os, socket, subprocess, sys, tempfile

print("imported")
count = 0

def lambda_handler(event, context):
    global count
    count += 1
    return globals()[event["do"]](event, context)

def echo(event, context):
    return {
        "event": event, "count": count, "pid": os.getpid(), "id": context.aws_request_id, "arn": context.invoked_function_arn,
        "version": context.function_version, "remaining": context.get_remaining_time_in_millis(), "trace": os.environ["_X_AMZN_TRACE_ID"],
    }

def hold(event, context):
    with socket.create_connection(("127.0.0.1", event["port"])) as connection:
        connection.sendall(os.getpid().to_bytes(4, "big"))
        connection.recv(1)
    return {"pid": os.getpid(), "version": context.function_version}

def environment(event, context):
    return dict(os.environ)

def say(event, context):
    os.write(1, bytes.fromhex(event["hex"]))
    return "said"

def flood(event, context):
    for _ in range(160):
        os.write(1, b"x" * 65535 + b"\n")
    return "flooded"

def large(event, context):
    return "x" * event["size"]

def boom(event, context):
    raise ValueError("no such product")

def leave(event, context):
    sys.exit(3)

def drop_dead(event, context):
    os._exit(event["code"])

def suicide(event, context):
    os.kill(os.getpid(), 9)

def write(event, context):
    try:
        with open(event["path"], "w") as file:
            file.write("x")
    except OSError as error:
        return type(error).__name__
    return "written"

def temporary(event, context):
    found = os.listdir(tempfile.gettempdir())
    with open(os.path.join(tempfile.gettempdir(), "mine"), "w") as file:
        file.write("x")
    return {"directory": tempfile.gettempdir(), "found": found}

def call(event, context):
    import http.client
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(event["method"], "/2018-06-01/runtime/" + event["path"].replace("{id}", context.aws_request_id), body="\"early\"")
    response = connection.getresponse()
    return [response.status, response.read().decode()]

def breed(event, context):
    code = "import socket, sys; c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(b'1234'); print('up', flush=True); c.recv(1)"
    process = subprocess.Popen([sys.executable, "-c", code, str(event["port"])], start_new_session=event["daemon"], stdout=subprocess.PIPE)
    # Once this request is over, it is stopped with everything else.
    process.stdout.readline()
    return "bred"
"#;

/// An emulator, and where its function's files are.
pub(super) struct Lab {
    pub(super) emulator: Emulator,
    pub(super) directory: tempfile::TempDir,
}

impl Lab {
    /// With version 1 of `HANDLER`, live.
    pub(super) async fn new() -> Self {
        Self::with(Options::default(), |_| {}).await
    }

    /// As [`Self::new`], with other waiting times or another configuration.
    pub(super) async fn with(options: Options, change: impl FnOnce(&mut FunctionConfig)) -> Self {
        Self { emulator: Emulator::with(options), directory: tempfile::tempdir().unwrap() }.put(HANDLER, change).await
    }

    /// With version 1 of `source`, not below the system's temporary directory, so that the sandbox can have a `/tmp` of its own.
    pub(super) async fn at_home(source: &str, change: impl FnOnce(&mut FunctionConfig)) -> Self {
        std::fs::create_dir_all(cache()).unwrap();
        let directory = tempfile::Builder::new().prefix("lab-").tempdir_in(cache()).unwrap();
        Self { emulator: Emulator::new(), directory }.put(source, change).await
    }

    /// With version 1 of `source`.
    pub(super) async fn of(source: &str, change: impl FnOnce(&mut FunctionConfig)) -> Self {
        Self { emulator: Emulator::new(), directory: tempfile::tempdir().unwrap() }.put(source, change).await
    }

    async fn put(self, source: &str, change: impl FnOnce(&mut FunctionConfig)) -> Self {
        let mut config = self.config(1, source);
        change(&mut config);
        self.emulator.put_version(config).await;
        self.emulator.set_live(NAME, 1).await.unwrap();
        self
    }

    /// A version with this source, unpacked.
    pub(super) fn config(&self, version: u64, source: &str) -> FunctionConfig {
        let code = self.directory.path().join(format!("code-{version}"));
        std::fs::create_dir_all(code.join("zappa")).unwrap();
        std::fs::write(code.join("zappa/__init__.py"), "").unwrap();
        std::fs::write(code.join("zappa/handler.py"), source).unwrap();
        FunctionConfig {
            function_name: NAME.to_owned(),
            version,
            function_arn: format!("arn:aws:lambda:eu-west-1:123456789012:function:{NAME}"),
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            code,
            layer: None,
            handler: zappa::model::HANDLER.to_owned(),
            python: python().to_owned(),
            runtime: format!("python{}", minor_version()),
            environment: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            memory_mb: 512,
            ephemeral_storage_mb: 512,
            timeout: Duration::from_secs(60),
            concurrency: 2,
            scratch: self.scratch(),
            log_file: self.directory.path().join("logs").join("shop.log"),
        }
    }

    pub(super) fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    pub(super) fn code(&self, version: u64) -> PathBuf {
        self.directory.path().join(format!("code-{version}"))
    }

    pub(super) async fn try_invoke(&self, version: Option<u64>, event: &Value) -> Result<Invocation, EmulatorError> {
        self.emulator.invoke(NAME, version, Bytes::from(event.to_string())).await
    }

    /// Calls `live`.
    pub(super) async fn invoke(&self, event: Value) -> Invocation {
        self.try_invoke(None, &event).await.unwrap()
    }

    /// Calls `live`, which must not fail, and returns the parsed answer.
    pub(super) async fn answer(&self, event: Value) -> Value {
        let invocation = self.invoke(event).await;
        assert_eq!(invocation.function_error, None, "{}", invocation.log_tail);
        serde_json::from_slice(&invocation.payload).unwrap()
    }

    /// The id of the request that was last begun.
    pub(super) fn last_request(&self) -> String {
        let log = self.log();
        let start = log.iter().rev().find_map(|(_, text)| text.strip_prefix("START RequestId: ")).unwrap();
        start.split(' ').next().unwrap().to_owned()
    }

    /// Lines of the log files, as (request id, text).
    pub(super) fn log(&self) -> Vec<(String, String)> {
        let path = self.directory.path().join("logs/shop.log");
        let text = std::fs::read_to_string(older(&path)).unwrap_or_default() + &std::fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| {
                let entry = parse(line).unwrap_or_else(|| panic!("{line:?}"));
                assert!(line.starts_with(&format!("{:.3}", entry.time)), "{line:?}");
                (entry.request.unwrap_or("-").to_owned(), entry.text.to_owned())
            })
            .collect()
    }

    /// A request that is being served until it is released.
    pub(super) async fn hold(&self, version: Option<u64>) -> Held {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let event = json!({ "do": "hold", "port": listener.local_addr().unwrap().port() });
        let emulator = self.emulator.clone();
        let payload = Bytes::from(event.to_string());
        let result = tokio::spawn(async move { emulator.invoke(NAME, version, payload).await });
        let (connection, pid) = meet(&listener).await;
        Held { connection, result, pid }
    }

    pub(super) async fn pids(&self) -> Vec<u32> {
        self.emulator.status(NAME).await.unwrap().sandboxes.iter().map(|sandbox| sandbox.pid).collect()
    }
}

/// A request in flight.
pub(super) struct Held {
    connection: TcpStream,
    result: tokio::task::JoinHandle<Result<Invocation, EmulatorError>>,
    pub(super) pid: u32,
}

impl Held {
    /// Lets the handler return.
    pub(super) async fn release(mut self) -> Invocation {
        self.connection.write_all(b"!").await.unwrap();
        self.result.await.unwrap().unwrap()
    }

    /// Waits for a request that nobody releases.
    pub(super) async fn end(self) -> Invocation {
        self.result.await.unwrap().unwrap()
    }
}

/// Waits for a process of the function to call, and reads the four bytes that it says.
pub(super) async fn meet(listener: &TcpListener) -> (TcpStream, u32) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let pid = connection.read_u32().await.unwrap();
    (connection, pid)
}

/// Whether the process runs. A dead child that its parent (not us) has not looked at yet does not.
pub(super) fn runs(pid: u32) -> bool {
    let state = if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").map(|(_, state)| state.to_owned()).unwrap_or_default()
    } else {
        let stat = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(stat.stdout).unwrap().trim().to_owned()
    };
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// What the system says of the process: `R` runs, `S` sleeps, `T` is stopped.
pub(super) fn process_state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, state)| state.chars().next()).unwrap_or('X')
}

/// What the error payload says.
pub(super) fn error(invocation: &Invocation) -> (String, String) {
    assert_eq!(invocation.function_error.as_deref(), Some("Unhandled"), "{:?}", invocation.payload);
    let payload: Value = serde_json::from_slice(&invocation.payload).unwrap();
    let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}

/// The interpreter on the search path and its version.
pub(super) fn base_python() -> (PathBuf, String) {
    let name = if cfg!(windows) { "python" } else { "python3" };
    let code = "import sys, platform; print(sys.executable); print(platform.python_version())";
    let output = Command::new(name).args(["-c", code]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    (PathBuf::from(lines.next().unwrap()), lines.next().unwrap().to_owned())
}

/// `3.N` of that interpreter.
pub(super) fn minor_version() -> String {
    static ASKED: OnceLock<String> = OnceLock::new();
    ASKED.get_or_init(|| base_python().1.rsplit_once('.').unwrap().0.to_owned()).clone()
}

/// An interpreter with the runtime client, made once for all tests.
pub(super) fn python() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let (executable, version) = base_python();
        ric::ensure_runtime(&executable, &version, &cache(), &Silent).unwrap()
    })
}
