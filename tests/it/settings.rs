//! `zappa settings` and what every command gets from the settings: precedence, stages, formats, problems.

mod aws;
mod example;
mod meaning;
mod problems;

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::TestProject;

/// A project with this settings file.
fn project(name: &str, settings: &str) -> TestProject {
    TestProject::new().file(name, settings)
}

fn toml(settings: &str) -> TestProject {
    project("zappa_settings.toml", settings)
}

/// `{"value", "origin"}` of one key, as `zappa settings STAGE --json` says it.
#[track_caller]
fn setting(project: &TestProject, stage: &str, key: &str) -> Value {
    let document = project.zappa(["settings", stage, "--json"]).expect_code(0).json();
    document["settings"][key].clone()
}

/// Standard error of a run that has to be refused.
#[track_caller]
fn refused<const N: usize>(project: &TestProject, args: [&str; N]) -> String {
    let outcome = project.zappa(args).expect_code(2);
    assert_eq!(outcome.stdout, "", "a refusal says nothing on standard output");
    outcome.stderr
}

#[test]
fn text_is_toml_with_places_as_comments() {
    let project = toml(
        r#"
[base]
app_function = "shop.app"
tags = { team = "a b", "needs quotes" = "\"x\"" }

[dev]
extends = "base"
memory_size = 1024
"#,
    )
    .env("ZAPPA_TIMEOUT_SECONDS", "20");
    let outcome = project.zappa(["settings", "dev"]).expect_code(0);
    let said: Vec<&str> = outcome.stdout.lines().filter(|line| !line.ends_with("# default")).collect();
    expect![[r##"
        # function shop-dev
        [dev]

        # Application
        app_function              = "shop.app"                      # zappa_settings.toml:3, stage base

        # Project, target and account
        extends           = "base"  # zappa_settings.toml:7
        tags              = { team = "a b", "needs quotes" = "\"x\"" }  # zappa_settings.toml:4, stage base

        # Permissions of the function

        # Function
        memory_size           = 1024                # zappa_settings.toml:8
        timeout_seconds       = 20                  # ZAPPA_TIMEOUT_SECONDS

        # Environment variables

        # Packaging

        # Front door

        # API Gateway

        # Domain and certificate

        # Health check

        # Schedules and events

        # Asynchronous tasks"##]]
    .assert_eq(&said.join("\n"));
    let table: toml::Table = outcome.stdout.parse().unwrap();
    assert_eq!(table["dev"]["tags"]["needs quotes"].as_str(), Some("\"x\""));
    assert!(!outcome.stdout.contains("s3_bucket"));
    assert!(project.zappa(["settings", "dev", "-v"]).expect_code(0).stdout.contains("# s3_bucket         is unset"));
}

#[test]
fn what_is_printed_can_be_read_back() {
    let project = toml(
        "[dev]\napp_function = \"shop:make_app()\"\nlog_level = \"ERROR\"\nevents = [{ function = \"a.b\", expression = \"rate(1 hour)\", kwargs = { n = [1, 2.5, { x = true }] } }]\n",
    );
    let first = project.zappa(["settings", "dev"]).expect_code(0).stdout;
    // The printed file names its front door although nobody chose one: two keys that may both stand there.
    let again = toml(&first);
    let values = |project: &TestProject| {
        let document = project.zappa(["settings", "dev", "--json"]).expect_code(0).json();
        let settings = document["settings"].as_object().unwrap();
        settings.iter().map(|(key, setting)| (key.clone(), setting["value"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(values(&project), values(&again));
}

#[test]
fn json_is_one_document() {
    let project = toml("[dev]\nproject_name = \"My_Shop\"\nmemory_size = 256\n");
    let document = project.zappa(["settings", "--json"]).expect_code(0).json();
    assert_eq!(document["stage"], "dev");
    assert_eq!(document["target"], "aws");
    assert_eq!(document["function_name"], "my-shop-dev");
    assert_eq!(document["file"], "zappa_settings.toml");
    assert_eq!(
        document["settings"]["memory_size"],
        json!({ "value": 256, "origin": { "from": "file", "path": "zappa_settings.toml", "line": 3, "stage": "dev" } })
    );
    assert_eq!(document["settings"]["runtime"], json!({ "value": null, "origin": { "from": "default" } }));
}

#[test]
fn json_of_a_refusal_is_one_document_too() {
    let outcome = toml("[dev]\nmemory = 1\n").zappa(["settings", "--json"]).expect_code(2);
    assert!(outcome.json()["error"]["message"].as_str().unwrap().contains("did you mean `memory_size`?"));
}

#[test]
fn precedence_at_each_level() {
    let settings = "[base]\nmemory_size = 200\ntimeout_seconds = 20\n\n[middle]\nextends = \"base\"\ntimeout_seconds = 21\n\n[dev]\nextends = \"middle\"\n";
    let plain = toml(settings);
    let origin = |line: u32, stage: &str| json!({ "from": "file", "path": "zappa_settings.toml", "line": line, "stage": stage });
    // Default, extended stage's extended stage, extended stage.
    assert_eq!(setting(&plain, "dev", "log_level"), json!({ "value": "INFO", "origin": { "from": "default" } }));
    assert_eq!(setting(&plain, "dev", "memory_size"), json!({ "value": 200, "origin": origin(2, "base") }));
    assert_eq!(setting(&plain, "dev", "timeout_seconds"), json!({ "value": 21, "origin": origin(7, "middle") }));
    // The stage itself.
    let own = toml(&format!("{settings}timeout_seconds = 22\n"));
    assert_eq!(setting(&own, "dev", "timeout_seconds"), json!({ "value": 22, "origin": origin(11, "dev") }));
    assert_eq!(setting(&own, "middle", "timeout_seconds")["value"], 21);
    // The environment.
    let environment = own.env("ZAPPA_TIMEOUT_SECONDS", "23");
    assert_eq!(
        setting(&environment, "dev", "timeout_seconds"),
        json!({ "value": 23, "origin": { "from": "environment", "variable": "ZAPPA_TIMEOUT_SECONDS" } })
    );
    // A flag: no command has one for this key, the library takes any.
    let request = zappa::settings::Request {
        stage: Some("dev".to_owned()),
        file: None,
        overrides: vec![("timeout_seconds", json!(24), "--timeout".to_owned())],
    };
    let variables = [("ZAPPA_TIMEOUT_SECONDS".to_owned(), "23".to_owned())].into();
    let resolved = zappa::settings::load(environment.root(), &request, &variables).unwrap();
    assert_eq!(resolved.timeout_seconds, 24);
    let value = resolved.values.iter().find(|value| value.key == "timeout_seconds").unwrap();
    assert_eq!(value.origin, zappa::settings::Origin::Flag { flag: "--timeout".to_owned() });
}

#[test]
fn tables_are_replaced_not_merged() {
    let project = toml("[base]\ntags = { a = \"1\" }\n[dev]\nextends = \"base\"\ntags = { b = \"2\" }\n");
    assert_eq!(setting(&project, "dev", "tags")["value"], json!({ "b": "2" }));
}

#[test]
fn environment_variables_have_the_type_of_their_key() {
    let project = toml("[dev]\n")
        .env("ZAPPA_MEMORY_SIZE", "1024")
        .env("ZAPPA_DEBUG", "TRUE")
        .env("ZAPPA_KEEP_WARM", "0")
        .env("ZAPPA_EXCLUDE", "[\"*.md\", \"docs\"]")
        .env("ZAPPA_EPHEMERAL_STORAGE", "{\"Size\": 1024}")
        .env("ZAPPA_NUM_RETAINED_VERSIONS", "all")
        .env("ZAPPA_TOUCH", "/health")
        .env("ZAPPA_CORS", "true")
        .env("ZAPPA_PROJECT_NAME", "12")
        .env("ZAPPA_LOG_LEVEL", "");
    let document = project.zappa(["settings", "--json"]).expect_code(0).json();
    let value = |key: &str| document["settings"][key]["value"].clone();
    assert_eq!(value("memory_size"), 1024);
    assert_eq!(value("debug"), true);
    assert_eq!(value("keep_warm"), false);
    assert_eq!(value("exclude"), json!(["*.md", "docs"]));
    assert_eq!(value("ephemeral_storage"), json!({ "Size": 1024 }));
    assert_eq!(value("num_retained_versions"), "all");
    assert_eq!(value("touch"), "/health");
    assert_eq!(value("cors"), true);
    assert_eq!(value("project_name"), "12");
    // An empty variable says nothing.
    assert_eq!(document["settings"]["log_level"]["origin"]["from"], "default");
}

#[test]
fn environment_variables_are_checked() {
    let project = toml("[dev]\n")
        .env("ZAPPA_MEMORY_SIZE", "lots")
        .env("ZAPPA_DEBUG", "maybe")
        .env("ZAPPA_EXCLUDE", "*.md")
        .env("ZAPPA_MEMRY_SIZE", "1")
        .env("ZAPPA_RUNNING_IN_DOCKER", "1")
        .env("ZAPPA_EXTENDS", "prod")
        .env("ZAPPA_REMOTE_ENV", "s3://bucket/key");
    expect![[r#"
        error: 7 problems in the environment
          ZAPPA_DEBUG: `debug` must be `true` or `false`, not `"maybe"`
          ZAPPA_EXCLUDE: `exclude` must be a list of text, written as JSON
          ZAPPA_EXTENDS: `extends` can only be written in the file
          ZAPPA_MEMORY_SIZE: `memory_size` must be a whole number from 128 to 10240, not `"lots"`
          ZAPPA_MEMRY_SIZE: unknown key `memry_size`; did you mean `ZAPPA_MEMORY_SIZE`?
          ZAPPA_REMOTE_ENV: `remote_env` is known but not supported yet; remove it
          ZAPPA_RUNNING_IN_DOCKER: unknown key `running_in_docker`; variables that begin with `ZAPPA_` are settings
    "#]]
    .assert_eq(&refused(&project, ["settings", "dev"]));
}

#[test]
fn the_only_stage_need_not_be_named() {
    assert_eq!(toml("[production]\n").zappa(["settings", "--json"]).expect_code(0).json()["stage"], "production");
}

#[test]
fn several_stages_must_be_named() {
    expect![[r#"
        error: which stage? `zappa_settings.toml` has `dev` and `prod`

        hint: name the stage behind the command
    "#]]
    .assert_eq(&refused(&toml("[dev]\n[prod]\n"), ["settings"]));
    // `local` is a stage like any other when it is written.
    expect![[r#"
        error: which stage? `zappa_settings.toml` has `dev` and `local`

        hint: name the stage behind the command
    "#]]
    .assert_eq(&refused(&toml("[dev]\n[local]\n"), ["settings"]));
}

#[test]
fn an_unknown_stage_names_the_nearest() {
    expect![[r#"
        error: there is no stage `prodution` in `zappa_settings.toml`

        hint: did you mean `production`?
    "#]]
    .assert_eq(&refused(&toml("[dev]\n[production]\n"), ["settings", "prodution"]));
    expect![[r#"
        error: there is no stage `qa` in `zappa_settings.toml`

        hint: the stages of this file are `dev` and `production`
    "#]]
    .assert_eq(&refused(&toml("[dev]\n[production]\n"), ["settings", "qa"]));
}

#[test]
fn no_file() {
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: there is no settings file in `[ROOT]`

        hint: write one with `zappa init`, or name it with `--settings-file`; the stage `local` needs none: `zappa deploy local`
    "#]]
    .assert_eq(&TestProject::new().snapshot(["settings"]));
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: there is no settings file in `[ROOT]`

        hint: write one with `zappa init`, or name it with `--settings-file`; the stage `local` needs none: `zappa deploy local`
    "#]]
    .assert_eq(&TestProject::new().snapshot(["settings", "dev"]));
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: there is no directory `nowhere`
    "#]]
    .assert_eq(&TestProject::new().snapshot(["settings", "local", "-C", "nowhere"]));
}

#[test]
fn local_needs_no_file() {
    let project = TestProject::new();
    let document = project.zappa(["settings", "local", "--json"]).expect_code(0).json();
    assert_eq!(document["target"], "local");
    assert_eq!(document["function_name"], "shop-local");
    assert_eq!(document["file"], Value::Null);
    assert_eq!(document["settings"]["project_name"], json!({ "value": "shop", "origin": { "from": "default" } }));
    assert_eq!(document["settings"]["app_function"]["value"], Value::Null);
    assert_eq!(document["settings"]["target"], json!({ "value": "local", "origin": { "from": "stage_name" } }));
    // The environment still counts.
    assert_eq!(setting(&project.env("ZAPPA_MEMORY_SIZE", "640"), "local", "memory_size")["value"], 640);
}

#[test]
fn local_inherits_from_the_only_stage() {
    let project = toml("[production]\napp_function = \"shop.app\"\ntarget = \"aws\"\nproject_name = \"store\"\n");
    let document = project.zappa(["settings", "local", "--json"]).expect_code(0).json();
    assert_eq!(document["function_name"], "store-local");
    assert_eq!(document["target"], "local");
    assert_eq!(
        document["settings"]["app_function"],
        json!({ "value": "shop.app", "origin": { "from": "file", "path": "zappa_settings.toml", "line": 2, "stage": "production" } })
    );
    assert_eq!(document["settings"]["extends"], json!({ "value": "production", "origin": { "from": "stage_name" } }));
}

#[test]
fn local_inherits_from_the_first_of_several_with_all_it_extends() {
    let project =
        toml("[dev]\nextends = \"base\"\nmemory_size = 256\n[prod]\nmemory_size = 2048\n[base]\nmemory_size = 128\ndebug = true\n");
    assert_eq!(setting(&project, "local", "memory_size")["value"], 256);
    assert_eq!(setting(&project, "local", "debug")["value"], true);
}

#[test]
fn local_that_is_written_inherits_only_what_it_says() {
    let project = toml("[dev]\nmemory_size = 256\ntarget = \"aws\"\n[local]\n");
    assert_eq!(setting(&project, "local", "memory_size")["value"], 512);
    assert_eq!(setting(&project, "local", "target")["value"], "local");
    // Its place is its own affair, whatever it inherits from; and its to decide.
    let project = toml("[dev]\ntarget = \"aws\"\n[local]\nextends = \"dev\"\n");
    assert_eq!(setting(&project, "local", "target")["value"], "local");
    let project = toml("[local]\ntarget = \"aws\"\n");
    assert_eq!(setting(&project, "local", "target")["value"], "aws");
    // Another stage that inherits from it is not local for that.
    let project = toml("[local]\nmemory_size = 256\n[dev]\nextends = \"local\"\n");
    assert_eq!(setting(&project, "dev", "target")["value"], "aws");
    let project = toml("[dev]\n").env("ZAPPA_TARGET", "local");
    assert_eq!(setting(&project, "dev", "target")["value"], "local");
}

#[test]
fn another_file_and_another_directory() {
    let project = toml("[dev]\n").file("settings/other.json", "{\"qa\": {\"memory_size\": 300}}").file("settings/other.txt", "");
    let document = project.zappa(["settings", "-s", "settings/other.json", "--json"]).expect_code(0).json();
    assert_eq!((&document["stage"], &document["file"]), (&json!("qa"), &json!("settings/other.json")));
    // As with `-C` of other tools, paths are relative to that directory.
    let document = project.zappa(["-C", "settings", "settings", "-s", "other.json", "--json"]).expect_code(0).json();
    assert_eq!(document["settings"]["project_name"]["value"], "settings");
    expect![[r#"
        error: `settings/other.txt` is not the name of a settings file: it ends in none of `.toml`, `.json`, `.yaml` and `.yml`

        hint: give the file the extension of its format
    "#]]
    .assert_eq(&refused(&project, ["settings", "-s", "settings/other.txt"]));
    let missing = refused(&project, ["settings", "-s", "none.toml"]);
    assert!(missing.starts_with("error: could not read `none.toml`\n  Caused by: "), "{missing}");
}

#[test]
fn two_files_are_refused() {
    let project = toml("[dev]\n").file("zappa_settings.yml", "dev:\n");
    expect![[r#"
        error: there is more than one settings file: `zappa_settings.toml` and `zappa_settings.yml`

        hint: remove all but one, or say which with `--settings-file`
    "#]]
    .assert_eq(&refused(&project, ["settings"]));
    project.zappa(["settings", "-s", "zappa_settings.yml"]).expect_code(0);
}
