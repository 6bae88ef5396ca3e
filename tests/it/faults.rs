//! What can go wrong around a release: a full disk, a state of a newer tool, an interpreter that is gone, two runs at once. The old version keeps
//! answering, the message says what to do, and the next run finishes.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::http::get;
use crate::support::{Deployed, TestProject};

fn echo() -> TestProject {
    TestProject::copy_of("tests/fixtures/apps/echo")
}

fn edit_version(project: &TestProject, version: &str) {
    let text = std::fs::read_to_string(project.root().join("app.py")).unwrap();
    project.write("app.py", text.replace("VERSION = \"one\"", &format!("VERSION = \"{version}\"")));
}

/// A small file system, unmounted at the end.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where mounting is not permitted.
    fn mount(directory: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(directory).stderr(Stdio::null()).status();
        mount.is_ok_and(|status| status.success()).then_some(Self(directory))
    }

    /// Takes all the room there is but `left` bytes.
    fn fill(&self, left: usize) -> std::path::PathBuf {
        let filler = self.0.join("filler");
        let mut size = 6 << 20;
        while std::fs::write(&filler, vec![0; size]).is_err() {
            size -= 64 << 10;
        }
        std::fs::write(&filler, vec![0; size - left]).unwrap();
        filler
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_release_and_nothing_else() {
    let mut project = echo();
    let disk = project.outside().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(small) = SmallDisk::mount(&disk) else {
        #[expect(clippy::print_stderr, reason = "a test that proves nothing here has to say so")]
        {
            eprintln!("skipped: mounting a file system is not permitted");
        }
        return;
    };
    project.move_across("disk/echo");
    project.set_env("ZAPPA_PROJECT_NAME", "echo");
    let mut deployed = Deployed::new(project);
    edit_version(&deployed.project, "two");
    // Bytes that do not compress, so that unpacking needs room that is not there.
    let noise: Vec<u8> = (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    deployed.project.write("noise.bin", noise);

    // While releasing: the archive is built elsewhere.
    let filler = small.fill(100 << 10);
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(failed.stderr.contains("No space left"), "{}", failed.stderr);
    assert_eq!(get(deployed.port, "/version").text(), "one");

    // While bundling: the archive is built there too.
    deployed.project.set_env("TMPDIR", disk.to_str().unwrap());
    let failed = deployed.zappa(["deploy", "local"]).expect_code(1);
    assert!(failed.stderr.contains("No space left"), "{}", failed.stderr);
    assert_eq!(get(deployed.port, "/version").text(), "one");

    std::fs::remove_file(filler).unwrap();
    let left: Vec<_> = std::fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["echo"], "nothing half-made is left behind");
    deployed.zappa(["deploy", "local"]).expect_code(0);
    assert_eq!(get(deployed.port, "/version").text(), "two");
    deployed.zappa(["undeploy", "local", "--yes", "--remove-logs"]).expect_code(0);
    // Unmounted before the directory around it goes.
    drop(small);
}

#[test]
fn the_state_of_a_newer_tool_is_left_alone() {
    let deployed = Deployed::new(echo());
    let path = deployed.project.root().join(".zappa/echo-local/stage.json");
    let before = std::fs::read_to_string(&path).unwrap();
    let newer = before.replace("\"format\": 2", "\"format\": 99");
    assert_ne!(before, newer);
    std::fs::write(&path, &newer).unwrap();
    for command in [&["deploy", "local"][..], &["status", "local"], &["undeploy", "local", "--yes"]] {
        let refused = deployed.zappa(command).expect_code(1);
        assert!(refused.stderr.contains("newer version of zappa") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    assert_eq!(get(deployed.port, "/version").text(), "one");
    std::fs::write(&path, before).unwrap();
}

#[cfg(unix)]
#[test]
fn an_interpreter_that_is_gone_stops_the_release_and_nothing_else() {
    let project = echo();
    let venv = project.root().join(".venv");
    assert!(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv).status().unwrap().success());
    let deployed = Deployed::new(project);
    edit_version(&deployed.project, "two");
    for name in ["python", "python3"] {
        let _ = std::fs::remove_file(venv.join("bin").join(name));
        std::os::unix::fs::symlink("/gone/python3", venv.join("bin").join(name)).unwrap();
    }
    let refused = deployed.zappa(["deploy", "local"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains(".venv") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(get(deployed.port, "/version").text(), "one");
}

#[test]
fn two_runs_at_once_both_end_well() {
    let deployed = Deployed::new(echo());
    edit_version(&deployed.project, "two");
    let start = || deployed.project.command(["deploy", "local", "--wait", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let reports = [start(), start()].map(|run| {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    });
    for report in &reports {
        assert_eq!(report["version"], 2, "the second finds what the first has made: {report}");
    }
    assert_eq!(get(deployed.port, "/version").text(), "two");
}
