//! Whether the native code of one distribution runs on the target: by its tags, and by what its files are.
//!
//! A tag promises, a header knows. Tags that name another Python or another system end the matter; whether code for Linux fits is for its headers to say:
//! a wheel built here (`linux_x86_64`) may, one for a newer glibc may need little of it, and one with the right name may hold the wrong code.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::elf::{self, Binary, Needs};
use super::tags::Tag;
use super::target::Target;

/// Endings of shared objects, beside `.so` with a version behind it.
const SHARED: [&str; 5] = [".so", ".pyd", ".dylib", ".dll", ".exe"];

/// Whether a file of this name may be native code. Programs have any name, and are marked as executable.
pub(super) fn may_be_native(name: &str, executable: bool) -> bool {
    let lower = name.to_ascii_lowercase();
    executable || SHARED.iter().any(|ending| lower.ends_with(ending)) || lower.contains(".so.")
}

/// What a file means for its distribution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Fits,
    /// For another machine.
    Foreign(String),
    /// The loader would refuse it.
    Refused(String),
}

/// Why the distribution does not run on the target; `None` if it does. `natives` are the files that may be native code: path in site-packages, path here.
pub(super) fn problem(wheel: Option<&str>, natives: &[(&str, &Path)], target: Target) -> io::Result<Option<String>> {
    let tags: Vec<Tag> = wheel.into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("Tag:")).flat_map(Tag::parse).collect();
    // All of them say the same in other words, or the first is as good as any.
    if let Some(first) = tags.first().filter(|_| !tags.iter().any(|tag| may_run(tag, target))) {
        return Ok(Some(format!("it is built for `{first}`")));
    }
    let natives = natives.iter().map(|(path, file)| Ok((*path, elf::read(file)?))).collect::<io::Result<Vec<_>>>()?;
    let is_any = tags.iter().any(|tag| tag.platform == "any");
    Ok(problem_of_code(natives.iter().map(|(path, binary)| (*path, binary)), is_any, target))
}

/// As [`problem`], by the code alone: path, and what it is. `is_any`: it says that it is for all systems.
pub(super) fn problem_of_code<'n>(natives: impl Iterator<Item = (&'n str, &'n Binary)>, is_any: bool, target: Target) -> Option<String> {
    // Of files that stand for one another, such as an extension module for several versions of Python, one has to fit.
    let mut modules: BTreeMap<(bool, &str), Finding> = BTreeMap::new();
    for (path, binary) in natives {
        let (module, suffix) = extension(path);
        let Some(finding) = finding(binary, suffix, target) else { continue };
        let best = modules.entry((suffix.is_some(), module)).or_insert_with(|| finding.clone());
        if finding < *best {
            *best = finding;
        }
    }
    // Programs and libraries for other systems do no harm beside those for this one, or in a wheel that is for all of them.
    let accompanied = is_any || modules.values().any(|finding| *finding == Finding::Fits);
    modules.into_iter().find_map(|((is_extension, module), finding)| match finding {
        Finding::Fits => None,
        Finding::Foreign(_) if accompanied && !is_extension => None,
        Finding::Foreign(what) | Finding::Refused(what) => Some(format!("`{module}` {what}")),
    })
}

fn may_run(tag: &Tag, target: Target) -> bool {
    let is_linux = ["linux_", "manylinux"].iter().any(|prefix| tag.platform.starts_with(prefix));
    let fits = tag.platform == "any" || is_linux && tag.platform.ends_with(&format!("_{}", target.machine()));
    fits && target.rank_of_python(tag).is_some()
}

/// Takes what Python puts between an extension module's name and its ending apart from it: `a/_b.cpython-311-x86_64-linux-gnu.so`, `_b.abi3.so`, `_b.pyd`.
/// A plain `.so` may be a module or any library.
fn extension(path: &str) -> (&str, Option<&str>) {
    if let Some(stem) = path.strip_suffix(".pyd") {
        return (stem.split_once(".cp").map_or(stem, |(module, _)| module), Some("pyd"));
    }
    let Some(stem) = path.strip_suffix(".so") else { return (path, None) };
    match stem.rsplit_once('.') {
        Some((module, suffix)) if suffix.starts_with("cpython-") || suffix == "abi3" => (module, Some(suffix)),
        _ => (path, None),
    }
}

fn finding(binary: &Binary, suffix: Option<&str>, target: Target) -> Option<Finding> {
    let needs = match binary {
        Binary::Other => return None,
        Binary::Foreign(system) => return Some(Finding::Foreign(format!("is code for {system}"))),
        Binary::Elf(needs) => needs,
    };
    if needs.machine() != target.machine() {
        return Some(Finding::Foreign(format!("is code for {}", needs.machine())));
    }
    let wanted = format!("cpython-3{}-{}-linux-gnu", target.minor, target.machine());
    if let Some(suffix) = suffix.filter(|suffix| *suffix != "abi3" && *suffix != wanted) {
        return Some(Finding::Foreign(format!("is a module for `{suffix}`")));
    }
    Some(refused(needs, target).map_or(Finding::Fits, Finding::Refused))
}

fn refused(needs: &Needs, target: Target) -> Option<String> {
    let (glibcxx, cxxabi) = target.libstdcxx();
    let too_new =
        |name: &str, needed: u32, there: u32| (needed > there).then(|| format!("needs {name}.{needed}, and there is {name}.{there}"));
    if needs.musl {
        return Some("is linked to musl, and Lambda has glibc".to_owned());
    }
    too_new("glibc 2", needs.glibc, target.glibc())
        .or_else(|| too_new("GLIBCXX_3.4", needs.glibcxx, glibcxx))
        .or_else(|| too_new("CXXABI_1.3", needs.cxxabi, cxxabi))
}
