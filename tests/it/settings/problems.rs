//! What is refused: all of it at once, each with its place.

use expect_test::expect;

use super::{project, refused, toml};
use crate::support::TestProject;

#[test]
fn everything_in_one_go() {
    let project = toml(
        r#"memory_size = 512

[dev]
app_function = "shop"
memory = 12
memory_size = 64
runtime = "python3.7"
log_level = "debug"
timeout_seconds = "30"
architecture = "arm"
debug = "true"
exclude = ["a", 1]
project_name = "my shop"
lets_encrypt_key = "s3://bucket/key"
lambda_handler = "mine.handler"
app_type = "asgi"
async_source = "sns"
ephemeral_storage = { Size = 511 }
vpc_config = { SubnetIds = ["subnet-1"], SecurityGroup = ["sg-1"] }
cors = { allowed_origin = ["*"] }
aws_region = "Frankfurt"
role_arn = "shop"
keep_warm_expression = "at(2030-01-31T12:00:00)"
touch_path = "health"
cache_cluster_size = 2

[dev.environment_variables]
AWS_REGION = "eu-central-1"
1ST = "value"
PORT = 8000

[[dev.events]]
function = "tasks"
expression = "rate(1 minutes)"

[[dev.events]]
function = "shop.tasks.on_upload"
event_source = { arn = "arn:aws:s3:::uploads" }

[[dev.events]]
function = "shop.tasks.nightly"

[prod]
memory_size = 10241
timeout_seconds = 901
extends = "dve"
num_retained_versions = 0
delete_zip = false

["a b"]
"#,
    );
    expect![[r#"
        error: 37 problems in `zappa_settings.toml`
          zappa_settings.toml:1: `memory_size` is a setting and belongs in the table of a stage, such as `[dev]`
          zappa_settings.toml:4: `app_function`: `shop` is not `module.callable`, `module:callable` or `module:factory()`
          zappa_settings.toml:5: unknown key `memory`; did you mean `memory_size`?
          zappa_settings.toml:6: `memory_size` must be a whole number from 128 to 10240, not `64`
          zappa_settings.toml:7: `runtime`: `python3.7` is not a runtime that runs this tool's shim: `python3.9` or newer
          zappa_settings.toml:8: `log_level` must be `"DEBUG"`, `"INFO"`, `"WARNING"`, `"ERROR"` or `"CRITICAL"`, not `"debug"`; did you mean `DEBUG`?
          zappa_settings.toml:9: `timeout_seconds` must be a whole number from 1 to 900, not `"30"`; write it without quotes
          zappa_settings.toml:10: `architecture` must be `"x86_64"` or `"arm64"`, not `"arm"`; did you mean `arm64`?
          zappa_settings.toml:11: `debug` must be `true` or `false`, not `"true"`; write it without quotes
          zappa_settings.toml:12: `exclude[1]` must be text, not `1`; put it in quotes
          zappa_settings.toml:13: `project_name`: `my shop` is not a project name: 1 to 80 letters, digits, `-` and `_`
          zappa_settings.toml:14: `lets_encrypt_key` is known but not supported yet; remove it (`zappa certify` requests a certificate from AWS Certificate Manager, which costs nothing and renews itself)
          zappa_settings.toml:15: `lambda_handler` is known but not supported yet; remove it or set it to `"zappa.handler.lambda_handler"` (the entry point is always this tool's own)
          zappa_settings.toml:16: `app_type` is known but not supported yet; remove it or set it to `"wsgi"` (only WSGI apps are served)
          zappa_settings.toml:17: `async_source` is known but not supported yet; remove it or set it to `"lambda"` (tasks go straight to the function)
          zappa_settings.toml:18: `ephemeral_storage.Size` must be a whole number from 512 to 10240, not `511`
          zappa_settings.toml:19: unknown key `SecurityGroup` in `vpc_config`; did you mean `SecurityGroupIds`?
          zappa_settings.toml:19: `vpc_config` needs `SecurityGroupIds`
          zappa_settings.toml:20: `cors.allowed_origin` must be text, not a list
          zappa_settings.toml:21: `aws_region`: `Frankfurt` is not a region such as `eu-central-1`
          zappa_settings.toml:22: `role_arn`: `shop` is not an ARN: `arn:partition:service:region:account:resource`
          zappa_settings.toml:23: `keep_warm_expression`: `at(2030-01-31T12:00:00)`: what repeats is written `rate(4 minutes)` or `cron(0 3 * * ? *)`
          zappa_settings.toml:24: `touch_path`: `health` is not a path that begins with `/`
          zappa_settings.toml:25: `cache_cluster_size` must be `0.5`, `1.6`, `6.1`, `13.5`, `28.4`, `58.2`, `118` or `237`, not `2`
          zappa_settings.toml:28: `environment_variables`: `AWS_REGION` is set by Lambda itself and cannot be set
          zappa_settings.toml:29: `environment_variables`: `1ST` is not a name that Lambda accepts for a variable: a letter, then letters, digits and `_`, two characters at least
          zappa_settings.toml:30: `environment_variables.PORT` must be text, not a number; put it in quotes
          zappa_settings.toml:33: `events[0].function`: `tasks` is not a dotted function name: `module.function`
          zappa_settings.toml:34: `events[0].expression`: `rate(1 minutes)`: AWS wants `rate(1 minute)`
          zappa_settings.toml:38: `events[1].event_source` is known but not supported yet; remove it
          zappa_settings.toml:40: the event of `shop.tasks.nightly` needs an `expression`, such as `rate(1 hour)`
          zappa_settings.toml:44: `memory_size` must be a whole number from 128 to 10240, not `10241`
          zappa_settings.toml:45: `timeout_seconds` must be a whole number from 1 to 900, not `901`
          zappa_settings.toml:46: `extends` names the stage `dve`, which is not in this file; did you mean `dev`?
          zappa_settings.toml:47: `num_retained_versions` must be a whole number from 1 to 1000000, not `0`
          zappa_settings.toml:48: `delete_zip` is known but not supported yet; remove it or set it to `true` (`zappa package` writes an archive to keep)
          zappa_settings.toml:50: `a b` is not a stage name: letters, digits, `-` and `_`
    "#]].assert_eq(&refused(&project, ["settings", "dev"]));
}

#[test]
fn every_stage_is_checked_whichever_is_asked_for() {
    let project = toml("[dev]\n\n[prod]\nmemory_size = 1\n");
    for stage in ["dev", "prod", "local", "nowhere"] {
        assert!(refused(&project, ["settings", stage]).contains("zappa_settings.toml:4: `memory_size`"));
    }
    assert!(refused(&project, ["settings"]).contains("zappa_settings.toml:4: `memory_size`"));
}

#[test]
fn an_inherited_mistake_is_told_once() {
    let project = toml(
        "[base]\nmemory_size = 1\napp_function = \"a.b\"\ndjango_settings = \"c\"\n[dev]\nextends = \"base\"\n[prod]\nextends = \"dev\"\n",
    );
    expect![[r#"
        error: 2 problems in `zappa_settings.toml`
          zappa_settings.toml:2: `memory_size` must be a whole number from 128 to 10240, not `1`
          zappa_settings.toml:4: `django_settings` and `app_function` are both set; keep the one that is to be served
    "#]]
    .assert_eq(&refused(&project, ["settings", "dev"]));
}

#[test]
fn lines_are_right_in_each_format() {
    let yaml = project(
        "zappa_settings.yaml",
        "# comment\ndev:\n  memory_size: 512\n  timeout_secs: 3\n  tags:\n    a: b\n    c: 4\n  exclude:\n    - a\n    - 7\n  events:\n    - function: a.b\n      expression: rate(1 hours)\n",
    );
    expect![[r#"
        error: 4 problems in `zappa_settings.yaml`
          zappa_settings.yaml:4: unknown key `timeout_secs`; did you mean `timeout_seconds`?
          zappa_settings.yaml:7: `tags.c` must be text, not `4`; put it in quotes
          zappa_settings.yaml:10: `exclude[1]` must be text, not `7`; put it in quotes
          zappa_settings.yaml:13: `events[0].expression`: `rate(1 hours)`: AWS wants `rate(1 hour)`
    "#]]
    .assert_eq(&refused(&yaml, ["settings"]));
    let json = project(
        "zappa_settings.json",
        "{\n  // comment\n  \"dev\": {\n    \"memory_size\": 512,\n    \"timeout_secs\": 3,\n    \"tags\": {\n      \"a\": \"b\",\n      \"c\": 4,\n    },\n    \"exclude\": [\n      \"a\",\n      7\n    ],\n    \"events\": [\n      {\n        \"function\": \"a.b\",\n        \"expression\": \"rate(1 hours)\"\n      }\n    ]\n  }\n}\n",
    );
    expect![[r#"
        error: 4 problems in `zappa_settings.json`
          zappa_settings.json:5: unknown key `timeout_secs`; did you mean `timeout_seconds`?
          zappa_settings.json:8: `tags.c` must be text, not `4`; put it in quotes
          zappa_settings.json:12: `exclude[1]` must be text, not `7`; put it in quotes
          zappa_settings.json:17: `events[0].expression`: `rate(1 hours)`: AWS wants `rate(1 hour)`
    "#]]
    .assert_eq(&refused(&json, ["settings"]));
    let toml = toml(
        "# comment\n[dev]\nmemory_size = 512\ntimeout_secs = 3\nexclude = [\n  \"a\",\n  7,\n]\n[dev.tags]\na = \"b\"\nc = 4\n[[dev.events]]\nfunction = \"a.b\"\nexpression = \"rate(1 hours)\"\n",
    );
    expect![[r#"
        error: 4 problems in `zappa_settings.toml`
          zappa_settings.toml:4: unknown key `timeout_secs`; did you mean `timeout_seconds`?
          zappa_settings.toml:7: `exclude[1]` must be text, not `7`; put it in quotes
          zappa_settings.toml:11: `tags.c` must be text, not `4`; put it in quotes
          zappa_settings.toml:14: `events[0].expression`: `rate(1 hours)`: AWS wants `rate(1 hour)`
    "#]]
    .assert_eq(&refused(&toml, ["settings"]));
}

#[test]
fn syntax_errors_name_line_and_column() {
    expect![[r#"
        error: `zappa_settings.toml` is not valid TOML: line 2, column 15
          Caused by: string values must be quoted, expected literal string
    "#]]
    .assert_eq(&refused(&toml("[dev]\nmemory_size = \n"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.json` is not valid JSON: line 3, column 5
          Caused by: unexpected token

        hint: comments begin with `//`, and texts stand in double quotes
    "#]]
    .assert_eq(&refused(&project("zappa_settings.json", "{\n  \"dev\": {\n    # no\n  }\n}\n"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.yml` is not valid YAML: line 3, column 5
          Caused by: while parsing a flow mapping, did not find expected ',' or '}'
    "#]]
    .assert_eq(&refused(&project("zappa_settings.yml", "dev:\n  tags: {a: b\nprod: x\n"), ["settings"]));
}

#[test]
fn a_key_that_stands_twice_is_a_syntax_error() {
    expect![[r#"
        error: `zappa_settings.toml` is not valid TOML: line 3, column 1
          Caused by: duplicate key
    "#]]
    .assert_eq(&refused(&toml("[dev]\ndebug = true\ndebug = false\n"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.json` is not valid JSON: line 3, column 1
          Caused by: the key `debug` stands twice in the same table
    "#]]
    .assert_eq(&refused(&project("zappa_settings.json", "{\"dev\": {\n\"debug\": true,\n\"debug\": false}}"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.yaml` is not valid YAML: line 3, column 3
          Caused by: duplicated key in mapping
    "#]]
    .assert_eq(&refused(&project("zappa_settings.yaml", "dev:\n  debug: true\n  debug: false\n"), ["settings"]));
}

#[test]
fn files_that_hold_no_stage() {
    for (name, text) in
        [("zappa_settings.toml", ""), ("zappa_settings.json", "{}"), ("zappa_settings.json", ""), ("zappa_settings.yaml", "")]
    {
        let project = project(name, text);
        let said = refused(&project, ["settings"]);
        assert!(said.starts_with(&format!("error: there is no stage in `{name}`\n")), "{said}");
        project.zappa(["settings", "local"]).expect_code(0);
    }
    expect![[r#"
        error: `zappa_settings.json` is not valid JSON: line 1, column 1
          Caused by: the file must hold one object: `{"dev": {...}}`
    "#]]
    .assert_eq(&refused(&project("zappa_settings.json", "[1]"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.yaml` is not valid YAML: line 1, column 1
          Caused by: the file must hold one mapping of stages: `dev:`
    "#]]
    .assert_eq(&refused(&project("zappa_settings.yaml", "- dev\n"), ["settings"]));
    expect![[r#"
        error: `zappa_settings.yaml` is not valid YAML: line 3, column 1
          Caused by: the file must hold one document, not several
    "#]]
    .assert_eq(&refused(&project("zappa_settings.yaml", "a:\n---\nb:\n"), ["settings"]));
    expect![[r#"
        error: 1 problem in `zappa_settings.toml`
          zappa_settings.toml:1: `dev` is not a table; every key at the top of the file is the name of a stage, and its value the stage's settings
    "#]].assert_eq(&refused(&toml("dev = 1\n"), ["settings"]));
}

#[test]
fn a_file_that_is_not_text() {
    let project = TestProject::new().file("zappa_settings.toml", b"[dev]\ns3_bucket = \"\xff\"\n");
    let said = refused(&project, ["settings"]);
    assert!(said.starts_with("error: could not read `zappa_settings.toml`"), "{said}");
}

#[test]
fn circular_extends() {
    expect![[r#"
        error: 1 problem in `zappa_settings.toml`
          zappa_settings.toml:2: circular `extends`: `a` → `a`
    "#]]
    .assert_eq(&refused(&toml("[a]\nextends = \"a\"\n"), ["settings"]));
    expect![[r#"
        error: 1 problem in `zappa_settings.toml`
          zappa_settings.toml:4: circular `extends`: `a` → `b` → `c` → `a`
    "#]]
    .assert_eq(&refused(
        &toml("[start]\nextends = \"b\"\n[a]\nextends = \"b\"\n[b]\nextends = \"c\"\n[c]\nextends = \"a\"\n"),
        ["settings", "start"],
    ));
}

#[test]
fn stages_that_would_share_a_name() {
    expect![[r#"
        error: 2 problems in `zappa_settings.toml`
          zappa_settings.toml:2: the stages `dev-1` and `dev_1` would both be named `shop-dev-1`; rename one
          zappa_settings.toml:3: the stages `dev-1` and `DEV-1` would both be named `shop-dev-1`; rename one
    "#]]
    .assert_eq(&refused(&toml("[dev-1]\n[dev_1]\n[DEV-1]\n"), ["settings", "dev-1"]));
    // Project and stage together make the name.
    expect![[r#"
        error: 1 problem in `zappa_settings.toml`
          zappa_settings.toml:3: the stages `b-c` and `c` would both be named `a-b-c`; rename one
    "#]]
    .assert_eq(&refused(&toml("[b-c]\nproject_name = \"a\"\n[c]\nproject_name = \"a-b\"\n"), ["settings", "c"]));
    toml("[dev]\nproject_name = \"a\"\n[DEV]\nproject_name = \"b\"\n").zappa(["settings", "dev"]).expect_code(0);
    let local = refused(&toml("[Local]\n"), ["settings", "local"]);
    assert!(local.contains("`shop-local`"), "{local}");
}

#[test]
fn names_that_are_too_long() {
    let sixty_four = "a".repeat(64 - "-dev".len());
    toml(&format!("[dev]\nproject_name = \"{sixty_four}\"\n")).zappa(["settings"]).expect_code(0);
    let said = refused(&toml(&format!("[dev]\nproject_name = \"{sixty_four}a\"\n")), ["settings"]);
    assert!(said.contains("zappa_settings.toml:1: the function would be named"), "{said}");
    assert!(said.contains("65 characters, and Lambda takes 64"), "{said}");
    let said = refused(&toml(&format!("[dev]\nproject_name = \"{}\"\n", "a".repeat(81))), ["settings"]);
    assert!(said.contains("zappa_settings.toml:2: `project_name`"), "{said}");
}

#[test]
fn keys_that_contradict_each_other() {
    for (settings, said) in [
        ("app_function = \"a.b\"\ndjango_settings = \"c.d\"", "3: `django_settings` and `app_function` are both set"),
        ("binary_support = false\nadditional_text_mimetypes = [\"x/y\"]", "3: `additional_text_mimetypes` needs `binary_support`"),
        ("function_url_enabled = true\nalb_enabled = true", "3: `function_url_enabled` and `alb_enabled` ask for two front doors"),
        ("apigateway_enabled = true\nalb_enabled = true", "3: `apigateway_enabled` and `alb_enabled` ask for two front doors"),
        ("apigateway_version = \"v2\"\nfunction_url_enabled = true", "3: `apigateway_version` and `function_url_enabled` ask for two"),
        ("apigateway_enabled = false", "2: a function without a front door is not supported yet"),
        ("use_apigateway = false", "2: a function without a front door is not supported yet"),
        ("touch = \"/a\"\ntouch_path = \"/b\"", "3: `touch` and `touch_path` name different paths"),
        ("delete_zip = true\ndelete_local_zip = true", "3: `delete_local_zip` is given twice"),
        ("use_apigateway = 1", "2: `use_apigateway` must be `true` or `false`"),
    ] {
        let stderr = refused(&toml(&format!("[dev]\n{settings}\ntarget = \"local\"\n")), ["settings"]);
        assert!(stderr.contains(&format!("1 problem in `zappa_settings.toml`\n  zappa_settings.toml:{said}")), "{settings}\n{stderr}");
    }
}

#[test]
fn the_environment_has_four_kilobytes() {
    let fits = |size: usize| {
        format!(
            "[dev]\nenvironment_variables = {{ NAME = \"{}\" }}\naws_environment_variables = {{ OTHER = \"12345\" }}\n",
            "x".repeat(size)
        )
    };
    toml(&fits(4096 - 4 - 10)).zappa(["settings"]).expect_code(0);
    let said = refused(&toml(&fits(4096 - 4 - 10 + 1)), ["settings"]);
    assert!(said.contains("zappa_settings.toml:2: the environment variables take 4097 bytes, names included, and"), "{said}");
    // The longest name of a bucket, and `shop-dev` as the function's.
    let ours = "ZAPPA_DEPENDENCIES".len()
        + format!("s3://{}/zappa-dependencies/shop-dev/{hash}.zip#sha256={hash}", "b".repeat(63), hash = "0".repeat(64)).len();
    let fetched = |size: usize| format!("{}slim_handler = true\nproject_name = \"shop\"\n", fits(size));
    toml(&fetched(4096 - 4 - 10 - ours)).zappa(["settings"]).expect_code(0);
    let said = refused(&toml(&fetched(4096 - 4 - 10 - ours + 1)), ["settings"]);
    assert!(said.contains(&format!("take 4097 bytes, names included (up to {ours} of them tell it where its dependencies are")), "{said}");
}

#[test]
fn schedules() {
    let event = |line: &str| format!("  {{ {line} }},\n");
    let good = [
        "rate(1 minute)",
        "rate(4 minutes)",
        "rate(1 day)",
        "rate(36 hours)",
        "cron(0 3 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(0 9 L * ? 2030)",
        "cron(0 9 15W JAN,jul ? 2030-2035)",
        "cron(30 10 ? * 2#1 *)",
        "cron(30 10 ? * 6L *)",
        "cron(*/5 * ? * 1,3,5 *)",
        "at(2030-01-31T12:00:00)",
    ];
    let bad = [
        "rate(4 minute)",
        "rate(1 minutes)",
        "rate(0 minutes)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(5 weeks)",
        "rate(5  minutes)",
        "every 5 minutes",
        "cron(0 3 * * *)",
        "cron(0 3 * * * *)",
        "cron(0 3 ? * ? *)",
        "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 3 32 * ? *)",
        "cron(0 3 * 13 ? *)",
        "cron(0 3 ? * 0 *)",
        "cron(0 3 ? * FRY *)",
        "cron(0 3 * * ? 1969)",
        "cron(0 3,, * * ? *)",
        "cron(0/0 3 * * ? *)",
        "at(2030-02-30T12:00:00)",
        "at(2030-01-31 12:00:00)",
        "at(2030-01-31)",
    ];
    let mut settings = "[dev]\ntarget = \"local\"\nevents = [\n".to_owned();
    for (index, expression) in good.iter().chain(&bad).enumerate() {
        settings.push_str(&event(&format!("function = \"a.b\", name = \"n{index}\", expression = \"{expression}\"")));
    }
    settings.push_str("]\n");
    let said = refused(&toml(&settings), ["settings"]);
    let lines: Vec<usize> =
        said.lines().filter_map(|line| line.trim().strip_prefix("zappa_settings.toml:")?.split_once(':')?.0.parse().ok()).collect();
    let expected: Vec<usize> = (0..bad.len()).map(|index| 4 + good.len() + index).collect();
    assert_eq!(lines, expected, "{said}");

    let names = toml(
        "[dev]\nevents = [\n  { function = \"a.b\", expression = \"rate(1 hour)\" },\n  { function = \"a.b\", expression = \"rate(2 hours)\" },\n  { function = \"a.c\", expressions = [\"rate(1 hour)\"], expression = \"rate(1 hour)\" },\n  { function = \"a.d\", expressions = [] },\n  { function = \"a.e\", name = \"n/1\", expression = \"rate(1 hour)\" },\n  { function = \"a.é\", expression = \"rate(1 hour)\" },\n  { function = \"a.f\", expressions = [\"rate(1 hour)\", \"rate(2 hours)\"] },\n  { function = \"a.g\", name = \"a.f-2\", expression = \"rate(1 hour)\" },\n]\n",
    );
    expect![[r#"
        error: 6 problems in `zappa_settings.toml`
          zappa_settings.toml:4: a second schedule is named `a.b`; give one of the two events a `name` of its own
          zappa_settings.toml:5: the event of `a.c` has both `expression` and `expressions`; keep one
          zappa_settings.toml:6: the event of `a.d` needs an `expression`, such as `rate(1 hour)`
          zappa_settings.toml:7: `events[4].name`: `n/1` is not a schedule name: 1 to 64 letters, digits, `.`, `-` and `_`
          zappa_settings.toml:8: `a.é` is not a schedule name: 1 to 64 letters, digits, `.`, `-` and `_`; give the event a `name` of its own
          zappa_settings.toml:10: a second schedule is named `a.f-2`; give one of the two events a `name` of its own
    "#]]
    .assert_eq(&refused(&names, ["settings"]));
}

#[test]
fn secrets_are_never_printed() {
    let settings = r#"[dev]
api_key = "SECRET-0123456789-0123456789"
environment_variables = { DATABASE_URL = "postgres://user:SECRET@host/db" }
aws_environment_variables = { TOKEN = "SECRET" }
authorizer = { function = "a.SECRET", validation_expression = "SECRET" }
"#;
    let project = toml(settings);
    for args in [vec!["settings"], vec!["settings", "-v"], vec!["settings", "--json"], vec!["settings", "local"]] {
        let outcome = project.zappa(&args).expect_code(0);
        assert!(!outcome.stdout.contains("SECRET") && !outcome.stderr.contains("SECRET"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("DATABASE_URL") && outcome.stdout.contains("TOKEN") && outcome.stdout.contains("***"));
    }
    let from_outside = toml("[dev]\n").env("ZAPPA_ENVIRONMENT_VARIABLES", "{\"NAME\": \"SECRET\"}");
    assert!(!from_outside.zappa(["settings"]).expect_code(0).stdout.contains("SECRET"));
    // Not when they are wrong either.
    for broken in [
        "[dev]\napi_key = 5\nenvironment_variables = \"SECRET\"\n",
        "[dev]\napi_key = \"SECRET\"\nauthorizer = { function = \"SECRET\", arn = \"SECRET\", issuer = \"SECRET\" }\n",
        "[dev]\nauthorizer = { type = \"JWT\", name = \"SECRET\", function = \"a.SECRET\", validation_expression = \"SECRET\" }\n",
        "[dev]\nenvironment_variables = { NAME = [\"SECRET\"], \"A B\" = \"SECRET\" }\nauthorizer = { type = \"SECRET\", result_ttl = \"SECRET\" }\n",
        "[dev]\nenvironment_variables = { NAME = \"SECRET }\n",
        "[dev]\nenvironment_variables = { NAME = \"SECRET\", NAME = \"SECRET\" }\n",
        "[dev]\nenvironment_variables = { NAME = SECRET }\n",
    ] {
        let said = refused(&toml(broken), ["settings"]);
        assert!(!said.contains("SECRET"), "{said}");
    }
    for broken in
        ["{\"dev\": {\"environment_variables\": {\"NAME\": SECRET}}}", "{\"dev\": {\"environment_variables\": {\"NAME\": \"SECRET}}}"]
    {
        let said = refused(&project_json(broken), ["settings"]);
        assert!(!said.contains("SECRET"), "{said}");
    }
    for variable in ["SECRET", "{\"NAME\": SECRET", "{\"NAME\": 5}"] {
        let said = refused(&toml("[dev]\n").env("ZAPPA_ENVIRONMENT_VARIABLES", variable), ["settings"]);
        assert!(!said.contains("SECRET"), "{said}");
    }
}

fn project_json(settings: &str) -> TestProject {
    project("zappa_settings.json", settings)
}

#[test]
fn cors_that_no_browser_takes() {
    let project = toml(
        "[dev]\ncors = { allow_credentials = true }\n\n[other]\ncors = { allowed_origin = \"https://a.example\", allowed_origins = [\"https://b.example\"] }\n",
    );
    expect![[r#"
        error: 2 problems in `zappa_settings.toml`
          zappa_settings.toml:2: `cors.allow_credentials` needs `cors.allowed_origins` that are named; `*` is not one
          zappa_settings.toml:5: `cors.allowed_origin` and `cors.allowed_origins` are both set; keep the list
    "#]]
    .assert_eq(&refused(&project, ["settings", "dev"]));
}
