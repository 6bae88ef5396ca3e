//! Which wheels run on which target: our own order against pip's choice, for the files that the index really has of some versions; and what the headers of
//! those wheels say, on every target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use expect_test::expect;
use serde_json::{Value, json};
use zappa::bundle::{Tag, Target, WheelName};
use zappa::model::Architecture;

use super::binaries::judged;
use super::fixture::Fixture;
use crate::support::project::repository;
use crate::support::wheels::{chosen, unpack_native};

/// The newest glibc that pip is asked about, 2.N, where there is nothing for the target's.
const BEYOND: u32 = 40;

fn targets() -> impl Iterator<Item = Target> {
    let architectures = [Architecture::X86_64, Architecture::Arm64];
    architectures.into_iter().flat_map(|architecture| (10..=14).map(move |minor| Target { minor, architecture }))
}

/// The files of the index.
fn names() -> Vec<String> {
    let names = std::fs::read_to_string(repository().join("tests/fixtures/wheels/names.txt")).unwrap();
    names.lines().skip(1).map(str::to_owned).collect()
}

fn requirements(names: &[String]) -> BTreeSet<String> {
    let requirements: BTreeSet<String> = names.iter().map(|name| requirement(name)).collect();
    assert_eq!(requirements.len(), 12);
    requirements
}

/// `pillow==12.0.0`, of which the file is.
fn requirement(file: &str) -> String {
    let (name, version) = match WheelName::parse(file) {
        Some(wheel) => (wheel.distribution, wheel.version),
        None => {
            let (name, version) = file.strip_suffix(".tar.gz").unwrap().rsplit_once('-').unwrap();
            (name.to_owned(), version.to_owned())
        }
    };
    format!("{}=={version}", name.to_lowercase().replace('_', "-"))
}

/// The best wheel among `names`, by our own lights.
fn best<'n>(names: &'n [String], of: &str, target: Target) -> Option<&'n str> {
    let rank = |file: &str| Tag::parse(&WheelName::parse(file)?.tags).iter().filter_map(|tag| target.rank(tag)).min();
    names.iter().filter(|name| requirement(name) == of).filter_map(|name| Some((rank(name)?, name.as_str()))).min().map(|(_, name)| name)
}

/// Where the wheels are that pip chooses of these for a target.
fn directory_of(target: Target) -> String {
    format!("3.{}-{}", target.minor, target.machine())
}

/// As [`directory_of`], of what there is nothing for that a target's glibc would do.
fn directory_beyond(target: Target) -> String {
    format!("{}-beyond", directory_of(target))
}

/// Has pip choose: what we would have chosen together, and the rest one by one, then again without regard to the target's glibc.
fn pips_choices(names: &[String]) -> PathBuf {
    // pip compares all files that there are with all platforms: those that no file is for only take time.
    let platforms: BTreeSet<String> =
        names.iter().filter_map(|name| WheelName::parse(name)).flat_map(|wheel| Tag::parse(&wheel.tags)).map(|tag| tag.platform).collect();
    let asked = targets().flat_map(|target| {
        let (together, alone): (Vec<String>, Vec<String>) =
            requirements(names).into_iter().partition(|requirement| best(names, requirement, target).is_some());
        let alone: Vec<Vec<String>> = alone.into_iter().map(|requirement| vec![requirement]).collect();
        let groups = [&[together], &alone[..]].concat();
        [(directory_of(target), target.glibc(), groups), (directory_beyond(target), BEYOND, alone)].map(|(name, glibc, groups)| {
            let platforms: Vec<String> = target.platforms(glibc).into_iter().filter(|platform| platforms.contains(platform)).collect();
            json!({ "name": name, "python": format!("3.{}", target.minor), "platforms": platforms, "groups": groups })
        })
    });
    chosen(&asked.collect::<Value>())
}

fn files(directory: PathBuf) -> BTreeSet<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The tags of a wheel or in a text; the target's own version of Python says nothing new.
fn general(text: &str, target: Target) -> String {
    text.replace(&format!("cp3{0}-cp3{0}-", target.minor), "cpXY-cpXY-")
}

#[test]
fn the_best_wheel_is_the_one_that_pip_chooses() {
    let names = names();
    let choices = pips_choices(&names);
    let mut rows: BTreeMap<(String, &str), Vec<(String, u8)>> = BTreeMap::new();
    for target in targets() {
        let ours: Vec<(String, Option<&str>)> = requirements(&names)
            .into_iter()
            .map(|requirement| {
                let file = best(&names, &requirement, target);
                (requirement, file)
            })
            .collect();
        let chosen: BTreeSet<String> = ours.iter().filter_map(|(_, file)| file.map(str::to_owned)).collect();
        assert_eq!(chosen, files(choices.join(directory_of(target))), "{target}");
        let beyond = files(choices.join(directory_beyond(target)));
        for (requirement, file) in ours {
            let beyond = beyond.iter().find(|file| self::requirement(file) == requirement);
            let tags = match (file, beyond) {
                (Some(file), _) => WheelName::parse(file).unwrap().tags,
                (None, Some(file)) => format!("nothing but {}", WheelName::parse(file).unwrap().tags),
                (None, None) => "nothing".to_owned(),
            };
            rows.entry((requirement, target.machine())).or_default().push((general(&tags, target), target.minor));
        }
    }
    let rows = rows.iter().flat_map(|((requirement, machine), row)| {
        row.chunk_by(|a, b| a.0 == b.0).map(move |same| {
            let minors: Vec<String> = same.iter().map(|(_, minor)| format!("3.{minor}")).collect();
            format!("{requirement} {machine} {}: {}\n", minors.join(" "), same[0].0)
        })
    });
    let table: String = rows.collect();
    expect![[r#"
        cryptography==46.0.3 aarch64 3.10: cp38-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64
        cryptography==46.0.3 aarch64 3.11: cp311-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64
        cryptography==46.0.3 aarch64 3.12 3.13 3.14: cp311-abi3-manylinux_2_34_aarch64
        cryptography==46.0.3 x86_64 3.10: cp38-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64
        cryptography==46.0.3 x86_64 3.11: cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64
        cryptography==46.0.3 x86_64 3.12 3.13 3.14: cp311-abi3-manylinux_2_34_x86_64
        flask==3.1.2 aarch64 3.10 3.11 3.12 3.13 3.14: py3-none-any
        flask==3.1.2 x86_64 3.10 3.11 3.12 3.13 3.14: py3-none-any
        grpcio==1.76.0 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
        grpcio==1.76.0 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
        lightgbm==2.3.1 aarch64 3.10 3.11 3.12 3.13 3.14: nothing
        lightgbm==2.3.1 x86_64 3.10 3.11 3.12 3.13 3.14: py2.py3-none-manylinux1_x86_64
        lxml==6.0.2 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_aarch64.manylinux_2_28_aarch64
        lxml==6.0.2 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_x86_64.manylinux_2_28_x86_64
        markupsafe==3.0.3 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64
        markupsafe==3.0.3 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64
        numpy==2.3.5 aarch64 3.10: nothing
        numpy==2.3.5 aarch64 3.11: nothing but cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
        numpy==2.3.5 aarch64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
        numpy==2.3.5 x86_64 3.10: nothing
        numpy==2.3.5 x86_64 3.11: nothing but cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
        numpy==2.3.5 x86_64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
        orjson==3.11.4 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_aarch64.manylinux2014_aarch64
        orjson==3.11.4 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_x86_64.manylinux2014_x86_64
        pillow==12.0.0 aarch64 3.10 3.11: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
        pillow==12.0.0 aarch64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
        pillow==12.0.0 x86_64 3.10 3.11: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
        pillow==12.0.0 x86_64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
        psycopg2-binary==2.9.11 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
        psycopg2-binary==2.9.11 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
        pydantic-core==2.41.5 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_aarch64.manylinux2014_aarch64
        pydantic-core==2.41.5 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_x86_64.manylinux2014_x86_64
        uwsgi==2.0.31 aarch64 3.10 3.11 3.12 3.13 3.14: nothing
        uwsgi==2.0.31 x86_64 3.10 3.11 3.12 3.13 3.14: nothing
    "#]]
    .assert_eq(&table);
}

/// What is said of the wheels in a directory of [`pips_choices`], by the name and version of each, for every target.
fn problems(wheels: &Path) -> Vec<(Target, BTreeMap<String, String>)> {
    let mut fixture = Fixture::new().packaging(|packaging| packaging.use_precompiled_packages = false);
    unpack_native(wheels, &fixture.site_packages());
    let problems = targets().map(|target| {
        let said = judged(&mut fixture, target.minor, target.architecture);
        let (middle, lacks) =
            (format!(" does not run on Lambda ({target}): "), format!(", which neither the bundle nor Lambda ({target}) has: "));
        let problem = |line: &str| {
            // What is said of a library is: `path` of lightgbm 2.3.1 needs `library`, which …
            let lacking = || line.split_once(&lacks)?.0.split_once(" of ")?.1.split_once(" needs ");
            let (label, problem) = match line.split_once(&middle) {
                Some((label, problem)) => (label, problem.to_owned()),
                None => lacking()
                    .map(|(label, library)| (label, format!("needs {library}, which is not there")))
                    .unwrap_or_else(|| panic!("{line}")),
            };
            (label.to_lowercase().replace('_', "-").replacen(' ', "==", 1), problem)
        };
        (target, said.lines().map(problem).collect())
    });
    problems.collect()
}

/// On which targets a wheel runs that was chosen for one, and why not on the others, a line for each answer.
fn verdicts(requirement: &str, made_for: Target, tags: &str, problems: &[(Target, BTreeMap<String, String>)]) -> String {
    let mut lines: Vec<(String, &str, Vec<String>)> = Vec::new();
    let is_bound = tags.starts_with("cpXY-cpXY-");
    for (target, problems) in problems {
        let verdict = problems.get(requirement).map_or("runs".to_owned(), |problem| general(problem, made_for));
        let minor = match (is_bound, target.minor == made_for.minor) {
            (true, true) => "3.XY".to_owned(),
            (true, false) => "others".to_owned(),
            (false, _) => format!("3.{}", target.minor),
        };
        match lines.iter_mut().find(|(other, machine, _)| *other == verdict && *machine == target.machine()) {
            Some((_, _, minors)) if minors.contains(&minor) => {}
            Some((_, _, minors)) => minors.push(minor),
            None => lines.push((verdict, target.machine(), vec![minor])),
        }
    }
    lines.iter_mut().for_each(|(_, _, minors)| minors.sort());
    lines.sort_by(|a, b| (a.1 != made_for.machine(), &a.2).cmp(&(b.1 != made_for.machine(), &b.2)));
    lines.into_iter().map(|(verdict, machine, minors)| format!("    {machine} {}: {verdict}\n", minors.join(" "))).collect()
}

#[test]
fn headers_of_real_wheels_tell_where_they_run() {
    let choices = pips_choices(&names());
    let mut blocks: BTreeMap<(String, &str, String, String), Vec<String>> = BTreeMap::new();
    for target in targets() {
        for directory in [directory_of(target), directory_beyond(target)].map(|name| choices.join(name)) {
            let problems = problems(&directory);
            for file in files(directory) {
                let (requirement, tags) = (requirement(&file), general(&WheelName::parse(&file).unwrap().tags, target));
                let verdicts = verdicts(&requirement, target, &tags, &problems);
                blocks.entry((requirement, target.machine(), tags, verdicts)).or_default().push(format!("3.{}", target.minor));
            }
        }
    }
    let blocks = blocks.iter().map(|((requirement, machine, tags, verdicts), minors)| {
        format!("{requirement} for {machine} {}: {tags}\n{verdicts}", minors.join(" "))
    });
    let table: String = blocks.collect();
    expect![[r#"
        cryptography==46.0.3 for aarch64 3.11: cp311-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64
            aarch64 3.10: it is built for `cp311-abi3-manylinux_2_17_aarch64`
            aarch64 3.11 3.12 3.13 3.14: runs
            x86_64 3.10 3.11 3.12 3.13 3.14: it is built for `cp311-abi3-manylinux_2_17_aarch64`
        cryptography==46.0.3 for aarch64 3.12 3.13 3.14: cp311-abi3-manylinux_2_34_aarch64
            aarch64 3.10: it is built for `cp311-abi3-manylinux_2_34_aarch64`
            aarch64 3.11: `cryptography/hazmat/bindings/_rust` needs glibc 2.34, and there is glibc 2.26
            aarch64 3.12 3.13 3.14: runs
            x86_64 3.10 3.11 3.12 3.13 3.14: it is built for `cp311-abi3-manylinux_2_34_aarch64`
        cryptography==46.0.3 for aarch64 3.10: cp38-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64
            aarch64 3.10 3.11 3.12 3.13 3.14: runs
            x86_64 3.10 3.11 3.12 3.13 3.14: it is built for `cp38-abi3-manylinux_2_17_aarch64`
        cryptography==46.0.3 for x86_64 3.11: cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64
            x86_64 3.10: it is built for `cp311-abi3-manylinux_2_17_x86_64`
            x86_64 3.11 3.12 3.13 3.14: runs
            aarch64 3.10 3.11 3.12 3.13 3.14: it is built for `cp311-abi3-manylinux_2_17_x86_64`
        cryptography==46.0.3 for x86_64 3.12 3.13 3.14: cp311-abi3-manylinux_2_34_x86_64
            x86_64 3.10: it is built for `cp311-abi3-manylinux_2_34_x86_64`
            x86_64 3.11: `cryptography/hazmat/bindings/_rust` needs glibc 2.34, and there is glibc 2.26
            x86_64 3.12 3.13 3.14: runs
            aarch64 3.10 3.11 3.12 3.13 3.14: it is built for `cp311-abi3-manylinux_2_34_x86_64`
        cryptography==46.0.3 for x86_64 3.10: cp38-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64
            x86_64 3.10 3.11 3.12 3.13 3.14: runs
            aarch64 3.10 3.11 3.12 3.13 3.14: it is built for `cp38-abi3-manylinux_2_17_x86_64`
        flask==3.1.2 for aarch64 3.10 3.11 3.12 3.13 3.14: py3-none-any
            aarch64 3.10 3.11 3.12 3.13 3.14: runs
            x86_64 3.10 3.11 3.12 3.13 3.14: runs
        flask==3.1.2 for x86_64 3.10 3.11 3.12 3.13 3.14: py3-none-any
            x86_64 3.10 3.11 3.12 3.13 3.14: runs
            aarch64 3.10 3.11 3.12 3.13 3.14: runs
        grpcio==1.76.0 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        grpcio==1.76.0 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
        lightgbm==2.3.1 for x86_64 3.10 3.11 3.12 3.13 3.14: py2.py3-none-manylinux1_x86_64
            x86_64 3.10 3.11 3.12 3.13 3.14: needs `libgomp.so.1`, which is not there
            aarch64 3.10 3.11 3.12 3.13 3.14: it is built for `py2-none-manylinux1_x86_64`
        lxml==6.0.2 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_aarch64.manylinux_2_28_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_26_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_26_aarch64`
        lxml==6.0.2 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_x86_64.manylinux_2_28_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_26_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_26_x86_64`
        markupsafe==3.0.3 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        markupsafe==3.0.3 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
        numpy==2.3.5 for aarch64 3.11: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
            aarch64 3.XY: `numpy/_core/_multiarray_tests` needs glibc 2.27, and there is glibc 2.26
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
        numpy==2.3.5 for aarch64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
        numpy==2.3.5 for x86_64 3.11: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
            x86_64 3.XY: `numpy/_core/_multiarray_tests` needs glibc 2.27, and there is glibc 2.26
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
        numpy==2.3.5 for x86_64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
        orjson==3.11.4 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_aarch64.manylinux2014_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        orjson==3.11.4 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_x86_64.manylinux2014_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
        pillow==12.0.0 for aarch64 3.10 3.11: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        pillow==12.0.0 for aarch64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_aarch64`
        pillow==12.0.0 for x86_64 3.10 3.11: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
        pillow==12.0.0 for x86_64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_27_x86_64`
        psycopg2-binary==2.9.11 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        psycopg2-binary==2.9.11 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
        pydantic-core==2.41.5 for aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_aarch64.manylinux2014_aarch64
            aarch64 3.XY: runs
            aarch64 others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
            x86_64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_aarch64`
        pydantic-core==2.41.5 for x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_17_x86_64.manylinux2014_x86_64
            x86_64 3.XY: runs
            x86_64 others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
            aarch64 3.XY others: it is built for `cpXY-cpXY-manylinux_2_17_x86_64`
    "#]].assert_eq(&table);
}
