//! Calls that do not depend on each other, some at a time.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};

use super::AwsError;

/// Control planes take some tens of calls a second, of everybody in the account together.
const AT_A_TIME: usize = 5;

/// Runs all of it. Whatever has begun comes to its end before the first failure is told; nothing begins after one.
pub(super) async fn together<T, F>(work: impl IntoIterator<Item = F>) -> Result<Vec<T>, AwsError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, AwsError>> + Send + 'static,
{
    let mut work = work.into_iter();
    let mut running = JoinSet::new();
    let mut done = Vec::new();
    let mut failure = None;
    loop {
        while failure.is_none() && running.len() < AT_A_TIME {
            let Some(next) = work.next() else { break };
            running.spawn(next);
        }
        match running.join_next().await {
            None => return failure.map_or(Ok(done), Err),
            Some(Ok(Ok(result))) => done.push(result),
            Some(Ok(Err(error))) => failure = failure.or(Some(error)),
            Some(Err(panic)) => resume(panic),
        }
    }
}

fn resume(panic: JoinError) {
    if let Ok(panic) = panic.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}
