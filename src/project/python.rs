//! Asking an interpreter: about itself (`probe.py`), about the project's source (`scan.py`). Scripts run isolated and import nothing of the project.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::environment::Found;
use super::{Interpreter, LinkedSource, ProjectError};
use crate::model::{OLDEST_PYTHON_MINOR, Runtime};

const PROBE: &str = include_str!("probe.py");
/// What stands around an answer, so that whatever a `.pth` file prints at start does not get into it.
const MARKER: char = '\x1e';
const MARKER_WORD: &str = "\x1ezappa\x1e";
/// An interpreter on a cold network disk is slow; one that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what an interpreter wrote an error shows.
const SHOWN: usize = 2000;

/// The answer of `probe.py`.
#[derive(Debug, Deserialize)]
struct Answer {
    version: String,
    minor: u8,
    implementation: String,
    details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    executable: PathBuf,
    base_executable: PathBuf,
    cache_tag: String,
    platform: String,
    prefix: PathBuf,
    is_environment: bool,
    site_packages: Vec<PathBuf>,
    linked: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    directory: PathBuf,
    distribution: Option<String>,
    modules: Option<Vec<String>>,
}

/// An interpreter and what stands on its `sys.path`.
#[derive(Debug)]
pub(super) struct Description {
    version: String,
    runtime: Runtime,
    details: Details,
}

impl Description {
    pub(super) fn interpreter(&self, found: &Found) -> Interpreter {
        Interpreter {
            executable: self.details.executable.clone(),
            base_executable: self.details.base_executable.clone(),
            runtime: self.runtime,
            version: self.version.clone(),
            cache_tag: self.details.cache_tag.clone(),
            platform: self.details.platform.clone(),
            prefix: self.details.prefix.clone(),
            found_by: found.found_by.clone(),
        }
    }

    /// Whether it belongs to a virtual or conda environment.
    pub(super) fn is_environment(&self) -> bool {
        self.details.is_environment
    }

    pub(super) fn site_packages(&self) -> Vec<PathBuf> {
        self.details.site_packages.clone()
    }

    /// What the environment refers to. A link to the project's root says nothing: the project's files are bundled relative to it anyway.
    pub(super) fn linked(&self, root: &Path) -> Vec<LinkedSource> {
        let others = self.details.linked.iter().filter(|link| link.directory != root);
        others
            .map(|link| LinkedSource {
                directory: link.directory.clone(),
                distribution: link.distribution.clone(),
                modules: link.modules.clone(),
            })
            .collect()
    }
}

/// Has the interpreter describe itself, and refuses one that cannot run the shim.
pub(super) fn describe(executable: &Path, found_by: &str) -> Result<Description, ProjectError> {
    let answer: Answer = run(executable, &["-I", "-c", PROBE])?;
    let too_old = answer.minor < OLDEST_PYTHON_MINOR;
    let Answer { version, minor, implementation, details } = answer;
    match details {
        Some(details) if !too_old && implementation == "cpython" => Ok(Description { version, runtime: Runtime { minor }, details }),
        _ if too_old => Err(ProjectError::TooOld { executable: executable.to_owned(), version, found_by: found_by.to_owned() }),
        _ => Err(ProjectError::NotCPython { executable: executable.to_owned(), implementation }),
    }
}

/// Runs the interpreter and reads the JSON between the markers.
pub(super) fn run<T: DeserializeOwned>(executable: &Path, args: &[impl AsRef<OsStr>]) -> Result<T, ProjectError> {
    let mut command = Command::new(executable);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| ProjectError::Start { executable: executable.to_owned(), source })?;
    let (stdout, stderr) = read(&mut child).ok_or_else(|| ProjectError::Hangs { executable: executable.to_owned() })?;
    let answer = stdout.split(MARKER).skip_while(|part| *part != "zappa").nth(1);
    let failed = |output: &str| ProjectError::Probe { executable: executable.to_owned(), output: tail(output) };
    match answer {
        Some(json) => serde_json::from_str(json).map_err(|error| failed(&format!("{error} in {json}"))),
        None if stderr.trim().is_empty() => Err(failed(&stdout.replace(MARKER_WORD, ""))),
        None => Err(failed(&stderr)),
    }
}

/// Both streams to their ends; `None` if that takes too long, and then the process is gone.
fn read(child: &mut Child) -> Option<(String, String)> {
    let (sender, streams) = mpsc::channel();
    for (index, stream) in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                let _ = stream.read_to_end(&mut bytes);
            }
            let _ = sender.send((index, String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        let Ok((index, text)) = streams.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        texts[index] = text;
    }
    let _ = child.wait();
    let [stdout, stderr] = texts;
    Some((stdout, stderr))
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}

fn tail(text: &str) -> String {
    let text = text.trim();
    let start = text.char_indices().rev().nth(SHOWN).map_or(0, |(index, _)| index);
    text[start..].to_owned()
}
