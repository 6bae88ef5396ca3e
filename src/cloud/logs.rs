//! The log of a stage as events, whichever target wrote it: what can be asked of it, and which lines are the platform's.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// Who wrote an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// Lambda: `START`, `END`, `REPORT`, init, timeouts, crashes.
    Platform,
    /// The function.
    Function,
}

impl LogKind {
    /// Told from the text, since nothing else tells it apart in CloudWatch Logs.
    #[must_use]
    pub fn of(text: &str) -> Self {
        const WORDS: [&str; 5] = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT "];
        let named = WORDS.iter().any(|word| text.starts_with(word));
        // `AWS_LAMBDA_LOG_FORMAT=JSON`
        let json = text.starts_with('{') && text.contains("\"type\":\"platform.");
        // `RequestId: <id> Error: Runtime exited…`, `<time> <id> Task timed out after 3.00 seconds`
        let ended = (text.starts_with("RequestId: ") && text.contains(" Error: "))
            || text
                .split_once(" Task timed out after ")
                .is_some_and(|(before, after)| before.len() < 80 && !before.contains('\n') && after.trim_end().ends_with(" seconds"));
        if named || json || ended { Self::Platform } else { Self::Function }
    }
}

/// One event of the log; its text may have several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it was written.
    pub time: Timestamp,
    /// The request it belongs to; `None` during init and between requests, and where the target does not say.
    pub request_id: Option<String>,
    /// Who wrote it.
    pub kind: LogKind,
    /// Without a newline at the end.
    pub text: String,
}

/// Where a reader has got to, in the adapter's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPosition(pub String);

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// None before this time.
    pub since: Option<Timestamp>,
    /// Only what came after this position.
    pub after: Option<LogPosition>,
    /// Only of the requests whose ids begin so.
    pub request: Option<String>,
    /// Only with every one of these in the text.
    pub filters: Vec<String>,
}

impl LogQuery {
    /// Whether an event is wanted, as far as can be told from the event itself.
    #[must_use]
    pub fn wants(&self, event: &LogEvent) -> bool {
        let request = |id: &str| event.request_id.as_deref().is_some_and(|known| known.starts_with(id));
        self.since.is_none_or(|since| event.time >= since)
            && self.request.as_deref().is_none_or(request)
            && self.filters.iter().all(|filter| event.text.contains(filter.as_str()))
    }
}

/// Takes events, oldest first, until it breaks off.
pub type LogSink<'a> = &'a mut (dyn FnMut(LogEvent) -> ControlFlow<()> + Send);

/// All that there was to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Ask after this for what is written from now on: no event is lost, none comes twice.
    pub position: LogPosition,
    /// How long to wait before it is worth asking.
    pub ask_again_in: Duration,
}
