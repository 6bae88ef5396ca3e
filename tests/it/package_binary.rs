//! `zappa package` as a user runs it.

use expect_test::expect;

use crate::support::TestProject;

fn project() -> TestProject {
    TestProject::new()
        .with_python()
        .file("app.py", "from flask import Flask\n\napp = Flask(__name__)\n")
        .file(
            "zappa_settings.toml",
            "[local]\napp_function = \"app.app\"\nexclude = [\"*.log\"]\n\n[local.environment_variables]\nSECRET = \"x\"\n",
        )
        .file("debug.log", "")
}

#[test]
fn the_same_project_gives_the_same_archive_from_everywhere() {
    let (one, other) = (project(), project());
    let first = one.zappa(["package", "local", "-o", "x.zip", "--json"]).expect_code(0).json();
    // From outside, with another umask's worth of time in between and the archive of the first run in the way.
    std::fs::write(other.root().join("shop-local.zip"), "an old one").unwrap();
    let directory = other.root().to_str().unwrap();
    let output = other.outside().join("elsewhere.zip");
    let second = other.zappa(["-C", directory, "package", "local", "-o", output.to_str().unwrap(), "--json"]).expect_code(0).json();
    assert_eq!(std::fs::read(one.root().join("x.zip")).unwrap(), std::fs::read(output).unwrap());
    assert_eq!(first["archives"][0]["code_sha256"], second["archives"][0]["code_sha256"]);
    assert_eq!(first["archives"][0]["role"], "code");
    assert!(first["parts"]["app"]["files"] == 1 && first["parts"]["dependencies"]["size"].as_u64().unwrap() > 1_000_000);
    assert!(first["heaviest"].as_array().unwrap().iter().any(|weight| weight["name"].as_str().unwrap().starts_with("Django ")));
    assert!(!one.root().join("shop-local.zip").exists(), "`-o` replaces the default");
}

#[test]
fn the_default_name_is_the_functions_and_is_not_packed_itself() {
    let project = project();
    let first = project.zappa(["package", "local"]).expect_code(0);
    assert!(first.stdout.starts_with("shop-local.zip\n  size "), "{}", first.stdout);
    let again = project.zappa(["package", "local"]).expect_code(0);
    assert_eq!(first.stdout, again.stdout);
}

#[test]
fn a_list_says_what_goes_in_and_why_and_writes_nothing() {
    let project = project();
    let outcome = project.zappa(["package", "local", "--list"]).expect_code(0);
    let ours = ["app.py", "debug.log", "zappa_settings.toml", "flask/app.py"];
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // Without the size in front.
    let about_us: String = outcome
        .stdout
        .lines()
        .map(words)
        .filter_map(|words| {
            let place = words.iter().position(|word| ours.contains(&word.as_str()))?;
            Some(words[place.saturating_sub(1)..].join(" ") + "\n")
        })
        .collect();
    expect![[r#"
        app app.py (project file)
        packages flask/app.py (Flask 3.1.3)
        debug.log (`exclude` has `*.log`)
        zappa_settings.toml (settings of this tool)
    "#]]
    .assert_eq(&about_us);
    let listed = project.zappa(["package", "local", "--list", "--json"]).expect_code(0).json();
    let entry = listed["entries"].as_array().unwrap().iter().find(|entry| entry["path"] == "app.py").unwrap();
    assert_eq!((&entry["part"], &entry["reason"]), (&"app".into(), &"project file".into()));
    assert!(listed["skipped"].as_array().unwrap().iter().any(|skipped| skipped["path"] == "debug.log"));
    assert!(std::fs::read_dir(project.root()).unwrap().all(|entry| entry.unwrap().path().extension().is_none_or(|end| end != "zip")));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_of_this_run() {
    let project = project();
    let outcome = project.zappa(["package", "local", "-o", "missing/x.zip", "--quiet"]).expect_code(1);
    assert!(outcome.stderr.starts_with("error: could not write `missing/x.zip`\n"), "{}", outcome.stderr);
}

#[test]
fn help() {
    let help = TestProject::new().snapshot(["package", "--help"]);
    // The help of `--color` has a line of spaces.
    let help: String = help.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    expect![[r#"
        exit code: 0
        ----- stdout -----
        Build the bundle and say what is in it

        Usage: zappa package [OPTIONS] [STAGE]

        Arguments:
          [STAGE]
                  The stage: a table of the settings file, or `local` [default: the only one there is]

        Options:
          -o, --output <FILE>
                  Where to write the archive [default: <function name>.zip]

          -l, --list
                  Write nothing; list what would go in, and why, and what would not

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Global options:
          -C, --directory <DIR>
                  Work on the project in this directory

          -s, --settings-file <FILE>
                  Read the settings from this file instead of zappa_settings.{toml,json,yaml,yml}

              --python <PATH>
                  Use this interpreter (and the environment it belongs to)

          -j, --json
                  Print one JSON document on standard output

          -q, --quiet
                  Say nothing but results and errors

          -v, --verbose...
                  Say more about what is done

              --color <WHEN>
                  When to use colour

                  Possible values:
                  - auto:   On a terminal, unless `NO_COLOR` is set
                  - always: Always
                  - never:  Never

                  [default: auto]
        ----- stderr -----
    "#]]
    .assert_eq(&help);
}
