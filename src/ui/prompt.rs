//! Questions on the terminal: asked on standard error, so that standard output stays data.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use dialoguer::console::Term;
use dialoguer::{Confirm, Input, Select};

/// Whether there is somebody to ask.
#[must_use]
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A question got no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Ctrl-C.
    Interrupted,
    /// The terminal failed or went away.
    Failed(std::io::Error),
}

/// How shells report a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Asks questions. From the first one until [`Prompt::finish`], Ctrl-C ends the process in order: with the cursor shown, which a list hides.
pub struct Prompt {
    term: Term,
    /// Whether Ctrl-C comes too late to stop anything.
    finished: Arc<Mutex<bool>>,
}

impl Prompt {
    /// Begins to ask.
    #[must_use]
    pub fn new() -> Self {
        let prompt = Self { term: Term::stderr(), finished: Arc::default() };
        // Where signals cannot be had, Ctrl-C does what it does by default.
        let _ = prompt.heed_interrupts();
        prompt
    }

    /// Ends the time in which Ctrl-C stops the process: what follows is done as a whole.
    pub fn finish(self) {
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn heed_interrupts(&self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        // Heard from here on, also by `dialoguer`'s own: while it reads a key, the terminal gives it Ctrl-C as a character.
        #[cfg(unix)]
        let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let mut interrupts = tokio::signal::windows::ctrl_c()?;
        drop(guard);
        let (term, finished) = (self.term.clone(), Arc::clone(&self.finished));
        std::thread::spawn(move || {
            if runtime.block_on(interrupts.recv()).is_some() {
                // Held to the end: `finish` then waits instead of going on.
                let finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
                if !*finished {
                    let _ = term.show_cursor();
                    let _ = term.write_line("");
                    std::process::exit(INTERRUPTED.into());
                }
            }
        });
        Ok(())
    }

    /// Asks for a text; an empty answer is the default. `check` says what is wrong with one, and it is asked for again.
    pub fn text(&self, question: &str, default: Option<&str>, check: impl Fn(&str) -> Result<(), String>) -> Result<String, NoAnswer> {
        let mut input = Input::<String>::new().with_prompt(question).validate_with(|answer: &String| check(answer));
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        input.interact_text_on(&self.term).map_err(|error| self.no_answer(error))
    }

    /// Asks for yes or no; no is the default.
    pub fn confirm(&self, question: &str) -> Result<bool, NoAnswer> {
        let confirm = Confirm::new().with_prompt(question).default(false);
        confirm.interact_on(&self.term).map_err(|error| self.no_answer(error))
    }

    /// Lets choose one of `items`, the first if nothing else is said.
    pub fn choose(&self, question: &str, items: &[String]) -> Result<usize, NoAnswer> {
        let select = Select::new().with_prompt(question).items(items).default(0);
        select.interact_on(&self.term).map_err(|error| self.no_answer(error))
    }

    fn no_answer(&self, error: dialoguer::Error) -> NoAnswer {
        // Lists do not show it again when they end like this.
        let _ = self.term.show_cursor();
        let _ = self.term.write_line("");
        match std::io::Error::from(error) {
            error if error.kind() == std::io::ErrorKind::Interrupted => NoAnswer::Interrupted,
            error => NoAnswer::Failed(error),
        }
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self::new()
    }
}
