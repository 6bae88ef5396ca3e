//! Every test of the tool, in one binary: behaviour from outside, through the built `zappa`, real HTTP and real Python.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on shall say where")]

#[path = "../support/mod.rs"]
mod support;

mod aws_certify;
mod aws_deploy;
mod aws_errors;
mod aws_faults;
mod aws_logs;
mod aws_models;
mod aws_role;
mod aws_route;
mod aws_schedule;
mod aws_storage;
mod aws_support;
mod cache;
mod contract;
mod differential;
mod dry_run;
mod emulator;
mod environ;
mod examples;
mod faults;
mod front_doors;
mod gateway;
mod help;
mod init;
mod layering;
mod local;
mod logs;
mod package;
mod package_binary;
mod package_report;
#[cfg(unix)]
mod package_wheels;
mod project;
mod regions;
mod schedule;
mod serve;
mod settings;
mod shim;
mod streaming;
mod template;
