//! Wheels for the target in place of distributions that do not run there: fetched by uv or pip, several at a time, checked, kept in the cache.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};

use super::tags::{Tag, WheelName};
use super::target::Target;
use super::verdict::{self, may_be_native};
use crate::bundle::cache::{Digest, Known};
use crate::bundle::dependencies::cached;
use crate::bundle::dependencies::installer::{self, Installer, Reach};
use crate::bundle::dependencies::locked::Locked;
use crate::bundle::dependencies::remove_scripts;
use crate::bundle::error::{InstallerOutput, UnfitDistribution};
use crate::bundle::markers::normalized;
use crate::bundle::{BundleError, walk};
use crate::observe::{Observer, Task};

/// In the cache: one directory for every distribution, version and target.
const DIRECTORY: &str = "wheels";
/// How many are fetched at once: most of the time is waiting.
const AT_ONCE: usize = 6;
/// What a finding about a wheel begins with that was fetched and does not run either.
const LIES: &str = "of the wheel that there is, ";
/// How many tags an error names.
const NAMED: usize = 6;

/// A distribution that does not run on the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Misfit {
    pub(super) name: String,
    pub(super) version: String,
    /// Why not.
    pub(super) problem: String,
}

/// What fetches, for whom and to where.
pub(super) struct Fetch<'a> {
    pub(super) installer: Installer<'a>,
    pub(super) target: Target,
    pub(super) cache: &'a Path,
    /// The hashes that have to be theirs.
    pub(super) locked: &'a Locked,
    pub(super) observer: &'a dyn Observer,
}

/// What came of one of them.
enum Outcome {
    /// It is in this directory.
    Fetched(PathBuf),
    /// There is no wheel of it that runs there.
    Unavailable(UnfitDistribution),
}

impl Fetch<'_> {
    /// Directories that each hold one distribution of the same name and version that runs on the target, and those of which there is none.
    pub(super) fn all(&self, misfits: &[Misfit]) -> Result<(Vec<PathBuf>, Vec<UnfitDistribution>), BundleError> {
        let task = misfits
            .iter()
            .any(|misfit| !place(self.cache, self.target, misfit, self.locked).is_dir())
            .then(|| Task::begin(self.observer, "fetch what runs on Lambda", Some(misfits.len() as u64)));
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(misfits.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(misfit) = misfits.get(index) else { break };
                        let result = self.one(misfit);
                        results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        task.iter().for_each(|task| task.advance(done as u64));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        let (mut fetched, mut unavailable) = (Vec::new(), Vec::new());
        for (_, result) in results {
            match result? {
                Outcome::Fetched(directory) => fetched.push(directory),
                Outcome::Unavailable(unfit) => unavailable.push(unfit),
            }
        }
        if let Some(task) = task.filter(|_| unavailable.is_empty()) {
            task.done(self.installer.name());
        }
        Ok((fetched, unavailable))
    }

    fn one(&self, misfit: &Misfit) -> Result<Outcome, BundleError> {
        let mut unavailable = None;
        let pin = format!("{}=={}", misfit.name, misfit.version);
        let fill = |directory: &Path, lock: &File| {
            let mut found = String::new();
            let mut others: Mutex<Option<String>> = Mutex::new(None);
            for reach in [Reach::Target, Reach::Beyond] {
                let into = directory.join(cached::CONTENT);
                let _ = std::fs::remove_dir_all(&into);
                let mut command = self.installer.install(&into);
                self.installer.aim(&mut command, self.target, reach);
                command.args(["--no-deps", "--only-binary", ":all:"]);
                match self.locked.hashes(&misfit.name, &misfit.version) {
                    None => command.arg(&pin),
                    // Only a list can tell of hashes.
                    Some(hashes) => {
                        let hashes: String = hashes.iter().map(|hash| format!(" --hash={hash}")).collect();
                        let list = directory.join("requirements.txt");
                        std::fs::write(&list, format!("{pin}{hashes}\n"))
                            .map_err(|source| BundleError::Cache { path: list.clone(), source })?;
                        command.arg("-r").arg(list)
                    }
                };
                let lock = lock.try_clone().map_err(|source| BundleError::Cache { path: into.clone(), source })?;
                let ended = installer::run(command, lock.into(), &|line| {
                    self.observer.detail(line);
                    // Which versions there are is said once, on a line of any length.
                    if let Some(version) = other_version(line).filter(|_| reach == Reach::Target) {
                        *others.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
                    }
                })?;
                if ended.last.contains("No module named pip") {
                    let python = self.installer.python.to_owned();
                    return Err(BundleError::NoInstaller { wanted: format!("{} {}", misfit.name, misfit.version), python });
                }
                if !ended.well {
                    found = ended.last;
                    continue;
                }
                remove_scripts(&into);
                match installed_problem(&into, self.target)? {
                    None => return Ok(()),
                    Some(problem) => found = format!("{LIES}{problem}"),
                }
            }
            let other = others.get_mut().unwrap_or_else(PoisonError::into_inner).take();
            unavailable = Some(UnfitDistribution { other, ..self.explain(misfit, &found)? });
            Err(BundleError::Empty)
        };
        let result = cached::directory(&self.cache.join(DIRECTORY), &key(self.target, misfit, self.locked), self.observer, fill);
        match (result, unavailable) {
            (_, Some(unfit)) => Ok(Outcome::Unavailable(unfit)),
            (result, None) => result.map(Outcome::Fetched),
        }
    }

    /// What there is of this version, by the installer's own knowledge.
    fn explain(&self, misfit: &Misfit, said: &str) -> Result<UnfitDistribution, BundleError> {
        let scratch = tempfile::tempdir().map_err(|source| BundleError::Cache { path: std::env::temp_dir(), source })?;
        let mut command: Command = self.installer.inquire(self.target);
        let pin = format!("{}=={}", misfit.name, misfit.version);
        if self.installer.uv.is_some() {
            let list = scratch.path().join("requirements.in");
            std::fs::write(&list, pin).map_err(|source| BundleError::Cache { path: list.clone(), source })?;
            command.arg(list);
        } else {
            command.arg("-d").arg(scratch.path()).arg(pin);
        }
        let ended = installer::run(command, Stdio::null(), &|_| ())?;
        let mut tags: Vec<String> = Vec::new();
        let (mut sdist, key) = (false, normalized(&misfit.name));
        for file in ended.stdout.split(['/', '"', '#', ' ', '\n', '\'']) {
            if let Some(wheel) = WheelName::parse(file) {
                let same = normalized(&wheel.distribution) == key && wheel.version == misfit.version;
                if same && !tags.contains(&wheel.tags) {
                    tags.push(wheel.tags);
                }
            } else if let Some(stem) = file.strip_suffix(".tar.gz").or_else(|| file.strip_suffix(".zip")) {
                sdist |= stem.rsplit_once('-').is_some_and(|(name, version)| normalized(name) == key && version == misfit.version);
            }
        }
        let ranked = |rank: &dyn Fn(&Tag) -> bool| {
            let fitting = tags.iter().filter(|tags| Tag::parse(tags).iter().any(rank));
            fitting.cloned().collect::<Vec<String>>()
        };
        let lies = said.starts_with(LIES);
        if !lies && !ranked(&|tag| self.target.rank(tag).is_some()).is_empty() {
            let distribution = format!("{} {}", misfit.name, misfit.version);
            let installer = self.installer.name();
            return Err(BundleError::Fetch { installer, distribution, output: InstallerOutput(said.to_owned()) });
        }
        // Those for another Python say little where there are some for this one.
        let named = ranked(&|tag| self.target.rank_of_python(tag).is_some());
        let named = if named.is_empty() { tags } else { named };
        let more = named.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named: Vec<String> = named.iter().take(NAMED).map(|tags| format!("`{tags}`")).collect();
        let is_there = !named.is_empty();
        let found = match (named.is_empty(), sdist) {
            (false, _) if lies => format!("{said} (there are {}{more})", named.join(", ")),
            (false, _) => format!("of this version there are wheels for {}{more}", named.join(", ")),
            (true, true) => "of this version there is only source code".to_owned(),
            (true, false) => {
                let why = said.lines().last().unwrap_or("it did not say why");
                format!("{} found nothing of this version: {why}", self.installer.name())
            }
        };
        let Misfit { name, version, problem } = misfit.clone();
        Ok(UnfitDistribution { name, version, problem, found, is_there: is_there || sdist, other: None })
    }
}

fn key(target: Target, misfit: &Misfit, locked: &Locked) -> String {
    // `/` and worse cannot be in either, whatever the metadata says.
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !".+!_".contains(c), "_");
    let key = format!("{}-{}-cp3{}-{}", plain(&normalized(&misfit.name)), plain(&misfit.version), target.minor, target.machine());
    // What was fetched without regard to these hashes, or with regard to others, need not have them.
    match locked.hashes(&misfit.name, &misfit.version) {
        None => key,
        Some(hashes) => format!("{key}-{:.16}", Digest::of_all(hashes.iter().map(String::as_bytes)).to_string()),
    }
}

/// Where what takes the place of `misfit` is kept.
pub(super) fn place(cache: &Path, target: Target, misfit: &Misfit, locked: &Locked) -> PathBuf {
    cache.join(DIRECTORY).join(key(target, misfit, locked))
}

/// The newest release that pip could have taken: `(from versions: 1.0, 1.1)`.
fn other_version(line: &str) -> Option<String> {
    let (_, versions) = line.split_once("(from versions: ")?;
    let is_release = |version: &&str| version.chars().all(|c| c.is_ascii_digit() || c == '.');
    versions.split_once(')')?.0.rsplit(", ").find(is_release).map(str::to_owned)
}

/// As [`verdict::problem`], for the one distribution in a directory.
fn installed_problem(directory: &Path, target: Target) -> Result<Option<String>, BundleError> {
    let mut wheel = None;
    let files = walk::walk(directory, &Known::default(), &mut |candidate| {
        if candidate.name == "WHEEL" {
            wheel = std::fs::read_to_string(candidate.path).ok();
        }
        Ok(true)
    })?;
    let natives: Vec<(&str, &Path)> = files
        .iter()
        .filter(|file| may_be_native(&file.relative, file.executable))
        .map(|file| (file.relative.as_str(), file.path.as_path()))
        .collect();
    verdict::problem(wheel.as_deref(), &natives, target).map_err(|source| BundleError::Read { path: directory.to_owned(), source })
}
