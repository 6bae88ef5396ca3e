//! Bars that stand beside figures: of blocks where a terminal shows them, else of plain characters.

use std::io::{self, IsTerminal as _};

use anstyle::{AnsiColor, Style};

use crate::env;

const FILLED: Style = AnsiColor::Cyan.on_default();
/// An eighth of a cell, two, …
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// How bars are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bars {
    /// `#####`, cell by cell.
    Plain,
    /// `████▌`, to the eighth of a cell.
    Blocks,
}

impl Bars {
    /// What standard output takes. Whoever reads a pipe gets what every program can show.
    pub(super) fn of_output() -> Self {
        let locale = env::LOCALES.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let utf8 = locale.is_some_and(|locale| ["UTF-8", "UTF8"].iter().any(|name| locale.to_uppercase().contains(name)));
        if io::stdout().is_terminal() && (utf8 || cfg!(any(windows, target_os = "macos"))) { Self::Blocks } else { Self::Plain }
    }

    /// `value` of `most`, filled up with spaces to `width` cells. What is not nothing shows something.
    pub(super) fn draw(self, value: u64, most: u64, width: u64) -> String {
        let eighths = (value.min(most) * width * 8).checked_div(most).unwrap_or(0).max(u64::from(value > 0));
        let (whole, rest) = match self {
            Self::Blocks => (eighths / 8, eighths % 8),
            Self::Plain => (eighths.div_ceil(8), 0),
        };
        let (cell, end) = match self {
            Self::Blocks => ("█", EIGHTHS.get(usize::try_from(rest).unwrap_or(0)).copied().unwrap_or_default()),
            Self::Plain => ("#", ""),
        };
        let repeated = |text: &str, count: u64| text.repeat(usize::try_from(count).unwrap_or(0));
        let spaces = width.saturating_sub(whole + u64::from(!end.is_empty()));
        format!("{FILLED}{}{end}{FILLED:#}{}", repeated(cell, whole), repeated(" ", spaces))
    }
}
