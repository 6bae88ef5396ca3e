//! A project deployed to the local target for the length of a test.

use std::ffi::OsStr;

use super::{Outcome, TestProject};

/// Taken down when the test ends, however it ends.
pub(crate) struct Deployed {
    pub(crate) project: TestProject,
    pub(crate) port: u16,
    /// What `deploy --json` printed.
    pub(crate) report: serde_json::Value,
}

impl Deployed {
    /// Runs `zappa deploy local`.
    #[track_caller]
    pub(crate) fn new(project: TestProject) -> Self {
        Self::with(project, &[])
    }

    /// Runs `zappa deploy local` with more flags.
    #[track_caller]
    pub(crate) fn with(project: TestProject, flags: &[&str]) -> Self {
        let args = ["deploy", "local", "--json"].iter().chain(flags);
        let report = project.zappa(args).expect_code(0).json();
        let port = port_of(report["url"].as_str().unwrap());
        Self { project, port, report }
    }

    /// Runs the binary in the project.
    pub(crate) fn zappa<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Outcome {
        self.project.zappa(args)
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        let _ = self.project.command(["undeploy", "local", "--yes", "--quiet", "--remove-logs"]).output();
    }
}

/// The port of `http://127.0.0.1:PORT/`.
pub(crate) fn port_of(url: &str) -> u16 {
    url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
}
