//! `status`: what is there.

use super::OperationError;
use crate::cloud::{Cloud, CloudError, Deployment};
use crate::model::StageId;

/// The stage as it is.
pub async fn status(cloud: &dyn Cloud, id: &StageId) -> Result<Deployment, OperationError> {
    cloud.find(id).await?.ok_or_else(|| CloudError::NotDeployed { function: id.function_name() }.into())
}
