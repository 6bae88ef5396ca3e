//! The emulator through the library's interface, with real processes: AWS's runtime client on small handlers written here.

mod failures;
mod faults;
mod front;
mod hostile;
mod lab;
mod likeness;
mod load;
mod outcomes;
mod pool;
mod run;
mod runtime;
mod schedules;
