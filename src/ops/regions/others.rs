//! What is done in several regions and needs no agreement between them.

use std::ops::ControlFlow;

use super::{Ending, Place, RegionsReport, Run, Told};
use crate::cloud::{CloudError, DomainState, LogEvent, LogQuery};
use crate::model::Outcome;
use crate::observe::Silent;
use crate::ops::invoke::{InvokeReport, Request, invoke};
use crate::ops::status::{StatusReport, status};
use crate::ops::{OperationError, plan, schedule, tail, undeploy};

/// Looks: version, code and what differs from the settings or from home, side by side.
pub async fn look(run: &Run<'_>) -> RegionsReport {
    let name = |found: &Option<StatusReport>| if found.is_some() { Ending::Done } else { Ending::Absent };
    let ended = run
        .each(name, async |place: &Place, _| match status(&*place.cloud, &place.settings).await {
            Ok(found) => Ok(Some(found)),
            Err(OperationError::Cloud(CloudError::NotDeployed { .. })) => Ok(None),
            Err(error) => Err(error),
        })
        .await;
    let mut report = run.report(ended, |found| {
        let Some(StatusReport { deployment, drift }) = found else { return Told { result: Some(Ending::Absent), ..Told::default() } };
        let live = deployment.live.and_then(|live| deployment.releases.iter().find(|release| release.version == live));
        Told {
            version: deployment.live,
            url: deployment.route.as_ref().map(|route| route.url.clone()),
            code: live.map(|live| live.code_sha256.clone()),
            drift,
            details: deployment.domain.iter().map(led).collect(),
            ..Told::default()
        }
    });
    if let Some((home, code)) = report.regions.iter().find_map(|row| Some((row.region.clone(), row.code.clone()?))) {
        for row in report.regions.iter_mut().filter(|row| row.code.as_ref().is_some_and(|own| *own != code)) {
            row.drift.insert(0, format!("code of {home}"));
        }
    }
    report
}

/// How a domain stands in a region, in a line that regions share in which it is the same.
fn led(domain: &DomainState) -> String {
    let certificate = domain.certificate.as_ref().map(|certificate| format!(", certificate {}", certificate.status)).unwrap_or_default();
    let leads = match (&domain.endpoint, domain.mapped, &domain.records) {
        (None, ..) => "not there yet; `zappa certify` makes it".to_owned(),
        (Some(_), false, _) => "leads elsewhere; `zappa certify` lets it lead here".to_owned(),
        (Some(_), true, None) => format!("leads here by records that are kept elsewhere{certificate}"),
        (Some(_), true, Some(records)) if records.records.is_empty() => {
            format!("has no record that leads here{certificate}; `zappa certify` makes it")
        }
        (Some(_), true, Some(_)) => format!("leads here{certificate}"),
    };
    format!("{} {leads}", domain.url)
}

/// Removes the stage from every region, and then what they share; with `dry_run` only says what that is.
pub async fn leave(run: &Run<'_>, remove_logs: bool, wait: bool, dry_run: bool) -> Result<RegionsReport, OperationError> {
    let name = |removed: &Vec<String>| if removed.is_empty() { Ending::Absent } else { Ending::Removed };
    let ended = run
        .each(name, async |place: &Place, observer| {
            let (cloud, id) = (&*place.cloud, &place.settings.id);
            if dry_run {
                return Ok(undeploy::plan_here(cloud, id, remove_logs, &*observer).await?.removed);
            }
            Ok(undeploy::undeploy_here(cloud, id, remove_logs, wait, &*observer).await?.removed)
        })
        .await;
    let reached = run.places.iter().zip(&ended).find(|(_, ended)| matches!(ended.outcome, Some(Ok(_)))).map(|(place, _)| place);
    let mut report = run.table(ended, |removed| Told { result: Some(name(&removed)), details: removed, ..Told::default() });
    if let Some(place) = reached {
        report.shared = place.cloud.remove_shared(&place.settings.id, dry_run, &Silent).await?;
    }
    Ok(report)
}

/// Makes each region's schedules what the settings say of it; with `none`, removes them all. With `dry_run` only says what would be done.
pub async fn reschedule(run: &Run<'_>, none: bool, wait: bool, dry_run: bool) -> RegionsReport {
    let told = |outcome: Outcome| match outcome {
        Outcome::Unchanged => Ending::Unchanged,
        Outcome::Created | Outcome::Updated => Ending::Updated,
    };
    let ended = run
        .each(
            |(outcome, _): &(Outcome, Vec<String>)| told(*outcome),
            async |place: &Place, observer| {
                let (cloud, id) = (&*place.cloud, &place.settings.id);
                let wanted = if none { Vec::new() } else { plan::schedules(&place.settings) };
                if dry_run {
                    let schedule::SchedulePlan { function_name: _, created, updated, removed, unchanged: _ } =
                        schedule::plan(cloud, id, &wanted).await?;
                    let words = [("create", created), ("update", updated), ("remove", removed)];
                    let lines: Vec<String> =
                        words.into_iter().flat_map(|(word, names)| names.into_iter().map(move |name| format!("{word} {name}"))).collect();
                    return Ok((if lines.is_empty() { Outcome::Unchanged } else { Outcome::Updated }, lines));
                }
                if none {
                    let removed = schedule::unschedule(cloud, id, wait, &*observer).await?.removed;
                    let outcome = if removed.is_empty() { Outcome::Unchanged } else { Outcome::Updated };
                    return Ok((outcome, removed.into_iter().map(|name| format!("removed {name}")).collect()));
                }
                let done = schedule::schedule(cloud, id, &wanted, wait, &*observer).await?;
                let lines = done.schedules.into_iter().map(|there| format!("{} {}", there.spec.name, there.spec.expression));
                Ok((done.outcome, lines.collect()))
            },
        )
        .await;
    run.report(ended, |(outcome, details)| Told { result: Some(told(outcome)), details, ..Told::default() })
}

/// Hands the events of every region to `sink`, with the region that they are of. Whoever fails is told of at the end.
pub async fn follow(
    run: &Run<'_>,
    query: &LogQuery,
    follow: bool,
    sink: impl Fn(&str, LogEvent) -> ControlFlow<()> + Sync,
) -> RegionsReport {
    let ended = run
        .each(
            |()| Ending::Done,
            async |place: &Place, _| {
                tail::tail(&*place.cloud, &place.settings.id, query.clone(), follow, |event| sink(&place.region, event)).await
            },
        )
        .await;
    run.report(ended, |()| Told::default())
}

/// Calls the function in every region; what it returned stands beside the table, in its order.
pub async fn call(run: &Run<'_>, request: &Request<'_>) -> (RegionsReport, Vec<Option<InvokeReport>>) {
    let ending = |done: &InvokeReport| if done.status == 0 { Ending::Done } else { Ending::Failed };
    let mut answers = Vec::new();
    let ended = run.each(ending, async |place: &Place, _| invoke(&*place.cloud, &place.settings.id, request.clone(), None).await).await;
    let ended = ended.into_iter().map(|ended| {
        let mut answer = None;
        let ended = ended.map(|done| {
            let told = ending(&done);
            answer = Some(done);
            told
        });
        answers.push(answer);
        ended
    });
    let ended = ended.collect();
    (run.report(ended, |result| Told { result: Some(result), ..Told::default() }), answers)
}
