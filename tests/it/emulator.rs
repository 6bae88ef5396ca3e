//! The emulator through the library's interface, with real processes: AWS's runtime client on small handlers written here.

mod failures;
mod front;
mod hostile;
mod lab;
mod load;
mod outcomes;
mod pool;
mod run;
mod runtime;
mod schedules;
