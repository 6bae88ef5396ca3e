//! AWS for tests: moto behind a proxy that records calls and lets them fail. `AWS_ENDPOINT_URL` is all that the tool sees of it.
//!
//! ```text
//! binary under test ── proxy (one for each test) ── moto (one for each test process) ── functions' own processes
//! ```

pub(crate) mod faults;
pub(crate) mod models;
pub(crate) mod moto;
pub(crate) mod operations;
pub(crate) mod proxy;
pub(crate) mod record;
mod slow;
mod steps;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Outcome, TestProject};
pub(crate) use faults::Fault;
pub(crate) use proxy::Proxy;
pub(crate) use record::Call;

/// The region of projects that name none.
pub(crate) const REGION: &str = "eu-west-1";

/// One test's way to AWS.
pub(crate) struct Aws {
    pub(crate) proxy: Proxy,
    account: Option<String>,
}

impl Aws {
    pub(crate) fn new() -> Self {
        Self { proxy: Proxy::start(None), account: None }
    }

    /// With an account of its own: what a hundred stages have left in everybody's makes every listing longer.
    pub(crate) fn apart() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(200_000_000_000);
        let account = Some(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        Self { proxy: Proxy::start(account.clone()), account }
    }

    /// Another way into the same account.
    pub(crate) fn beside(&self) -> Self {
        Self { proxy: Proxy::start(self.account.clone()), account: self.account.clone() }
    }

    /// The variables that lead an SDK here.
    pub(crate) fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.proxy.port)),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// A project whose runs of the binary come here.
    pub(crate) fn project(&self, project: TestProject) -> TestProject {
        self.variables().into_iter().fold(project, |project, (name, value)| project.env(name, value))
    }

    /// A boto3 script whose calls come here, in the environment that holds boto3.
    pub(crate) fn python(&self, script: &str) -> Command {
        let mut command = Command::new(super::python::aws_interpreter());
        command.args(["-c", script]).envs(self.variables()).env_remove("AWS_PROFILE").stdin(Stdio::null());
        // boto3 knows the region by this name only.
        command.env("AWS_DEFAULT_REGION", REGION);
        command
    }

    /// The calls since the beginning or [`Self::clear`], in the order in which they came.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.proxy.calls()
    }

    /// The calls as text: a line for each group (see [`record`]).
    pub(crate) fn text(&self) -> String {
        record::text(&self.calls())
    }

    /// The length of the longest chain of calls that waited for each other.
    pub(crate) fn chain_length(&self) -> usize {
        self.calls().iter().map(|call| call.depth).max().unwrap_or(0)
    }

    /// Forgets calls, faults and callbacks.
    pub(crate) fn clear(&self) {
        self.proxy.clear();
    }

    /// From now on these calls fail.
    pub(crate) fn fault(&self, fault: Fault) {
        self.proxy.fault(fault);
    }

    /// Everything that exists for a function of this name in [`REGION`], without ids and times: `{}` if nothing does. No call is recorded.
    #[track_caller]
    pub(crate) fn inventory(&self, function: &str) -> serde_json::Value {
        self.inventory_in(function, REGION)
    }

    /// As [`Self::inventory`], in another region.
    #[track_caller]
    pub(crate) fn inventory_in(&self, function: &str, region: &str) -> serde_json::Value {
        moto::moto().inventory(function, region, self.account.as_deref())
    }

    /// Runs a command and kills it (SIGKILL) once the first `calls` calls are answered and it has asked for one more, which AWS never sees.
    /// `None` if it was killed so; a run that makes no more calls than that ends by itself.
    pub(crate) fn killed_after(&self, calls: usize, command: Command) -> Option<Outcome> {
        self.clear();
        self.proxy.freeze_after(Some(calls));
        let mut command = tokio::process::Command::from(command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = proxy::runtime().block_on(async {
            let mut child = command.spawn().unwrap();
            let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let ending = async {
                use tokio::io::AsyncReadExt as _;
                let read = tokio::try_join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err));
                read.unwrap();
                child.wait().await.unwrap()
            };
            let ended = tokio::select! {
                status = ending => Some(status),
                () = self.proxy.frozen(calls) => None,
            };
            if ended.is_none() {
                child.kill().await.unwrap();
            }
            ended.map(|status| (status, out, err))
        });
        self.proxy.freeze_after(None);
        self.clear();
        output.map(|(status, stdout, stderr)| Outcome {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        })
    }
}
