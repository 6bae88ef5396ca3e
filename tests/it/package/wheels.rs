//! Which wheels run on which target: our own order against pip's choice, for the files that the index really has of some versions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use expect_test::expect;
use serde_json::{Value, json};
use zappa::bundle::{Tag, Target, WheelName};
use zappa::model::Architecture;

use crate::support::project::repository;
use crate::support::python;

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

/// For every target, which wheels pip chooses; asked for what we would have chosen together, and for the rest one by one.
fn pips_choices(asked: &[(Target, Vec<Vec<&str>>)]) -> Vec<BTreeSet<String>> {
    let directory = tempfile::tempdir().unwrap();
    let wheels = repository().join("tests/fixtures/wheels");
    let mut child = Command::new(python::interpreter())
        .arg(wheels.join("choose.py"))
        .arg(wheels.join("names.txt"))
        .arg(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = asked.iter().map(|(target, groups)| {
        let platforms = target.platforms(target.glibc());
        json!({ "python": format!("3.{}", target.minor), "platforms": platforms, "groups": groups })
    });
    child.stdin.take().unwrap().write_all(question.collect::<Value>().to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_best_wheel_is_the_one_that_pip_chooses() {
    let names = std::fs::read_to_string(repository().join("tests/fixtures/wheels/names.txt")).unwrap();
    let names: Vec<String> = names.lines().skip(1).map(str::to_owned).collect();
    let requirements: BTreeSet<String> = names.iter().map(|name| requirement(name)).collect();
    assert_eq!(requirements.len(), 13);
    let targets = [Architecture::X86_64, Architecture::Arm64]
        .into_iter()
        .flat_map(|architecture| (10..=14).map(move |minor| Target { minor, architecture }));
    let asked: Vec<(Target, Vec<Vec<&str>>)> = targets
        .map(|target| {
            let name = |requirement: &str| requirement.split("==").next().unwrap().to_owned();
            let mut groups: Vec<Vec<&str>> = vec![Vec::new()];
            for requirement in &requirements {
                // One name stands for one version in a group.
                let joins = best(&names, requirement, target).is_some() && groups[0].iter().all(|other| name(other) != name(requirement));
                if joins { groups[0].push(requirement) } else { groups.push(vec![requirement]) }
            }
            (target, groups)
        })
        .collect();
    let mut rows: BTreeMap<(&str, &str), Vec<(String, u8)>> = BTreeMap::new();
    for ((target, _), theirs) in asked.iter().zip(pips_choices(&asked)) {
        let ours = requirements.iter().map(|requirement| (requirement, best(&names, requirement, *target)));
        let chosen: BTreeSet<String> = ours.clone().filter_map(|(_, file)| file.map(str::to_owned)).collect();
        assert_eq!(chosen, theirs, "{target}");
        for (requirement, file) in ours {
            let tags = file.map_or("nothing".to_owned(), |file| WheelName::parse(file).unwrap().tags);
            // The target's own version of Python says nothing new.
            let tags = tags.replace(&format!("cp3{0}-cp3{0}-", target.minor), "cpXY-cpXY-");
            rows.entry((requirement, target.machine())).or_default().push((tags, target.minor));
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
        cryptography==2.9.2 aarch64 3.10 3.11 3.12 3.13 3.14: nothing
        cryptography==2.9.2 x86_64 3.10 3.11 3.12 3.13 3.14: cp35-abi3-manylinux2010_x86_64
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
        lxml==6.0.2 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_aarch64.manylinux_2_28_aarch64
        lxml==6.0.2 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_26_x86_64.manylinux_2_28_x86_64
        markupsafe==3.0.3 aarch64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64
        markupsafe==3.0.3 x86_64 3.10 3.11 3.12 3.13 3.14: cpXY-cpXY-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64
        numpy==2.2.6 aarch64 3.10 3.11 3.12 3.13: cpXY-cpXY-manylinux_2_17_aarch64.manylinux2014_aarch64
        numpy==2.2.6 aarch64 3.14: nothing
        numpy==2.2.6 x86_64 3.10 3.11 3.12 3.13: cpXY-cpXY-manylinux_2_17_x86_64.manylinux2014_x86_64
        numpy==2.2.6 x86_64 3.14: nothing
        numpy==2.4.0 aarch64 3.10 3.11: nothing
        numpy==2.4.0 aarch64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_aarch64.manylinux_2_28_aarch64
        numpy==2.4.0 x86_64 3.10 3.11: nothing
        numpy==2.4.0 x86_64 3.12 3.13 3.14: cpXY-cpXY-manylinux_2_27_x86_64.manylinux_2_28_x86_64
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
