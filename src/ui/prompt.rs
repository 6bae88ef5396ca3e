//! Questions on the terminal: asked on standard error, so that standard output stays data.

use std::io::IsTerminal;

use dialoguer::console::Term;
use dialoguer::{Input, Select};

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

/// Asks questions. While it lives, Ctrl-C ends a question with [`NoAnswer::Interrupted`] instead of killing the process in the middle of
/// one, which would leave the terminal without its cursor.
pub struct Prompt {
    term: Term,
    interrupts: Option<Interrupts>,
}

impl Prompt {
    /// Begins to ask.
    #[must_use]
    pub fn new() -> Self {
        Self { term: Term::stderr(), interrupts: Interrupts::listen() }
    }

    /// Asks for a text; an empty answer is the default. `check` says what is wrong with one, and it is asked for again.
    pub fn text(&self, question: &str, default: Option<&str>, check: impl Fn(&str) -> Result<(), String>) -> Result<String, NoAnswer> {
        let mut input = Input::<String>::new().with_prompt(question).validate_with(|answer: &String| check(answer));
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        input.interact_text_on(&self.term).map_err(|error| self.no_answer(error))
    }

    /// Lets choose one of `items`, the first if nothing else is said.
    pub fn choose(&self, question: &str, items: &[String]) -> Result<usize, NoAnswer> {
        let select = Select::new().with_prompt(question).items(items).default(0);
        select.interact_on(&self.term).map_err(|error| self.no_answer(error))
    }

    /// Whether Ctrl-C came between two questions.
    #[must_use]
    pub fn interrupted(&mut self) -> bool {
        self.interrupts.as_mut().is_some_and(Interrupts::arrived)
    }

    fn no_answer(&self, error: dialoguer::Error) -> NoAnswer {
        // Lists hide the cursor and do not show it again when they end like this.
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

/// Takes the place of the default action of SIGINT, which is to end the process on the spot.
struct Interrupts {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
    #[cfg(windows)]
    signal: tokio::signal::windows::CtrlC,
}

impl Interrupts {
    /// `None` where that is not possible; Ctrl-C then does what it does by default.
    fn listen() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let guard = runtime.enter();
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).ok()?;
        #[cfg(windows)]
        let signal = tokio::signal::windows::ctrl_c().ok()?;
        drop(guard);
        Some(Self { runtime, signal })
    }

    fn arrived(&mut self) -> bool {
        let signal = &mut self.signal;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = signal.recv() => true,
                // Two turns of the runtime: one to hear of the signal, one to pass it on.
                () = async { tokio::task::yield_now().await; tokio::task::yield_now().await } => false,
            }
        })
    }
}
