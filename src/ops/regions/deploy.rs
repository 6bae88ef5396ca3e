//! `deploy` and `update` in several regions: built once, released in each as soon as it is built and the region has told what it has.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, watch};

use super::{Ended, Ending, Place, RegionsReport, Run, Told};
use crate::model::Outcome;
use crate::observe::Observer;
use crate::ops::OperationError;
use crate::ops::contents::Built;
use crate::ops::deploy::{DeployReport, DeployRequest, beside, build, code_of, look, release, specification};
use crate::ops::gate::Gate;
use crate::ops::plan::Plan;

/// Brings every region up to date. With `atomic` no version serves before all regions have one that is well. `observer` is told of the build.
///
/// Fails as a whole only if nothing could be built.
pub async fn deploy(
    run: &Run<'_>,
    request: &DeployRequest<'_>,
    atomic: bool,
    observer: &dyn Observer,
) -> Result<RegionsReport, OperationError> {
    let gate = atomic.then(|| Gate::new(run.places.len()));
    let (ready, built) = watch::channel(None);
    let slots = Semaphore::new(run.jobs.max(1));
    let one = async |place| {
        let ticket = gate.as_ref().map(Gate::ticket);
        let request = DeployRequest { settings: settings(place), ticket: ticket.as_ref(), ..*request };
        let name = |done: &Option<DeployReport>| done.as_ref().map_or(Ending::Stopped, ending);
        run.one(place, name, async |observer| {
            region(run, place, &request, &Shared { slots: &slots, built: built.clone() }, &*observer).await
        })
        .await
    };
    // On a thread of its own, so that all regions can be asked meanwhile.
    let (outcome, ended) = beside(
        move || {
            ready.send_replace(Some(Arc::new(build(request, observer)?)));
            Ok::<_, OperationError>(())
        },
        join_all(run.places.iter().map(one)),
    );
    outcome?;
    Ok(run.report(stopped(ended), |done| Told {
        result: Some(ending(&done)),
        version: Some(done.version),
        url: Some(done.url),
        ..Told::default()
    }))
}

/// What [`deploy`] would do; only reads from the target.
pub async fn plan(run: &Run<'_>, request: &DeployRequest<'_>, observer: &dyn Observer) -> Result<RegionsReport, OperationError> {
    let (built, ended) = beside(
        || build(request, observer),
        run.each(
            |_| Ending::Done,
            async |place: &Place, _| {
                let found = place.cloud.find(&place.settings.id).await?;
                if request.only_update && found.is_none() {
                    return Err(not_deployed(place));
                }
                Ok(found)
            },
        ),
    );
    let built = built?;
    let code = code_of(&built.bundle, request, &specification(request))?;
    let ended = run.places.iter().zip(ended).map(|(place, ended)| {
        let request = DeployRequest { settings: settings(place), ..*request };
        ended.map(|found| {
            let plan = Plan::new(found.as_ref(), &specification(&request), &code, place.settings.num_retained_versions);
            (found, plan)
        })
    });
    Ok(run.report(ended.collect(), |(found, plan)| Told {
        result: Some(match &found {
            None => Ending::Created,
            Some(_) if plan.is_nothing() => Ending::Unchanged,
            Some(_) => Ending::Updated,
        }),
        version: plan.live,
        url: found.and_then(|found| found.route).map(|route| route.url),
        details: plan.changes,
        ..Told::default()
    }))
}

fn not_deployed(place: &Place) -> OperationError {
    crate::cloud::CloudError::NotDeployed { function: place.settings.id.function_name() }.into()
}

fn settings(place: &Place) -> &crate::settings::Settings {
    &place.settings
}

struct Shared<'a> {
    slots: &'a Semaphore,
    built: watch::Receiver<Option<Arc<Built>>>,
}

/// One region's part; `None` if it was stopped before it had begun to change anything, or there was nothing to bring.
async fn region(
    run: &Run<'_>,
    place: &Place,
    request: &DeployRequest<'_>,
    shared: &Shared<'_>,
    observer: &dyn Observer,
) -> Result<Option<DeployReport>, OperationError> {
    let cloud = &*place.cloud;
    let current = look(cloud, request, &specification(request), observer).await;
    if let (Err(error), Some(ticket)) = (&current, request.ticket)
        && error.is_out_of_reach()
    {
        ticket.ready();
    }
    let current = current?;
    let (mut built, mut stop) = (shared.built.clone(), run.stop.clone());
    let built = tokio::select! {
        built = built.wait_for(Option::is_some) => built.ok().and_then(|built| built.clone()),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let Some(built) = built else { return Ok(None) };
    let _slot = shared.slots.acquire().await;
    if *run.stop.borrow() {
        return Ok(None);
    }
    let report = release(cloud, request, &built, current, observer).await?;
    if let Some(ticket) = request.ticket {
        // One that needed no new version has not passed the gate.
        ticket.ready();
    }
    Ok(Some(report))
}

fn stopped(ended: Vec<Ended<Option<DeployReport>>>) -> Vec<Ended<DeployReport>> {
    ended
        .into_iter()
        .map(|Ended { seconds, outcome }| Ended {
            seconds,
            outcome: outcome.and_then(|outcome| match outcome {
                Ok(done) => done.map(Ok),
                Err(error) => Some(Err(error)),
            }),
        })
        .collect()
}

fn ending(report: &DeployReport) -> Ending {
    let DeployReport { live, release, route, schedules, pruned, .. } = report;
    match live {
        Outcome::Created => Ending::Created,
        _ if pruned.is_empty() && [live, release, route, schedules].into_iter().all(|part| *part == Outcome::Unchanged) => {
            Ending::Unchanged
        }
        _ => Ending::Updated,
    }
}
