//! The one moto server of this test process: started when a test first needs it (that takes seconds), gone with the process.
//!
//! Tests share it and keep apart by the names of what they make.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde::Deserialize;

use super::operations::Service;
use crate::support::project::repository;
use crate::support::python;

/// A running server.
pub(crate) struct Moto {
    pub(crate) port: u16,
    /// How to name the requests of each service.
    pub(crate) services: BTreeMap<String, Service>,
    /// Closed by the system when this process ends, however it ends; then the server ends.
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Moto {
    /// Everything that exists for a function of this name: `{}` if nothing does (see `inventory.py`).
    #[track_caller]
    pub(crate) fn inventory(&self, function: &str, region: &str, account: Option<&str>) -> serde_json::Value {
        let mut line = String::new();
        {
            let (requests, answers) = &mut *self.talk.lock().unwrap();
            writeln!(requests, "{}", serde_json::json!({ "name": function, "region": region, "account": account })).unwrap();
            answers.read_line(&mut line).unwrap();
        }
        let mut answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("error").is_none(), "{}", answer["error"].as_str().unwrap());
        answer["found"].take()
    }
}

/// What the server says first.
#[derive(Deserialize)]
struct Ready {
    port: u16,
    services: BTreeMap<String, Service>,
}

/// The server, started if need be.
pub(crate) fn moto() -> &'static Moto {
    static STARTED: OnceLock<Moto> = OnceLock::new();
    STARTED.get_or_init(start)
}

#[expect(clippy::zombie_processes, reason = "it lives as long as this process does")]
fn start() -> Moto {
    let mut command = Command::new(python::aws_interpreter());
    command.arg(repository().join("tests/support/aws/moto_server.py")).arg(python::interpreter());
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    answers.read_line(&mut line).unwrap();
    let ready: Ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("moto did not start: {error}: {line}"));
    Moto { port: ready.port, services: ready.services, talk: Mutex::new((child.stdin.take().unwrap(), answers)) }
}
