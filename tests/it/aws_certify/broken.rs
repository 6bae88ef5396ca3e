//! What can go wrong on the way to several regions: the others get there, and the next run ends where an undisturbed one ends.

use serde_json::{Value, json};

use super::domain::{script, set, zone, zone_of};
use super::several::{count, dns, rows};
use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Call, Fault};

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const TWO: &str = "aws_regions = [\"eu-west-1\", \"us-east-1\"]\n";

/// A deployed stage in two regions that has no domain yet.
fn stage(name: &str) -> Stage {
    let stage = Stage::apart(name, TWO);
    stage.aws.proxy.regions(&REGIONS);
    zone(&stage, &zone_of(name), false);
    set(&stage, TWO);
    stage.run(&["deploy", "--no-check"]).expect_code(0);
    stage
}

/// Takes away all that `certify` has made, as if it had never run.
fn wipe(stage: &Stage) {
    script(
        stage,
        "import boto3\n\
         dns = boto3.client('route53')\n\
         for zone in dns.list_hosted_zones()['HostedZones']:\n\
         \x20   sets = dns.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets']\n\
         \x20   gone = [dict(Action='DELETE', ResourceRecordSet=s) for s in sets if s['Type'] not in ('NS', 'SOA')]\n\
         \x20   if gone:\n\
         \x20       dns.change_resource_record_sets(HostedZoneId=zone['Id'], ChangeBatch=dict(Changes=gone))\n\
         for check in dns.list_health_checks()['HealthChecks']:\n\
         \x20   dns.delete_health_check(HealthCheckId=check['Id'])\n\
         for region in ('eu-west-1', 'us-east-1'):\n\
         \x20   api, acm = boto3.client('apigateway', region), boto3.client('acm', region)\n\
         \x20   for name in api.get_domain_names()['items']:\n\
         \x20       api.delete_domain_name(domainName=name['domainName'])\n\
         \x20   for known in acm.list_certificates()['CertificateSummaryList']:\n\
         \x20       acm.delete_certificate(CertificateArn=known['CertificateArn'])\n",
    );
}

/// What there is of the domain in all regions.
fn found(stage: &Stage) -> Value {
    let region = |region: &str| ["domains", "certificates"].map(|kind| count(stage, region, kind));
    let checks = count(stage, REGIONS[0], "health_checks");
    json!({ "regions": REGIONS.map(region), "checks": checks, "records": dns(stage) })
}

fn certify(stage: &Stage) -> Value {
    stage.run(&["certify", "--jobs", "1", "--json"]).expect_code(0).json()
}

#[test]
fn a_killed_run_makes_nothing_twice() {
    let stage = stage("killed-several");
    certify(&stage);
    let whole = found(&stage);
    assert_eq!((&whole["regions"], &whole["checks"]), (&json!([[1, 1], [1, 1]]), &json!(2)));
    let writes = |call: &Call| {
        let own = ["acm", "route53", "apigateway", "apigatewayv2"].contains(&call.service.as_str());
        own && !["Get", "List", "Describe"].iter().any(|verb| call.operation.starts_with(verb))
    };
    // One of each: what a region has made before another begins is no case of its own. Behind the last there is nothing left to do.
    let mut cases: Vec<(usize, String)> = Vec::new();
    for (index, call) in stage.aws.calls().iter().enumerate().filter(|(_, call)| writes(call)) {
        if cases.iter().all(|(_, name)| *name != call.name()) {
            cases.push((index + 1, call.name()));
        }
    }
    assert_eq!(cases.len(), 6, "{cases:?}");
    for (after, name) in &cases {
        wipe(&stage);
        let ended = stage.aws.killed_after(*after, stage.project.command(["certify", "--jobs", "1"]));
        assert!(ended.is_none(), "{name}: it was not killed: {ended:?}");
        certify(&stage);
        assert_eq!(found(&stage), whole, "killed after call {after} ({name})");
    }
}

#[test]
fn each_call_may_fail_once() {
    let stage = stage("once-several");
    certify(&stage);
    let (whole, calls) = (found(&stage), stage.aws.calls().len());
    for (how, fault) in [
        ("throttled", Fault::throttle()),
        ("HTTP 500", Fault::server_error()),
        ("reset before", Fault::reset_before()),
        ("reset after", Fault::reset_after()),
    ] {
        wipe(&stage);
        stage.aws.clear();
        stage.aws.fault(fault.once_each());
        let done = stage.project.zappa(["certify", "--jobs", "1"]);
        assert_eq!(done.code, 0, "{how}\n{}", done.stderr);
        assert!(stage.aws.calls().len() >= 2 * calls, "{how}: not every call failed:\n{}", stage.aws.text());
        stage.aws.clear();
        assert_eq!(found(&stage), whole, "{how}");
    }
}

/// Whatever one region is denied, the other is done; what is denied to all is told beside the table, and the next run finishes.
#[test]
fn a_region_that_is_denied_holds_up_no_other() {
    let stage = stage("denied-several");
    certify(&stage);
    let whole = found(&stage);
    for name in ["acm:RequestCertificate", "apigateway:CreateDomainName", "apigatewayv2:CreateApiMapping"] {
        wipe(&stage);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(name).in_region(REGIONS[0]));
        let done = stage.project.zappa(["certify", "--json"]).expect_code(1).json();
        let results: Vec<&Value> = done["regions"].as_array().unwrap().iter().map(|row| &row["result"]).collect();
        assert_eq!(results, ["failed", "created"], "{name}: {done:#}");
        assert!(done["regions"][0]["cause"][0].as_str().unwrap().contains("access denied for `"), "{name}: {done:#}");
        stage.aws.clear();
        assert_eq!((dns(&stage).matches(" alias ").count(), count(&stage, REGIONS[0], "health_checks")), (2, 1), "{name}");
        certify(&stage);
        assert_eq!(found(&stage), whole, "{name}");
    }
    for name in ["route53:CreateHealthCheck", "route53:ChangeTagsForResource"] {
        wipe(&stage);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(name));
        let done = stage.project.zappa(["certify"]);
        assert_eq!(done.code, 1, "{name}\n{}", done.stderr);
        let head = "no record of https://www.denied-several-dev.example/ was changed; 2 regions, 2 created\n";
        assert!(done.stdout.contains(head), "{name}\n{}", done.stdout);
        assert!(
            done.stderr.contains(&format!("error: access denied for `{name}`")) && done.stderr.contains("hint: allow"),
            "{}",
            done.stderr
        );
        stage.aws.clear();
        certify(&stage);
        assert_eq!(found(&stage), whole, "{name}");
    }
}

/// The removal, too, is gone on with.
#[test]
fn a_removal_that_is_refused_is_gone_on_with() {
    let stage = stage("left-several");
    for name in ["route53:ChangeResourceRecordSets", "route53:ListHealthChecks", "route53:DeleteHealthCheck", "apigateway:DeleteDomainName"]
    {
        stage.run(&["deploy", "--no-check"]).expect_code(0);
        certify(&stage);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(name).times(1));
        let done = stage.project.zappa(["undeploy", "--yes", "--remove-logs", "--json"]).expect_code(1).json();
        let results = done["regions"].as_array().unwrap().iter().filter(|row| row["result"] == "removed").count();
        assert_eq!(results, 1, "{name}: {done:#}");
        stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
        for region in REGIONS {
            let left = stage.aws.inventory_in(&stage.name, region);
            assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["records"], "{name}, {region}: {left:#}");
        }
        assert_eq!(dns(&stage).lines().count(), 1, "{name}");
    }
}

/// A certificate that nobody proves would be waited for as long as ACM does; Ctrl-C ends that, and what was requested stays.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting_for_certificates() {
    let stage = stage("waiting-several");
    set(&stage, &format!("{TWO}route53_enabled = false\n"));
    stage.aws.clear();
    let mut command = stage.project.command(["certify", "--json"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let run = command.spawn().unwrap();
    let id = run.id().to_string();
    stage.aws.proxy.on_first("acm:DescribeCertificate", move || {
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    });
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows(&report), "eu-west-1 stopped\nus-east-1 stopped\n");
    set(&stage, TWO);
    certify(&stage);
    assert_eq!(found(&stage)["regions"], json!([[1, 1], [1, 1]]));
}
