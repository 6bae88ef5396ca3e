//! The page as a file: what is in it without a browser.

use super::Shop;

/// All values of an attribute, in order.
pub(super) fn attributes(html: &str, name: &str) -> Vec<u64> {
    let needle = format!(" {name}=\"");
    html.split(&needle).skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

/// One section of the page.
pub(super) fn section<'a>(html: &'a str, id: &str) -> &'a str {
    let start = html.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no section `{id}`"));
    let length = html[start..].find("</section>").unwrap();
    &html[start..start + length]
}

/// Without what was measured.
fn without_times(html: &str) -> String {
    html.replace(section(html, "imports"), "")
}

#[test]
fn the_page_says_what_json_says() {
    let shop = Shop::new();
    shop.write("static/copy.txt", super::COPY);
    shop.write("notes.log", "");
    let listed = shop.package(&["--list"]);
    let report = shop.package(&["--report", "r.html"]);
    let html = std::fs::read_to_string(shop.project.root().join("r.html")).unwrap();
    let numbers =
        |list: &str, key: &str| -> Vec<u64> { report[list].as_array().unwrap().iter().map(|item| item[key].as_u64().unwrap()).collect() };
    let mut totals = numbers("archives", "size");
    totals.push(report["unpacked_size"].as_u64().unwrap());
    assert_eq!(attributes(section(&html, "limits"), "data-bytes"), totals);
    let heaviest: Vec<u64> = attributes(section(&html, "heaviest"), "data-bytes");
    let pairs = numbers("heaviest", "size").into_iter().zip(numbers("heaviest", "packed_size"));
    assert_eq!(heaviest[..], pairs.flat_map(|(size, packed)| [size, packed]).collect::<Vec<_>>()[..]);
    let duplicates = report["duplicates"].as_array().unwrap();
    let copies: Vec<&str> = duplicates
        .iter()
        .filter(|one| one["size"] == super::COPY.len())
        .flat_map(|one| one["paths"].as_array().unwrap())
        .filter_map(|path| path.as_str())
        .collect();
    assert_eq!(copies, ["colours/copy.txt", "static/copy.txt"]);
    assert!(section(&html, "duplicates").contains("colours/copy.txt"));
    let out = section(&html, "left-out");
    assert!(out.contains("settings of this tool") && out.contains("zappa_settings.toml"), "{out}");
    let skipped: u64 = listed["skipped"].as_array().unwrap().iter().filter_map(|skipped| skipped["size"].as_u64()).sum();
    assert_eq!(attributes(out, "data-bytes").iter().sum::<u64>(), skipped, "{out}");
    let imports = &report["imports"];
    assert_eq!(imports["failure"], serde_json::Value::Null);
    let modules: Vec<&str> = imports["modules"].as_array().unwrap().iter().filter_map(|module| module["name"].as_str()).collect();
    assert!(["app", "heavy", "colours"].iter().all(|module| modules.contains(module)), "{modules:?}");
    let owner = |name: &str| imports["modules"].as_array().unwrap().iter().find(|module| module["name"] == name).unwrap()["owner"].clone();
    assert_eq!((owner("app"), owner("heavy"), owner("zappa.handler")), ("app.py".into(), "Heavy 1.0".into(), "shim".into()));
    assert!(attributes(section(&html, "imports"), "data-us").contains(&imports["total_us"].as_u64().unwrap()));
}

#[test]
fn the_page_is_the_same_again_and_never_in_a_bundle() {
    let shop = Shop::new();
    let made = || {
        let report = shop.package(&["--report", "r.html", "-o", "one.zip"]);
        (report, std::fs::read_to_string(shop.project.root().join("r.html")).unwrap())
    };
    // What an earlier run has written is among what is left out.
    let (first, _) = made();
    let (second, html) = made();
    let (_, again) = made();
    assert!(without_times(&html) == without_times(&again), "the same page");
    // A report that lies about is none of the project's files, whatever it is called and whoever packages.
    std::fs::create_dir(shop.project.root().join("docs")).unwrap();
    std::fs::rename(shop.project.root().join("r.html"), shop.project.root().join("docs/bundle.html")).unwrap();
    shop.write("docs/page.html", "<!doctype html><title>a page of the project</title>");
    let third = shop.package(&["-o", "one.zip"]);
    assert_eq!(first["archives"], second["archives"]);
    let listed = shop.project.zappa(["package", "local", "--list"]).expect_code(0).stdout;
    assert!(listed.contains("docs/bundle.html  (a report of this tool)") && listed.contains("docs/page.html  (project file)"), "{listed}");
    assert_eq!(third["parts"]["app"]["files"].as_u64().unwrap(), first["parts"]["app"]["files"].as_u64().unwrap() + 1);
}

#[test]
fn an_import_that_fails_is_told_in_the_page() {
    let shop = Shop::new();
    shop.write("app.py", "import os\nimport heavy\nraise ValueError('cannot log in with ' + os.environ['TOKEN'])\n");
    let report = shop.package(&["--report", "r.html"]);
    let failure = report["imports"]["failure"].as_str().unwrap();
    assert!(failure.starts_with("ValueError: cannot log in with [TOKEN]\n  /var/task/app.py:3 in <module>"), "{failure}");
    let html = std::fs::read_to_string(shop.project.root().join("r.html")).unwrap();
    assert!(section(&html, "imports").contains("ValueError: cannot log in with [TOKEN]"));
    assert!(!html.contains("hunter2") && !html.contains(shop.project.root().to_str().unwrap()), "nothing secret, nothing of this machine");
    assert!(report["imports"]["modules"].as_array().unwrap().iter().any(|module| module["name"] == "heavy"));
}

/// An app that ends its process, writes where it pleases and leaves children behind.
#[test]
fn an_app_that_misbehaves_is_no_failure_of_the_command() {
    let shop = Shop::new();
    shop.write(
        "app.py",
        "import os, subprocess, sys\nsys.stderr.write('import time: ')\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\nimport heavy\nos._exit(3)\n",
    );
    let report = shop.package(&["--report", "r.html"]);
    let failure = report["imports"]["failure"].as_str().unwrap();
    assert_eq!(failure, "the process ended before it was through (exit status: 3)");
    let left = std::fs::read_dir(shop.project.root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.collect();
    left.sort();
    assert_eq!(left, [".venv", "app.py", "r.html", "shop-local-dependencies.zip", "shop-local.zip", "zappa_settings.toml"]);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_import_too() {
    use std::process::{Command, Stdio};

    use crate::support::eventually;

    let shop = Shop::new();
    let mark = shop.project.outside().join("mark");
    shop.write(
        "app.py",
        &format!("import os, time\nopen({:?}, 'w').write(f'{{os.getpid()}} ')\ntime.sleep(600)\n", mark.to_str().unwrap()),
    );
    let arguments = ["package", "local", "--report", "r.html"];
    let child = shop.project.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let process = || std::fs::read_to_string(&mark).unwrap_or_default();
    eventually("the app is imported", || process().ends_with(' '));
    let sandbox = std::path::PathBuf::from("/proc").join(process().trim());
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let outcome = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(outcome.stderr).unwrap();
    assert_eq!(outcome.status.code(), Some(130), "{stderr}");
    assert!(stderr.ends_with("interrupted: there is no report; the archives may be complete\n"), "{stderr}");
    eventually("the sandbox is gone", || !sandbox.exists());
    assert!(!shop.project.root().join("r.html").exists());
    let left = std::fs::read_dir(shop.project.root()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_str().unwrap().starts_with(".zappa-")));
}
