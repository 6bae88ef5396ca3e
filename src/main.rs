//! The `zappa` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    zappa::main(std::env::args_os())
}
