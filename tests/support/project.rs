//! A throw-away project directory and the binary run in it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::python;

/// A directory that is gone at the end of the test.
pub(crate) struct TestProject {
    directory: tempfile::TempDir,
    root: PathBuf,
    environment: Vec<(String, String)>,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestProject {
    /// An empty project named `shop`, so that derived names do not depend on the temporary directory's.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("zappa-test-").tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir(&root).unwrap();
        Self { directory, root, environment: Vec::new() }
    }

    /// A copy of a directory of this repository (`examples/flask-shop`), with its own name.
    pub(crate) fn copy_of(relative: &str) -> Self {
        let mut project = Self::new();
        let source = repository().join(relative);
        project.root = project.root.with_file_name(source.file_name().unwrap());
        copy_tree(&source, &project.root);
        project
    }

    /// The project's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A directory beside the project, for files that are not part of it.
    pub(crate) fn outside(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file of the project, making its directories.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// As [`Self::file`], later on.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Has a distribution of one module in the project's environment, `.venv`, in the place of another version of it.
    pub(crate) fn install(&self, name: &str, version: &str, source: &str) {
        let site_packages = self.site_packages();
        for entry in std::fs::read_dir(&site_packages).unwrap().map(Result::unwrap) {
            if entry.file_name().to_str().unwrap().starts_with(&format!("{name}-")) {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        let info = format!("{name}-{version}.dist-info");
        let files = [
            (format!("{name}.py"), source.to_owned()),
            (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")),
            (format!("{info}/WHEEL"), "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned()),
            (format!("{info}/RECORD"), format!("{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")),
        ];
        for (path, content) in files {
            let path = site_packages.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    /// `site-packages` of the project's environment, made if need be.
    fn site_packages(&self) -> PathBuf {
        let environment = self.root.join(".venv");
        if !environment.exists() {
            let program = if cfg!(windows) { "python" } else { "python3" };
            let output = Command::new(program).args(["-m", "venv", "--without-pip"]).arg(&environment).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        if cfg!(windows) {
            return environment.join("Lib/site-packages");
        }
        let version = std::fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap();
        version.path().join("site-packages")
    }

    /// Sets an environment variable for every run.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// As [`Self::env`], later on.
    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Renames the project's directory.
    pub(crate) fn move_to(&mut self, name: &str) {
        let target = self.root.with_file_name(name);
        std::fs::rename(&self.root, &target).unwrap();
        self.root = target;
    }

    /// Moves the project to another path below [`Self::outside`], be it on another file system.
    pub(crate) fn move_across(&mut self, path: &str) {
        let target = self.outside().join(path);
        copy_tree(&self.root, &target);
        std::fs::remove_dir_all(&self.root).unwrap();
        self.root = target;
    }

    /// Uses the tests' own Python environment (Flask, Django…) as the project's.
    pub(crate) fn with_python(self) -> Self {
        let venv = python::environment();
        self.env("VIRTUAL_ENV", venv.to_str().unwrap())
    }

    /// The binary, in the project's directory, with an environment that holds nothing of the developer's.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zappa"));
        command.args(args).current_dir(&self.root).env_clear().stdin(Stdio::null());
        for name in ["PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // How pip reaches its index is the machine's business.
        command.envs(std::env::vars().filter(|(name, _)| name.starts_with("PIP_") || name.to_lowercase().ends_with("_proxy")));
        command.env("HOME", self.directory.path()).env("ZAPPA_CACHE_DIR", cache());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn zappa<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Outcome {
        let output = self.command(args).output().unwrap();
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Exit code and both streams as one text, with this run's paths replaced by `[ROOT]`, `[CACHE]` and `[VENV]`: what snapshots hold.
    pub(crate) fn snapshot<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> String {
        let outcome = self.zappa(args);
        let mut text = format!("exit code: {}\n", outcome.code);
        for (name, stream) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            let _ = write!(text, "----- {name} -----\n{stream}");
        }
        self.filter(&text)
    }

    /// Replaces what differs from run to run.
    pub(crate) fn filter(&self, text: &str) -> String {
        let mut text = text.replace(self.root.to_str().unwrap(), "[ROOT]");
        text = text.replace(cache().to_str().unwrap(), "[CACHE]");
        text.replace(python::environment_path().to_str().unwrap(), "[VENV]")
    }
}

impl Outcome {
    /// Fails the test, showing everything, unless the run ended with `code`.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as the one JSON document that it has to be.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}

/// The repository's root.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cache directory that all tests share: what it holds is keyed by content, and making it anew each time would take minutes.
pub(crate) fn cache() -> PathBuf {
    repository().join("target/test-cache")
}

fn copy_tree(source: &Path, target: &Path) {
    std::fs::create_dir_all(target).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if [".zappa", "__pycache__", ".venv"].iter().any(|skipped| name == *skipped) {
            continue;
        }
        let destination = target.join(&name);
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &destination);
        } else {
            std::fs::copy(entry.path(), destination).unwrap();
        }
    }
}
