//! How installers are called: uv where it is on PATH, else the interpreter's pip. Both know the user's index, proxies and credentials, and compare what
//! they download with the index's hashes; neither is told where from.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::bundle::BundleError;
use crate::bundle::binaries::Target;

const PIP: &str = include_str!("pip.py");
/// What it says if this pip does not let itself be told.
pub(super) const MARKERS_ARE_OURS: &str = "markers are this machine's: ";
/// How much of an installer's output an error carries.
const LAST_LINES: usize = 15;
/// How much of one line of it, in characters.
const LONGEST_LINE: usize = 240;
/// The newest glibc that installers know by name: 2.N.
const NEWEST_GLIBC: u32 = 40;

/// uv in one of these directories, or on PATH.
pub(in crate::bundle) fn uv(search_path: Option<&OsStr>) -> Option<PathBuf> {
    let path = search_path.map(OsStr::to_owned).or_else(|| std::env::var_os("PATH"))?;
    let name = format!("uv{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|directory| directory.join(&name)).find(|candidate| candidate.is_file())
}

/// What installs.
#[derive(Debug, Clone, Copy)]
pub(in crate::bundle) struct Installer<'a> {
    /// The path of uv, if there is one.
    pub(in crate::bundle) uv: Option<&'a Path>,
    /// The interpreter to install for, whose pip does it where there is no uv.
    pub(in crate::bundle) python: &'a Path,
    /// What environment markers mean to pip, as JSON; `None`: what they mean here. uv knows by itself what they mean there.
    pub(in crate::bundle) markers: Option<&'a str>,
}

/// Up to which glibc wheels are taken, by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bundle) enum Reach {
    /// What the target has.
    Target,
    /// Beyond: many a wheel is built on a newer system and needs little of it, which its headers tell.
    Beyond,
}

impl<'a> Installer<'a> {
    /// Its name, for people.
    pub(in crate::bundle) fn name(self) -> &'static str {
        if self.uv.is_some() { "uv" } else { "pip" }
    }

    /// A command that installs into `directory` what further arguments say.
    pub(in crate::bundle) fn install(self, directory: &Path) -> Command {
        let mut command = match self.uv {
            Some(uv) => {
                let mut command = Command::new(uv);
                command.args(["pip", "install", "--python"]).arg(self.python);
                command
            }
            None => {
                let mut command = self.pip("install");
                command.args(["--no-compile", "--no-warn-script-location"]);
                // Both are about which environment to install into; this goes into none, and pip refuses the combination with the second.
                command.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_USER", "0");
                command
            }
        };
        command.arg("--target").arg(directory);
        command
    }

    /// A command that tells everything about the wheels and source distributions of what further arguments name.
    pub(in crate::bundle) fn inquire(self, target: Target) -> Command {
        match self.uv {
            Some(uv) => {
                let mut command = Command::new(uv);
                command.args(["pip", "compile", "--universal", "--format", "pylock.toml", "--no-deps", "--python-version"]);
                command.arg(format!("3.{}", target.minor)).arg("--python").arg(self.python);
                command
            }
            None => {
                // Says of every file that it skips why it does. Before anything is downloaded, the destination stops it.
                let mut command = self.pip("download");
                command.args(["-vv", "--no-deps", "--only-binary", ":all:"]);
                self.aim(&mut command, target, Reach::Target);
                command
            }
        }
    }

    fn pip(self, verb: &str) -> Command {
        let mut command = Command::new(self.python);
        match self.markers {
            None => command.args(["-m", "pip"]),
            Some(markers) => command.args(["-c", PIP, markers]),
        };
        command.args([verb, "--disable-pip-version-check", "--no-input"]);
        command
    }

    /// Makes the command install for `target` instead of this machine.
    pub(in crate::bundle) fn aim(self, command: &mut Command, target: Target, reach: Reach) {
        let python_version = format!("3.{}", target.minor);
        command.args(["--python-version", &python_version]);
        if self.uv.is_some() {
            // It knows some versions of glibc only: of what a target has, the nearest that is not newer.
            let glibc = match (reach, target.glibc()) {
                (Reach::Target, 26) => 17,
                (Reach::Beyond, 26) => 28,
                (Reach::Target, glibc) => glibc,
                (Reach::Beyond, _) => NEWEST_GLIBC,
            };
            command.arg("--python-platform").arg(format!("{}-manylinux_2_{glibc}", target.machine()));
            return;
        }
        command.args(["--implementation", "cp", "--abi"]).arg(format!("cp3{}", target.minor));
        let newest = if reach == Reach::Target { target.glibc() } else { NEWEST_GLIBC };
        for platform in target.platforms(newest) {
            command.args(["--platform", &platform]);
        }
    }
}

/// How an installer ended.
pub(in crate::bundle) struct Ended {
    /// Whether it did what it was asked for.
    pub(in crate::bundle) well: bool,
    /// What it wrote to standard output.
    pub(in crate::bundle) stdout: String,
    /// The last lines of both streams.
    pub(in crate::bundle) last: String,
}

/// Runs a command to its end; every line that it writes goes to `tell`.
pub(in crate::bundle) fn run(mut command: Command, stdin: Stdio, tell: &(dyn Fn(&str) + Sync)) -> Result<Ended, BundleError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let not_run = |source| BundleError::RunInstaller { program: program.clone(), source };
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_run)?;
    let last = Mutex::new(VecDeque::new());
    let heard = |line: &str| {
        tell(line);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(shortened(line));
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Both are read while it runs: a full pipe would stop it.
    let stdout = thread::scope(|scope| {
        scope.spawn(|| stderr.map(|stream| lines(stream, &heard)));
        stdout.map(|stream| lines(stream, &heard)).unwrap_or_default()
    });
    let well = child.wait().map_err(not_run)?.success();
    let last: Vec<String> = last.into_inner().unwrap_or_else(PoisonError::into_inner).into();
    Ok(Ended { well, stdout, last: last.join("\n") })
}

/// pip can put every version of a package, or every file that it could not write, on one line; its beginning says what is wrong.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn lines(stream: impl Read, heard: &(dyn Fn(&str) + Sync)) -> String {
    let mut all = String::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if !line.is_empty() {
            heard(line);
            all.push_str(line);
            all.push('\n');
        }
    }
    all
}
