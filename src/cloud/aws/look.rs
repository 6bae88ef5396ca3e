//! A stage as it is: what is read of it, and what that makes of it.

use super::classify::AwsError;
use super::names::Place;
use super::route::{self, Door, Site};
use super::stage::{self, Stage, State};
use super::{AwsCloud, configuration, dependencies, function, layer, rules};
use crate::cloud::{CloudError, Deployment};

impl AwsCloud {
    /// Reads the stage: alias, versions and rules at the same time, then the front door that the alias names.
    pub(super) async fn look(&self, stage: &Stage, state: &mut State, full: bool) -> Result<Option<Deployment>, CloudError> {
        let names = &stage.names;
        let clients = self.clients().await?;
        let schedules = async { if full { rules::inspect(clients, names).await } else { rules::list(clients, names).await } };
        let mut known_alias = stage.live.lock().await;
        let (alias, versions, schedules, layers) =
            tokio::join!(stage::read_alias(clients, names), function::list(clients, names), schedules, layer::list(clients, names));
        // Whoever may not look is told so before anything is made.
        let (read, versions, schedules, layers) = (alias?, versions?, schedules?, layers?);
        let Some(latest) = function::latest(&versions) else {
            *known_alias = None;
            *state = State { hold: state.hold.take(), place: state.place.clone(), role: state.role.clone(), layers, ..State::default() };
            return Ok(None);
        };
        let place = Place::of_arn(&latest.arn, &clients.region).ok_or_else(|| AwsError::NoArn { text: latest.arn.clone() })?;
        // What this run holds is what it has written last.
        let alias = if state.hold.is_some() { known_alias.clone() } else { read };
        let record = alias.as_ref().map(|alias| alias.record.clone()).unwrap_or_default();
        let door: Option<Door> = record.door.as_deref().and_then(|door| door.parse().ok());
        let route = match &door {
            Some(door) => route::look(Site { clients, names, place: &place }, door).await?,
            None => None,
        };
        let live = alias.as_ref().filter(|_| record.released).and_then(|alias| alias.version);
        let held = state.hold.is_some() || record.lock.is_none();
        let deployment = Deployment {
            function_name: names.function.clone(),
            function_arn: place.function_arn(names),
            live,
            releases: function::releases(&versions, &layers),
            function: live.and_then(|live| versions.iter().find(|there| there.version == Some(live))?.spec.clone()),
            // What a run that holds the stage, or died holding it, has done to the rest cannot be known.
            applied: record.applied.complete().filter(|_| held),
            route,
            schedules,
            domain: None,
            host: None,
            sandboxes: None,
            last_error: None,
            facts: facts(latest, &place, door.as_ref()),
        };
        state.place = Some(place);
        *known_alias = alias;
        state.versions = versions;
        state.layers = layers;
        Ok(Some(deployment))
    }

    /// As [`Cloud::find`], for a run that begins or that has seen something change.
    pub(super) async fn find_anew(&self, stage: &Stage) -> Result<Option<Deployment>, CloudError> {
        let mut state = stage.state.lock().await;
        let fleet = &self.options.fleet;
        let _asking = fleet.ask();
        let found = self.look(stage, &mut state, false).await?;
        let code = state.versions.iter().map(|version| version.code_sha256.clone());
        let layers = state.layers.iter().map(|layer| layer.sha256.clone());
        let fetched = state.versions.iter().filter(|version| version.fetches()).filter_map(|version| version.dependencies.as_deref());
        let fetched = fetched.map(|location| dependencies::sha256(&[], location));
        fleet.has(&self.clients().await?.region, code.chain(layers).chain(fetched));
        state.found = Some(found.clone());
        Ok(found)
    }
}

fn facts(latest: &configuration::Known, place: &Place, door: Option<&Door>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("account".to_owned(), format!("{}, {}", place.account, place.region)),
        ("role".to_owned(), latest.role.rsplit('/').next().unwrap_or_default().to_owned()),
    ];
    if let Some(id) = door.and_then(|door| door.id.as_deref()) {
        facts.push(("api".to_owned(), id.to_owned()));
    }
    facts
}
