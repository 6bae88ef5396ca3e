//! Right binaries: whether native code among the dependencies runs where the bundle will, by tags (`tags`, `target`) and headers (`elf`, `verdict`); and
//! wheels of the same version in place of what does not (`wheels`). What was judged once is known (`memory`). Of everything that goes in it is told if it is
//! linked to something that is not there (`libraries`, `headers`).

mod elf;
mod headers;
mod libraries;
mod memory;
mod tags;
mod target;
mod verdict;
mod wheels;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

pub use tags::{Tag, WheelName};
pub use target::Target;

use self::elf::Binary;
use self::headers::Headers;
use self::libraries::Native;
use self::memory::{Memory, Record};
use self::verdict::may_be_native;
use self::wheels::{Fetch, Misfit};
use super::dependencies::installer::Installer;
use super::dependencies::locked::Locked;
use super::dependencies::uv;
use super::distributions::{self, Distribution, Owners};
use super::error::{Unfit, UnfitDistribution};
use super::manifest::Inputs;
use super::{BundleError, Entry, Part, Source};
use crate::model::{self, Runtime};
use crate::observe::Observer;
use crate::project::{InstalledPackages, Interpreter, Project};
use crate::settings::Settings;

/// What native code has to run on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    pub(super) target: Target,
    /// Whether a bundle that does not is refused. Where it runs on this machine as well, that is no reason not to make it.
    strict: bool,
}

/// Lambda; and what it runs, runs here, too, if this is a Linux of that kind. `None`: the bundle is for this machine, and this machine is another one.
pub(super) fn aim(project: &Project, settings: &Settings) -> Option<Aim> {
    let interpreter = &project.interpreter;
    let minor = settings.runtime.unwrap_or(interpreter.runtime).minor;
    let target = Target { minor, architecture: settings.architecture };
    match settings.target {
        model::Target::Aws => Some(Aim { target, strict: true }),
        model::Target::Local => is_like(interpreter, target).then_some(Aim { target, strict: false }),
    }
}

/// Whether what runs on `target` runs in `interpreter`.
fn is_like(interpreter: &Interpreter, target: Target) -> bool {
    let same = interpreter.platform == format!("linux-{}", target.machine()) && interpreter.runtime.minor == target.minor;
    // Alpine and its like.
    same && !matches!(elf::read(&interpreter.base_executable), Ok(Binary::Elf(needs)) if needs.musl)
}

/// The native code of one plan.
pub(super) struct Binaries<'a> {
    inputs: &'a Inputs<'a>,
    /// What everything has to run on, and what is known of it; `None`: it only has to run here.
    judged: Option<(Aim, Memory)>,
    /// What the project's lock says of what is fetched; read if there is something to fetch.
    locked: OnceCell<Locked>,
    /// Directories with what takes the places of others.
    front: Vec<PathBuf>,
}

impl<'a> Binaries<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        let Inputs { project, settings, cache, options, packages, .. } = *inputs;
        let aim = aim(project, settings).filter(|_| !options.stays_here);
        let judged = aim.map(|aim| (aim, Memory::open(cache, aim.target, &packages.site_packages)));
        let (mut front, locked) = (Vec::new(), OnceCell::new());
        if let Some((aim, memory)) = judged.as_ref().filter(|_| settings.packaging.use_precompiled_packages) {
            // What took their places last time does so from the beginning.
            front.extend(
                memory
                    .misfits()
                    .map(|(misfit, _)| wheels::place(cache, aim.target, misfit, locked.get_or_init(|| Locked::of(project))))
                    .filter(|place| place.is_dir()),
            );
            front.sort_unstable();
        }
        Self { inputs, judged, locked, front }
    }

    /// The installed packages, and in front of them what takes the places of others.
    pub(super) fn packages(&self) -> InstalledPackages {
        let installed = self.inputs.packages;
        InstalledPackages { site_packages: [&self.front[..], &installed.site_packages].concat(), ..installed.clone() }
    }

    /// Looks for native code among `entries` that does not run on the target, and for something in its place. Returns whether there is some, with which
    /// everything has to be selected anew.
    pub(super) fn replace(&mut self, entries: &[Entry], observer: &dyn Observer) -> Result<bool, BundleError> {
        let Inputs { settings, options, packages, .. } = *self.inputs;
        let is_installed = |file: &Path| packages.site_packages.iter().any(|site| file.starts_with(site));
        let natives: BTreeMap<&Path, &str> = entries.iter().filter_map(native).filter(|(file, _)| is_installed(file)).collect();
        let Some((Aim { target, strict }, memory)) = &mut self.judged else {
            if !natives.is_empty() && !options.stays_here {
                observer.note("the native code in the bundle is this machine's: a stage on AWS gets what runs on Lambda");
            }
            return Ok(false);
        };
        let known: HashSet<&Path> = memory.files().collect();
        if natives.keys().any(|file| !known.contains(file)) {
            memory.set(judge(packages, &natives, *target)?);
        }
        let misfits = memory.misfits().filter(|(_, record)| record.files().any(|file| natives.contains_key(file)));
        let misfits = misfits.map(|(misfit, record)| (misfit.clone(), record.unavailable));
        // Where it runs all the same, nobody asks again whether there is something better by now.
        let stays = |unavailable: bool| !settings.packaging.use_precompiled_packages || unavailable && !*strict;
        let (kept, replaced): (Vec<_>, Vec<_>) = misfits.partition(|(_, unavailable)| stays(*unavailable));
        let mut kept: Vec<Misfit> = kept.into_iter().map(|(misfit, _)| misfit).collect();
        let replaced: Vec<Misfit> = replaced.into_iter().map(|(misfit, _)| misfit).collect();
        let (fetched, unavailable) = match fetch(self.inputs, *target, &self.locked, &replaced, observer) {
            Err(error) if !*strict => {
                observer.detail(&format!("nothing was fetched in place of what does not run on Lambda: {error}"));
                kept.extend(replaced);
                Default::default()
            }
            fetched => fetched?,
        };
        if *strict && !unavailable.is_empty() {
            let (runtime, architecture) = (Runtime { minor: target.minor }, target.architecture);
            return Err(BundleError::Unfit { runtime, architecture, unfit: Unfit(unavailable) });
        }
        for UnfitDistribution { name, version, problem, is_there, .. } in unavailable {
            // Whether an index that did not answer has it, nobody knows.
            if is_there {
                memory.set_unavailable(&name, &version);
            }
            kept.push(Misfit { name, version, problem });
        }
        if let Err(error) = memory.save() {
            observer.detail(&format!("what is known of native code is not kept for the next time: {error}"));
        }
        for Misfit { name, version, problem } in kept {
            observer.warn(&format!("{name} {version} does not run on Lambda ({target}): {problem}"));
        }
        let is_changed = !fetched.is_empty();
        self.front.extend(fetched);
        self.front.sort_unstable();
        Ok(is_changed)
    }
}

/// Looks at everything that goes in, once more where it comes from `replace`, for what is told and refuses nothing: native code of the project's own that does
/// not run on the target, and libraries that are not there.
pub(super) fn review<'e>(
    inputs: &Inputs<'_>,
    entries: impl Iterator<Item = &'e Entry> + Clone,
    observer: &dyn Observer,
) -> Result<(), BundleError> {
    let Inputs { project, settings, cache, options, .. } = *inputs;
    let Some(Aim { target, .. }) = aim(project, settings).filter(|_| !options.stays_here) else { return Ok(()) };
    let mut headers = Headers::open(cache, &project.root, target);
    let (mut own, mut natives) = (Vec::new(), Vec::new());
    for entry in entries.clone() {
        let Some((file, path)) = native(entry) else { continue };
        let binary = headers.read(file).map_err(|source| BundleError::Read { path: file.to_owned(), source })?;
        let owner = (entry.part != Part::App).then_some(entry.reason.as_str());
        if let Binary::Elf(needs) = &binary
            && needs.machine() == target.machine()
            && !needs.musl
        {
            natives.push(Native { path, owner, needs: needs.clone() });
        }
        if owner.is_none() {
            own.push((path, binary));
        }
    }
    if let Some(problem) = verdict::problem_of_code(own.iter().map(|(path, binary)| (*path, binary)), false, target) {
        observer.warn(&format!("native code of the project does not run on Lambda ({target}): {problem}"));
    }
    let files: Vec<&str> = entries.map(|entry| entry.path.as_str()).collect();
    libraries::missing(&natives, &files, target).iter().for_each(|missing| observer.warn(missing));
    if let Err(error) = headers.save() {
        observer.detail(&format!("what is known of native code is not kept for the next time: {error}"));
    }
    Ok(())
}

fn native(entry: &Entry) -> Option<(&Path, &str)> {
    match &entry.source {
        Source::File(path) if may_be_native(&entry.path, entry.executable) => Some((path, &entry.path)),
        _ => None,
    }
}

fn fetch(
    inputs: &Inputs<'_>,
    target: Target,
    locked: &OnceCell<Locked>,
    misfits: &[Misfit],
    observer: &dyn Observer,
) -> Result<(Vec<PathBuf>, Vec<UnfitDistribution>), BundleError> {
    if misfits.is_empty() {
        return Ok(Default::default());
    }
    let Inputs { project, cache, options, packages, .. } = *inputs;
    // Environments made by uv, Poetry and others have no pip; whose it is does not matter here.
    let has_pip = packages.site_packages.iter().any(|site| site.join("pip").is_dir());
    let Interpreter { executable, base_executable, .. } = &project.interpreter;
    let uv = uv(options.search_path.as_deref());
    let installer = Installer { uv: uv.as_deref(), python: if has_pip { executable } else { base_executable }, markers: None };
    let locked = locked.get_or_init(|| Locked::of(project));
    Fetch { installer, target, cache, locked, observer }.all(misfits)
}

/// Judges every distribution of which there is native code: path here, path in the bundle.
fn judge(packages: &InstalledPackages, natives: &BTreeMap<&Path, &str>, target: Target) -> Result<Vec<Record>, BundleError> {
    let mut records = Vec::new();
    for site in &packages.site_packages {
        let here: Vec<(&Path, &str)> =
            natives.iter().filter(|(file, _)| file.starts_with(site)).map(|(file, path)| (*file, *path)).collect();
        if here.is_empty() {
            continue;
        }
        let distributions = distributions::read(site)?;
        let owners = Owners::new(&distributions);
        let mut by_owner: BTreeMap<Option<usize>, Vec<(&str, &Path)>> = BTreeMap::new();
        for (file, path) in here {
            let relative = file.strip_prefix(site).unwrap_or(file).to_string_lossy().replace('\\', "/");
            by_owner.entry(owners.of(&relative)).or_default().push((path, file));
        }
        for (owner, files) in by_owner {
            let paths = files.iter().map(|(_, file)| *file);
            let Some(Distribution { name, version, metadata, .. }) = owner.and_then(|owner| distributions.get(owner)) else {
                // Nobody's: there is nothing that could take its place.
                records.push(Record::new(paths, None));
                continue;
            };
            let wheel = site.join(metadata).join("WHEEL");
            let tags = fs::read_to_string(&wheel).ok();
            let problem = verdict::problem(tags.as_deref(), &files, target);
            let problem = problem.map_err(|source| BundleError::Read { path: site.join(metadata), source })?;
            let misfit = problem.map(|problem| Misfit { name: name.clone(), version: version.clone(), problem });
            records.push(Record::new(paths.chain([wheel.as_path()]), misfit));
        }
    }
    Ok(records)
}
