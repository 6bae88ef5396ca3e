//! Schedules: what expressions mean, what is due when, and the commands.

mod agenda;
mod commands;
mod expressions;
mod rules;
