//! How work tells of its progress without knowing who listens: a terminal with bars, a plain log, JSON output, or a test that counts.

/// Receives what long work has to say. Implemented in `ui`; everything below takes `&dyn Observer`.
pub trait Observer: Send + Sync {
    /// A piece of work named `task` begins; `total` is its size in the unit that later `advance` calls use, where known beforehand.
    fn begin(&self, task: &str, total: Option<u64>) -> TaskId;
    /// `done` units of the task are through now (not in addition).
    fn advance(&self, id: TaskId, done: u64);
    /// The task is over: `Ok` carries what to show behind its name (`"1.2 MB"`), `Err` says only that it failed, since the error itself is reported once, at the end.
    fn end(&self, id: TaskId, outcome: Result<&str, ()>);
    /// Something worth one line that is not a problem.
    fn note(&self, message: &str);
    /// Something the user should change but that does not stop the work.
    fn warn(&self, message: &str);
    /// A detail for `-v`.
    fn detail(&self, message: &str);
}

/// Names a running task to its observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskId(pub u64);

/// A running task that ends as failed unless told otherwise, so that an early return never leaves a bar behind.
pub struct Task<'a> {
    observer: &'a dyn Observer,
    id: TaskId,
    ended: bool,
}

impl<'a> Task<'a> {
    /// Begins `name` on `observer`.
    pub fn begin(observer: &'a dyn Observer, name: &str, total: Option<u64>) -> Self {
        Self { observer, id: observer.begin(name, total), ended: false }
    }

    /// See [`Observer::advance`].
    pub fn advance(&self, done: u64) {
        self.observer.advance(self.id, done);
    }

    /// Ends the task well, with what to show behind its name.
    pub fn done(mut self, detail: &str) {
        self.ended = true;
        self.observer.end(self.id, Ok(detail));
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.observer.end(self.id, Err(()));
        }
    }
}

/// An observer that keeps quiet, for work whose progress nobody watches.
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>) -> TaskId {
        TaskId(0)
    }
    fn advance(&self, _id: TaskId, _done: u64) {}
    fn end(&self, _id: TaskId, _outcome: Result<&str, ()>) {}
    fn note(&self, _message: &str) {}
    fn warn(&self, _message: &str) {}
    fn detail(&self, _message: &str) {}
}

/// Receives what work in several regions at once has to say: one observer for each.
pub trait RegionsObserver: Send + Sync {
    /// Work in `region` begins; what it says goes to the observer that is given.
    fn region(&self, region: &str) -> Box<dyn Observer + '_>;
    /// It has ended with `result`, in a word or two.
    fn ended(&self, region: &str, result: &str, well: bool);
}
