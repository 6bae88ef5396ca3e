//! Questions, for people at a terminal. Whoever calls decides beforehand whether there is one.

use std::io::{self, IsTerminal as _};

/// Whether somebody can be asked.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Yes or no; no is the default.
pub fn confirm(question: &str) -> io::Result<bool> {
    dialoguer::Confirm::new().with_prompt(question).default(false).interact().map_err(plain)
}

/// A line of text with a default; asked again until `check` accepts it.
pub fn ask(question: &str, default: &str, check: impl Fn(&str) -> Result<(), String>) -> io::Result<String> {
    let input = dialoguer::Input::<String>::new().with_prompt(question).default(default.to_owned());
    input.validate_with(|text: &String| check(text)).interact_text().map_err(plain)
}

/// One of `items`, by its index; the first is the default.
pub fn choose(question: &str, items: &[String]) -> io::Result<usize> {
    dialoguer::Select::new().with_prompt(question).items(items).default(0).interact().map_err(plain)
}

/// A menu hides the cursor; an interrupted one would leave it so.
pub(super) fn restore_terminal() {
    if io::stderr().is_terminal() {
        let _ = dialoguer::console::Term::stderr().show_cursor();
    }
}

fn plain(error: dialoguer::Error) -> io::Error {
    let dialoguer::Error::IO(error) = error;
    restore_terminal();
    error
}
