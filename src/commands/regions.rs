//! Commands in several regions: which those are, and what they all have in common.

use std::process::ExitCode;

use serde_json::json;

use super::{CommandError, Context, interrupt};
use crate::cli::{InvokeArgs, RegionArgs, TailArgs};
use crate::cloud::LogQuery;
use crate::error::Error;
use crate::model::{StageId, Target};
use crate::ops::certify::CertifyRequest;
use crate::ops::invoke::Request;
use crate::ops::regions::{Place, RegionsReport, Run, certify as in_regions, others};
use crate::ops::{OperationError, init};
use crate::settings::{Regions, Settings};
use crate::ui::certify as certified;
use crate::ui::prompt::INTERRUPTED;
use crate::ui::regions as show;

/// What settings and flags ask for.
pub(super) enum Scope {
    /// One region, as ever.
    One(Box<Settings>),
    /// Several.
    Several(Box<Several>),
}

/// Several regions, not yet looked up.
pub(super) struct Several {
    pub(super) settings: Settings,
    /// `None`: whatever the account has enabled.
    named: Option<Vec<String>>,
    jobs: Option<u16>,
}

/// Decides between one region and several.
pub(super) fn scope(context: &Context, settings: Settings, args: &RegionArgs) -> Result<Scope, Error> {
    for region in &args.region {
        init::check_region(region).map_err(CommandError::Flag)?;
    }
    if settings.target != Target::Aws {
        if args.all_regions || !args.region.is_empty() {
            return Err(OperationError::NoRegions { stage: settings.id.stage }.into());
        }
        return Ok(Scope::One(Box::new(settings)));
    }
    let several = |settings, named| Ok(Scope::Several(Box::new(Several { settings, named, jobs: args.jobs })));
    let mut named = args.region.clone();
    named.dedup();
    match (args.all_regions, named.as_slice(), &settings.regions) {
        (true, ..) | (false, [], Regions::All) => several(settings, None),
        (false, [], Regions::One) => Ok(Scope::One(Box::new(settings))),
        (false, [], Regions::Several(regions)) => {
            let regions = regions.clone();
            several(settings, Some(regions))
        }
        (false, [region], _) => Ok(Scope::One(Box::new(at(context, &settings, region)?))),
        (false, [_, _, ..], _) => several(settings, Some(named)),
    }
}

/// The settings of a stage in one region, which may have a home elsewhere.
fn at(context: &Context, settings: &Settings, region: &str) -> Result<Settings, Error> {
    let home = match (&settings.regions, &settings.access.region) {
        (Regions::One, _) => region.to_owned(),
        (_, Some(home)) => home.clone(),
        (_, None) => context.runtime()?.block_on(context.fleet(settings).home())?,
    };
    Ok(in_region(settings, region, &home))
}

fn in_region(settings: &Settings, region: &str, home: &str) -> Settings {
    let mut settings = settings.clone();
    settings.access.region = Some(region.to_owned());
    settings.is_home = region == home;
    settings
}

impl Several {
    /// Looks the regions up, and what is to be used in each.
    pub(super) async fn places(&self, context: &Context) -> Result<Vec<Place>, Error> {
        let settings = &self.settings;
        let fleet = context.fleet(settings);
        let (mut regions, home) = match (&self.named, &settings.regions) {
            (None, _) => {
                let enabled = fleet.enabled_regions().await?;
                let kept = enabled.regions.into_iter().filter(|region| !settings.exclude_regions.contains(region));
                (kept.collect::<Vec<_>>(), enabled.home)
            }
            (Some(named), Regions::All) => (named.clone(), fleet.home().await?),
            (Some(named), Regions::One | Regions::Several(_)) => {
                let home = settings.access.region.clone();
                let home = home.filter(|home| settings.regions != Regions::One || named.contains(home));
                (named.clone(), home.or_else(|| named.first().cloned()).unwrap_or_default())
            }
        };
        if regions.is_empty() {
            return Err(OperationError::NoRegionLeft.into());
        }
        // Home first, the others in their order.
        regions.sort_by_key(|region| *region != home);
        fleet.set_regions(regions.clone(), home.clone());
        let places = regions.into_iter().map(|region| {
            let settings = in_region(settings, &region, &home);
            let cloud = Box::new(context.on_aws(&settings, &fleet, Some(region.clone())));
            Place { region, cloud, settings }
        });
        Ok(places.collect())
    }

    /// The stage and where, for a question.
    pub(super) fn words(&self, context: &Context) -> Result<String, Error> {
        let regions: Vec<String> = context.block_on(async {
            let places = self.places(context).await?;
            Ok(places.into_iter().map(|place| place.region).collect())
        })?;
        Ok(format!("`{}` in {} regions ({})", self.settings.id, regions.len(), regions.join(", ")))
    }

    /// Runs an operation in them, and shows the table.
    pub(super) fn run(
        &self,
        context: &Context,
        head: &str,
        work: impl AsyncFnOnce(&Run<'_>) -> Result<RegionsReport, OperationError>,
    ) -> Result<ExitCode, Error> {
        context.runtime()?.block_on(async {
            let stop = interrupt::ask_to_stop();
            let places = self.places(context).await?;
            let observer = context.printer.regions(places.iter().map(|place| place.region.as_str()));
            let run = self.of(&places, stop, &observer);
            let report = work(&run).await?;
            Ok(self.show(context, &run, &report, head))
        })
    }

    fn of<'a>(
        &self,
        places: &'a [Place],
        stop: tokio::sync::watch::Receiver<bool>,
        observer: &'a dyn crate::observe::RegionsObserver,
    ) -> Run<'a> {
        let jobs = self.jobs.map_or(places.len(), usize::from);
        Run { places, is_open: self.named.is_none(), jobs, stop, observer }
    }

    fn show(&self, context: &Context, run: &Run<'_>, report: &RegionsReport, head: &str) -> ExitCode {
        let id: &StageId = &self.settings.id;
        let printer = &context.printer;
        printer.result(report, || show::table(id, report, &format!("{head}{}", show::summary(report))));
        status(context, run, report)
    }
}

/// Says why, and decides the exit status.
fn status(context: &Context, run: &Run<'_>, report: &RegionsReport) -> ExitCode {
    if !context.printer.is_json() {
        show::failures(&context.printer, report);
    }
    match (*run.stop.borrow(), report.is_well()) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    }
}

/// `zappa certify` in several regions: the table, and what they share.
pub(super) fn certify(context: &Context, several: &Several, request: &CertifyRequest<'_>) -> Result<ExitCode, Error> {
    context.runtime()?.block_on(async {
        let stop = interrupt::ask_to_stop();
        let places = several.places(context).await?;
        let observer = context.printer.regions(places.iter().map(|place| place.region.as_str()));
        let run = several.of(&places, stop, &observer);
        let done = in_regions::certify(&run, request, context.printer.observer()).await?;
        context.printer.result(&done, || certified::certify_regions(&several.settings.id, &done));
        let code = status(context, &run, &done.table);
        if !context.printer.is_json() {
            certified::records_failure(&context.printer, &done);
        }
        Ok(if done.is_well() || *run.stop.borrow() { code } else { ExitCode::FAILURE })
    })
}

/// `zappa tail` in several regions.
pub(super) fn tail(context: &Context, several: &Several, args: &TailArgs, query: &LogQuery) -> Result<ExitCode, Error> {
    let printer = &context.printer;
    context.runtime()?.block_on(async {
        let places = several.places(context).await?;
        let width = places.iter().map(|place| place.region.len()).max().unwrap_or(0);
        let observer = printer.regions(std::iter::empty());
        let (_never, stop) = tokio::sync::watch::channel(false);
        let run = several.of(&places, stop, &observer);
        let sink = |region: &str, event| super::tail::show(printer, Some((region, width)), &event);
        tokio::select! {
            report = others::follow(&run, query, !args.no_follow, sink) => Ok(status(context, &run, &report)),
            // The usual way to end it, and no failure.
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        }
    })
}

/// `zappa invoke` in several regions: one block for each.
pub(super) fn invoke(context: &Context, several: &Several, args: &InvokeArgs, request: &Request<'_>) -> Result<ExitCode, Error> {
    let printer = &context.printer;
    context.block_on_or(super::goes_on(&several.settings.id), async {
        let places = several.places(context).await?;
        let observer = printer.regions(places.iter().map(|place| place.region.as_str()));
        let (_never, stop) = tokio::sync::watch::channel(false);
        let run = several.of(&places, stop, &observer);
        let (report, answers) = others::call(&run, request).await;
        if printer.is_json() {
            let regions = report.regions.iter().zip(&answers).map(|(row, answer)| json!({ "region": row, "answer": answer }));
            printer.json(&json!({ "function_name": report.function_name, "regions": regions.collect::<Vec<_>>() }));
        } else {
            for (row, answer) in report.regions.iter().zip(&answers) {
                let Some(answer) = answer else { continue };
                printer.data(&show::heading(&row.region));
                if !args.raw && !answer.said().is_empty() {
                    printer.say(&answer.said());
                }
                match answer.printed() {
                    Some(printed) => printer.raw(printed.as_bytes()),
                    None => printer.data(&crate::ui::report::json_value(&answer.result)),
                }
                printer.hints(&answer.hints);
            }
        }
        Ok(status(context, &run, &report))
    })
}
