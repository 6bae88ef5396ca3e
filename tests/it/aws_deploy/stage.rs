//! A project with one stage on AWS.

use serde_json::Value;

use crate::support::aws::{Aws, models};
use crate::support::{Outcome, TestProject};

/// Answers with its version, and fails when it is told to.
const APP: &str = include_str!("../../fixtures/apps/plain/app.py");

/// A stage `dev` of a project of this name, in an AWS of its own.
pub(crate) struct Stage {
    pub(crate) aws: Aws,
    pub(crate) project: TestProject,
    /// The function.
    pub(crate) name: String,
}

impl Stage {
    /// `settings` go into the stage's table.
    pub(crate) fn new(name: &str, settings: &str) -> Self {
        Self::with(Aws::new(), name, settings)
    }

    /// As [`Self::new`], in an account of its own.
    pub(crate) fn apart(name: &str, settings: &str) -> Self {
        Self::with(Aws::apart(), name, settings)
    }

    fn with(aws: Aws, name: &str, settings: &str) -> Self {
        let project = aws.project(TestProject::new().file("app.py", APP).file("requirements.txt", ""));
        let stage = Self { aws, project, name: format!("{name}-dev") };
        stage.settings(settings);
        stage
    }

    pub(crate) fn settings(&self, settings: &str) {
        let project = self.name.trim_end_matches("-dev");
        self.project.write("zappa_settings.toml", format!("[dev]\nproject_name = \"{project}\"\napp_function = \"app.app\"\n{settings}"));
    }

    pub(crate) fn version(&self, version: &str) {
        self.project.write("app.py", APP.replace("\"one\"", &format!("\"{version}\"")));
    }

    /// Has the app depend on a distribution that says it is this version.
    pub(crate) fn depend(&self, version: &str) {
        self.project.install("greeting", version, &format!("VERSION = {version:?}\n"));
    }

    /// Runs the binary, having forgotten all calls before.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.aws.clear();
        self.project.zappa(args)
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.run(&args).expect_code(0).json()
    }

    /// What the last run asked for, each call held against AWS's own models.
    #[track_caller]
    pub(crate) fn calls(&self) -> String {
        models::validate(&self.aws.calls());
        self.aws.text()
    }

    pub(crate) fn inventory(&self) -> Value {
        self.aws.inventory(&self.name)
    }
}
