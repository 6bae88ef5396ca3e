//! The execution role: made, kept as the settings say, removed. A role is global: all regions of a stage have one.
//!
//! A role that the settings name (`role_name`) may serve other stages and other things too: there only our own policy is kept, its trust is left
//! alone as long as Lambda may take it, and it goes with the last of the stages if one of them made it. One whose name is derived is all ours, also
//! where zappa/Zappa made it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{Role as Found, Tag};
use serde_json::Value;

use super::AwsError;
use super::classify::{code, failed, found};
use super::connect::Clients;
use super::fleet::Fleet;
use super::function;
use super::names::{Names, PROJECT_TAG, Place};
use super::policy;
use super::region_tags::{self, Change};
use super::together::together;
use crate::cloud::{Removed, StageSpec, TargetError as _};
use crate::model::{Outcome, RoleSettings};
use crate::observe::Observer;

/// The inline policy of a role of our own; zappa/Zappa's has the same name.
const POLICY: &str = "zappa-permissions";
/// How IAM says that there is none.
const ABSENT: &str = "NoSuchEntity";

/// The role that a function shall have.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) arn: String,
    /// Account and partition of the stage, which the ARN says.
    pub(super) place: Place,
}

/// The role, as the settings want it. Three calls where there is none, two where everything is as it should be.
pub(super) async fn ensure(
    clients: &Clients,
    names: &Names,
    spec: &StageSpec,
    regions: &[String],
    observer: &dyn Observer,
) -> Result<(Outcome, Role), AwsError> {
    let settings = &spec.surroundings.role;
    if let Some(arn) = &settings.arn {
        return Ok((Outcome::Unchanged, role(arn, &clients.region)?));
    }
    let name = names.role(settings);
    let Some(present) = get(clients, &name).await? else {
        if !settings.manage {
            return Err(AwsError::NoRole { name });
        }
        return make(clients, names, spec, regions, observer).await;
    };
    if !settings.manage {
        return Ok((Outcome::Unchanged, role(present.arn(), &clients.region)?));
    }
    let wanted = Wanted { spec, regions };
    adjust(clients, names, &wanted, &present, observer).await
}

/// What a role shall be.
struct Wanted<'a> {
    spec: &'a StageSpec,
    regions: &'a [String],
}

fn role(arn: &str, region: &str) -> Result<Role, AwsError> {
    let place = Place::of_arn(arn, region).ok_or_else(|| AwsError::NoArn { text: arn.to_owned() })?;
    Ok(Role { arn: arn.to_owned(), place })
}

async fn get(clients: &Clients, name: &str) -> Result<Option<Found>, AwsError> {
    let answer = clients.iam.get_role().role_name(name).send().await;
    Ok(found(answer, &[ABSENT]).map_err(failed("iam:GetRole", name))?.and_then(|answer| answer.role))
}

async fn make(
    clients: &Clients,
    names: &Names,
    spec: &StageSpec,
    regions: &[String],
    observer: &dyn Observer,
) -> Result<(Outcome, Role), AwsError> {
    let settings = &spec.surroundings.role;
    let name = names.role(settings);
    let mut all_tags = names.tags(&spec.surroundings.tags);
    all_tags.extend(region_tags::tags(&regions.iter().cloned().collect(), all_tags.len()));
    let request = clients.iam.create_role().role_name(&name).assume_role_policy_document(policy::trust(settings).to_string());
    let request = request.description(format!("Execution role of the Lambda function {}", names.function));
    let made = match request.set_tags(Some(tags(&all_tags))).send().await {
        Ok(answer) => answer.role,
        // Another run has made it meanwhile, or this one, and only the answer was lost.
        Err(error) if code(&error) == "EntityAlreadyExists" => {
            let present = get(clients, &name).await?.ok_or(AwsError::NoRole { name })?;
            let (_, role) = adjust(clients, names, &Wanted { spec, regions }, &present, observer).await?;
            return Ok((Outcome::Created, role));
        }
        Err(error) => return Err(failed("iam:CreateRole", &name)(error)),
    };
    let role = role(made.as_ref().map_or("", Found::arn), &clients.region)?;
    put_policy(clients, names, &name, &policy::execution(names, &role.place, spec)).await?;
    Ok((Outcome::Created, role))
}

/// Changes what differs.
async fn adjust(
    clients: &Clients,
    names: &Names,
    wanted: &Wanted<'_>,
    present: &Found,
    observer: &dyn Observer,
) -> Result<(Outcome, Role), AwsError> {
    let Wanted { spec, regions } = wanted;
    let settings = &spec.surroundings.role;
    let name = present.role_name();
    let role = role(present.arn(), &clients.region)?;
    let wanted = policy::execution(names, &role.place, spec);
    let request = clients.iam.get_role_policy().role_name(name).policy_name(policy_name(names, name));
    let before = found(request.send().await, &[ABSENT]).map_err(failed("iam:GetRolePolicy", name))?;
    let before = before.map(|answer| policy::parse(answer.policy_document()));
    let mut outcome = Outcome::Unchanged;
    let adopted = settings.name.is_none() && tag(present, PROJECT_TAG).is_none();
    if let Some(before) = before.as_ref().filter(|_| adopted) {
        let lost = policy::lost(before, &wanted);
        if !lost.is_empty() {
            let lost: Vec<String> = lost.iter().map(|action| format!("`{action}`")).collect();
            let lost = lost.join(", ");
            observer.warn(&format!("the role `{name}` no longer allows {lost}: what the app uses belongs into `extra_permissions`"));
        }
    }
    if !before.is_some_and(|before| policy::same(&before, &wanted)) {
        put_policy(clients, names, name, &wanted).await?;
        outcome = Outcome::Updated;
    }
    if !trust_is_right(present, settings) {
        let request = clients.iam.update_assume_role_policy().role_name(name).policy_document(policy::trust(settings).to_string());
        request.send().await.map_err(failed("iam:UpdateAssumeRolePolicy", name))?;
        outcome = Outcome::Updated;
    }
    // Last, so that a run that was killed before says again what the role has lost. Tags make it ours to remove: what somebody else made for whatever
    // they like does not get them.
    if adopted || names.owns(|key| tag(present, key)) {
        let mut missing = names.tags(&spec.surroundings.tags);
        let used: BTreeSet<String> = region_tags::regions(present.tags()).into_iter().chain(regions.iter().cloned()).collect();
        let mut change = region_tags::change(present.tags(), &used, &missing);
        missing.retain(|key, value| tag(present, key).as_ref() != Some(value));
        change.write.extend(missing);
        if retag(clients, name, change).await? {
            outcome = Outcome::Updated;
        }
    }
    Ok((outcome, role))
}

fn trust_is_right(present: &Found, settings: &RoleSettings) -> bool {
    let trust = policy::parse(present.assume_role_policy_document().unwrap_or_default());
    if settings.assume_policy.is_none() && settings.name.is_some() {
        return policy::trusts_lambda(&trust);
    }
    policy::same(&trust, &policy::trust(settings))
}

async fn put_policy(clients: &Clients, names: &Names, role: &str, document: &Value) -> Result<(), AwsError> {
    let request = clients.iam.put_role_policy().role_name(role).policy_name(policy_name(names, role)).policy_document(document.to_string());
    request.send().await.map_err(failed("iam:PutRolePolicy", role))?;
    Ok(())
}

/// Stages that share a role must not overwrite each other's policy.
fn policy_name(names: &Names, role: &str) -> String {
    if role == names.role(&RoleSettings::default()) { POLICY.to_owned() } else { format!("{POLICY}-{}", names.function) }
}

fn tag(role: &Found, key: &str) -> Option<String> {
    role.tags().iter().find(|tag| tag.key() == key).map(|tag| tag.value().to_owned())
}

/// Whether anything was changed.
async fn retag(clients: &Clients, name: &str, change: Change) -> Result<bool, AwsError> {
    let Change { write, remove } = change;
    let is_nothing = write.is_empty() && remove.is_empty();
    if !write.is_empty() {
        let answer = clients.iam.tag_role().role_name(name).set_tags(Some(tags(&write))).send().await;
        answer.map_err(failed("iam:TagRole", name))?;
    }
    if !remove.is_empty() {
        let answer = clients.iam.untag_role().role_name(name).set_tag_keys(Some(remove)).send().await;
        answer.map_err(failed("iam:UntagRole", name))?;
    }
    Ok(!is_nothing)
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // The builder fails only where key or value is left out.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// How a stage goes.
pub(super) struct Leaving<'a> {
    /// Knows what it has left already.
    pub(super) fleet: &'a Fleet,
    /// Where else it may be.
    pub(super) elsewhere: &'a [String],
    /// Say only what would be removed.
    pub(super) dry_run: bool,
    pub(super) observer: &'a dyn Observer,
}

impl Leaving<'_> {
    /// The regions in which the stage still is, of those that the role's tags and the settings name.
    async fn remaining(&self, clients: &Clients, names: &Names, present: &Found) -> Result<Vec<String>, AwsError> {
        let mut regions = region_tags::regions(present.tags());
        regions.extend(self.elsewhere.iter().cloned());
        regions.retain(|region| *region != clients.region && !(self.dry_run && self.fleet.regions().contains(region)));
        let mut looks = Vec::new();
        for region in regions.into_iter().filter(|region| !self.fleet.has_left(region)) {
            let (clients, names) = (self.fleet.connect(Some(&region)).await?, names.clone());
            looks.push(async move {
                match function::exists(&clients, &names).await {
                    Ok(there) => Ok(there.then_some(region)),
                    Err(error) if error.is_out_of_reach() => Ok(None),
                    // Who cannot look does not take away what may be needed.
                    Err(_) => Ok(Some(region)),
                }
            });
        }
        Ok(together(looks).await?.into_iter().flatten().collect())
    }
}

/// Removes the role called `name`, if it was made for this project and no other stage or region uses it, else what this stage put into it.
pub(super) async fn remove(clients: &Clients, names: &Names, name: &str, leaving: Leaving<'_>) -> Result<Removed, AwsError> {
    let Some(present) = get(clients, name).await? else { return Ok(Removed::new()) };
    let dry_run = leaving.dry_run;
    let mut remaining = leaving.remaining(clients, names, &present).await?;
    if !remaining.is_empty() {
        remaining.sort();
        leaving.observer.note(&format!("the role `{name}` stays: the stage is in {}, too", remaining.join(", ")));
        let mut there = region_tags::regions(present.tags());
        there.retain(|region| remaining.contains(region));
        if !dry_run {
            retag(clients, name, region_tags::change(present.tags(), &there, &BTreeMap::new())).await?;
        }
        return Ok(Removed::new());
    }
    let own = policy_name(names, name);
    let is_made = tag(&present, PROJECT_TAG).is_some_and(|project| project == names.id.project);
    // A role of zappa/Zappa's that this tool never took over.
    if !is_made && own == POLICY {
        return Ok(Removed::new());
    }
    let mut pages = clients.iam.list_role_policies().role_name(name).into_paginator().send();
    let mut inline = Vec::new();
    while let Some(page) = pages.next().await {
        inline.extend(page.map_err(failed("iam:ListRolePolicies", name))?.policy_names);
    }
    if !is_made || inline.iter().any(|policy| policy.starts_with(POLICY) && *policy != own) {
        if !inline.contains(&own) {
            return Ok(Removed::new());
        }
        if !dry_run {
            delete_policy(clients, name, &own).await?;
        }
        return Ok(vec![format!("policy `{own}` of the role `{name}`, which is not this stage's alone")]);
    }
    if dry_run {
        return Ok(vec![format!("role `{name}`")]);
    }
    for policy in inline {
        delete_policy(clients, name, &policy).await?;
    }
    let mut pages = clients.iam.list_attached_role_policies().role_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for attached in page.map_err(failed("iam:ListAttachedRolePolicies", name))?.attached_policies() {
            let request = clients.iam.detach_role_policy().role_name(name).set_policy_arn(attached.policy_arn.clone());
            found(request.send().await, &[ABSENT]).map_err(failed("iam:DetachRolePolicy", name))?;
        }
    }
    let answer = clients.iam.delete_role().role_name(name).send().await;
    let gone = found(answer, &[ABSENT]).map_err(failed("iam:DeleteRole", name))?;
    Ok(gone.map(|_| format!("role `{name}`")).into_iter().collect())
}

async fn delete_policy(clients: &Clients, role: &str, policy: &str) -> Result<(), AwsError> {
    let answer = clients.iam.delete_role_policy().role_name(role).policy_name(policy).send().await;
    found(answer, &[ABSENT]).map_err(failed("iam:DeleteRolePolicy", role))?;
    Ok(())
}
