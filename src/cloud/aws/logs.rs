//! The function's log in CloudWatch Logs: read from a time or from where a reader has been, kept for so many days, removed.
//!
//! Events come in late: each execution environment hands over its own log, some seconds after it was written. So a reader asks again for the last while
//! each time, and leaves out what it has had.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, LogGroup};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::AwsError;
use super::classify::{code, failed, found};
use super::connect::Clients;
use super::names::Names;
use crate::cloud::{LogEvent, LogKind, LogPage, LogPosition, LogQuery, LogSink, Removed};
use crate::model::Outcome;

const ABSENT: &str = "ResourceNotFoundException";
const EXISTS: &str = "ResourceAlreadyExistsException";
/// How much later than a newer one an event may come in.
const LATE: i64 = 30_000;
/// What is older than this is settled, however little has come in since. More than `LATE` and what this machine's clock may be wrong by: AWS refuses
/// signatures beyond 5 minutes.
const SETTLED: i64 = 330_000;
/// A request is over then: 900 seconds, and a start.
const LONGEST_REQUEST: i64 = 960_000;
/// Somebody is at work.
const SOON: Duration = Duration::from_millis(500);
/// 5 calls a second are everybody's in the account and region, where the quota is smallest.
const LATER: Duration = Duration::from_secs(2);

/// See [`crate::cloud::Cloud::logs`].
pub(super) async fn read(clients: &Clients, names: &Names, query: &LogQuery, sink: LogSink<'_>) -> Result<LogPage, AwsError> {
    let group = names.log_group();
    let mut reader = Reader::begin(query);
    let now = Timestamp::now().as_millisecond();
    let from = reader.from;
    let mut token = None;
    let mut news = false;
    'pages: loop {
        // Words are looked for here: what a filter pattern of the service takes for a match is not what the local target does.
        let request = clients.logs.filter_log_events().log_group_name(&group).start_time(from);
        let answer = match request.set_next_token(token).send().await {
            // Nothing has been logged yet.
            Err(error) if code(&error) == ABSENT => break,
            answer => answer.map_err(failed("logs:FilterLogEvents", &group))?,
        };
        let mut events = answer.events.unwrap_or_default();
        events.sort_by_key(|event| event.timestamp);
        for event in &events {
            let Some(event) = reader.take(event) else { continue };
            news = true;
            if query.wants(&event) && sink(event).is_break() {
                break 'pages;
            }
        }
        reader.settle(now);
        // A page without events may well have a next one.
        token = answer.next_token;
        if token.is_none() {
            reader.settle_quiet(now);
            break;
        }
    }
    Ok(LogPage { position: reader.position(), ask_again_in: if news { SOON } else { LATER } })
}

/// Where a reader has got to. As text it is what [`LogPosition`] carries.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Reader {
    /// The next question is about events from this time on; older ones are settled. Milliseconds.
    from: i64,
    /// The time of the newest event so far.
    newest: Option<i64>,
    /// The events since `from` that have been seen: time, and what tells those of one millisecond apart.
    seen: BTreeSet<(i64, u64)>,
    /// The request that an environment is at, by its log stream, and since when.
    requests: BTreeMap<String, (i64, String)>,
}

impl Reader {
    fn begin(query: &LogQuery) -> Self {
        let before = query.after.as_ref().and_then(|position| serde_json::from_str(&position.0).ok());
        before.unwrap_or_else(|| Self { from: query.since.map_or(0, Timestamp::as_millisecond).max(0), ..Self::default() })
    }

    fn position(&self) -> LogPosition {
        LogPosition(serde_json::to_string(self).unwrap_or_default())
    }

    /// An event, unless it has been seen.
    fn take(&mut self, event: &FilteredLogEvent) -> Option<LogEvent> {
        let milliseconds = event.timestamp()?;
        if !self.seen.insert((milliseconds, short(event.event_id().unwrap_or_default()))) {
            return None;
        }
        self.newest = self.newest.max(Some(milliseconds));
        let text = event.message().unwrap_or_default().trim_end_matches(['\n', '\r']).to_owned();
        let stream = event.log_stream_name().unwrap_or_default();
        let request_id = self.request(stream, &text, milliseconds);
        let time = Timestamp::from_millisecond(milliseconds).ok()?;
        Some(LogEvent { time, request_id, kind: LogKind::of(&text), text })
    }

    /// The request that a text is of: the one it names, else the one that its environment is at, since an environment has one at a time.
    fn request(&mut self, stream: &str, text: &str, time: i64) -> Option<String> {
        match text.split_once(" RequestId: ") {
            Some(("START", rest)) => {
                let id = first_word(rest);
                self.requests.insert(stream.to_owned(), (time, id.to_owned()));
                Some(id.to_owned())
            }
            Some(("END", rest)) => Some(first_word(rest).to_owned()),
            // The last of a request.
            Some(("REPORT", rest)) => {
                self.requests.remove(stream);
                Some(first_word(rest).to_owned())
            }
            _ if text.starts_with("INIT_START ") => None,
            _ => named_in(text).or_else(|| self.requests.get(stream).map(|(_, id)| id.clone())),
        }
    }

    /// Forgets what cannot come again. `now` is when the question was asked: events that claim to be of a later time must not hide those that come in.
    fn settle(&mut self, now: i64) {
        let Some(newest) = self.newest else { return };
        self.settle_before(newest.min(now) - LATE);
    }

    /// As [`Self::settle`], once everything up to `now` has been looked at: a quiet log is not asked about the same hours again and again.
    fn settle_quiet(&mut self, now: i64) {
        self.settle_before(now - SETTLED);
    }

    fn settle_before(&mut self, time: i64) {
        if time > self.from {
            self.from = time;
            self.seen = self.seen.split_off(&(time, 0));
            self.requests.retain(|_, (since, _)| *since > time - LONGEST_REQUEST);
        }
    }
}

/// Event ids are long, and there may be thousands in a second.
fn short(event_id: &str) -> u64 {
    Sha256::digest(event_id).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The request that a text names, in one of the forms that Lambda gives to what it passes on.
fn named_in(text: &str) -> Option<String> {
    if text.starts_with('{') {
        return json_request(text);
    }
    let is_id = |word: &str| uuid::Uuid::try_parse(word).is_ok() && word.len() == 36;
    // `RequestId: <id> Error: Runtime exited…`
    let platform = text.strip_prefix("RequestId: ").map(first_word);
    // `<time> <id> Task timed out after 3.00 seconds`
    let timeout = || text.split(' ').nth(1).filter(|_| LogKind::of(text) == LogKind::Platform);
    // `[INFO]\t2026-01-31T12:00:00.000Z\t<id>\t…`: what Python's `logging` writes in Lambda.
    let logging = || text.starts_with('[').then(|| text.split('\t').nth(2)).flatten();
    platform.or_else(timeout).or_else(logging).filter(|word| is_id(word)).map(str::to_owned)
}

/// `AWS_LAMBDA_LOG_FORMAT=JSON`: of the function, and of the platform.
fn json_request(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "requestId", alias = "AWSRequestId")]
        request_id: Option<String>,
        record: Option<Record>,
    }
    #[derive(Deserialize)]
    struct Record {
        #[serde(rename = "requestId")]
        request_id: Option<String>,
    }
    let line: Line = serde_json::from_str(text).ok()?;
    line.request_id.or_else(|| line.record?.request_id)
}

/// Keeps the log for so many days; `None`: for ever. Without a limit the group is left for Lambda to make.
pub(super) async fn ensure_retention(
    clients: &Clients,
    names: &Names,
    days: Option<u32>,
    tags: &BTreeMap<String, String>,
) -> Result<Outcome, AwsError> {
    let group = names.log_group();
    let there = find(clients, &group).await?;
    let days = days.and_then(|days| i32::try_from(days).ok());
    match (&there, days) {
        (None, None) => Ok(Outcome::Unchanged),
        (Some(there), days) if there.retention_in_days() == days => Ok(Outcome::Unchanged),
        (Some(_), None) => {
            let answer = clients.logs.delete_retention_policy().log_group_name(&group).send().await;
            found(answer, &[ABSENT]).map_err(failed("logs:DeleteRetentionPolicy", &group))?;
            Ok(Outcome::Updated)
        }
        (there, Some(days)) => {
            if there.is_none() {
                let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let answer = clients.logs.create_log_group().log_group_name(&group).set_tags(Some(tags)).send().await;
                // The function may write its first line meanwhile.
                found(answer, &[EXISTS]).map_err(failed("logs:CreateLogGroup", &group))?;
            }
            let answer = clients.logs.put_retention_policy().log_group_name(&group).retention_in_days(days).send().await;
            answer.map_err(failed("logs:PutRetentionPolicy", &group))?;
            Ok(if there.is_none() { Outcome::Created } else { Outcome::Updated })
        }
    }
}

/// Removes the log, or says whether there is one.
pub(super) async fn remove(clients: &Clients, names: &Names, dry_run: bool) -> Result<Removed, AwsError> {
    let group = names.log_group();
    let is_there = if dry_run {
        find(clients, &group).await?.is_some()
    } else {
        let answer = clients.logs.delete_log_group().log_group_name(&group).send().await;
        found(answer, &[ABSENT]).map_err(failed("logs:DeleteLogGroup", &group))?.is_some()
    };
    Ok(if is_there { vec![format!("log group `{group}`")] } else { Vec::new() })
}

/// The group of exactly this name. Groups are listed in the order of their names, so that it comes first of those that begin so.
async fn find(clients: &Clients, group: &str) -> Result<Option<LogGroup>, AwsError> {
    let answer = clients.logs.describe_log_groups().log_group_name_prefix(group).send().await;
    let groups = answer.map_err(failed("logs:DescribeLogGroups", group))?.log_groups.unwrap_or_default();
    Ok(groups.into_iter().find(|found| found.log_group_name() == Some(group)))
}
