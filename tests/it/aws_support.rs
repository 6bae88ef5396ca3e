//! The stand-in for AWS does what tests rely on, as boto3 sees it.

mod inventory;
mod mends;
mod proxy;

use crate::support::Aws;

/// Clients, and a function of a few lines with a role.
const PRELUDE: &str = include_str!("aws_support/prelude.py");

/// Runs a boto3 script against the proxy; what it prints.
#[track_caller]
fn run(aws: &Aws, script: &str) -> String {
    let output = aws.python(&format!("{PRELUDE}\n{script}")).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
