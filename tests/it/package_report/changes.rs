//! What changed since the last release, and since which; figures on the terminal.

use expect_test::expect;
use serde_json::{Value, json};

use super::Shop;
use crate::support::{Deployed, TestProject};

/// Name, kind, version before, version after.
fn distributions(change: &Value) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let of = |change: &Value| {
        (text(&change["name"]), text(&change["kind"]), text(&change["before"]["version"]), text(&change["after"]["version"]))
    };
    change["distributions"].as_array().unwrap().iter().map(of).collect()
}

fn files(change: &Value) -> Vec<String> {
    change["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| format!("{} {}", file["kind"].as_str().unwrap(), file["path"].as_str().unwrap()))
        .collect()
}

fn named(parts: [&str; 4]) -> (String, String, String, String) {
    let [a, b, c, d] = parts.map(str::to_owned);
    (a, b, c, d)
}

#[test]
fn a_release_is_what_the_next_bundle_is_compared_with() {
    let shop = Shop::new();
    assert_eq!(shop.package(&[])["change"], Value::Null, "nothing was released yet");
    let mut deployed = Deployed::new(shop.project);
    assert_eq!(deployed.report["change"], Value::Null, "there was nothing before");
    assert!(deployed.report["heaviest"][0]["name"] == "Heavy 1.0" && deployed.report["heaviest"][0]["packed_size"].as_u64().unwrap() > 0);
    let shop = Shop { project: std::mem::replace(&mut deployed.project, TestProject::new()) };

    let same = shop.package(&[])["change"].clone();
    assert_eq!(
        (&same["since"], &same["distributions"], &same["files"], &same["byte_code"]),
        (&json!(1), &json!([]), &json!([]), &json!(0))
    );

    shop.uninstall("Heavy", "1.0");
    shop.install("Heavy", "1.1", &[("heavy/__init__.py", "NAME = 'heavier'\n"), ("heavy/data.bin", &"x".repeat(400_000))]);
    shop.uninstall("colours", "2.1");
    shop.install("extra", "0.1", &[("extra/__init__.py", "")]);
    shop.write("app.py", &format!("{}# more\n", super::APP));
    (0..12).for_each(|number| shop.write(&format!("pages/p{number:02}.txt"), "page"));
    let change = shop.package(&[])["change"].clone();
    assert_eq!(
        distributions(&change),
        [named(["colours", "removed", "2.1", "-"]), named(["extra", "added", "-", "0.1"]), named(["Heavy", "changed", "1.0", "1.1"]),]
    );
    assert_eq!(files(&change)[..2], ["changed app.py", "added pages/p00.txt"]);
    assert_eq!(change["files"].as_array().unwrap().len(), 13);
    assert_eq!(change["files"][0]["after"].as_u64().unwrap() - change["files"][0]["before"].as_u64().unwrap(), 7);

    let text = shop.project.zappa(["package", "local"]).expect_code(0).stdout;
    // How large byte code is, is the interpreter's business.
    let without_size = |line: &str| {
        if line.contains("pages/") || line.contains("Heavy") { line.to_owned() } else { line.split(" (").next().unwrap().to_owned() }
    };
    let told: String = text[text.find("since version").unwrap()..].lines().map(|line| without_size(line) + "\n").collect();
    expect![[r#"
        since version 1
          - colours 2.1
          + extra 0.1
          ~ Heavy 1.0 → 1.1 (400.2 kB, +100.0 kB)
          ~ app.py
          + pages/p00.txt (4 bytes)
          + pages/p01.txt (4 bytes)
          + pages/p02.txt (4 bytes)
          + pages/p03.txt (4 bytes)
          + pages/p04.txt (4 bytes)
          + pages/p05.txt (4 bytes)
          + pages/p06.txt (4 bytes)
          + pages/p07.txt (4 bytes)
          + pages/p08.txt (4 bytes)
            and 3 more files
    "#]]
    .assert_eq(&told);

    let updated = shop.project.zappa(["update", "local"]).expect_code(0).stdout;
    assert!(updated.contains("changed        colours 2.1, extra 0.1, Heavy 1.0 → 1.1, app.py and 12 more files\n"), "{updated}");
    // Another machine has another cache: what was built there is not known here.
    let elsewhere = shop.project.outside().join("another-cache");
    let mut command = shop.project.command(["package", "local", "--json"]);
    let output = command.env("ZAPPA_CACHE_DIR", &elsewhere).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["change"], Value::Null);
    deployed.project = shop.project;
}

/// A release of the same number that somebody else has made since then is another one.
#[test]
fn only_what_is_really_live_is_compared_with() {
    let shop = Shop::new();
    let deployed = Deployed::new(shop.project);
    deployed.zappa(["undeploy", "local", "--yes"]).expect_code(0);
    deployed.project.write("app.py", format!("{}# from elsewhere\n", super::APP));
    let elsewhere = deployed.project.outside().join("another-cache");
    let runtime = crate::support::project::cache().join("runtime");
    std::fs::create_dir(&elsewhere).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(runtime, elsewhere.join("runtime")).unwrap();
    let deploy =
        |project: &TestProject| project.command(["deploy", "local", "--json"]).env("ZAPPA_CACHE_DIR", &elsewhere).output().unwrap();
    assert!(deploy(&deployed.project).status.success());
    deployed.project.write("app.py", format!("{}# from here\n", super::APP));
    let report = deployed.zappa(["update", "local", "--json"]).expect_code(0).json();
    assert_eq!(report["previous"], 1, "{report}");
    assert_eq!(report["change"], Value::Null, "version 1 is not the one that was released here");
    deployed.project.write("app.py", super::APP);
    let report = deployed.zappa(["update", "local", "--json"]).expect_code(0).json();
    assert_eq!(files(&report["change"]), ["changed app.py"]);
    assert_eq!(report["change"]["since"], 2);
}

#[test]
fn what_is_remembered_may_be_damaged() {
    let shop = Shop::new();
    let cache = shop.project.outside().join("cache");
    std::fs::create_dir(&cache).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(crate::support::project::cache().join("runtime"), cache.join("runtime")).unwrap();
    let mut project = shop.project;
    project.set_env("ZAPPA_CACHE_DIR", cache.to_str().unwrap());
    let shop = Shop { project };
    let deploy = || shop.project.zappa(["deploy", "local", "--json"]).expect_code(0).json();
    let _guard = TakenDown(&shop);
    let released = deploy();
    let edit = |change: &str| {
        shop.write("app.py", &format!("{}{change}", super::APP));
        shop.write_installed("colours/__init__.py", &format!("RED = 1\n{change}"));
    };
    let changed = || {
        edit("# another\n");
        let change = shop.package(&[])["change"].clone();
        edit("");
        change
    };
    let files = |part: &str| -> Vec<_> { std::fs::read_dir(cache.join(part)).unwrap().map(|entry| entry.unwrap().path()).collect() };
    assert_eq!(files("listings").len(), released["bundle"]["archives"].as_array().unwrap().len());
    for file in files("listings").into_iter().chain(files("releases")) {
        assert_eq!(changed()["since"], 1, "{}", file.display());
        std::fs::write(&file, "nonsense").unwrap();
        assert_eq!(changed(), Value::Null, "{}", file.display());
        // The next deployment finds the release live, and puts that right.
        assert_eq!(deploy()["release"], "unchanged");
    }
}

struct TakenDown<'a>(&'a Shop);

impl Drop for TakenDown<'_> {
    fn drop(&mut self) {
        let _ = self.0.project.command(["undeploy", "local", "--yes", "--quiet", "--remove-logs"]).output();
    }
}

#[test]
fn figures_stand_in_columns_where_nobody_sees_colours() {
    let shop = Shop::new();
    let text = shop.project.zappa(["package", "local"]).expect_code(0).stdout;
    assert!(!text.contains('\u{1b}') && !text.contains('█'), "{text}");
    let heaviest: Vec<&str> = text.split_once("heaviest\n").unwrap().1.lines().take_while(|line| line.starts_with("  ")).collect();
    assert!(heaviest[0].contains("########################  Heavy 1.0 ("), "{text}");
    // Size, bar, name: each begins where the others do.
    for line in &heaviest {
        let (before, after) = line.split_at(2 + 9 + 2 + 24 + 2);
        assert!(before.ends_with("  ") && !after.starts_with(' '), "{line:?}");
    }
    let limits: Vec<&str> = text.split_once("limits\n").unwrap().1.lines().take(3).collect();
    let ends = ["of 52.4 MB for a direct upload, app", "of 52.4 MB for a direct upload, dependencies", "of 262.1 MB unpacked, together"];
    assert!(limits.iter().zip(ends).all(|(line, end)| line.ends_with(end)), "{text}");
}
