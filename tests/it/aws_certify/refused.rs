//! What is not done, and why.

use super::domain::{record, records, set, stage, zone};
use crate::aws_deploy::stage::Stage;
use crate::support::TestProject;

#[test]
fn records_that_lead_elsewhere_are_given_up_on_request_only() {
    let stage = stage("taken", "");
    record(&stage, "CNAME", "old.host.example");
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("the CNAME record of `www.taken-dev.example` leads to `old.host.example`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: pass `--yes` to replace it"), "{}", refused.stderr);
    assert!(records(&stage).iter().any(|line| line.ends_with("CNAME old.host.example")));
    stage.run(&["certify", "--yes"]).expect_code(0);
    let records = records(&stage);
    assert!(records.iter().all(|line| !line.contains("old.host")) && records.len() == 3, "{records:#?}");
}

#[test]
fn the_zone_has_to_be_certain_and_public() {
    let stage = stage("zones", "");
    zone(&stage, "www.zones-dev.example", true);
    assert_eq!(stage.json(&["certify"])["zone"], "zones-dev.example");
    zone(&stage, "www.zones-dev.example", false);
    zone(&stage, "www.zones-dev.example", false);
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("several public hosted zones `www.zones-dev.example`"), "{}", refused.stderr);
}

#[test]
fn stages_share_a_domain_under_paths() {
    let one = stage("shares", "base_path = \"one\"\n");
    one.run(&["certify"]).expect_code(0);
    let both = |path: &str| {
        let text = |stage: &str, path: &str| {
            format!(
                "[{stage}]\nproject_name = \"shares\"\napp_function = \"app.app\"\ndomain = \"www.shares-dev.example\"\nbase_path = \"{path}\"\n"
            )
        };
        one.project.write("zappa_settings.toml", text("dev", "one") + &text("next", path));
    };
    both("one");
    one.run(&["deploy", "next"]).expect_code(0);
    let refused = one.run(&["certify", "next"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("`https://www.shares-dev.example/one/` leads to the API"), "{}", refused.stderr);
    both("two");
    one.run(&["certify", "next"]).expect_code(0);
    let paths = |stage: &Stage| stage.inventory()["domains"][0]["paths"].as_array().map_or(0, Vec::len);
    assert_eq!(paths(&one), 2);
    // The first leaves what the second needs; the second takes the rest away.
    one.run(&["undeploy", "dev", "--yes"]).expect_code(0);
    assert_eq!((paths(&one), records(&one).len()), (1, 3));
    one.run(&["undeploy", "next", "--yes"]).expect_code(0);
    assert_eq!((one.inventory().get("domains"), one.inventory().get("certificates"), records(&one).len()), (None, None, 1));
}

#[test]
fn what_cannot_have_a_domain_says_so() {
    let local = TestProject::new()
        .file("app.py", "app = None\n")
        .file("zappa_settings.toml", "[dev]\nproject_name = \"x\"\napp_function = \"app.app\"\n");
    let refused = local.zappa(["certify", "local"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("stage `local` has the target `local`, which has no domains"), "{}", refused.stderr);
    let stage = Stage::new("cannot", "");
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("stage `dev` has no `domain`"), "{}", refused.stderr);
    set(&stage, "");
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("`cannot-dev` is not deployed"), "{}", refused.stderr);
    set(&stage, "function_url_enabled = true\n");
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("unless a CloudFront distribution stands before it"), "{}", refused.stderr);
}
