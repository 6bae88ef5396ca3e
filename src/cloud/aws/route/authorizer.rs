//! Authorizers in the words of both APIs, and the right of API Gateway to call them.

use serde_json::{Value, json};

use super::{GATEWAY, Site, invocation_uri};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{code, failed, found};
use crate::cloud::aws::names::{Names, Place};
use crate::cloud::aws::permission::INVOKE_FUNCTION;
use crate::model::{Authorizer, AuthorizerFunction, AuthorizerKind};
use crate::observe::Observer;

/// Lambda's codes for somebody who may not.
const DENIED: [&str; 2] = ["AccessDeniedException", "AccessDenied"];
/// Algorithms that a token may be signed with: all that a REST API takes.
const ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

/// Which function decides, by ARN; `None` where none does.
pub(super) fn function_arn(names: &Names, place: &Place, authorizer: &Authorizer) -> Option<String> {
    match &authorizer.kind {
        AuthorizerKind::Token(function) | AuthorizerKind::Request(function) => Some(match function {
            AuthorizerFunction::Own(_) => place.live_arn(names),
            AuthorizerFunction::Arn(arn) => arn.clone(),
        }),
        AuthorizerKind::Cognito(_) | AuthorizerKind::Jwt { .. } => None,
    }
}

/// Components of OpenAPI take letters, digits, `.`, `-` and `_`.
pub(super) fn scheme_name(authorizer: &Authorizer) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    authorizer.name.chars().map(kept).collect()
}

/// The security scheme of a REST API's document.
pub(super) fn scheme(names: &Names, place: &Place, authorizer: &Authorizer) -> Value {
    let source = format!("method.request.header.{}", authorizer.token_header);
    let (word, mut inner) = match &authorizer.kind {
        AuthorizerKind::Token(_) => ("custom", json!({ "type": "token" })),
        AuthorizerKind::Request(_) => ("custom", json!({ "type": "request" })),
        AuthorizerKind::Cognito(pools) => ("cognito_user_pools", json!({ "type": "cognito_user_pools", "providerARNs": pools })),
        // As the API's own `JwtConfigurationInput` has it. Documentation of the import is older than these authorizers: see `rest::cautious`.
        AuthorizerKind::Jwt { issuer, audience } => {
            let issuers = json!([{ "issuer": issuer, "audiences": audience }]);
            ("jwt", json!({ "type": "jwt", "jwtConfiguration": { "issuers": issuers, "defaultAlgorithms": ALGORITHMS } }))
        }
    };
    inner["identitySource"] = json!(source);
    if let Some(arn) = function_arn(names, place, authorizer) {
        inner["authorizerUri"] = json!(invocation_uri(place, &arn));
    }
    if !matches!(authorizer.kind, AuthorizerKind::Jwt { .. }) {
        inner["authorizerResultTtlInSeconds"] = json!(authorizer.result_ttl_seconds);
    }
    if let Some(expression) = &authorizer.validation_expression {
        inner["identityValidationExpression"] = json!(expression);
    }
    json!({
        "type": "apiKey",
        "name": authorizer.token_header,
        "in": "header",
        "x-amazon-apigateway-authtype": word,
        "x-amazon-apigateway-authorizer": inner,
    })
}

/// Lets an API call another function that decides for it. That function may be out of this person's reach: then somebody else has to permit it.
pub(super) async fn permit(site: Site<'_>, api: &str, authorizer: &Authorizer, observer: &dyn Observer) -> Result<(), AwsError> {
    let (AuthorizerKind::Token(AuthorizerFunction::Arn(arn)) | AuthorizerKind::Request(AuthorizerFunction::Arn(arn))) = &authorizer.kind
    else {
        return Ok(());
    };
    let source = site.source_arn(api, "authorizers/*");
    let id = statement_id(site.names, api);
    let answer = site
        .clients
        .lambda
        .add_permission()
        .function_name(arn)
        .statement_id(&id)
        .action(INVOKE_FUNCTION)
        .principal(GATEWAY)
        .source_arn(&source)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        // The statement names this very API.
        Err(error) if code(&error) == "ResourceConflictException" => Ok(()),
        Err(error) if DENIED.contains(&code(&error)) => {
            observer.warn(&format!(
                "the authorizer `{arn}` could not be opened to the API: its owner has to permit it (`aws lambda add-permission --function-name {arn} \
                 --statement-id {id} --action {} --principal {} --source-arn {source}`)",
                INVOKE_FUNCTION,
                GATEWAY,
            ));
            Ok(())
        }
        Err(error) => Err(failed("lambda:AddPermission", arn)(error)),
    }
}

/// Takes back what [`permit`] gave, for an API that is gone. `uris` are those of its authorizers.
pub(super) async fn revoke(site: Site<'_>, api: &str, uris: &[String], observer: &dyn Observer) {
    let own = site.place.function_arn(site.names);
    for uri in uris {
        let Some(arn) = uri.split("/functions/").nth(1).and_then(|rest| rest.strip_suffix("/invocations")) else { continue };
        if arn.starts_with(&own) {
            continue;
        }
        let request = site.clients.lambda.remove_permission().function_name(arn).statement_id(statement_id(site.names, api));
        if let Err(error) = found(request.send().await, &["ResourceNotFoundException"]) {
            // The API is gone, so that the permission is of no use to anybody.
            observer.detail(&format!("the permission of API `{api}` on `{arn}` stays: {}", code(&error)));
        }
    }
}

fn statement_id(names: &Names, api: &str) -> String {
    format!("zappa-authorizer-{}-{api}", names.function)
}
