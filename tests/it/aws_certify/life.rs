//! The life of a domain: made, found again, followed, taken away.

use expect_test::expect;
use serde_json::json;

use super::domain::{of_domain, records, set, stage, without_zone};

#[test]
fn a_rest_api_gets_a_domain() {
    let stage = stage("certify", "tags = { team = \"web\" }\n");
    stage.aws.proxy.in_step();
    let done = stage.json(&["certify"]);
    assert_eq!((&done["url"], &done["zone"]), (&json!("https://www.certify-dev.example/"), &json!("certify-dev.example")));
    assert_eq!(
        (&done["regions"][0]["certificate"], &done["regions"][0]["domain_name"], &done["dns"]),
        (&json!("created"), &json!("created"), &json!("created"))
    );
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        apigateway:GetDomainName
        acm:ListCertificates
        acm:RequestCertificate
        acm:DescribeCertificate
        route53:ListHostedZones
        route53:ListResourceRecordSets
        route53:ChangeResourceRecordSets
        acm:DescribeCertificate
        lambda:UpdateAlias
        apigateway:GetDomainName
        apigateway:CreateDomainName
        apigateway:GetDomainName
        apigatewayv2:GetApiMappings
        apigatewayv2:CreateApiMapping
        lambda:UpdateAlias
        route53:ListHostedZones
        route53:ListResourceRecordSets
        route53:ListHealthChecks
        route53:ChangeResourceRecordSets
    "#]]
    .assert_eq(&stage.calls());
    expect![[r#"
        www.[name].example. A alias [target]. ZD763C2609BA54
        www.[name].example. AAAA alias [target]. ZD763C2609BA54
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
    "#]]
    .assert_eq(&(records(&stage).join("\n") + "\n"));
    let found = stage.inventory();
    expect![[r#"
        {
          "domains": [
            {
              "domainName": "www.[name].example",
              "domainNameStatus": "AVAILABLE",
              "domainNameStatusMessage": "Domain Name Available",
              "endpointConfiguration": {
                "ipAddressType": "dualstack",
                "types": [
                  "REGIONAL"
                ]
              },
              "paths": [
                {
                  "ApiId": "[api]",
                  "Stage": "dev"
                }
              ],
              "regionalCertificateArn": "arn:aws:acm:[region]:123456789012:certificate/[uuid]",
              "regionalDomainName": "[target]",
              "regionalHostedZoneId": "ZD763C2609BA54",
              "securityPolicy": "TLS_1_2",
              "tags": {
                "team": "web",
                "zappa:project": "certify",
                "zappa:stage": "dev"
              }
            }
          ],
          "certificates": [
            {
              "domain": "www.[name].example",
              "status": "ISSUED",
              "tags": {
                "team": "web",
                "zappa:project": "certify",
                "zappa:stage": "dev"
              },
              "type": "AMAZON_ISSUED"
            }
          ]
        }
    "#]]
    .assert_eq(&format!("{:#}\n", json!({ "domains": found["domains"], "certificates": found["certificates"] })));

    let again = stage.json(&["certify"]);
    assert_eq!(
        (&again["regions"][0]["certificate"], &again["regions"][0]["domain_name"], &again["dns"]),
        (&json!("unchanged"), &json!("unchanged"), &json!("unchanged"))
    );
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        apigateway:GetDomainName
        acm:ListCertificates
        acm:DescribeCertificate
        lambda:UpdateAlias
        apigateway:GetDomainName
        apigatewayv2:GetApiMappings
        lambda:UpdateAlias
        route53:ListHostedZones
        route53:ListResourceRecordSets
        route53:ListHealthChecks
    "#]]
    .assert_eq(&stage.calls());
    assert_eq!(stage.inventory(), found);

    // A deployment that has nothing to do with it makes no call more.
    stage.version("two");
    stage.run(&["update"]).expect_code(0);
    assert!(!stage.aws.text().contains("omain") && !stage.aws.text().contains("acm:"), "{}", stage.aws.text());

    let status = stage.json(&["status"]);
    assert_eq!(
        (&status["domain"]["mapped"], &status["domain"]["certificate"]["status"], &status["domain"]["records"]["records"][1]["kind"]),
        (&json!(true), &json!("issued"), &json!("AAAA"))
    );

    let planned = stage.run(&["undeploy", "--dry-run"]).expect_code(0).stdout;
    for line in
        ["A record of `www.certify-dev.example`", "mapping of", "domain name `www.certify-dev.example`", "certificate `arn:aws:acm:"]
    {
        assert!(planned.contains(line), "{planned}");
    }
    stage.run(&["undeploy", "--yes"]).expect_code(0);
    let calls = stage.calls();
    let of_domain_only = |line: &&str| ["omain", "Mapping", "acm:", "route53:", "Delete"].iter().any(|word| line.contains(word));
    let removal: Vec<&str> = calls.lines().filter(of_domain_only).take_while(|line| !line.contains("RestApi")).collect();
    expect![[r#"
        apigateway:GetDomainNames
        apigatewayv2:GetApiMappings
        route53:ListHealthChecks
        route53:ListHostedZones
        route53:ListResourceRecordSets
        route53:ChangeResourceRecordSets
        apigatewayv2:DeleteApiMapping
        apigateway:DeleteDomainName
        acm:ListCertificates
        acm:ListTagsForCertificate
        acm:DeleteCertificate"#]]
    .assert_eq(&removal.join("\n"));
    // The proof stays: every certificate of the account for the domain shares it.
    let found = of_domain(&stage.inventory());
    assert_eq!((&found["domains"], &found["certificates"]), (&json!(null), &json!(null)));
    expect![[r#"
        [proof].www.[name].example. CNAME [proof].acm-validations.aws.
    "#]]
    .assert_eq(&(records(&stage).join("\n") + "\n"));
}

/// The domain leads to the other API before the first one goes, in one step.
#[test]
fn the_domain_follows_to_another_front_door() {
    let stage = stage("follows", "base_path = \"shop/v1\"\n");
    stage.run(&["certify"]).expect_code(0);
    let rest = stage.inventory()["domains"].clone();
    assert_eq!((&rest[0]["paths"][0]["ApiMappingKey"], &rest[0]["paths"][0]["Stage"]), (&json!("shop/v1"), &json!("dev")));
    set(&stage, "base_path = \"shop/v1\"\napigateway_version = \"v2\"\n");
    stage.run(&["deploy"]).expect_code(0);
    let calls: Vec<String> = stage.aws.calls().iter().map(crate::support::aws::Call::name).collect();
    let position = |name: &str| calls.iter().position(|call| call == name).unwrap_or_else(|| panic!("{name}: {calls:#?}"));
    assert!(position("apigatewayv2:CreateApi") < position("apigatewayv2:UpdateApiMapping"));
    assert!(position("apigatewayv2:UpdateApiMapping") < position("apigateway:DeleteRestApi"));
    let http = stage.inventory()["domains"].clone();
    assert_eq!((&http[0]["paths"][0]["Stage"], http[0]["paths"].as_array().unwrap().len()), (&json!("$default"), 1));
    assert_eq!(stage.json(&["certify"])["regions"][0]["domain_name"], "unchanged");

    // To a Function URL nothing can lead.
    set(&stage, "function_url_enabled = true\n");
    let warned = stage.run(&["deploy"]).expect_code(0);
    assert!(warned.stderr.contains("leads nowhere any more"), "{}", warned.stderr);
    let refused = stage.run(&["certify"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("cannot lead to stages whose front door is `function-url`"), "{}", refused.stderr);
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    let left = stage.inventory();
    assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["records"], "{left:#}");
}

/// Without a zone in the account, or where it is not ours to write, the records are told and waited for.
#[test]
fn dns_can_be_elsewhere() {
    let stage = without_zone("elsewhere", "");
    let done = stage.run(&["certify"]).expect_code(0);
    assert!(done.stderr.contains(".www.elsewhere-dev.example. CNAME _"), "{}", done.stderr);
    assert!(done.stdout.contains("www.elsewhere-dev.example CNAME d-"), "{}", done.stdout);
    assert!(!stage.aws.text().contains("ChangeResourceRecordSets"));
    let json = stage.json(&["certify"]);
    assert_eq!((&json["zone"], &json["records"][0]["kind"]), (&json!(null), &json!("CNAME")));
    set(&stage, "route53_enabled = false\n");
    stage.run(&["certify"]).expect_code(0);
    assert!(!stage.aws.text().contains("route53:"), "{}", stage.aws.text());
    // The domain is found again although the settings do not name it any more.
    stage.settings("");
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory(), json!({}));
}
