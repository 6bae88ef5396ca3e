//! What `--dry-run` says of commands that take away or go back, and that it does nothing.

use expect_test::expect;
use serde_json::json;

use crate::support::http::get;
use crate::support::{Deployed, TestProject};

const SETTINGS: &str = "[local]\ntarget = \"local\"\napp_function = \"app.app\"\n";

fn event(name: &str, expression: &str) -> String {
    format!("[[local.events]]\nfunction = \"app.tick\"\nname = \"{name}\"\nexpression = \"{expression}\"\n")
}

fn deployed() -> Deployed {
    let settings = format!("{SETTINGS}{}{}", event("nightly", "cron(0 3 * * ? *)"), event("hourly", "rate(1 hour)"));
    Deployed::new(TestProject::copy_of("tests/fixtures/apps/echo").file("zappa_settings.toml", settings))
}

#[test]
fn a_rollback_says_where_it_would_go() {
    let deployed = deployed();
    let app = std::fs::read_to_string(deployed.project.root().join("app.py")).unwrap();
    deployed.project.write("app.py", app.replace("VERSION = \"one\"", "VERSION = \"two\""));
    let said = deployed.zappa(["update", "local", "--dry-run"]).expect_code(0).stdout;
    let (told, change) = said.split_once("\n\nsince version 1\n").unwrap_or_else(|| panic!("{said}"));
    assert!(
        told.contains("a new version, because of: code\n") && change.starts_with("  ~ app.py (") && change.ends_with(", same size)\n"),
        "{said}"
    );
    let planned = deployed.zappa(["update", "local", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!((&planned["changes"], &planned["change"]["since"]), (&json!(["code"]), &json!(1)));
    assert_eq!(planned["change"]["files"][0]["path"], "app.py");
    deployed.zappa(["update", "local"]).expect_code(0);
    let planned = deployed.zappa(["rollback", "local", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!(planned, json!({ "function_name": "echo-local", "from": 2, "to": 1 }));
    let said = deployed.zappa(["rollback", "local", "--dry-run"]).expect_code(0).stdout;
    expect![[r#"
        echo-local: nothing was done; a rollback would make version 1 live (now 2)
    "#]]
    .assert_eq(&said);
    let stays = deployed.zappa(["rollback", "local", "--to", "2", "--dry-run"]).expect_code(0).stdout;
    expect![[r#"
        echo-local: version 2 is live already; there is nothing to do
    "#]]
    .assert_eq(&stays);
    assert_eq!(get(deployed.port, "/version").text(), "two");
    deployed.zappa(["rollback", "local", "--to", "7", "--dry-run"]).expect_code(2);
}

#[test]
fn schedules_are_compared_one_by_one() {
    let deployed = deployed();
    let settings = format!("{SETTINGS}{}{}", event("nightly", "cron(0 4 * * ? *)"), event("weekly", "rate(7 days)"));
    deployed.project.write("zappa_settings.toml", settings);
    let before = deployed.zappa(["status", "local", "--json"]).expect_code(0).json()["schedules"].clone();
    let said = deployed.zappa(["schedule", "local", "--dry-run"]).expect_code(0).stdout;
    expect![[r#"
        echo-local: nothing was done; of the schedules this would

          create       weekly
          update       nightly
          remove       hourly
          leave alone  zappa-keep-warm
    "#]]
    .assert_eq(&said);
    let planned = deployed.zappa(["unschedule", "local", "--dry-run", "--json"]).expect_code(0).json();
    let all = json!(["zappa-keep-warm", "nightly", "hourly"]);
    assert_eq!(planned, json!({ "function_name": "echo-local", "created": [], "updated": [], "removed": all, "unchanged": [] }));
    assert_eq!(deployed.zappa(["status", "local", "--json"]).expect_code(0).json()["schedules"], before);

    deployed.zappa(["unschedule", "local"]).expect_code(0);
    let said = deployed.zappa(["unschedule", "local", "--dry-run"]).expect_code(0).stdout;
    assert_eq!(said, "echo-local has no schedules, and none are wanted\n");
}

#[test]
fn an_undeployment_lists_what_would_go_and_what_would_stay() {
    let deployed = deployed();
    get(deployed.port, "/version");
    // Asks nothing: there is nothing to be afraid of.
    let planned = deployed.zappa(["undeploy", "local", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!(planned["kept"], json!(["logs"]));
    assert_eq!(get(deployed.port, "/version").text(), "one");
    let said = deployed.zappa(["undeploy", "local", "--dry-run"]).expect_code(0).stdout;
    assert!(said.contains("  remove  schedule `hourly`\n") && said.ends_with("  keep    logs (`--remove-logs` removes it)\n"), "{said}");
    let done = deployed.zappa(["undeploy", "local", "--yes", "--json"]).expect_code(0).json();
    assert_eq!(done["removed"], planned["removed"], "what was said is what is done");

    let logs = deployed.zappa(["undeploy", "local", "--dry-run", "--remove-logs", "--json"]).expect_code(0).json();
    assert_eq!((&logs["removed"], &logs["kept"]), (&json!(["logs"]), &json!([])), "what is left of a stage");
    deployed.zappa(["undeploy", "local", "--yes", "--remove-logs"]).expect_code(0);
    let said = deployed.zappa(["undeploy", "local", "--dry-run"]).expect_code(0).stdout;
    assert_eq!(said, "echo-local is not deployed: nothing to remove\n");
}
