//! What comes before there is a function: whether it can be, and what it takes.

use super::stage::Stage;
use super::{AwsCloud, configuration, function, layer, role, route};
use crate::cloud::{CloudError, Fingerprints, FunctionSpec, StageSpec};
use crate::model::Outcome;
use crate::observe::Observer;

impl AwsCloud {
    /// Asks those services that a look at the stage does not ask.
    pub(super) async fn look_for_offers(&self, stage: &Stage, spec: &StageSpec) -> Result<(), CloudError> {
        let (clients, names) = (self.clients().await?, &stage.names);
        let FunctionSpec { runtime, architecture, .. } = spec.function;
        let route = async { Ok(route::is_offered(clients, names, spec.route.front_door).await?) };
        let function = async { Ok(layer::is_offered(clients, names, runtime, architecture).await?) };
        // Whose account it is will be wanted next.
        let place = async { self.place(&mut *stage.state.lock().await).await };
        tokio::try_join!(route, function, place)?;
        Ok(())
    }

    /// The role, and a bucket that the settings name.
    pub(super) async fn prepare(&self, stage: &Stage, spec: &StageSpec, observer: &dyn Observer) -> Result<Outcome, CloudError> {
        let mut state = stage.state.lock().await;
        let wanted = Fingerprints::of(spec);
        state.wanted = Some(wanted.clone());
        if state.role.is_some() {
            return Ok(Outcome::Unchanged);
        }
        let applied = state.found.as_ref().and_then(|found| found.as_ref()?.applied.as_ref());
        let latest =
            function::latest(&state.versions).filter(|_| applied.is_some_and(|applied| applied.surroundings == wanted.surroundings));
        if let Some(latest) = latest {
            state.role = Some(latest.role.clone());
            return Ok(Outcome::Unchanged);
        }
        if let Some(hold) = &mut state.hold {
            hold.touched = true;
        }
        let mut spec = spec.clone();
        // A rollback to a version that fetches its dependencies must not fail.
        spec.surroundings.fetches_dependencies |= state.versions.iter().any(configuration::Known::fetches);
        let is_new = state.hold.is_none();
        // Meanwhile archives are sent.
        drop(state);
        let (clients, fleet) = (self.clients().await?, &self.options.fleet);
        let regions = if fleet.regions().is_empty() { std::slice::from_ref(&clients.region) } else { fleet.regions() };
        // One for all regions: the others wait for whoever comes first.
        let ensured = fleet.role.get_or_try_init(|| role::ensure(clients, &stage.names, &spec, regions, observer)).await?;
        let (outcome, mut role) = ensured.clone();
        role.place.region.clone_from(&clients.region);
        if is_new {
            // Of a new stage, while its bundle is being built.
            self.store(stage, &role.place).await?.prepare().await?;
        }
        let mut state = stage.state.lock().await;
        state.role = Some(role.arn);
        state.place = Some(role.place);
        Ok(outcome)
    }
}
