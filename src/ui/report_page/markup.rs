//! The pieces that the page's sections are made of.

use std::fmt::Write as _;

use crate::model::size;

/// Text that stays text in markup, attributes included.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push('\n'),
            // Control characters, and those that turn the direction of what follows, would make one name look like another.
            c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) => {
                safe.push('\u{fffd}');
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A section with a heading, and a line below it.
pub(super) fn section(id: &str, title: &str, lead: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n<p class=\"lead\">{lead}</p>\n{body}</section>\n"
    )
}

/// A table; cells are markup already.
pub(super) struct Table {
    head: String,
    rows: String,
}

impl Table {
    /// With these columns; those that begin with `#` hold figures, and `|` holds bars.
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut head = String::new();
        for column in columns {
            let _ = match (*column, column.strip_prefix('#')) {
                ("|", _) => write!(head, "<td class=\"bar\"></td>"),
                ("", _) => write!(head, "<td></td>"),
                (_, Some(figures)) => write!(head, "<th scope=\"col\" class=\"n\">{figures}</th>"),
                (text, None) => write!(head, "<th scope=\"col\">{text}</th>"),
            };
        }
        Self { head, rows: String::new() }
    }

    /// Adds a row of cells.
    pub(super) fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.rows, "<tr>{}</tr>", cells.concat());
    }

    pub(super) fn html(&self) -> String {
        format!("<div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n", self.head, self.rows)
    }
}

/// A cell of text.
pub(super) fn text(content: &str) -> String {
    format!("<td>{}</td>", escaped(content))
}

/// A cell of markup.
pub(super) fn cell(markup: &str) -> String {
    format!("<td>{markup}</td>")
}

/// A size, exact to the byte for whoever reads the page by program.
pub(super) fn bytes(bytes: u64) -> String {
    format!("<td class=\"n\" data-bytes=\"{bytes}\">{}</td>", size(bytes))
}

/// A size that may be missing.
pub(super) fn bytes_or_none(value: Option<u64>) -> String {
    value.map_or_else(|| "<td class=\"n\">–</td>".to_owned(), bytes)
}

/// A count.
pub(super) fn count(count: usize) -> String {
    format!("<td class=\"n\" data-count=\"{count}\">{}</td>", grouped(count))
}

/// A time in microseconds.
pub(super) fn time(micros: u64) -> String {
    format!("<td class=\"n\" data-us=\"{micros}\">{}</td>", milliseconds(micros))
}

/// `98.1 ms`
pub(super) fn milliseconds(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

/// A cell with a bar of `value` out of `most`.
pub(super) fn bar(value: u64, most: u64) -> String {
    format!("<td class=\"bar\"><i style=\"width:{}%\"></i></td>", share(value, most))
}

/// `41.3`: per cent with one digit, in whole numbers, so that it is the same everywhere.
pub(super) fn share(value: u64, most: u64) -> String {
    let thousandths = (value.saturating_mul(1000)).checked_div(most).unwrap_or(0);
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

/// `4 554`, with a space that does not break.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 file`, `4 554 files`
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Paths to unfold, at most `most` of them, with what they weigh where that is anything.
pub(super) fn unfolded(summary: &str, paths: &[(&str, u64)], most: usize) -> String {
    let mut items = String::new();
    for (path, bytes) in paths.iter().take(most) {
        let weighs = if *bytes > 0 { format!(" {}", size(*bytes)) } else { String::new() };
        let _ = writeln!(items, "<li><code>{}</code>{weighs}</li>", escaped(path));
    }
    if let Some(more) = paths.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(items, "<li class=\"more\">and {} more</li>", grouped(more));
    }
    format!("<details><summary>{summary}</summary><ul class=\"paths\">\n{items}</ul></details>\n")
}
