//! HTTP APIs: an API, its integration, the route and the stage `$default`, each made, looked up and compared by itself, so that whatever speaks the API
//! understands it. The stage deploys what changes.

use std::collections::HashMap;

use aws_sdk_apigatewayv2::operation::get_api::GetApiOutput;
use aws_sdk_apigatewayv2::types::{
    Api, AuthorizationType, Authorizer, AuthorizerType, Cors, Integration, IntegrationType, JwtConfiguration, ProtocolType, Route,
};

use super::rest::{DELETE, GET, PATCH, POST};
use super::{Attempts, Door, Site, Wanted, authorizer, go_on_with, incomplete, missing_tags, together};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::cloud::aws::connect::Clients;
use crate::cloud::{Removed, RouteSpec};
use crate::model::{self, AuthorizerKind, FrontDoor, Outcome};
use crate::observe::Observer;

/// The one route and the one stage, which is in no URL.
pub(super) const DEFAULT: &str = "$default";
/// The statement that lets it call `live`.
const PERMISSION: &str = "zappa-http-api";
/// Of events and answers.
const PAYLOAD: &str = "2.0";
const ABSENT: [&str; 1] = ["NotFoundException"];
const APIS: &str = "/apis";
/// As many as a page can have.
const PAGE: &str = "500";

/// What there is of an API, from whichever call.
struct There {
    id: String,
    endpoint: Option<String>,
    name: Option<String>,
    description: Option<String>,
    cors: Option<Cors>,
    tags: Option<HashMap<String, String>>,
}

/// What is below an API.
#[derive(Default)]
struct Parts {
    integrations: Vec<Integration>,
    routes: Vec<Route>,
    authorizers: Vec<Authorizer>,
    /// Whether the stage is there, and deploys by itself.
    stage: Option<bool>,
}

pub(super) async fn look(site: Site<'_>, id: &str) -> Result<Option<String>, AwsError> {
    fetch(site, id).await?.map(|there| url(&there)).transpose()
}

pub(super) async fn ensure(site: Site<'_>, wanted: Wanted<'_>, known: Option<&str>) -> Result<(Outcome, String, String), AwsError> {
    let recorded = match known {
        Some(id) => fetch(site, id).await?,
        None => None,
    };
    let (there, doubles) = match recorded {
        Some(there) => (Some(there), Vec::new()),
        None => go_on_with(own(site).await?, |_| true),
    };
    let (outcome, there) = match there {
        None => {
            let there = create(site, wanted).await?;
            let parts = Parts::default();
            tokio::try_join!(ensure_parts(site, wanted, &there.id, &parts), permit(site, wanted, &there.id))?;
            (Outcome::Created, there)
        }
        Some(there) => {
            let parts = Box::pin(Parts::read(site, &there.id)).await?;
            let (api, tagged, below, permitted) = tokio::try_join!(
                update(site, wanted.spec, &there),
                tag(site, wanted, &there),
                ensure_parts(site, wanted, &there.id, &parts),
                permit(site, wanted, &there.id),
            )?;
            (together([api, tagged, below, permitted]), there)
        }
    };
    for double in doubles {
        remove(site, &double.id, wanted.observer).await?;
    }
    let url = url(&there)?;
    Ok((outcome, there.id, url))
}

/// Those of the stage, `keep` apart; with the permission if no HTTP API stays.
pub(super) async fn remove_others(
    site: Site<'_>,
    keep: Option<&Door>,
    dry_run: bool,
    observer: &dyn Observer,
) -> Result<Removed, AwsError> {
    let kept = Door::kept(keep, FrontDoor::Http);
    let others: Vec<There> = own(site).await?.into_iter().filter(|there| Some(there.id.as_str()) != kept).collect();
    if kept.is_none() && !others.is_empty() && !dry_run {
        site.forbid(&[PERMISSION], keep).await?;
    }
    let mut removed = Removed::new();
    for there in others {
        if !dry_run {
            remove(site, &there.id, observer).await?;
        }
        removed.push(format!("HTTP API `{}`", there.id));
    }
    Ok(removed)
}

async fn create(site: Site<'_>, wanted: Wanted<'_>) -> Result<There, AwsError> {
    let request = site.clients.http_apis.create_api().name(&site.names.function).protocol_type(ProtocolType::Http);
    let request = request.description(site.description(wanted.spec.gateway.description.as_deref()));
    let request = request.set_cors_configuration(wanted_cors(wanted.spec)).set_tags(Some(wanted.tags.clone().into_iter().collect()));
    let attempts = Attempts::default();
    let api = request.customize().interceptor(attempts.clone()).send().await.map_err(failed(POST, APIS))?;
    let id = api.api_id.ok_or_else(|| incomplete(APIS, "apiId"))?;
    if attempts.several() {
        // What came of a call whose answer was lost.
        for double in own(site).await?.iter().filter(|double| double.id != id) {
            remove(site, &double.id, wanted.observer).await?;
        }
    }
    Ok(There { id, endpoint: api.api_endpoint, name: api.name, description: api.description, cors: api.cors_configuration, tags: api.tags })
}

async fn update(site: Site<'_>, spec: &RouteSpec, there: &There) -> Result<Outcome, AwsError> {
    let client = &site.clients.http_apis;
    let path = path(&there.id, "");
    let (cors, description) = (wanted_cors(spec), site.description(spec.gateway.description.as_deref()));
    let there_cors = there.cors.clone().and_then(normal);
    let mut outcome = Outcome::Unchanged;
    if cors.is_none() && there_cors.is_some() {
        client.delete_cors_configuration().api_id(&there.id).send().await.map_err(failed(DELETE, format!("{path}/cors")))?;
        outcome = Outcome::Updated;
    }
    let named = there.name.as_ref() == Some(&site.names.function) && there.description.as_ref() == Some(&description);
    if !named || (cors.is_some() && cors != there_cors) {
        let request = client.update_api().api_id(&there.id).name(&site.names.function).description(description);
        request.set_cors_configuration(cors).send().await.map_err(failed(PATCH, &path))?;
        outcome = Outcome::Updated;
    }
    Ok(outcome)
}

async fn tag(site: Site<'_>, wanted: Wanted<'_>, there: &There) -> Result<Outcome, AwsError> {
    let missing = missing_tags(wanted.tags, there.tags.as_ref());
    if missing.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let arn = format!("arn:{}:apigateway:{}::{}", site.place.partition, site.place.region, path(&there.id, ""));
    let request = site.clients.http_apis.tag_resource().resource_arn(&arn);
    let request = missing.into_iter().fold(request, |request, (key, value)| request.tags(key, value));
    request.send().await.map_err(failed(POST, format!("/tags/{arn}")))?;
    Ok(Outcome::Updated)
}

async fn permit(site: Site<'_>, wanted: Wanted<'_>, id: &str) -> Result<Outcome, AwsError> {
    let outcome = site.permit(PERMISSION, id).await?;
    if let Some(decides) = &wanted.spec.gateway.authorizer {
        authorizer::permit(site, id, decides, wanted.observer).await?;
    }
    Ok(outcome)
}

/// Integration and authorizer, then the route that needs both; and the stage. A route is never there without whoever guards it.
async fn ensure_parts(site: Site<'_>, wanted: Wanted<'_>, id: &str, parts: &Parts) -> Result<Outcome, AwsError> {
    let guard = wanted.spec.gateway.authorizer.as_ref();
    let routed = async {
        let ((target, integrated), guarded) =
            tokio::try_join!(ensure_integration(site, id, &parts.integrations), ensure_authorizer(site, id, guard, &parts.authorizers))?;
        let (authorizer, decided) = guarded;
        let route = ensure_route(site, id, &WantedRoute::new(wanted.spec, &target, authorizer.as_deref()), &parts.routes).await?;
        let cleared = clear(site, id, authorizer.as_deref(), &parts.authorizers).await?;
        Ok::<_, AwsError>(together([integrated, decided, route, cleared]))
    };
    let (routed, staged) = tokio::try_join!(routed, ensure_stage(site, id, parts.stage))?;
    Ok(together([routed, staged]))
}

async fn ensure_integration(site: Site<'_>, id: &str, there: &[Integration]) -> Result<(String, Outcome), AwsError> {
    let function = site.place.live_arn(site.names);
    let right = |one: &&Integration| {
        one.integration_type() == Some(&IntegrationType::AwsProxy)
            && one.integration_uri() == Some(&function)
            && one.payload_format_version() == Some(PAYLOAD)
    };
    if let Some(found) = there.iter().find(right).and_then(Integration::integration_id) {
        return Ok((format!("integrations/{found}"), Outcome::Unchanged));
    }
    let path = path(id, "integrations");
    let request = site.clients.http_apis.create_integration().api_id(id).integration_type(IntegrationType::AwsProxy);
    let request = request.integration_uri(&function).payload_format_version(PAYLOAD);
    let attempts = Attempts::default();
    let made = request.customize().interceptor(attempts.clone()).send().await.map_err(failed(POST, &path))?;
    let made = made.integration_id.ok_or_else(|| incomplete(&path, "integrationId"))?;
    if attempts.several() {
        // What came of a call whose answer was lost: there was none before.
        let client = &site.clients.http_apis;
        let all = client.get_integrations().api_id(id).max_results(PAGE).send().await.map_err(failed(GET, &path))?;
        let doubles = all.items().iter().filter(right).filter_map(Integration::integration_id);
        for double in doubles.filter(|double| *double != made) {
            let request = client.delete_integration().api_id(id).integration_id(double);
            found(request.send().await, &ABSENT).map_err(failed(DELETE, format!("{path}/{double}")))?;
        }
    }
    Ok((format!("integrations/{made}"), Outcome::Created))
}

async fn ensure_authorizer(
    site: Site<'_>,
    id: &str,
    wanted: Option<&model::Authorizer>,
    there: &[Authorizer],
) -> Result<(Option<String>, Outcome), AwsError> {
    let Some(wanted) = wanted else { return Ok((None, Outcome::Unchanged)) };
    let client = &site.clients.http_apis;
    let path = path(id, "authorizers");
    let known = there.iter().find(|one| one.name() == Some(&wanted.name));
    let known_id = known.and_then(Authorizer::authorizer_id).map(str::to_owned);
    let wanted = authorizer_of(site, wanted);
    if let (Some(known), Some(known_id)) = (known, &known_id)
        && same_authorizer(&wanted, known)
    {
        return Ok((Some(known_id.clone()), Outcome::Unchanged));
    }
    // Both calls take the same, and share no type.
    macro_rules! with_all {
        ($request:expr) => {
            $request
                .api_id(id)
                .set_name(wanted.name.clone())
                .set_authorizer_type(wanted.authorizer_type.clone())
                .set_authorizer_uri(wanted.authorizer_uri.clone())
                .set_authorizer_payload_format_version(wanted.authorizer_payload_format_version.clone())
                .set_authorizer_result_ttl_in_seconds(wanted.authorizer_result_ttl_in_seconds)
                .set_enable_simple_responses(wanted.enable_simple_responses)
                .set_identity_source(wanted.identity_source.clone())
                .set_jwt_configuration(wanted.jwt_configuration.clone())
                .send()
                .await
        };
    }
    match known_id {
        Some(known) => {
            with_all!(client.update_authorizer().authorizer_id(&known)).map_err(failed(PATCH, format!("{path}/{known}")))?;
            Ok((Some(known), Outcome::Updated))
        }
        None => {
            let made = with_all!(client.create_authorizer()).map_err(failed(POST, &path))?;
            Ok((Some(made.authorizer_id.ok_or_else(|| incomplete(&path, "authorizerId"))?), Outcome::Created))
        }
    }
}

/// Removes authorizers that no route has any more.
async fn clear(site: Site<'_>, id: &str, keep: Option<&str>, there: &[Authorizer]) -> Result<Outcome, AwsError> {
    let mut outcome = Outcome::Unchanged;
    for old in there.iter().filter_map(Authorizer::authorizer_id).filter(|old| Some(*old) != keep) {
        let request = site.clients.http_apis.delete_authorizer().api_id(id).authorizer_id(old);
        found(request.send().await, &ABSENT).map_err(failed(DELETE, format!("{}/{old}", path(id, "authorizers"))))?;
        outcome = Outcome::Updated;
    }
    Ok(outcome)
}

/// The route as it shall be.
struct WantedRoute<'a> {
    target: &'a str,
    authorization: AuthorizationType,
    authorizer: Option<&'a str>,
}

impl<'a> WantedRoute<'a> {
    fn new(spec: &RouteSpec, target: &'a str, authorizer: Option<&'a str>) -> Self {
        let authorization = match spec.gateway.authorizer.as_ref().map(|authorizer| &authorizer.kind) {
            Some(AuthorizerKind::Jwt { .. }) => AuthorizationType::Jwt,
            Some(_) => AuthorizationType::Custom,
            None if spec.gateway.iam_authorization => AuthorizationType::AwsIam,
            None => AuthorizationType::None,
        };
        Self { target, authorization, authorizer }
    }
}

async fn ensure_route(site: Site<'_>, id: &str, wanted: &WantedRoute<'_>, there: &[Route]) -> Result<Outcome, AwsError> {
    let client = &site.clients.http_apis;
    let path = path(id, "routes");
    let known = there.iter().find(|route| route.route_key() == Some(DEFAULT));
    let authorizer = wanted.authorizer.map(str::to_owned);
    let Some((known, route)) = known.and_then(|route| Some((route, route.route_id()?))) else {
        let request = client.create_route().api_id(id).route_key(DEFAULT).target(wanted.target);
        let request = request.authorization_type(wanted.authorization.clone()).set_authorizer_id(authorizer);
        // Made by a call whose answer was lost.
        found(request.send().await, &["ConflictException"]).map_err(failed(POST, &path))?;
        return Ok(Outcome::Created);
    };
    let authorization = known.authorization_type().cloned().unwrap_or(AuthorizationType::None);
    let same_guard = authorization == wanted.authorization && (authorizer.is_none() || known.authorizer_id() == wanted.authorizer);
    if same_guard && known.target() == Some(wanted.target) {
        return Ok(Outcome::Unchanged);
    }
    let request = client.update_route().api_id(id).route_id(route).target(wanted.target);
    let request = request.authorization_type(wanted.authorization.clone()).set_authorizer_id(authorizer);
    request.send().await.map_err(failed(PATCH, format!("{path}/{route}")))?;
    Ok(Outcome::Updated)
}

async fn ensure_stage(site: Site<'_>, id: &str, there: Option<bool>) -> Result<Outcome, AwsError> {
    let client = &site.clients.http_apis;
    let path = path(id, "stages");
    match there {
        Some(true) => Ok(Outcome::Unchanged),
        Some(false) => {
            let request = client.update_stage().api_id(id).stage_name(DEFAULT).auto_deploy(true);
            request.send().await.map_err(failed(PATCH, format!("{path}/{DEFAULT}")))?;
            Ok(Outcome::Updated)
        }
        None => {
            let request = client.create_stage().api_id(id).stage_name(DEFAULT).auto_deploy(true);
            // Made by a call whose answer was lost.
            found(request.send().await, &["ConflictException"]).map_err(failed(POST, &path))?;
            Ok(Outcome::Created)
        }
    }
}

impl Parts {
    async fn read(site: Site<'_>, id: &str) -> Result<Self, AwsError> {
        let client = &site.clients.http_apis;
        let failed = |below: &'static str| path(id, below);
        let (integrations, routes, authorizers, stage) = tokio::join!(
            client.get_integrations().api_id(id).max_results(PAGE).send(),
            client.get_routes().api_id(id).max_results(PAGE).send(),
            client.get_authorizers().api_id(id).max_results(PAGE).send(),
            client.get_stage().api_id(id).stage_name(DEFAULT).send(),
        );
        Ok(Self {
            integrations: integrations.map_err(self::failed(GET, failed("integrations")))?.items.unwrap_or_default(),
            routes: routes.map_err(self::failed(GET, failed("routes")))?.items.unwrap_or_default(),
            authorizers: authorizers.map_err(self::failed(GET, failed("authorizers")))?.items.unwrap_or_default(),
            stage: found(stage, &ABSENT).map_err(self::failed(GET, failed("stages")))?.map(|stage| stage.auto_deploy.unwrap_or_default()),
        })
    }
}

async fn fetch(site: Site<'_>, id: &str) -> Result<Option<There>, AwsError> {
    let request = site.clients.http_apis.get_api().api_id(id);
    let answer = found(request.send().await, &ABSENT).map_err(failed(GET, path(id, "")))?;
    Ok(answer.map(|GetApiOutput { api_endpoint, name, description, cors_configuration, tags, .. }| There {
        id: id.to_owned(),
        endpoint: api_endpoint,
        name,
        description,
        cors: cors_configuration,
        tags,
    }))
}

pub(super) async fn is_offered(clients: &Clients) -> Result<(), AwsError> {
    clients.http_apis.get_apis().max_results("1").send().await.map_err(failed(GET, APIS))?;
    Ok(())
}

pub(super) async fn own_ids(site: Site<'_>) -> Result<Vec<String>, AwsError> {
    Ok(own(site).await?.into_iter().map(|there| there.id).collect())
}

async fn own(site: Site<'_>) -> Result<Vec<There>, AwsError> {
    let mut own = Vec::new();
    let mut next = None;
    loop {
        let request = site.clients.http_apis.get_apis().max_results(PAGE).set_next_token(next);
        let page = request.send().await.map_err(failed(GET, APIS))?;
        let ours = |api: &Api| api.protocol_type() == Some(&ProtocolType::Http) && site.owns(api.name(), api.description(), api.tags());
        own.extend(page.items.unwrap_or_default().into_iter().filter(ours).filter_map(|api| {
            let Api { api_id, api_endpoint, name, description, cors_configuration, tags, .. } = api;
            Some(There { id: api_id?, endpoint: api_endpoint, name, description, cors: cors_configuration, tags })
        }));
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(own);
        }
    }
}

async fn remove(site: Site<'_>, id: &str, observer: &dyn Observer) -> Result<(), AwsError> {
    let client = &site.clients.http_apis;
    let answer = client.get_authorizers().api_id(id).max_results(PAGE).send().await;
    let authorizers =
        found(answer, &ABSENT).map_err(failed(GET, path(id, "authorizers")))?.and_then(|answer| answer.items).unwrap_or_default();
    found(client.delete_api().api_id(id).send().await, &ABSENT).map_err(failed(DELETE, path(id, "")))?;
    let uris: Vec<String> = authorizers.into_iter().filter_map(|authorizer| authorizer.authorizer_uri).collect();
    authorizer::revoke(site, id, &uris, observer).await;
    Ok(())
}

fn authorizer_of(site: Site<'_>, wanted: &model::Authorizer) -> Authorizer {
    let builder = Authorizer::builder().name(&wanted.name).identity_source(format!("$request.header.{}", wanted.token_header));
    match &wanted.kind {
        AuthorizerKind::Jwt { issuer, audience } => {
            let jwt = JwtConfiguration::builder().issuer(issuer).set_audience(Some(audience.clone())).build();
            builder.authorizer_type(AuthorizerType::Jwt).jwt_configuration(jwt)
        }
        _ => builder
            .authorizer_type(AuthorizerType::Request)
            .set_authorizer_uri(authorizer::function_arn(site.names, site.place, wanted).map(|arn| site.invocation_uri(&arn)))
            .authorizer_payload_format_version(PAYLOAD)
            .enable_simple_responses(true)
            .set_authorizer_result_ttl_in_seconds(i32::try_from(wanted.result_ttl_seconds).ok()),
    }
    .build()
}

fn same_authorizer(wanted: &Authorizer, there: &Authorizer) -> bool {
    wanted.authorizer_type == there.authorizer_type
        && wanted.authorizer_uri == there.authorizer_uri
        && wanted.authorizer_payload_format_version == there.authorizer_payload_format_version
        && wanted.authorizer_result_ttl_in_seconds.unwrap_or_default() == there.authorizer_result_ttl_in_seconds.unwrap_or_default()
        && wanted.enable_simple_responses.unwrap_or_default() == there.enable_simple_responses.unwrap_or_default()
        && wanted.identity_source == there.identity_source
        && wanted.jwt_configuration == there.jwt_configuration
}

fn wanted_cors(spec: &RouteSpec) -> Option<Cors> {
    let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
    let cors = spec.cors.as_ref()?;
    normal(
        Cors::builder()
            .set_allow_origins(list(&cors.allowed_origins))
            .set_allow_methods(list(&cors.allowed_methods))
            .set_allow_headers(list(&cors.allowed_headers))
            .set_expose_headers(list(&cors.exposed_headers))
            .set_allow_credentials(cors.allow_credentials.then_some(true))
            .set_max_age(cors.max_age.and_then(|seconds| i32::try_from(seconds).ok()))
            .build(),
    )
}

/// Nothing, an empty list and `false` are one thing to an API.
fn normal(mut cors: Cors) -> Option<Cors> {
    for list in [&mut cors.allow_origins, &mut cors.allow_methods, &mut cors.allow_headers, &mut cors.expose_headers] {
        *list = list.take().filter(|values| !values.is_empty());
    }
    cors.allow_credentials = cors.allow_credentials.filter(|allowed| *allowed);
    cors.max_age = cors.max_age.filter(|seconds| *seconds != 0);
    (cors != Cors::builder().build()).then_some(cors)
}

fn url(there: &There) -> Result<String, AwsError> {
    let endpoint = there.endpoint.as_deref().ok_or_else(|| incomplete(&path(&there.id, ""), "apiEndpoint"))?;
    Ok(format!("{}/", endpoint.trim_end_matches('/')))
}

/// As IAM writes it.
fn path(id: &str, below: &str) -> String {
    if below.is_empty() { format!("{APIS}/{id}") } else { format!("{APIS}/{id}/{below}") }
}
