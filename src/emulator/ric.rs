//! A virtual environment that can `import awslambdaric`, AWS's own runtime client: made once per base interpreter, kept in the cache.
//!
//! It holds nothing of the project: in Lambda, too, the runtime's packages and the application's are apart.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::hint::Hint;
use crate::observe::{Observer, Task};

/// The version of the client that is known to work; it needs Python 3.10.
const PINNED: &str = "awslambdaric==4.2.2";
/// For Python 3.9: whatever the package index still has for it.
const UNPINNED: &str = "awslambdaric";
/// What the managed runtime brings along besides, for code that leaves it out of its bundle (`use_runtime_boto3`) or to chance. In whatever version is
/// current, as there.
const SDK: &str = "boto3";
/// Written last: without it a directory is a run that was interrupted.
const STAMP: &str = "complete";
/// How much of pip's output an error shows.
const OUTPUT_LINES: usize = 15;

/// Variables that would lead the new environment's pip, or the base interpreter, somewhere else.
const UNSET: [&str; 6] = ["PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "__PYVENV_LAUNCHER__"];

/// Why there is no local runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The base interpreter does not start.
    #[error("could not run `{}`", path.display())]
    Interpreter {
        /// The interpreter.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// `python -m venv` failed.
    #[error("`{}` could not make a virtual environment:\n{output}", path.display())]
    Environment {
        /// The base interpreter.
        path: PathBuf,
        /// The end of what it wrote.
        output: String,
    },
    /// pip failed.
    #[error("could not install `{requirement}` and `{SDK}` for Python {version}:\n{output}")]
    Install {
        /// What was to be installed.
        requirement: String,
        /// For which Python.
        version: String,
        /// The end of what pip wrote.
        output: String,
    },
    /// The cache cannot be written.
    #[error("could not write `{}`", path.display())]
    Cache {
        /// File or directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Hint for RuntimeError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Interpreter { .. } => {
                vec!["the project's environment refers to an interpreter that is gone: make the environment anew, or choose another with `--python`".to_owned()]
            }
            Self::Environment { path, output } if output.contains("ensurepip") || output.contains("No module named venv") => {
                let name = path.file_name().map_or("python3".into(), |name| name.to_string_lossy());
                vec![format!("install its `venv` module (Debian and Ubuntu: `apt install {name}-venv`), or choose another interpreter with `--python`")]
            }
            Self::Environment { .. } => vec!["choose another interpreter with `--python`".to_owned()],
            Self::Install { output, .. } if unreachable(output) => {
                vec!["pip could not reach its package index: check the network, `PIP_INDEX_URL` and the proxy variables, and try again".to_owned()]
            }
            Self::Install { .. } => vec![
                "where there is no binary wheel, it is compiled: that needs a C++ compiler, `make`, `cmake`, `autoconf`, `automake` and `libtool`".to_owned(),
                "or choose an interpreter that has a wheel with `--python` (CPython on Linux has)".to_owned(),
            ],
            Self::Cache { .. } => vec!["`ZAPPA_CACHE_DIR` names another directory for caches".to_owned()],
        }
    }

    fn is_input(&self) -> bool {
        matches!(self, Self::Interpreter { .. })
    }
}

/// Whether pip's complaint is about the way to the index rather than about what is there.
fn unreachable(output: &str) -> bool {
    ["NewConnectionError", "ConnectTimeout", "ReadTimeout", "name resolution", "SSLError", "ProxyError", "Connection refused"]
        .iter()
        .any(|sign| output.contains(sign))
}

/// The interpreter of an environment with the runtime client, made now if there is none or if it is broken. Concurrent runs wait for each other.
///
/// `base_executable` is the interpreter behind the project's environment and `version` its full version (`3.11.7`).
pub fn ensure_runtime(base_executable: &Path, version: &str, cache: &Path, observer: &dyn Observer) -> Result<PathBuf, RuntimeError> {
    if let Some(python) = find_runtime(base_executable, version, cache) {
        return Ok(python);
    }
    let runtimes = cache.join("runtime");
    let requirement = requirement(version);
    let directory = runtimes.join(key(base_executable, version, requirement));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RuntimeError::Cache { path, source }
    };
    std::fs::create_dir_all(&runtimes).map_err(failed(&runtimes))?;
    let task = Task::begin(observer, "local runtime", None);
    // Not `with_extension`: the dots of the version are no extension.
    let lock_path = directory.with_added_extension("lock");
    let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
    lock.lock().map_err(failed(&lock_path))?;
    if let Some(python) = find_runtime(base_executable, version, cache) {
        task.done("");
        return Ok(python);
    }
    // An environment cannot be moved once it is made: it is built where it stays, and what an interrupted run left is thrown away.
    if directory.exists() {
        std::fs::remove_dir_all(&directory).map_err(failed(&directory))?;
    }
    make_environment(base_executable, &directory, &lock)?;
    let python = interpreter(&directory);
    install(&python, requirement, version, &lock)?;
    let stamp = directory.join(STAMP);
    std::fs::write(&stamp, format!("{requirement}\n{}\n{version}\n", base_executable.display())).map_err(failed(&stamp))?;
    task.done(&format!("{requirement}, Python {version}"));
    Ok(python)
}

/// The interpreter that [`ensure_runtime`] gives, if it has been made already.
#[must_use]
pub fn find_runtime(base_executable: &Path, version: &str, cache: &Path) -> Option<PathBuf> {
    let directory = cache.join("runtime").join(key(base_executable, version, requirement(version)));
    let python = interpreter(&directory);
    // A link to an interpreter that was removed does not exist.
    (directory.join(STAMP).exists() && python.exists()).then_some(python)
}

fn requirement(version: &str) -> &'static str {
    if version.starts_with("3.9.") { UNPINNED } else { PINNED }
}

fn interpreter(directory: &Path) -> PathBuf {
    if cfg!(windows) { directory.join("Scripts").join("python.exe") } else { directory.join("bin").join("python") }
}

/// The same for the same interpreter, and another one for whatever would make the environment useless.
fn key(base_executable: &Path, version: &str, requirement: &str) -> String {
    let mut hash = Sha256::new();
    for part in [requirement, SDK, version, std::env::consts::OS, std::env::consts::ARCH] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(base_executable.as_os_str().as_encoded_bytes());
    let digits: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{version}-{digits}")
}

fn make_environment(base_executable: &Path, directory: &Path, lock: &File) -> Result<(), RuntimeError> {
    let mut command = Command::new(base_executable);
    command.args(["-m", "venv"]).arg(directory);
    let (success, output) =
        run(&mut command, lock).map_err(|source| RuntimeError::Interpreter { path: base_executable.to_owned(), source })?;
    if success { Ok(()) } else { Err(RuntimeError::Environment { path: base_executable.to_owned(), output }) }
}

fn install(python: &Path, requirement: &str, version: &str, lock: &File) -> Result<(), RuntimeError> {
    let mut last = String::new();
    // A wheel where there is one: building takes a minute and a compiler, and pip would rather build a newer release than take an older wheel.
    for only_binary in [true, false] {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]);
        if only_binary {
            command.args(["--only-binary", ":all:"]);
        }
        command.args([requirement, SDK]);
        let (success, output) = run(&mut command, lock).map_err(|source| RuntimeError::Interpreter { path: python.to_owned(), source })?;
        if success {
            return Ok(());
        }
        last = output;
        if unreachable(&last) {
            break;
        }
    }
    Err(RuntimeError::Install { requirement: requirement.to_owned(), version: version.to_owned(), output: last })
}

/// Whether it went well, and the end of what it wrote.
///
/// The program gets `lock` as its (empty) standard input and so holds it as well: one that outlives a run that was killed keeps the next run waiting
/// instead of writing into its directory.
fn run(command: &mut Command, lock: &File) -> io::Result<(bool, String)> {
    for name in UNSET {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::from(lock.try_clone()?)).output()?;
    let text = [output.stdout, output.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned()).concat();
    let lines: Vec<&str> = text.lines().collect();
    Ok((output.status.success(), lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n")))
}
