//! What can go wrong on the way to a domain: killed or refused at any call, the next run ends where an undisturbed one ends.

use serde_json::Value;

use super::domain::{set, stage, zone};
use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Call, Fault};

/// What there is of domains, records and certificates, and of what leads to them.
fn found(stage: &Stage) -> Value {
    stage.inventory()
}

/// The calls that have to do with the domain; those that look at the stage and hold it are everybody's.
fn own_calls(stage: &Stage) -> Vec<(usize, String)> {
    let own =
        |call: &Call| !call.name().starts_with("lambda:") && !call.name().starts_with("events:") && call.name() != "apigateway:GetStage";
    stage.aws.calls().iter().enumerate().filter(|(_, call)| own(call)).map(|(index, call)| (index + 1, call.name())).collect()
}

/// Takes the domain away, and with it what `certify` has made; the stage stays. Each case begins with this.
fn anew(stage: &Stage, number: usize) {
    let zone_name = format!("x{number}.{}.example", stage.name);
    zone(stage, &zone_name, false);
    stage.settings(&format!("domain = \"www.{zone_name}\"\n"));
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let stage = stage("killed", "");
    anew(&stage, 0);
    stage.run(&["certify"]).expect_code(0);
    let calls = own_calls(&stage);
    assert!(calls.len() > 12, "{calls:?}");
    // Reading again is no case of its own.
    let writes = |name: &str| !["Get", "List", "Describe"].iter().any(|verb| name.split(':').nth(1).unwrap().starts_with(verb));
    // Behind the last there is nothing left to do.
    let (_, cases) = calls.split_last().unwrap();
    for (number, (after, name)) in cases.iter().filter(|(_, name)| writes(name)).enumerate() {
        anew(&stage, number + 1);
        let ended = stage.aws.killed_after(*after, stage.project.command(["certify"]));
        assert!(ended.is_none(), "{name}: it was not killed: {ended:?}");
        let done = stage.json(&["certify"]);
        assert_eq!(done["dns"], "created", "{name}: {done:#}");
        let now = found(&stage);
        let count = |kind: &str| now[kind].as_array().map_or(0, Vec::len);
        // One of each for every case so far, and nothing twice.
        assert_eq!((count("domains"), count("certificates")), (number + 2, number + 2), "{name}: {now:#}");
    }
    // All of it is this stage's, and goes with it.
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    let left = found(&stage);
    assert_eq!((left.get("domains"), left.get("certificates")), (None, None), "{left:#}");
}

#[test]
fn a_refused_call_is_told_and_gone_on_with() {
    let stage = stage("denied", "");
    anew(&stage, 0);
    stage.run(&["certify"]).expect_code(0);
    let mut names: Vec<String> = own_calls(&stage).into_iter().map(|(_, name)| name).collect();
    names.sort();
    names.dedup();
    for (number, name) in names.iter().enumerate() {
        anew(&stage, number + 1);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(name).times(1));
        let refused = stage.project.zappa(["certify"]);
        assert_eq!(refused.code, 1, "{name}\n{}", refused.stderr);
        assert!(refused.stderr.contains("access denied for `"), "{name}\n{}", refused.stderr);
        stage.run(&["certify"]).expect_code(0);
    }
    let now = found(&stage);
    assert_eq!(now["certificates"].as_array().map(Vec::len), Some(names.len() + 1), "{now:#}");
}

/// The removal, too, is gone on with.
#[test]
fn a_killed_removal_is_gone_on_with() {
    for write in
        ["route53:ChangeResourceRecordSets", "apigatewayv2:DeleteApiMapping", "apigateway:DeleteDomainName", "acm:DeleteCertificate"]
    {
        let name = format!("removal-{}", write.split(':').nth(1).unwrap().to_lowercase());
        let stage = stage(&name, "");
        stage.run(&["certify"]).expect_code(0);
        stage.aws.clear();
        stage.aws.fault(Fault::denied().on(write).times(1));
        let refused = stage.project.zappa(["undeploy", "--yes", "--remove-logs"]);
        assert_eq!(refused.code, 1, "{write}\n{}", refused.stderr);
        set(&stage, "");
        stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
        let left = found(&stage);
        assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["records"], "{write}: {left:#}");
    }
}
