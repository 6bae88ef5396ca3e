//! What holds for all versions of a function at once: tags, concurrency, for how long logs are kept.

use std::collections::BTreeMap;

use super::classify::{AwsError, failed, found};
use super::connect::Clients;
use super::logs;
use super::names::{Names, Place};
use super::stage::ABSENT;
use crate::cloud::Surroundings;
use crate::model::{LIVE, Outcome};

/// AWS's own tags, which nobody can change.
const RESERVED: &str = "aws:";

/// Everything of it. A function that was only just made has nothing that would have to be looked for.
pub(super) async fn ensure(
    clients: &Clients,
    names: &Names,
    place: &Place,
    wanted: &Surroundings,
    was_there: bool,
) -> Result<Outcome, AwsError> {
    let Surroundings { role: _, tags, concurrency, provisioned_concurrency, log_retention_days, fetches_dependencies: _ } = wanted;
    let tags = names.tags(tags);
    let there = if was_there { Some(read(clients, names).await?) } else { None };
    let (tags_there, concurrency_there) = there.unwrap_or_else(|| (tags.clone(), None));
    let retention = async {
        match log_retention_days {
            None if !was_there => Ok(Outcome::Unchanged),
            days => logs::ensure_retention(clients, names, *days, &tags).await,
        }
    };
    let provisioned = async {
        match provisioned_concurrency {
            None if !was_there => Ok(Outcome::Unchanged),
            wanted => ensure_provisioned(clients, names, *wanted).await,
        }
    };
    let (tags, concurrency, provisioned, retention) = tokio::join!(
        ensure_tags(clients, names, place, &tags, &tags_there),
        ensure_concurrency(clients, names, *concurrency, concurrency_there),
        provisioned,
        retention,
    );
    let outcomes = [tags?, concurrency?, provisioned?, retention?];
    Ok(if outcomes.iter().all(|outcome| *outcome == Outcome::Unchanged) { Outcome::Unchanged } else { Outcome::Updated })
}

/// More to show of them.
pub(super) async fn facts(clients: &Clients, names: &Names) -> Result<Vec<(String, String)>, AwsError> {
    let (tags, concurrency) = read(clients, names).await?;
    let mut facts = Vec::new();
    if let Some(concurrency) = concurrency {
        facts.push(("concurrency".to_owned(), format!("{concurrency} reserved")));
    }
    let own: Vec<String> =
        tags.iter().filter(|(name, _)| !name.starts_with("zappa:")).map(|(name, value)| format!("{name}={value}")).collect();
    if !own.is_empty() {
        facts.push(("tags".to_owned(), own.join(", ")));
    }
    Ok(facts)
}

/// Tags and reserved concurrency, in one call.
async fn read(clients: &Clients, names: &Names) -> Result<(BTreeMap<String, String>, Option<u32>), AwsError> {
    let answer = clients.lambda.get_function().function_name(&names.function).send().await;
    let answer = answer.map_err(failed("lambda:GetFunction", &names.function))?;
    let tags = answer.tags().into_iter().flatten().filter(|(name, _)| !name.starts_with(RESERVED));
    let concurrency = answer.concurrency().and_then(|concurrency| concurrency.reserved_concurrent_executions());
    Ok((tags.map(|(name, value)| (name.clone(), value.clone())).collect(), concurrency.and_then(|number| u32::try_from(number).ok())))
}

async fn ensure_tags(
    clients: &Clients,
    names: &Names,
    place: &Place,
    wanted: &BTreeMap<String, String>,
    there: &BTreeMap<String, String>,
) -> Result<Outcome, AwsError> {
    if wanted == there {
        return Ok(Outcome::Unchanged);
    }
    let arn = place.function_arn(names);
    let new: BTreeMap<&String, &String> = wanted.iter().filter(|(name, value)| there.get(*name) != Some(value)).collect();
    if !new.is_empty() {
        let new = new.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let answer = clients.lambda.tag_resource().resource(&arn).set_tags(Some(new)).send().await;
        answer.map_err(failed("lambda:TagResource", &names.function))?;
    }
    let gone: Vec<String> = there.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
    if !gone.is_empty() {
        let answer = clients.lambda.untag_resource().resource(&arn).set_tag_keys(Some(gone)).send().await;
        answer.map_err(failed("lambda:UntagResource", &names.function))?;
    }
    Ok(Outcome::Updated)
}

async fn ensure_concurrency(clients: &Clients, names: &Names, wanted: Option<u32>, there: Option<u32>) -> Result<Outcome, AwsError> {
    match wanted {
        wanted if wanted == there => return Ok(Outcome::Unchanged),
        Some(number) => {
            let request = clients.lambda.put_function_concurrency().function_name(&names.function);
            let answer = request.reserved_concurrent_executions(i32::try_from(number).unwrap_or(i32::MAX)).send().await;
            answer.map_err(failed("lambda:PutFunctionConcurrency", &names.function))?;
        }
        None => {
            let answer = clients.lambda.delete_function_concurrency().function_name(&names.function).send().await;
            answer.map_err(failed("lambda:DeleteFunctionConcurrency", &names.function))?;
        }
    }
    Ok(Outcome::Updated)
}

/// Of the alias: Lambda moves it from version to version by itself.
async fn ensure_provisioned(clients: &Clients, names: &Names, wanted: Option<u32>) -> Result<Outcome, AwsError> {
    let resource = || format!("{}:{LIVE}", names.function);
    let answer = clients.lambda.get_provisioned_concurrency_config().function_name(&names.function).qualifier(LIVE).send().await;
    let answer = found(answer, &["ProvisionedConcurrencyConfigNotFoundException", ABSENT]);
    let answer = answer.map_err(failed("lambda:GetProvisionedConcurrencyConfig", resource()))?;
    let there = answer.and_then(|there| u32::try_from(there.requested_provisioned_concurrent_executions()?).ok());
    match wanted {
        wanted if wanted == there => return Ok(Outcome::Unchanged),
        Some(number) => {
            let request = clients.lambda.put_provisioned_concurrency_config().function_name(&names.function).qualifier(LIVE);
            let answer = request.provisioned_concurrent_executions(i32::try_from(number).unwrap_or(i32::MAX)).send().await;
            answer.map_err(failed("lambda:PutProvisionedConcurrencyConfig", resource()))?;
        }
        None => {
            let request = clients.lambda.delete_provisioned_concurrency_config().function_name(&names.function).qualifier(LIVE);
            request.send().await.map_err(failed("lambda:DeleteProvisionedConcurrencyConfig", resource()))?;
        }
    }
    Ok(Outcome::Updated)
}
