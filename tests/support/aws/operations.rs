//! Names requests: `lambda:GetAlias`. The tables come from botocore's models (`operations.py`).

use std::collections::BTreeMap;

use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::moto::moto;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "rest-json")]
    RestJson,
    #[serde(rename = "rest-xml")]
    RestXml,
    #[serde(rename = "query")]
    Query,
    #[serde(rename = "ec2")]
    Ec2,
    #[serde(rename = "json", alias = "smithy-rpc-v2-cbor")]
    Json,
}

/// A service of botocore's.
#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) protocol: Protocol,
    operations: Vec<Operation>,
}

/// One operation of a REST service, and what marks it out.
#[derive(Debug, Deserialize)]
struct Operation {
    name: String,
    method: String,
    /// `/restapis/{restapi_id}`, `/{Bucket}/{Key+}`.
    path: String,
    /// `policy`, `list-type=2`, `uploadId`.
    query: Vec<String>,
    headers: Vec<String>,
}

/// What a request is, as far as it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) protocol: Protocol,
}

/// Names a request, by the scope that it is signed for and what it asks.
pub(crate) fn name(head: &Parts, body: &[u8]) -> Name {
    let (region, signed_for) = scope(head).unwrap_or(("none", "unsigned"));
    // The two APIs of API Gateway share their signing name.
    let service = match signed_for {
        "apigateway" if head.uri.path().starts_with("/v2/") => "apigatewayv2",
        "tagging" => "resourcegroupstaggingapi",
        other => other,
    };
    let known = moto().services.get(service);
    let protocol = known.map_or(Protocol::Json, |service| service.protocol);
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let operation = match (protocol, header("x-amz-target")) {
        (_, Some(target)) => Some(target.rsplit('.').next().unwrap_or(target).to_owned()),
        (Protocol::Query | Protocol::Ec2, None) => form(body).remove("Action"),
        _ => known.and_then(|service| service.find(head)).map(str::to_owned),
    };
    let operation = operation.unwrap_or_else(|| format!("{} {}", head.method, head.uri.path()));
    Name { service: service.to_owned(), operation, region: region.to_owned(), protocol }
}

/// Region and service of `Credential=ID/20261124/eu-west-1/lambda/aws4_request`.
fn scope(head: &Parts) -> Option<(&str, &str)> {
    let authorization = head.headers.get("authorization")?.to_str().ok()?;
    let credential = authorization.split_once("Credential=")?.1.split(',').next()?;
    let mut parts = credential.rsplit('/').skip(1);
    let service = parts.next()?;
    Some((parts.next()?, service))
}

/// The fields of `a=b&c=d`.
fn form(text: &[u8]) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let text = String::from_utf8_lossy(text);
    text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (decode(name), decode(value))).collect()
}

impl Service {
    /// The operation that says most about the request: the most fixed parts of the path, then the most parameters.
    fn find(&self, head: &Parts) -> Option<&str> {
        let query = form(head.uri.query().unwrap_or_default().as_bytes());
        let fits = self.operations.iter().filter_map(|operation| Some((operation.fit(head, &query)?, operation)));
        fits.max_by_key(|(fit, _)| *fit).map(|(_, operation)| operation.name.as_str())
    }
}

impl Operation {
    /// How well the request fits, or `None`.
    fn fit(&self, head: &Parts, query: &BTreeMap<String, String>) -> Option<(usize, usize)> {
        let parameters = self.query.iter().all(|wanted| match wanted.split_once('=') {
            Some((name, value)) => query.get(name).is_some_and(|given| given == value),
            None => query.contains_key(wanted),
        });
        let headers = self.headers.iter().all(|name| head.headers.contains_key(name));
        if self.method != head.method.as_str() || !parameters || !headers {
            return None;
        }
        Some((fixed_segments(&self.path, head.uri.path())?, self.query.len() + self.headers.len()))
    }
}

/// How many segments of the template stand literally in the path, if the path is of its form.
fn fixed_segments(template: &str, path: &str) -> Option<usize> {
    let mut given = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
    let mut fixed = 0;
    for segment in template.trim_matches('/').split('/').filter(|segment| !segment.is_empty()) {
        let actual = given.next()?;
        if segment.ends_with("+}") {
            return Some(fixed);
        }
        if !segment.starts_with('{') {
            if segment != actual {
                return None;
            }
            fixed += 1;
        }
    }
    given.next().is_none().then_some(fixed)
}
