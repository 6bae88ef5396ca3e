//! A running `zappa serve`, and what it says.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::support::TestProject;
use crate::support::http::get;
use crate::support::local::port_of;

/// A test that waits this long has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `zappa serve`.
pub(super) struct Serving {
    pub(super) project: TestProject,
    pub(super) child: Child,
    pub(super) stdout: Lines,
    pub(super) stderr: Lines,
    pub(super) port: u16,
}

/// A stream, line by line as they come.
pub(super) struct Lines {
    pub(super) receiver: Receiver<String>,
    pub(super) seen: Vec<String>,
}

impl Lines {
    pub(super) fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { receiver, seen: Vec::new() }
    }

    /// The next line that fits.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        loop {
            let Ok(line) = self.receiver.recv_timeout(PATIENCE) else { panic!("{what} did not come:\n{}", self.seen.join("\n")) };
            self.seen.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }

    /// Everything up to the end of the stream.
    #[track_caller]
    pub(super) fn rest(&mut self) -> String {
        while let Ok(line) = self.receiver.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        self.seen.join("\n")
    }
}

impl Serving {
    #[track_caller]
    pub(super) fn new(project: TestProject) -> Self {
        Self::with(project, &[])
    }

    /// With `--json`, so that what happens can be waited for, and on a port of its own.
    #[track_caller]
    pub(super) fn with(project: TestProject, flags: &[&str]) -> Self {
        let args = ["serve", "local", "--json"].iter().chain(flags);
        let mut serving = Self::spawn(project, args);
        let url = serving.event("serving")["url"].as_str().unwrap().to_owned();
        serving.port = port_of(&url);
        serving
    }

    #[track_caller]
    pub(super) fn spawn<'a>(project: TestProject, args: impl IntoIterator<Item = &'a &'a str>) -> Self {
        let mut child = project.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap()));
        Self { project, child, stdout, stderr, port: 0 }
    }

    /// The next event of this kind on standard output, each line of which is one JSON object.
    #[track_caller]
    pub(super) fn event(&mut self, kind: &str) -> Value {
        let fits = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"] == kind;
        serde_json::from_str(&self.stdout.until(kind, fits)).unwrap()
    }

    /// Waits for the first version.
    #[track_caller]
    pub(super) fn ready(mut self) -> Self {
        assert_eq!(self.event("version")["version"], 1);
        self
    }

    #[track_caller]
    pub(super) fn version(&self) -> String {
        let response = get(self.port, "/version");
        assert_eq!(response.status, 200, "{response:?}");
        response.text()
    }

    pub(super) fn edit_version(&self, version: &str) {
        let path = self.project.root().join("app.py");
        let text = std::fs::read_to_string(&path).unwrap();
        let start = text.find("VERSION = \"").unwrap();
        let end = start + text[start..].find('\n').unwrap();
        // As careful editors save: beside, then in its place.
        let beside = self.project.root().join(".app.py.swp");
        std::fs::write(&beside, format!("{}VERSION = \"{version}\"{}", &text[..start], &text[end..])).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    /// Sends a request and waits until the function has it. Every request before has to have been answered.
    pub(super) fn begin(&mut self, target: &'static str) -> std::thread::JoinHandle<crate::support::http::Response> {
        let port = self.port;
        assert_eq!(get(port, "/json").status, 200);
        self.stdout.until("the last answer", |line| line.contains("\"/json\""));
        let request = std::thread::spawn(move || get(port, target));
        self.stdout.until("the start", |line| line.contains("START RequestId"));
        request
    }

    pub(super) fn signal(&self, name: &str) {
        Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
    }

    /// Waits for the end of a process.
    #[track_caller]
    pub(super) fn gone(&self, pid: u64) {
        let start = std::time::Instant::now();
        while alive(pid) {
            assert!(start.elapsed() < PATIENCE, "process {pid} did not end");
            std::thread::yield_now();
        }
    }

    #[track_caller]
    pub(super) fn end(&mut self) -> ExitStatus {
        self.signal("INT");
        self.child.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Whatever else the test has found: what is read-only goes only in good order.
            self.signal("TERM");
            let _ = self.child.wait();
        }
    }
}

pub(super) fn scratch(project: &TestProject) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project.root().join(".zappa")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("serve-")).collect()
}

/// Whether a process exists; one that has ended but was not waited for does not count.
pub(super) fn alive(pid: u64) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let stat = String::from_utf8(output.stdout).unwrap();
    !stat.trim().is_empty() && !stat.trim().starts_with('Z')
}
