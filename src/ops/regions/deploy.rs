//! `deploy` and `update` in several regions: built once, released in each as soon as it is built and the region has told what it has.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, watch};

use super::{Ended, Ending, Place, RegionsReport, Run, Told};
use crate::cloud::{Cloud, Deployment, StageSpec};
use crate::model::Outcome;
use crate::observe::Observer;
use crate::ops::OperationError;
use crate::ops::contents::Built;
use crate::ops::deploy::{DeployReport, DeployRequest, beside, build, code_of, existing, prepare, release, specification};
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
        async { spread(run.places, one) },
    );
    outcome?;
    let report = run.report(stopped(ended), |done| Told {
        result: Some(ending(&done)),
        version: Some(done.version),
        url: Some(done.url),
        ..Told::default()
    });
    tidy_up(run, &report, observer).await;
    Ok(report)
}

/// What [`deploy`] would do; only reads from the target.
pub async fn plan(run: &Run<'_>, request: &DeployRequest<'_>, observer: &dyn Observer) -> Result<RegionsReport, OperationError> {
    let (built, ended) = beside(
        || build(request, observer),
        run.each(
            |_| Ending::Done,
            async |place: &Place, _| {
                let request = DeployRequest { settings: settings(place), ..*request };
                find(&*place.cloud, &request, &specification(&request)).await
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

fn settings(place: &Place) -> &crate::settings::Settings {
    &place.settings
}

/// Runs `work` for every region, on as many threads as the machine has for it: signatures and encryption of hundreds of calls are work, too.
fn spread<'s, T: Send>(places: &'s [Place], work: impl AsyncFn(&'s Place) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (runtime, work) = (&tokio::runtime::Handle::current(), &work);
    std::thread::scope(|scope| {
        let shares = places.chunks(places.len().div_ceil(threads).max(1));
        let running: Vec<_> =
            shares.map(|share| scope.spawn(move || runtime.block_on(join_all(share.iter().map(|place| work(place)))))).collect();
        let done = running.into_iter().map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done.flatten().collect()
    })
}

/// What there is of the stage; where it is not there, whether it can be.
async fn find(cloud: &dyn Cloud, request: &DeployRequest<'_>, spec: &StageSpec) -> Result<Option<Deployment>, OperationError> {
    let current = existing(cloud, request).await?;
    if current.is_none() {
        cloud.offers(&request.settings.id, spec).await?;
    }
    Ok(current)
}

/// Removes what lay ready for the regions. Those that failed find what they want where the others have it from.
async fn tidy_up(run: &Run<'_>, report: &RegionsReport, observer: &dyn Observer) {
    let failed: Vec<&str> = report.regions.iter().filter(|row| !row.result.is_well()).map(|row| row.region.as_str()).collect();
    let done = join_all(run.places.iter().map(async |place| place.cloud.tidy_up(&place.settings.id, &failed).await)).await;
    // Why a region failed has been told.
    for (done, row) in done.into_iter().zip(&report.regions) {
        if let Err(error) = done
            && row.result.is_well()
        {
            observer.warn(&format!("{}: an archive stays in its bucket: {error}", row.region));
        }
    }
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
    let done = bring(run, &*place.cloud, request, shared, observer).await;
    let keeps_nobody_back = match &done {
        // One that needed no new version has not passed the gate.
        Ok(done) => done.is_some(),
        Err(error) => error.is_out_of_reach(),
    };
    if let Some(ticket) = request.ticket.filter(|_| keeps_nobody_back) {
        ticket.ready();
    }
    done
}

async fn bring(
    run: &Run<'_>,
    cloud: &dyn Cloud,
    request: &DeployRequest<'_>,
    shared: &Shared<'_>,
    observer: &dyn Observer,
) -> Result<Option<DeployReport>, OperationError> {
    let spec = specification(request);
    let current = find(cloud, request, &spec).await?;
    let (mut built, mut stop) = (shared.built.clone(), run.stop.clone());
    let begin = async {
        let built = tokio::select! {
            built = built.wait_for(Option::is_some) => built.ok().and_then(|built| built.clone()),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(built) = built else { return Ok(None) };
        let slot = shared.slots.acquire().await;
        if *run.stop.borrow() {
            return Ok(None);
        }
        if current.is_none() {
            cloud.send(&request.settings.id, &code_of(&built.bundle, request, &spec)?, observer).await?;
        }
        Ok::<_, OperationError>(Some((built, slot)))
    };
    let (prepared, begun) = tokio::join!(prepare(cloud, request, &spec, current.as_ref(), observer), Box::pin(begin));
    prepared?;
    let Some((built, _slot)) = begun? else { return Ok(None) };
    release(cloud, request, &built, current, observer).await.map(Some)
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
