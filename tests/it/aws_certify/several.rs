//! A domain of a stage in several regions: a name in each, and DNS that leads to the nearest.

use expect_test::expect;
use serde_json::{Value, json};

use super::certificates::files;
use super::domain::{records, script, set, zone, zone_of};
use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Call, Fault};

pub(super) const HOME: &str = "eu-west-1";
pub(super) const REGIONS: [&str; 3] = [HOME, "us-east-1", "ap-southeast-2"];
const SEVERAL: &str = "aws_regions = [\"eu-west-1\", \"us-east-1\", \"ap-southeast-2\"]\n";

/// A stage in [`REGIONS`] with a domain, in an account of its own that has the zone of that.
pub(super) fn several(name: &str, settings: &str) -> Stage {
    let stage = Stage::apart(name, "");
    stage.aws.proxy.regions(&REGIONS);
    zone(&stage, &zone_of(name), false);
    change(&stage, settings);
    stage.run(&["deploy", "--no-check"]).expect_code(0);
    stage
}

/// Other settings for it.
pub(super) fn change(stage: &Stage, settings: &str) {
    set(stage, &format!("{SEVERAL}{settings}"));
}

/// Runs `certify` with `--json`; `region result` for each, and what has become of the records.
#[track_caller]
pub(super) fn certify(stage: &Stage, code: i32, flags: &[&str]) -> (String, Value) {
    let done = stage.run(&[&["certify", "--json"], flags].concat()).expect_code(code).json();
    (rows(&done), done)
}

pub(super) fn rows(done: &Value) -> String {
    let rows = done["regions"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {}\n", row["region"].as_str().unwrap(), row["result"].as_str().unwrap())).collect()
}

/// The names of the calls that write something about domains, sorted, with their number.
pub(super) fn writes(stage: &Stage) -> String {
    let services = ["acm", "route53", "apigateway", "apigatewayv2"];
    let mut names: Vec<String> =
        stage.aws.calls().iter().filter(|call| services.contains(&call.service.as_str())).map(|call| call.name()).collect();
    names.retain(|name| !["Get", "List", "Describe"].iter().any(|verb| name.split(':').nth(1).unwrap().starts_with(verb)));
    names.sort();
    let counted = names.chunk_by(|one, other| one == other);
    counted.map(|same| format!("{} × {}\n", same[0], same.len())).collect()
}

/// All of the domain's records, and what they depend on.
pub(super) fn dns(stage: &Stage) -> String {
    // AWS's own names have decided the order so far.
    let mut lines: Vec<String> = records(stage).into_iter().map(|line| hosts(&line) + "\n").collect();
    lines.sort();
    lines.concat()
}

/// What each health check asks.
fn checks(stage: &Stage) -> String {
    let found = stage.inventory();
    let checks = found["health_checks"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = checks
        .iter()
        .map(|check| {
            hosts(&format!(
                "{}: {}{}\n",
                text(&check["tags"]["Name"]),
                text(&check["FullyQualifiedDomainName"]),
                text(&check["ResourcePath"])
            ))
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// Without what API Gateway makes up, and the zones that are its own.
fn hosts(text: &str) -> String {
    let word = |word: &str| match word.split_once(".execute-api.") {
        Some((first, rest)) => format!("{}.execute-api.{rest}", if first.starts_with("d-") { "[target]" } else { "[api]" }),
        None if word.len() == 14 && word.starts_with('Z') => "[zone]".to_owned(),
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

pub(super) fn count(stage: &Stage, region: &str, kind: &str) -> usize {
    stage.aws.inventory_in(&stage.name, region)[kind].as_array().map_or(0, Vec::len)
}

#[test]
fn people_are_led_to_the_nearest_region_that_is_well() {
    let stage = several("nearest", "tags = { team = \"web\" }\n");
    let planned = stage.run(&["certify", "--dry-run"]).expect_code(0).stdout;
    assert!(planned.contains("nothing was done") && planned.contains("records created (in every region)"), "{planned}");
    assert_eq!(writes(&stage), "");

    let (rows, done) = certify(&stage, 0, &[]);
    assert_eq!(rows, "eu-west-1 created\nus-east-1 created\nap-southeast-2 created\n");
    stage.calls();
    let called: Vec<Call> = stage.aws.calls();
    // The proof is one, and the records are one change.
    expect![[r#"
        acm:RequestCertificate × 3
        apigateway:CreateDomainName × 3
        apigatewayv2:CreateApiMapping × 3
        route53:ChangeResourceRecordSets × 2
        route53:ChangeTagsForResource × 3
        route53:CreateHealthCheck × 3
    "#]]
    .assert_eq(&writes(&stage));
    expect![[r#"
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
        www.[name].example. A [region] [region] [check of [region]] alias [target]. [zone]
        www.[name].example. A ap-southeast-2 ap-southeast-2 [check of ap-southeast-2] alias [target].execute-api.ap-southeast-2.amazonaws.com. [zone]
        www.[name].example. A us-east-1 us-east-1 [check of us-east-1] alias [target].execute-api.us-east-1.amazonaws.com. [zone]
        www.[name].example. AAAA [region] [region] [check of [region]] alias [target]. [zone]
        www.[name].example. AAAA ap-southeast-2 ap-southeast-2 [check of ap-southeast-2] alias [target].execute-api.ap-southeast-2.amazonaws.com. [zone]
        www.[name].example. AAAA us-east-1 us-east-1 [check of us-east-1] alias [target].execute-api.us-east-1.amazonaws.com. [zone]
    "#]].assert_eq(&dns(&stage));
    expect![[r#"
        [name] [region]: [api].execute-api.[region].amazonaws.com/dev/.zappa/health
        [name] ap-southeast-2: [api].execute-api.ap-southeast-2.amazonaws.com/dev/.zappa/health
        [name] us-east-1: [api].execute-api.us-east-1.amazonaws.com/dev/.zappa/health
    "#]]
    .assert_eq(&checks(&stage));
    let check = &stage.inventory()["health_checks"][0];
    expect![[r#"
        [
          "HTTPS",
          true,
          443,
          30,
          "web"
        ]
    "#]]
    .assert_eq(&format!(
        "{:#}\n",
        json!([check["Type"], check["EnableSNI"], check["Port"], check["RequestInterval"], check["tags"]["team"]])
    ));
    assert_eq!((&done["health_checks"][1]["region"], &done["url"]), (&json!("us-east-1"), &json!("https://www.nearest-dev.example/")));
    for region in REGIONS {
        assert_eq!((count(&stage, region, "domains"), count(&stage, region, "certificates")), (1, 1), "{region}");
    }

    let policy = stage.json(&["template", "--part", "deployer"]).to_string();
    for call in called.iter().filter(|call| ["acm", "route53"].contains(&call.service.as_str())) {
        assert!(policy.contains(&format!("\"{}\"", call.name())), "{} is not in {policy}", call.name());
    }
    assert!(policy.contains("\"route53:DeleteHealthCheck\"") && policy.contains("\"route53:UpdateHealthCheck\""), "{policy}");

    let (rows, again) = certify(&stage, 0, &[]);
    assert_eq!(rows, "eu-west-1 unchanged\nus-east-1 unchanged\nap-southeast-2 unchanged\n");
    assert_eq!((&again["dns"], writes(&stage).as_str()), (&json!("unchanged"), ""));
    let text = stage.run(&["certify"]).expect_code(0).stdout;
    for line in [
        "nearest-dev: https://www.nearest-dev.example/ leads to the nearest of 3 regions, 3 unchanged\n",
        "  domain name unchanged (in every region)\n",
        "unchanged: A and AAAA in the hosted zone nearest-dev.example, leading to the nearest region\n",
        "cost some dollars a month for each region; `route53_health_checks = false` is without",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let status = stage.run(&["status"]).expect_code(0).stdout;
    assert!(status.contains("https://www.nearest-dev.example/ leads here, certificate issued (in every region)"), "{status}");

    // A region that leaves takes its own part along, records first; the others' stay.
    let planned = stage.run(&["undeploy", "--region", "us-east-1", "--dry-run"]).expect_code(0).stdout;
    assert!(planned.contains("health check `") && planned.contains("A record of `www.nearest-dev.example`"), "{planned}");
    stage.run(&["undeploy", "--region", "us-east-1", "--yes", "--remove-logs"]).expect_code(0);
    let removal: Vec<String> = stage.aws.calls().iter().map(Call::name).collect();
    let position = |name: &str| removal.iter().position(|call| call == name).unwrap_or_else(|| panic!("{name}: {removal:#?}"));
    assert!(position("route53:ChangeResourceRecordSets") < position("route53:DeleteHealthCheck"));
    assert!(position("route53:DeleteHealthCheck") < position("apigatewayv2:DeleteApiMapping"));
    assert!(position("apigatewayv2:DeleteApiMapping") < position("apigateway:DeleteDomainName"));
    assert_eq!((checks(&stage).lines().count(), dns(&stage).contains("us-east-1")), (2, false));

    // What is left is as it was, until the settings say that it is one.
    stage.run(&["undeploy", "--region", "ap-southeast-2", "--yes", "--remove-logs"]).expect_code(0);
    expect![[r#"
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
        www.[name].example. A [region] [region] [check of [region]] alias [target]. [zone]
        www.[name].example. AAAA [region] [region] [check of [region]] alias [target]. [zone]
    "#]]
    .assert_eq(&dns(&stage));
    set(&stage, "");
    let one = stage.json(&["certify"]);
    assert_eq!((&one["dns"], &one["health_checks"]), (&json!("updated"), &json!(null)));
    expect![[r#"
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
        www.[name].example. A alias [target]. [zone]
        www.[name].example. AAAA alias [target]. [zone]
    "#]]
    .assert_eq(&(dns(&stage) + &checks(&stage)));
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory().as_object().unwrap().keys().collect::<Vec<_>>(), ["records"]);
}

/// What one region has is neither needed by the others nor undone by them.
#[test]
fn regions_are_led_to_as_they_come() {
    let stage = several("parts", "apigateway_version = \"v2\"\nbase_path = \"shop\"\n");
    // As a stage of one region had it.
    stage.settings(&format!("domain = \"www.{}.example\"\napigateway_version = \"v2\"\nbase_path = \"shop\"\n", stage.name));
    stage.run(&["certify"]).expect_code(0);
    change(&stage, "apigateway_version = \"v2\"\nbase_path = \"shop\"\n");
    stage.aws.clear();
    stage.aws.fault(Fault::denied().on("apigateway:CreateDomainName").in_region("us-east-1"));
    let failed = stage.project.zappa(["certify", "--json"]);
    let report: Value = failed.expect_code(1).json();
    assert_eq!(rows(&report), "eu-west-1 unchanged\nus-east-1 failed\nap-southeast-2 created\n");
    expect![[r#"
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
        www.[name].example. A [region] [region] [check of [region]] alias [target]. [zone]
        www.[name].example. A ap-southeast-2 ap-southeast-2 [check of ap-southeast-2] alias [target].execute-api.ap-southeast-2.amazonaws.com. [zone]
        www.[name].example. AAAA [region] [region] [check of [region]] alias [target]. [zone]
        www.[name].example. AAAA ap-southeast-2 ap-southeast-2 [check of ap-southeast-2] alias [target].execute-api.ap-southeast-2.amazonaws.com. [zone]
        [name] [region]: [api].execute-api.[region].amazonaws.com/.zappa/health
        [name] ap-southeast-2: [api].execute-api.ap-southeast-2.amazonaws.com/.zappa/health
    "#]].assert_eq(&(dns(&stage) + &checks(&stage)));
    let (rows, _) = certify(&stage, 0, &[]);
    assert_eq!(rows, "eu-west-1 unchanged\nus-east-1 created\nap-southeast-2 unchanged\n");
    expect![[r#"
        apigateway:CreateDomainName × 1
        apigatewayv2:CreateApiMapping × 1
        route53:ChangeResourceRecordSets × 1
        route53:ChangeTagsForResource × 1
        route53:CreateHealthCheck × 1
    "#]]
    .assert_eq(&writes(&stage));

    // One that cannot be asked today keeps what it has.
    let before = dns(&stage);
    stage.aws.clear();
    stage.aws.fault(Fault::denied().on("lambda").in_region(HOME));
    stage.project.zappa(["certify"]).expect_code(1);
    stage.aws.clear();
    assert_eq!(dns(&stage), before);
    // So do those that this run is not about.
    let one = stage.json(&["certify", "--region", "us-east-1"]);
    assert_eq!((&one["dns"], dns(&stage)), (&json!("unchanged"), before.clone()));

    // Without health checks, and with them again.
    change(&stage, "apigateway_version = \"v2\"\nbase_path = \"shop\"\nroute53_health_checks = false\n");
    let (_, without) = certify(&stage, 0, &[]);
    assert_eq!((&without["dns"], checks(&stage).as_str(), dns(&stage).contains("check")), (&json!("updated"), "", false));
    change(&stage, "apigateway_version = \"v2\"\nbase_path = \"shop\"\n");
    certify(&stage, 0, &[]);
    assert_eq!(dns(&stage), before);

    // A front door of another kind is asked in its own way before the one before goes.
    change(&stage, "base_path = \"shop\"\n");
    stage.run(&["deploy", "--no-check"]).expect_code(0);
    expect![[r#"
        [name] [region]: [api].execute-api.[region].amazonaws.com/dev/.zappa/health
        [name] ap-southeast-2: [api].execute-api.ap-southeast-2.amazonaws.com/dev/.zappa/health
        [name] us-east-1: [api].execute-api.us-east-1.amazonaws.com/dev/.zappa/health
    "#]]
    .assert_eq(&checks(&stage));

    // A region that the settings have lost is told of, and is led to until it is removed.
    set(&stage, "aws_regions = [\"eu-west-1\", \"us-east-1\"]\nbase_path = \"shop\"\n");
    let kept = stage.run(&["certify"]).expect_code(0);
    assert!(
        kept.stderr.contains("people are still led to ap-southeast-2") && kept.stderr.contains("zappa undeploy --region"),
        "{}",
        kept.stderr
    );
    assert!(dns(&stage).contains("ap-southeast-2"));
    let (_, taken) = certify(&stage, 0, &["--yes"]);
    assert_eq!((&taken["dns"], dns(&stage).contains("ap-southeast-2"), checks(&stage).lines().count()), (&json!("updated"), false, 2));
    change(&stage, "base_path = \"shop\"\n");
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    for region in REGIONS {
        let left = stage.aws.inventory_in(&stage.name, region);
        assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["records"], "{region}: {left:#}");
    }
    assert_eq!(dns(&stage), "[proof].www.[name].example. CNAME [proof].acm-validations.aws.\n");
}

/// An API that lets nobody in without a key is not asked: it would never be well.
#[test]
fn dns_can_be_elsewhere_and_doors_closed() {
    let stage = several("elsewhere-several", "api_key_required = true\n");
    // What somebody else leads elsewhere, in just this way, is given up on request only; the names are there all the same.
    script(
        &stage,
        "import boto3\n\
         dns = boto3.client('route53')\n\
         set = dict(Name='www.elsewhere-several-dev.example', Type='CNAME', SetIdentifier='us-east-1', Region='us-east-1', TTL=60,\n\
         \x20          ResourceRecords=[dict(Value='old.host.example')])\n\
         changes = dict(Changes=[dict(Action='CREATE', ResourceRecordSet=set)])\n\
         dns.change_resource_record_sets(HostedZoneId=dns.list_hosted_zones()['HostedZones'][0]['Id'], ChangeBatch=changes)",
    );
    let (made, refused) = certify(&stage, 1, &[]);
    assert_eq!(made, "eu-west-1 created\nus-east-1 created\nap-southeast-2 created\n");
    assert_eq!(refused["dns_cause"][0], "the CNAME record of `www.elsewhere-several-dev.example` leads to `old.host.example`");
    let done = stage.run(&["certify", "--yes"]).expect_code(0);
    assert!(done.stderr.contains("nor a health check"), "{}", done.stderr);
    assert_eq!((checks(&stage).as_str(), dns(&stage).matches(" alias ").count()), ("", 6));
    set(&stage, &format!("{SEVERAL}api_key_required = true\nroute53_enabled = false\n"));
    let told = stage.run(&["certify"]).expect_code(0).stdout;
    assert!(told.contains("make one of these  www.elsewhere-several-dev.example CNAME d-") && told.contains("(for us-east-1)"), "{told}");
    // Files of one's own are imported in each.
    files(&stage, "shop");
    let own = "route53_enabled = false\ncertificate = \"shop.crt\"\ncertificate_key = \"shop.key\"\n";
    set(&stage, &format!("{SEVERAL}api_key_required = true\n{own}"));
    let (_, imported) = certify(&stage, 0, &[]);
    let certificates = imported["domain_names"].as_array().unwrap().iter();
    let regions = certificates.map(|there| there["arn"].as_str().unwrap().split(':').nth(3).unwrap());
    assert_eq!(regions.collect::<Vec<_>>(), REGIONS);
    assert_eq!(writes(&stage), "acm:ImportCertificate × 3\napigateway:UpdateDomainName × 3\n");
    // A new domain: the record of the proof is told once, for all regions.
    let text = format!("{SEVERAL}route53_enabled = false\ndomain = \"elsewhere.example\"\n");
    stage.settings(&text);
    let asked = stage.run(&["certify"]).expect_code(0);
    assert_eq!(asked.stderr.matches("make this record").count(), 1, "{}", asked.stderr);
    assert_eq!(asked.stderr.matches("certificate issued").count(), 3, "{}", asked.stderr);
}

/// Before anything is asked.
#[test]
fn what_cannot_be_in_several_regions_says_so() {
    let stage = Stage::apart("impossible", "");
    stage.aws.proxy.regions(&REGIONS);
    let refused = |settings: &str, words: &[&str]| {
        change(&stage, settings);
        let refused = stage.run(&["certify"]).expect_code(2);
        assert!(words.iter().all(|word| refused.stderr.contains(word)), "{}", refused.stderr);
        assert_eq!(stage.aws.text(), "");
    };
    refused("endpoint_configuration = [\"EDGE\"]\n", &["is edge-optimized, and can lead to one region only", "--region REGION"]);
    refused(
        "certificate_arn = \"arn:aws:acm:eu-west-1:123456789012:certificate/1\"\n",
        &["is of another region than `us-east-1`", "leave `certificate_arn` out"],
    );
    refused("function_url_enabled = true\n", &["cannot lead to stages whose front door is `function-url`"]);
}

/// Of the stages that share a domain, one has the health checks; when it goes, they go, and the next run of another makes its own.
#[test]
fn stages_share_records_and_health_checks() {
    let stage = Stage::apart("shared-dns", "");
    stage.aws.proxy.regions(&REGIONS);
    zone(&stage, "shared-dns-dev.example", false);
    let settings = |name: &str| {
        format!(
            "[{name}]\nproject_name = \"shared-dns\"\napp_function = \"app.app\"\naws_regions = [\"eu-west-1\", \"us-east-1\"]\n\
             domain = \"www.shared-dns-dev.example\"\nbase_path = \"{name}\"\n"
        )
    };
    stage.project.write("zappa_settings.toml", settings("dev") + &settings("next"));
    for name in ["dev", "next"] {
        stage.run(&["deploy", name, "--no-check"]).expect_code(0);
        stage.run(&["certify", name]).expect_code(0);
    }
    assert_eq!(checks(&stage).lines().count(), 2);
    assert!(!writes(&stage).contains("route53:"), "the other's serve: {}", writes(&stage));
    stage.run(&["undeploy", "dev", "--yes", "--remove-logs"]).expect_code(0);
    let records = dns(&stage);
    assert!(records.matches(" alias ").count() == 4 && !records.contains("check"), "{records}");
    assert_eq!(checks(&stage), "");
    let done = stage.json(&["certify", "next"]);
    assert_eq!((&done["dns"], done["health_checks"].as_array().map(Vec::len)), (&json!("updated"), Some(2)));
    stage.run(&["undeploy", "next", "--yes", "--remove-logs"]).expect_code(0);
    let left = stage.aws.inventory("shared-dns-next");
    assert_eq!((left, dns(&stage).lines().count()), (json!({}), 1));
}
