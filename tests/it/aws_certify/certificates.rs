//! Which certificate a domain has.

use serde_json::{Value, json};

use super::domain::{script, set, stage, without_zone};
use crate::aws_deploy::stage::Stage;

/// Requests a certificate for the names, and issues it.
fn certificate(stage: &Stage, region: &str, name: &str) -> String {
    script(
        stage,
        &format!(
            "import boto3\n\
             acm, dns = boto3.client('acm', region_name='{region}'), boto3.client('route53')\n\
             arn = acm.request_certificate(DomainName='{name}', ValidationMethod='DNS')['CertificateArn']\n\
             proof = acm.describe_certificate(CertificateArn=arn)['Certificate']['DomainValidationOptions'][0]['ResourceRecord']\n\
             zone = [z['Id'] for z in dns.list_hosted_zones()['HostedZones'] if z['Name'] == '{}.example.'][0]\n\
             set = dict(Name=proof['Name'], Type='CNAME', TTL=300, ResourceRecords=[dict(Value=proof['Value'])])\n\
             dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=dict(Changes=[dict(Action='UPSERT', ResourceRecordSet=set)]))\n\
             print(arn)",
            stage.name
        ),
    )
    .trim()
    .to_owned()
}

/// Writes `NAME.crt` and `NAME.key`.
pub(super) fn files(stage: &Stage, name: &str) {
    let text = script(
        stage,
        &format!(
            "import json\nfrom moto.acm.models import CertBundle\n\
             made = CertBundle.generate_cert('www.{}.example', '123456789012', 'eu-west-1')\n\
             print(json.dumps([made.cert.decode(), made.key.decode()]))",
            stage.name
        ),
    );
    let made: Value = serde_json::from_str(&text).unwrap();
    stage.project.write(&format!("{name}.crt"), made[0].as_str().unwrap());
    stage.project.write(&format!("{name}.key"), made[1].as_str().unwrap());
}

#[test]
fn one_that_covers_the_domain_is_used_and_stays() {
    let stage = stage("covered", "");
    certificate(&stage, "eu-west-1", "covered-dev.example");
    certificate(&stage, "eu-west-1", "*.www.covered-dev.example");
    let wild = certificate(&stage, "eu-west-1", "*.covered-dev.example");
    let done = stage.json(&["certify"]);
    assert_eq!((&done["regions"][0]["certificate"], &done["regions"][0]["arn"]), (&json!("unchanged"), &json!(wild)));
    assert!(!stage.aws.text().contains("RequestCertificate"));
    stage.run(&["undeploy", "--yes"]).expect_code(0);
    assert!(!stage.aws.text().contains("DeleteCertificate"), "it was not made here:\n{}", stage.aws.text());
}

#[test]
fn one_that_is_named_has_to_fit() {
    let stage = stage("named", "");
    let certify = |arn: &str| {
        set(&stage, &format!("certificate_arn = \"{arn}\"\n"));
        stage.run(&["certify"])
    };
    let right = certificate(&stage, "eu-west-1", "www.named-dev.example");
    certify(&right).expect_code(0);
    let other = certify(&certificate(&stage, "eu-west-1", "other.named-dev.example"));
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("is for other names than `www.named-dev.example`"), "{}", other.stderr);
    let away = certify(&certificate(&stage, "us-east-1", "www.named-dev.example"));
    assert_eq!(away.code, 2);
    assert!(away.stderr.contains("is not in the region `eu-west-1`") && away.stderr.contains("EDGE"), "{}", away.stderr);
    let absent = certify("arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000");
    assert!(absent.code == 1 && absent.stderr.contains("is not there"), "{}", absent.stderr);
}

/// The user's own files are imported once, and again, as the same certificate, when they have changed.
#[test]
fn own_files_are_imported() {
    let stage = without_zone("own-files", "certificate = \"shop.crt\"\ncertificate_key = \"shop.key\"\nroute53_enabled = false\n");
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("could not read `") && refused.stderr.contains("shop.crt"), "{}", refused.stderr);
    files(&stage, "shop");
    let first = stage.json(&["certify"])["regions"][0].clone();
    assert_eq!((&first["certificate"], &first["status"], &first["renews"]), (&json!("created"), &json!("issued"), &json!(false)));
    let verbose = stage.run(&["certify", "-vv"]).expect_code(0);
    assert!(!stage.aws.text().contains("ImportCertificate"), "{}", stage.aws.text());
    assert!(!verbose.stderr.contains("PRIVATE KEY") && !verbose.stdout.contains("PRIVATE KEY"));
    files(&stage, "shop");
    let again = stage.json(&["certify"])["regions"][0].clone();
    assert_eq!((&again["certificate"], &again["arn"]), (&json!("updated"), &first["arn"]));
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory(), json!({}));
}

#[test]
fn an_edge_optimized_domain_has_its_certificate_where_cloudfront_looks() {
    let stage = stage("edged", "endpoint_configuration = [\"EDGE\"]\nbase_path = \"shop\"\n");
    let done = stage.json(&["certify"]);
    assert!(done["regions"][0]["arn"].as_str().unwrap().starts_with("arn:aws:acm:us-east-1:"), "{done:#}");
    assert!(done["regions"][0]["endpoint"]["domain_name"].as_str().unwrap().ends_with(".cloudfront.net"), "{done:#}");
    let found = stage.inventory()["domains"][0].clone();
    assert_eq!((&found["paths"][0]["basePath"], &found["endpointConfiguration"]["types"][0]), (&json!("shop"), &json!("EDGE")));
    stage.calls();
    assert_eq!(stage.json(&["certify"])["regions"][0]["domain_name"], "unchanged");
    // To a regional one it does not turn by itself.
    set(&stage, "base_path = \"shop\"\n");
    let refused = stage.run(&["certify"]);
    assert!(refused.code == 1 && refused.stderr.contains("is there already as an edge-optimized one"), "{}", refused.stderr);
    set(&stage, "endpoint_configuration = [\"EDGE\"]\nbase_path = \"shop\"\n");
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    let left = stage.inventory();
    assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["records"], "{left:#}");
    assert_eq!(stage.aws.inventory_in("edged-dev", "us-east-1").get("certificates"), None);
}
