//! What the settings mean to the rest of the tool, by the library: typed values.

use std::collections::BTreeMap;

use serde_json::json;
use zappa::model::{FrontDoor, Target};
use zappa::settings::{AppSetting, Request, Settings, front_door_overrides, load};

use super::{project, toml};
use crate::support::TestProject;

#[track_caller]
fn resolved(project: &TestProject, stage: Option<&str>) -> Settings {
    let request = Request { stage: stage.map(str::to_owned), ..Request::default() };
    load(project.root(), &request, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn dev(settings: &str) -> Settings {
    resolved(&toml(&format!("[dev]\n{settings}\n")), None)
}

#[test]
fn defaults() {
    let settings = dev("");
    assert_eq!((settings.memory_size, settings.timeout_seconds, settings.ephemeral_storage), (512, 30, 512));
    assert_eq!(settings.target, Target::Aws);
    assert_eq!(settings.front_door, FrontDoor::Rest);
    assert_eq!((settings.app, settings.runtime, settings.local_port), (None, None, None));
    assert_eq!(settings.keep_warm.as_deref(), Some("rate(4 minutes)"));
    assert_eq!(settings.touch_path.as_deref(), Some("/"));
    assert_eq!(settings.num_retained_versions, Some(5));
    assert_eq!(settings.lambda_description, "Zappa Deployment");
    assert!(!settings.shim.debug && settings.shim.binary_support && !settings.shim.allow_raw_invoke);
    assert_eq!(settings.shim.log_level, "INFO");
    assert_eq!(settings.id.to_string(), "shop-dev");
}

#[test]
fn the_same_in_every_format() {
    let toml = toml(
        r#"
[base]
app_function = "shop.app"
tags = { team = "shop" }

[dev]
extends = "base"
memory_size = 0x400
keep_warm = false
exclude = ["a", "b"]
ephemeral_storage = { Size = 1024 }
cache_cluster_size = 1.6

[dev.environment_variables]
GREETING = "hello"

[[dev.events]]
function = "shop.tasks.nightly"
expression = "cron(0 3 * * ? *)"
kwargs = { n = 1, f = 1.5, on = true, list = ["a"] }
"#,
    );
    let json = project(
        "zappa_settings.json",
        r#"{
  // What the stages have in common.
  "base": {
    "app_function": "shop.app", /* the app */
    "tags": {"team": "shop"},
  },
  dev: {
    "extends": "base",
    "memory_size": 1024,
    "keep_warm": false,
    "exclude": ["a", "b",],
    "ephemeral_storage": {"Size": 1024},
    "cache_cluster_size": 1.6,
    "profile_name": null,
    "environment_variables": {"GREETING": "hello"},
    "events": [
      {
        "function": "shop.tasks.nightly",
        "expression": "cron(0 3 * * ? *)",
        "kwargs": {"n": 1, "f": 1.5, "on": true, "list": ["a"]},
      }
    ]
  }
}"#,
    );
    let yaml_text = r#"---
base: &base
  app_function: shop.app
  tags:
    team: shop
dev:
  extends: base
  memory_size: 1024
  keep_warm: false
  exclude: [a, b]
  ephemeral_storage: {Size: 1024}
  cache_cluster_size: 1.6
  profile_name: ~
  environment_variables:
    GREETING: hello
  events:
    - function: shop.tasks.nightly
      expression: cron(0 3 * * ? *)
      kwargs: {n: 1, f: 1.5, on: true, list: [a]}
"#;
    let values = |project: &TestProject| {
        let settings = resolved(project, Some("dev"));
        settings.values.into_iter().map(|value| (value.key, value.value)).collect::<Vec<_>>()
    };
    let expected = values(&toml);
    assert_eq!(values(&json), expected);
    assert_eq!(values(&project("zappa_settings.yaml", yaml_text)), expected);
    assert_eq!(values(&project("zappa_settings.yml", yaml_text)), expected);
    // A byte order mark and Windows line ends change nothing.
    assert_eq!(values(&project("zappa_settings.yml", &format!("\u{feff}{}", yaml_text.replace('\n', "\r\n")))), expected);
    // Anchors and merge keys, as PyYAML reads them.
    let merged = yaml_text.replace("  extends: base\n", "  <<: *base\n");
    let settings = resolved(&project("zappa_settings.yaml", &merged), Some("dev"));
    assert_eq!(settings.app, Some(AppSetting::Function("shop.app".to_owned())));
    assert_eq!(settings.tags["team"], "shop");
}

#[test]
fn front_doors() {
    for (settings, door) in [
        ("", FrontDoor::Rest),
        ("apigateway_version = \"v1\"", FrontDoor::Rest),
        ("apigateway_version = \"v2\"", FrontDoor::Http),
        ("function_url_enabled = true", FrontDoor::FunctionUrl),
        ("function_url_enabled = true\napigateway_enabled = false", FrontDoor::FunctionUrl),
        ("function_url_enabled = true\nuse_apigateway = false\napigateway_version = \"v2\"", FrontDoor::FunctionUrl),
        ("alb_enabled = true", FrontDoor::Alb),
        ("alb_enabled = true\nfunction_url_enabled = false", FrontDoor::Alb),
    ] {
        // All of them exist on this machine.
        let settings = format!("target = \"local\"\n{settings}");
        assert_eq!(dev(&settings).front_door, door, "{settings}");
        // A flag wins over whatever is written.
        for wanted in FrontDoor::ALL {
            let project = toml(&format!("[dev]\n{settings}\n"));
            let request = Request { overrides: front_door_overrides(wanted, "--front-door"), ..Request::default() };
            let overridden = load(project.root(), &request, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(overridden.front_door, wanted, "{settings}");
        }
    }
}

#[test]
fn apps() {
    for name in ["shop.app", "shop:app", "shop.web:create_app()", "shop.create_app()"] {
        assert_eq!(dev(&format!("app_function = \"{name}\"")).app, Some(AppSetting::Function(name.to_owned())));
    }
    assert_eq!(dev("django_settings = \"site.settings\"").app, Some(AppSetting::Django("site.settings".to_owned())));
    // TOML has no null: an empty text takes back what is inherited.
    let project = toml("[base]\napp_function = \"a.b\"\n[dev]\nextends = \"base\"\napp_function = \"\"\ndjango_settings = \"c\"\n");
    assert_eq!(resolved(&project, Some("dev")).app, Some(AppSetting::Django("c".to_owned())));
    let project =
        project_json(r#"{"base": {"app_function": "a.b"}, "dev": {"extends": "base", "app_function": null, "django_settings": "c"}}"#);
    assert_eq!(resolved(&project, Some("dev")).app, Some(AppSetting::Django("c".to_owned())));
}

#[test]
fn health_check_and_keep_warm() {
    assert_eq!(dev("touch = false").touch_path, None);
    assert_eq!(dev("touch = false\ntouch_path = \"/x\"").touch_path, None);
    assert_eq!(dev("touch_path = \"/health?x=1\"").touch_path.as_deref(), Some("/health?x=1"));
    assert_eq!(dev("touch = \"/health\"").touch_path.as_deref(), Some("/health"));
    assert_eq!(dev("keep_warm = false").keep_warm, None);
    assert_eq!(dev("keep_warm_expression = \"rate(1 minute)\"").keep_warm.as_deref(), Some("rate(1 minute)"));
}

#[test]
fn retained_versions() {
    assert_eq!(dev("num_retained_versions = 2").num_retained_versions, Some(2));
    assert_eq!(dev("num_retained_versions = \"all\"").num_retained_versions, None);
    let settings = resolved(&project_json(r#"{"dev": {"num_retained_versions": null}}"#), None);
    assert_eq!(settings.num_retained_versions, None);
    assert_eq!(settings.values.iter().find(|value| value.key == "num_retained_versions").unwrap().value, "all");
}

#[test]
fn environment_variables_win_over_those_of_aws() {
    let settings =
        dev("aws_environment_variables = { AA = \"aws\", BB = \"aws\" }\nenvironment_variables = { BB = \"own\", CC = \"own\" }");
    let expected: BTreeMap<String, String> =
        [("AA", "aws"), ("BB", "own"), ("CC", "own")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(settings.environment, expected);
}

#[test]
fn schedules_have_names() {
    let settings = dev(
        "events = [\n  { function = \"a.b\", expressions = [\"rate(1 hour)\", \"rate(2 hours)\", \"rate(3 hours)\"], kwargs = { n = 1 } },\n  { function = \"a.b\", name = \"other\", expression = \"rate(1 day)\", description = \"daily\", enabled = false },\n]",
    );
    let names: Vec<&str> = settings.schedules.iter().map(|schedule| schedule.name.as_str()).collect();
    assert_eq!(names, ["a.b", "a.b-2", "a.b-3", "other"]);
    assert_eq!(settings.schedules[1].expression, "rate(2 hours)");
    assert_eq!(settings.schedules[2].kwargs.get("n"), Some(&json!(1)));
    assert!(settings.schedules[0].enabled && !settings.schedules[3].enabled);
    assert_eq!(settings.schedules[3].description.as_deref(), Some("daily"));
}

#[test]
fn base_path_has_no_slashes_at_its_ends() {
    assert_eq!(dev("base_path = \"/shop/v1/\"").base_path.as_deref(), Some("shop/v1"));
    assert_eq!(dev("base_path = \"/\"").base_path, None);
}

#[test]
fn a_project_is_named_after_its_directory() {
    let project =
        TestProject::new().file("My Very Long Project/zappa_settings.toml", "[dev]\n").file("日本/zappa_settings.toml", "[dev]\n");
    let named = |directory: &str| {
        let settings = load(&project.root().join(directory), &Request::default(), &BTreeMap::new());
        settings.unwrap_or_else(|error| panic!("{error}")).id.project
    };
    // As long as zappa/Zappa makes it, so that what it has deployed is found again.
    assert_eq!(named("My Very Long Project"), "my-very-long-pr");
    assert_eq!(named("日本"), "app");
}

/// What `zappa init` of zappa/Zappa 0.63 writes, and what people have added from its README.
#[test]
fn files_of_the_older_tool_load() {
    let settings = resolved(
        &project_json(
            r#"{
    "dev": {
        "app_function": "shop.app",
        "aws_region": "us-east-1",
        "exclude": ["boto3", "dateutil", "botocore", "s3transfer", "concurrent"],
        "num_retained_versions": 5,
        "profile_name": null,
        "project_name": "shop",
        "runtime": "python3.12",
        "s3_bucket": "zappa-a1b2c3d4e",
        "slim_handler": false,
        "lambda_handler": "handler.lambda_handler",
        "delete_zip": true,
        "events": [{"function": "shop.tasks.nightly", "expression": "rate(1 day)", "name": null}],
        "async_resources": true,
        "use_apigateway": true,
        "callbacks": {},
        "vpc_config": {},
        "dead_letter_arn": ""
    },
    "dev_eu_west_1": {"extends": "dev", "aws_region": "eu-west-1"}
}"#,
        ),
        Some("dev_eu_west_1"),
    );
    assert_eq!(settings.id.function_name(), "shop-dev-eu-west-1");
    assert_eq!(settings.runtime.unwrap().minor, 12);
    assert_eq!(settings.packaging.exclude.len(), 5);
}

fn project_json(settings: &str) -> TestProject {
    project("zappa_settings.json", settings)
}
