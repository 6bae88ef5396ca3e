//! `zappa cache`, and what holds for the cache whoever uses it at the same time, is killed over it or leaves it lying around.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use expect_test::expect;

use crate::support::{Outcome, TestProject, eventually, python};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A project with a small environment and a cache of its own.
fn project() -> TestProject {
    let mut project = TestProject::new()
        .file("app.py", "app = None\n")
        .file("static/large.txt", "large\n".repeat(1_000_000))
        .file("zappa_settings.toml", "[prod]\nproject_name = \"shop\"\napp_function = \"app.app\"\ntarget = \"local\"\n");
    let venv = project.root().join(".venv");
    let made = Command::new(python::interpreter()).args(["-m", "venv", "--without-pip"]).arg(&venv).status().unwrap();
    assert!(made.success());
    let site = ["lib", "Lib"].iter().map(|name| venv.join(name)).find(|path| path.is_dir()).unwrap();
    let packages = walkdir::WalkDir::new(site).into_iter().map(Result::unwrap).find(|entry| entry.file_name() == "site-packages").unwrap();
    for number in 0..200 {
        let source = format!("def number():\n    return {number}\n").repeat(number + 1);
        fs::write(packages.path().join(format!("module{number}.py")), source).unwrap();
    }
    let cache = cache(&project);
    project.set_env("ZAPPA_CACHE_DIR", cache.to_str().unwrap());
    project
}

fn cache(project: &TestProject) -> PathBuf {
    project.outside().join("cache")
}

fn package(project: &TestProject) -> Vec<u8> {
    project.zappa(["package"]).expect_code(0);
    fs::read(project.root().join("shop-prod.zip")).unwrap()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    files.filter(|path| path.is_file()).collect()
}

/// As if what is below `directory` had last been used so long ago.
fn age(directory: &Path, by: Duration) {
    for entry in walkdir::WalkDir::new(directory) {
        File::open(entry.unwrap().path()).unwrap().set_modified(SystemTime::now() - by).unwrap();
    }
}

/// As if nobody had looked after the cache for days.
fn untidied(project: &TestProject) {
    let _ = fs::remove_file(cache(project).join("tidied"));
}

/// The bytes of a part, and whether it is there at all.
fn size(info: &serde_json::Value, part: &str) -> Option<u64> {
    info["parts"].as_array().unwrap().iter().find(|known| known["name"] == part).map(|part| part["size"].as_u64().unwrap())
}

fn info(project: &TestProject) -> serde_json::Value {
    project.zappa(["cache", "info", "--json"]).expect_code(0).json()
}

#[test]
fn info_shows_what_there_is_and_clean_removes_it() {
    let project = project();
    let shown = |outcome: Outcome| outcome.stdout.replace(cache(&project).to_str().unwrap(), "[CACHE]");
    expect![[r"
        [CACHE]
            0 bytes  of 2.1 GB
    "]]
    .assert_eq(&shown(project.zappa(["cache", "info"]).expect_code(0)));
    let whole = package(&project);
    // The local target's own is not for `clean` to remove.
    fs::create_dir_all(cache(&project).join("runtime/key")).unwrap();
    fs::write(cache(&project).join("runtime/key/python"), "python").unwrap();
    // Nor is what releases held, with which the next one is compared.
    for remembered in ["listings", "releases"] {
        fs::create_dir(cache(&project).join(remembered)).unwrap();
        fs::write(cache(&project).join(remembered).join("key"), "held").unwrap();
    }
    let before = info(&project);
    assert_eq!(before["limit"], 2_u64 << 30);
    for part in ["archives", "known", "members", "runtime"] {
        assert!(size(&before, part).unwrap() > 0, "{part}: {before:#}");
    }
    let limited = before["parts"].as_array().unwrap().iter().filter(|part| part["limited"] == true);
    let limited: u64 = limited.map(|part| part["size"].as_u64().unwrap()).sum();
    assert_eq!(before["size"], limited, "{before:#}");

    let cleaned = project.zappa(["cache", "clean", "--older-than", "1h", "--json"]).expect_code(0).json();
    assert_eq!((&cleaned["entries"], &cleaned["in_use"]), (&0.into(), &0.into()));
    age(&cache(&project).join("archives"), 2 * HOUR);
    let cleaned = project.zappa(["cache", "clean", "--older-than", "1h", "--json"]).expect_code(0).json();
    assert_eq!((&cleaned["entries"], &cleaned["size"]), (&2.into(), &size(&before, "archives").unwrap().into()));
    assert!(shown(project.zappa(["cache", "clean"]).expect_code(0)).ends_with(" from [CACHE]\n"));
    let after = info(&project);
    assert_eq!((&after["size"], size(&after, "runtime")), (&8192.into(), size(&before, "runtime")));
    for part in after["parts"].as_array().unwrap() {
        assert_eq!(part["cleaned"] == true, part["entries"] == 0, "{part}");
    }
    assert!(whole == package(&project));
}

#[test]
fn installed_lists_are_left_while_they_may_be_in_use() {
    let project = project();
    let list = cache(&project).join("dependencies/key");
    fs::create_dir_all(&list).unwrap();
    fs::write(list.join("module.py"), "").unwrap();
    let text = project.zappa(["cache", "clean"]).expect_code(0).stdout;
    assert!(text.ends_with("left 1 entry that may be in use\n") && list.is_dir(), "{text}");
    age(&list, 2 * HOUR);
    let cleaned = project.zappa(["cache", "clean", "--json"]).expect_code(0).json();
    assert_eq!((&cleaned["entries"], &cleaned["size"], &cleaned["in_use"]), (&1.into(), &0.into(), &0.into()));
    assert!(!list.exists());
}

#[test]
fn over_its_limit_goes_what_was_used_longest_ago() {
    let mut project = project();
    package(&project);
    let members = cache(&project).join("members");
    let (old, older) = (members.join("old.2"), members.join("older.2"));
    for (file, time, size) in [(&old, 2 * DAY, 6_000_000), (&older, 4 * DAY, 12_000_000)] {
        fs::write(file, vec![0; size]).unwrap();
        File::open(file).unwrap().set_modified(SystemTime::now() - time).unwrap();
    }
    // Half an archive of a run that was killed.
    let half = cache(&project).join("archives/.new-half");
    fs::write(&half, "half").unwrap();
    File::open(&half).unwrap().set_modified(SystemTime::now() - 2 * DAY).unwrap();
    let used = info(&project)["size"].as_u64().unwrap();
    project.set_env("ZAPPA_CACHE_SIZE", &(used - 4_000_000).to_string());
    package(&project);
    assert!(older.exists() && half.exists(), "once a day is enough");
    untidied(&project);
    package(&project);
    assert!(!older.exists() && old.exists() && !half.exists());
    // What is young stays, whatever the limit.
    project.set_env("ZAPPA_CACHE_SIZE", "1kB");
    untidied(&project);
    package(&project);
    assert!(!old.exists() && !files(&members).is_empty());
    // What was used after so long is young again.
    age(&members, 3 * DAY);
    fs::remove_dir_all(cache(&project).join("archives")).unwrap();
    package(&project);
    untidied(&project);
    let count = files(&members).len();
    package(&project);
    assert_eq!(files(&members).len(), count);

    project.set_env("ZAPPA_CACHE_SIZE", "much");
    let said = project.zappa(["cache", "info"]).expect_code(2).stderr;
    expect![[r#"
        error: `ZAPPA_CACHE_SIZE` is wrong
          Caused by: `much` is not a size such as `500MB` or `2GiB`
    "#]]
    .assert_eq(&said);
    project.zappa(["package"]).expect_code(2);
}

#[test]
fn runs_at_the_same_time_do_not_mind_each_other() {
    let project = project();
    let start =
        |output: &str| project.command(["package", "--output", output]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let outputs = ["../one.zip", "../two.zip", "../three.zip"];
    let mut runs: Vec<_> = outputs.iter().map(|output| start(output)).collect();
    // And somebody who cleans up behind them.
    project.zappa(["cache", "clean"]).expect_code(0);
    for run in &mut runs {
        assert!(run.wait().unwrap().success());
    }
    let whole = package(&project);
    for output in outputs {
        assert!(whole == fs::read(project.root().join(output)).unwrap(), "{output}");
    }
}

/// Killed with half of it done: the next run takes what is there and ends as if nothing had been.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_a_cache_that_can_be_used() {
    let untouched = project();
    let whole = package(&untouched);
    let total = written(&cache(&untouched).join("members"));
    let project = project();
    let members = cache(&project).join("members");
    for eighths in [0, 1, 2, 4, 7] {
        let before = written(&members);
        let run = RefCell::new(project.command(["package"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        eventually("something is kept", || {
            written(&members) >= before + total * eighths / 8 || run.borrow_mut().try_wait().unwrap().is_some()
        });
        run.borrow_mut().kill().unwrap();
        run.borrow_mut().wait().unwrap();
        let _ = fs::remove_file(project.root().join("shop-prod.zip"));
    }
    assert!(whole == package(&project));
}

/// The bytes of all files there, while they come and go.
#[cfg(unix)]
fn written(directory: &Path) -> u64 {
    let files = walkdir::WalkDir::new(directory).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// A file that is larger than what a machine may have to spare.
#[cfg(target_os = "linux")]
#[test]
fn a_large_file_is_not_held_in_memory() {
    let project = project();
    let size = 200_u64 << 20;
    File::create(project.root().join("static/large.bin")).unwrap().set_len(size).unwrap();
    // A process in between, because a process inherits the largest size of the one that started it.
    let script = "import resource, subprocess, sys\n\
        subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n";
    let package = project.command(["package"]);
    let mut measured = Command::new(python::interpreter());
    measured.args(["-c", script]).arg(package.get_program()).args(package.get_args()).current_dir(project.root()).env_clear();
    measured.envs(package.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let archive = project.root().join("shop-prod.zip");
    let mut archives = Vec::new();
    for cached in ["nothing", "everything", "all but the archive"] {
        if cached == "all but the archive" {
            fs::remove_dir_all(cache(&project).join("archives")).unwrap();
        }
        let output = measured.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let kilobytes: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert!(kilobytes << 10 < size / 2, "{cached}: {kilobytes} kB");
        archives.push(fs::read(&archive).unwrap());
    }
    assert!(archives.iter().all(|archive| *archive == archives[0]));
}
