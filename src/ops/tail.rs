//! `tail`: what a stage has logged, and what it logs from now on.

use std::ops::ControlFlow;

use super::OperationError;
use crate::cloud::{Cloud, LogEvent, LogQuery};
use crate::model::StageId;

/// Hands every event that `query` wants to `sink`, oldest first; with `follow` goes on until the sink breaks off.
pub async fn tail(
    cloud: &dyn Cloud,
    id: &StageId,
    mut query: LogQuery,
    follow: bool,
    mut sink: impl FnMut(LogEvent) -> ControlFlow<()> + Send,
) -> Result<(), OperationError> {
    let mut broken_off = false;
    loop {
        let mut watched = |event| {
            let flow = sink(event);
            broken_off |= flow.is_break();
            flow
        };
        let page = cloud.logs(id, &query, &mut watched).await?;
        if broken_off || !follow {
            return Ok(());
        }
        query.after = Some(page.position);
        tokio::time::sleep(page.ask_again_in).await;
    }
}
