//! Who may call `live`: statements of the alias's resource-based policy, each with an id of its own.
//!
//! Everything that calls the function (API Gateway, EventBridge, whoever has a Function URL) needs one, and calls the alias, so that a permission of the
//! function itself would not do.

use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::add_permission::AddPermissionError;
use aws_sdk_lambda::types::FunctionUrlAuthType;
use serde_json::Value;

use super::AwsError;
use super::classify::{code, failed, found};
use super::connect::Clients;
use super::names::Names;
use crate::model::{LIVE, Outcome};

/// What calling a function is called.
pub(super) const INVOKE_FUNCTION: &str = "lambda:InvokeFunction";
const CONFLICT: &str = "ResourceConflictException";
const NOT_FOUND: &str = "ResourceNotFoundException";

/// One statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Unique within the policy.
    pub(super) id: &'a str,
    /// `events.amazonaws.com`, or `*`.
    pub(super) principal: &'a str,
    pub(super) action: &'a str,
    /// On behalf of what; `*` in it stands for anything.
    pub(super) source_arn: Option<String>,
    /// Only through a Function URL that asks for this.
    pub(super) url_auth_type: Option<FunctionUrlAuthType>,
    /// Only through a Function URL, whatever it asks for.
    pub(super) via_url: bool,
}

/// Makes the statement part of the policy of `live`. One of the same id that says something else is replaced.
pub(super) async fn ensure(clients: &Clients, names: &Names, wanted: &Statement<'_>) -> Result<Outcome, AwsError> {
    let denied = || failed("lambda:AddPermission", &names.function);
    let _alone = clients.policy.lock().await;
    let conflict = match add(clients, names, wanted).await {
        Ok(()) => return Ok(Outcome::Created),
        Err(error) if code(&error) == CONFLICT => error,
        Err(error) => return Err(denied()(error)),
    };
    let policy = clients.lambda.get_policy().function_name(&names.function).qualifier(LIVE).send().await;
    let policy = found(policy, &[NOT_FOUND]).map_err(failed("lambda:GetPolicy", &names.function))?;
    match policy.as_ref().and_then(|policy| statement(policy.policy()?, wanted.id)) {
        // The conflict was about something else: the function is just being changed.
        None => Err(denied()(conflict)),
        Some(there) if wanted.is(&there) => Ok(Outcome::Unchanged),
        Some(_) => {
            take_out(clients, names, wanted.id).await?;
            add(clients, names, wanted).await.map_err(denied())?;
            Ok(Outcome::Updated)
        }
    }
}

/// Takes a statement out of the policy of `live`; whether there was one.
pub(super) async fn remove(clients: &Clients, names: &Names, id: &str) -> Result<bool, AwsError> {
    let _alone = clients.policy.lock().await;
    take_out(clients, names, id).await
}

async fn take_out(clients: &Clients, names: &Names, id: &str) -> Result<bool, AwsError> {
    let answer = clients.lambda.remove_permission().function_name(&names.function).qualifier(LIVE).statement_id(id).send().await;
    let answer = found(answer, &[NOT_FOUND]).map_err(failed("lambda:RemovePermission", &names.function))?;
    Ok(answer.is_some())
}

async fn add(clients: &Clients, names: &Names, wanted: &Statement<'_>) -> Result<(), SdkError<AddPermissionError>> {
    let Statement { id, principal, action, source_arn, url_auth_type, via_url } = wanted;
    let request = clients.lambda.add_permission().function_name(&names.function).qualifier(LIVE);
    let request = request.statement_id(*id).principal(*principal).action(*action).set_source_arn(source_arn.clone());
    let request = request.set_function_url_auth_type(url_auth_type.clone()).set_invoked_via_function_url(via_url.then_some(true));
    request.send().await.map(|_| ())
}

/// The statement of this id in a policy document.
fn statement(policy: &str, id: &str) -> Option<Value> {
    let mut policy: Value = serde_json::from_str(policy).ok()?;
    let statements = policy.get_mut("Statement")?.as_array_mut()?;
    statements.iter_mut().find(|statement| statement.get("Sid").is_some_and(|sid| sid == id)).map(Value::take)
}

impl Statement<'_> {
    /// Whether a statement of a policy document is what AWS makes of this one.
    fn is(&self, there: &Value) -> bool {
        let principal = there.get("Principal").map(|principal| match principal {
            Value::Object(kinds) => kinds.values().next().and_then(Value::as_str),
            principal => principal.as_str(),
        });
        let condition = |key: &str| {
            let operators = there.get("Condition").and_then(Value::as_object);
            let mut conditions = operators.into_iter().flat_map(|operators| operators.values().filter_map(Value::as_object)).flatten();
            // `AWS:SourceArn`, `aws:SourceArn`: the case of condition keys means nothing.
            conditions.find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.as_str()).map(str::to_owned)
        };
        principal.flatten() == Some(self.principal)
            && there.get("Action").is_some_and(|action| action == self.action)
            && condition("aws:SourceArn") == self.source_arn
            && condition("lambda:FunctionUrlAuthType").as_deref() == self.url_auth_type.as_ref().map(FunctionUrlAuthType::as_str)
            && condition("lambda:InvokedViaFunctionUrl").is_some_and(|via| via == "true") == self.via_url
    }
}
