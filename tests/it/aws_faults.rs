//! What can go wrong between this machine and AWS, call by call. The old version serves, and the next run finishes.
//!
//! Of every command, each call in turn is refused (access denied), and after each call in turn the process is killed: a test case of its own with a stage
//! of its own. What the SDK's repetitions are for (throttled, HTTP 500, connection lost before or after the work) happens to every call of a command in one
//! and the same run, each time at the first attempt.

mod matrix;
mod runs;
mod scenario;
mod states;
