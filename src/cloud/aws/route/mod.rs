//! The front door: what turns HTTP into events for `live`. Three sorts of it behind one small interface; [`super`] calls it, and knows none of them.
//!
//! A door is found by the record that the last deployment left ([`Door`]), else by its tags, and while it has none yet (an import takes no tags) by its
//! name and a mark at the end of its description. So a run that was killed between any two calls is taken up by the next one, and nothing is made twice.

mod authorizer;
mod error;
mod function_url;
mod http_api;
mod openapi;
pub(super) mod rest;
mod stage;
mod usage_plan;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_apigateway::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::AwsError;
use super::connect::Clients;
use super::names::{Names, PROJECT_TAG, Place, STAGE_TAG};
use super::permission::{self, INVOKE_FUNCTION, Statement};
use crate::cloud::{Removed, Route, RouteSpec};
use crate::model::{FrontDoor, InvalidValue, Outcome};
use crate::observe::Observer;

pub(super) use error::RouteError;
pub(super) use openapi::document;
pub(super) use usage_plan::key_id;

/// Who API Gateway is.
const GATEWAY: &str = "apigateway.amazonaws.com";
/// The longest description that API Gateway takes.
const MAX_DESCRIPTION: usize = 1024;

/// Whose front door, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) clients: &'a Clients,
    pub(super) names: &'a Names,
    pub(super) place: &'a Place,
}

/// One front door as the stage's record names it: `rest:abc123`, `http:xyz789`, `url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) kind: FrontDoor,
    /// Of its API; a Function URL is known by its alias.
    pub(super) id: Option<String>,
}

const REST: &str = "rest";
const HTTP: &str = "http";
const URL: &str = "url";

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            FrontDoor::Rest => REST,
            FrontDoor::Http => HTTP,
            FrontDoor::FunctionUrl => URL,
            FrontDoor::Alb => self.kind.as_str(),
        };
        match &self.id {
            Some(id) => write!(f, "{word}:{id}"),
            None => f.write_str(word),
        }
    }
}

impl Door {
    /// The id of the API of this kind that stays.
    fn kept(keep: Option<&Self>, kind: FrontDoor) -> Option<&str> {
        keep.filter(|door| door.kind == kind).and_then(|door| door.id.as_deref())
    }
}

impl FromStr for Door {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = |id: &str| (!id.is_empty()).then(|| Some(id.to_owned()));
        let door = match text.split_once(':') {
            Some((REST, api)) => id(api).map(|id| Self { kind: FrontDoor::Rest, id }),
            Some((HTTP, api)) => id(api).map(|id| Self { kind: FrontDoor::Http, id }),
            None if text == URL => Some(Self { kind: FrontDoor::FunctionUrl, id: None }),
            _ => None,
        };
        door.ok_or_else(|| InvalidValue(format!("`{text}` names no front door")))
    }
}

/// Whether a recorded door is still there, and where it answers: one call.
pub(super) async fn look(site: Site<'_>, door: &Door) -> Result<Option<Route>, AwsError> {
    let url = match (door.kind, &door.id) {
        (FrontDoor::Rest, Some(id)) => rest::look(site, id).await?,
        (FrontDoor::Http, Some(id)) => http_api::look(site, id).await?,
        (FrontDoor::FunctionUrl, _) => function_url::look(site).await?,
        _ => None,
    };
    Ok(url.map(|url| Route { front_door: door.kind, url, port: None }))
}

/// Asks whoever makes front doors of this kind. Not every region has each of them; no answer, or another than a list, says so.
pub(super) async fn is_offered(clients: &Clients, names: &Names, kind: FrontDoor) -> Result<(), AwsError> {
    match kind {
        FrontDoor::Rest => rest::is_offered(clients).await,
        FrontDoor::Http => http_api::is_offered(clients).await,
        FrontDoor::FunctionUrl => function_url::is_offered(clients, names).await,
        FrontDoor::Alb => Ok(()),
    }
}

/// The front door that `spec` asks for, pointing at `live`, which has to exist. `known` is what the record says; without it, or if it is gone, what a
/// run left behind is looked for first.
pub(super) async fn ensure(
    site: Site<'_>,
    spec: &RouteSpec,
    tags: &BTreeMap<String, String>,
    known: Option<&Door>,
    observer: &dyn Observer,
) -> Result<(Outcome, Route, Door), AwsError> {
    let known = known.filter(|door| door.kind == spec.front_door).and_then(|door| door.id.as_deref());
    let wanted = Wanted { spec, tags, observer };
    let (outcome, id, url) = match spec.front_door {
        FrontDoor::Rest => Box::pin(rest::ensure(site, wanted, known)).await.map(|(outcome, id, url)| (outcome, Some(id), url))?,
        FrontDoor::Http => Box::pin(http_api::ensure(site, wanted, known)).await.map(|(outcome, id, url)| (outcome, Some(id), url))?,
        FrontDoor::FunctionUrl => function_url::ensure(site, wanted).await.map(|(outcome, url)| (outcome, None, url))?,
        FrontDoor::Alb => return Err(RouteError::NoLoadBalancers.into()),
    };
    Ok((outcome, Route { front_door: spec.front_door, url, port: None }, Door { kind: spec.front_door, id }))
}

/// Removes every front door of the stage but `keep`, with what belongs to it. Comes after the new one answers.
pub(super) async fn remove_others(site: Site<'_>, keep: &Door, observer: &dyn Observer) -> Result<Removed, AwsError> {
    Box::pin(remove(site, Some(keep), false, observer)).await
}

/// Removes every front door of the stage, or says which there are. What permitted them to call the function goes with the function.
pub(super) async fn remove_all(site: Site<'_>, dry_run: bool, observer: &dyn Observer) -> Result<Removed, AwsError> {
    Box::pin(remove(site, None, dry_run, observer)).await
}

/// The ids of all APIs that are the stage's.
pub(super) async fn own_apis(site: Site<'_>) -> Result<Vec<String>, AwsError> {
    let (rest, http) = tokio::try_join!(Box::pin(rest::own_ids(site)), Box::pin(http_api::own_ids(site)))?;
    Ok([rest, http].concat())
}

/// The stage of an API that a domain name leads to.
pub(super) fn stage_name(site: Site<'_>, door: &Door) -> String {
    if door.kind == FrontDoor::Rest { stage::name(site.names) } else { http_api::DEFAULT.to_owned() }
}

async fn remove(site: Site<'_>, keep: Option<&Door>, dry_run: bool, observer: &dyn Observer) -> Result<Removed, AwsError> {
    let (rest, http, url) = tokio::join!(
        Box::pin(rest::remove_others(site, keep, dry_run, observer)),
        Box::pin(http_api::remove_others(site, keep, dry_run, observer)),
        function_url::remove_other(site, keep, dry_run),
    );
    Ok([rest?, http?, url?].concat())
}

/// What a door shall be, for the three sorts of it.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    spec: &'a RouteSpec,
    tags: &'a BTreeMap<String, String>,
    observer: &'a dyn Observer,
}

impl Site<'_> {
    /// The description of an API, which ends with the stage's mark.
    fn description(self, own: Option<&str>) -> String {
        description(self.names, own)
    }

    /// Whether an API is this stage's: its tags say so, or it has none of them yet and bears name and mark.
    fn owns(self, name: Option<&str>, description: Option<&str>, tags: Option<&HashMap<String, String>>) -> bool {
        let tag = |key: &str| tags.and_then(|tags| tags.get(key)).cloned();
        if tag(PROJECT_TAG).is_some() || tag(STAGE_TAG).is_some() {
            return self.names.owns(tag);
        }
        name == Some(&self.names.function) && description.is_some_and(|text| text.ends_with(&mark(self.names)))
    }

    /// On whose behalf an API calls functions.
    fn source_arn(self, api: &str, below: &str) -> String {
        self.place.arn("execute-api", &format!("{api}/{below}"))
    }

    /// Lets an API call `live`: at every stage, method and path, and as its authorizer.
    async fn permit(self, id: &str, api: &str) -> Result<Outcome, AwsError> {
        let source_arn = Some(self.source_arn(api, "*/*"));
        let statement = Statement { id, principal: GATEWAY, action: INVOKE_FUNCTION, source_arn, ..Statement::default() };
        permission::ensure(self.clients, self.names, &statement).await
    }

    /// Takes back what lets a door call `live`, before the door itself goes: one without the other would be found by nobody. Not where the function
    /// goes anyway.
    async fn forbid(self, ids: &[&str], keep: Option<&Door>) -> Result<(), AwsError> {
        if keep.is_some() {
            for id in ids {
                permission::remove(self.clients, self.names, id).await?;
            }
        }
        Ok(())
    }

    /// What API Gateway calls a function by.
    fn invocation_uri(self, function_arn: &str) -> String {
        invocation_uri(self.place, function_arn)
    }

    /// `amazonaws.com` or its like in other partitions: what the SDK's own table of partitions makes of the region, whatever endpoint is in use.
    async fn dns_suffix(self) -> Result<String, AwsError> {
        let region = &self.place.region;
        let odd = || RouteError::UnknownRegion { region: region.clone() }.into();
        let parameters = Params::builder().region(region).build().map_err(|_| odd())?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await.map_err(|_| odd())?;
        endpoint.url().strip_prefix(&format!("https://apigateway.{region}.")).map(str::to_owned).ok_or_else(odd)
    }
}

/// By what a door is known before it has tags.
fn mark(names: &Names) -> String {
    format!(" (zappa:{}/{})", names.id.project, names.id.stage)
}

fn description(names: &Names, own: Option<&str>) -> String {
    let mark = mark(names);
    let own = own.map_or_else(|| format!("Front door of {}", names.function), str::to_owned);
    let room = MAX_DESCRIPTION.saturating_sub(mark.len());
    let cut = (0..=room.min(own.len())).rev().find(|&at| own.is_char_boundary(at)).unwrap_or_default();
    format!("{}{mark}", &own[..cut])
}

fn invocation_uri(place: &Place, function_arn: &str) -> String {
    let Place { partition, region, .. } = place;
    format!("arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations")
}

/// Tags that are wanted and not there so. Others stay: they are somebody else's.
pub(super) fn missing_tags<'a>(
    wanted: &'a BTreeMap<String, String>,
    there: Option<&HashMap<String, String>>,
) -> Vec<(&'a String, &'a String)> {
    wanted.iter().filter(|(key, value)| there.and_then(|tags| tags.get(*key)) != Some(*value)).collect()
}

/// How often a call was made until it was answered: one that makes an API may have made one each time.
#[derive(Debug, Clone, Default)]
struct Attempts(Arc<AtomicU32>);

impl Attempts {
    fn several(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "attempts"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Which of a stage's APIs to go on with, and which to remove, of what runs left that did not come to their end. A call that makes an API and whose answer is
/// lost is made again by the SDK, and then there are two, of which the first never gets any further.
fn go_on_with<T>(mut apis: Vec<T>, begun: impl Fn(&T) -> bool) -> (Option<T>, Vec<T>) {
    if apis.is_empty() {
        return (None, apis);
    }
    let chosen = apis.iter().position(begun).unwrap_or_default();
    (Some(apis.remove(chosen)), apis)
}

/// An answer without what it always has.
fn incomplete(resource: &str, field: &'static str) -> AwsError {
    RouteError::Incomplete { resource: resource.to_owned(), field }.into()
}

/// What several steps have done altogether.
fn together(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    if outcomes.into_iter().all(|outcome| outcome == Outcome::Unchanged) { Outcome::Unchanged } else { Outcome::Updated }
}
