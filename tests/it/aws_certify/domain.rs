//! A stage with a domain, and the DNS of its account.

use serde_json::Value;

use crate::aws_deploy::stage::Stage;

/// A deployed stage whose domain is `www.NAME-dev.example`, in an account that has the zone of that.
pub(super) fn stage(name: &str, settings: &str) -> Stage {
    let stage = without_zone(name, settings);
    zone(&stage, &zone_of(name), false);
    stage
}

pub(super) fn without_zone(name: &str, settings: &str) -> Stage {
    let stage = Stage::new(name, "");
    set(&stage, settings);
    stage.run(&["deploy"]).expect_code(0);
    stage
}

/// Writes the settings, with the domain.
pub(super) fn set(stage: &Stage, settings: &str) {
    stage.settings(&format!("domain = \"www.{}.example\"\n{settings}", stage.name));
}

pub(super) fn zone_of(name: &str) -> String {
    format!("{name}-dev.example")
}

pub(super) fn zone(stage: &Stage, name: &str, private: bool) {
    let vpc = if private { ", VPC={'VPCRegion': 'eu-west-1', 'VPCId': 'vpc-1'}" } else { "" };
    script(
        stage,
        &format!(
            "import boto3, uuid\n\
             boto3.client('route53').create_hosted_zone(Name='{name}', CallerReference=str(uuid.uuid4()), HostedZoneConfig={{'PrivateZone': {}}}{vpc})",
            if private { "True" } else { "False" }
        ),
    );
}

/// Makes a record that leads elsewhere.
pub(super) fn record(stage: &Stage, kind: &str, value: &str) {
    script(
        stage,
        &format!(
            "import boto3\n\
             dns = boto3.client('route53')\n\
             zone = [z['Id'] for z in dns.list_hosted_zones()['HostedZones'] if z['Name'] == '{0}.example.'][0]\n\
             set = dict(Name='www.{0}.example', Type='{kind}', TTL=60, ResourceRecords=[dict(Value='{value}')])\n\
             dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=dict(Changes=[dict(Action='CREATE', ResourceRecordSet=set)]))",
            stage.name
        ),
    );
}

pub(super) fn script(stage: &Stage, script: &str) -> String {
    let output = stage.aws.python(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The domain's records: kind and where it leads; ids are not told.
pub(super) fn records(stage: &Stage) -> Vec<String> {
    let found = stage.inventory();
    let records = found["records"].as_array().cloned().unwrap_or_default();
    records.iter().map(line).collect()
}

fn line(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = match record.get("AliasTarget") {
        Some(target) => format!("alias {} {}", text(&target["DNSName"]), text(&target["HostedZoneId"])),
        None => record["ResourceRecords"].as_array().into_iter().flatten().map(|value| text(&value["Value"])).collect::<Vec<_>>().join(" "),
    };
    let routing: Vec<String> =
        ["SetIdentifier", "Region", "HealthCheckId"].iter().filter_map(|key| Some(format!(" {}", record.get(key)?.as_str()?))).collect();
    format!("{} {}{} {target}", text(&record["Name"]), text(&record["Type"]), routing.concat())
}

/// What there is of the domain, and of whatever leads to it.
pub(super) fn of_domain(found: &Value) -> Value {
    let kinds = ["domains", "certificates", "records"].map(|kind| (kind.to_owned(), found[kind].clone()));
    kinds.into_iter().collect::<serde_json::Map<_, _>>().into()
}
