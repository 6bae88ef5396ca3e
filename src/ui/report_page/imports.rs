//! How long the app takes to import, and whose time that is.

use std::fmt::Write as _;

use super::markup::{self, Table, bar, cell, count, counted, escaped, milliseconds, share, text, time};
use crate::emulator::Module;
use crate::ops::imports::Imports;

/// Segments of the strip that have a name.
const SEGMENTS: usize = 8;
/// Owners in the table.
const OWNERS: usize = 15;
/// Modules in the table.
const MODULES: usize = 25;
/// Levels of the tree that are unfolded from the start.
const OPEN: usize = 2;

/// The section; nothing where nothing was measured.
pub(super) fn section(imports: Option<&Imports>) -> String {
    let Some(imports) = imports else { return String::new() };
    let mut body = String::new();
    if let Some(failure) = &imports.failure {
        let _ = writeln!(body, "<div class=\"failed\"><p>The import did not come to its end:</p><pre>{}</pre></div>", escaped(failure));
    }
    let lead = format!(
        "Init in a sandbox on this machine with Python {}, measured once by <code>-X importtime</code>: <b data-us=\"{}\">{}</b> for {}.",
        escaped(&imports.python),
        imports.total_us,
        milliseconds(imports.total_us),
        counted(imports.count, "module")
    );
    if imports.count > 0 {
        body.push_str(&strip(imports));
        let _ = writeln!(body, "<div class=\"pair\">\n<div>{}</div>\n<div>{}</div>\n</div>", owners(imports), modules(imports));
        let _ = writeln!(body, "<h3>What imports what</h3>\n<div class=\"tree\">\n{}</div>", tree(&imports.tree, imports.total_us, 0));
    }
    markup::section("imports", "Import time", &lead, &body)
}

/// One bar for the whole, in segments by owner.
fn strip(imports: &Imports) -> String {
    let mut strip = String::new();
    let named = imports.owners.iter().take(SEGMENTS);
    for (index, owner) in named.enumerate() {
        let (width, name) = (share(owner.self_us, imports.total_us), escaped(&owner.name));
        let title = format!("{name}: {}", milliseconds(owner.self_us));
        let _ = write!(strip, "<span class=\"s{index}\" style=\"flex-grow:{width}\" title=\"{title}\">{name}</span>");
    }
    let rest: u64 = imports.owners.iter().skip(SEGMENTS).map(|owner| owner.self_us).sum();
    if rest > 0 {
        let _ = write!(strip, "<span class=\"rest\" style=\"flex-grow:{}\">the others</span>", share(rest, imports.total_us));
    }
    format!("<div class=\"strip\">{strip}</div>\n")
}

fn owners(imports: &Imports) -> String {
    let most = imports.owners.first().map_or(0, |owner| owner.self_us);
    let mut table = Table::new(&["Whose code", "#Time", "|", "#Modules"]);
    for owner in imports.owners.iter().take(OWNERS) {
        table.row(&[text(&owner.name), time(owner.self_us), bar(owner.self_us, most), count(owner.modules)]);
    }
    table.html()
}

fn modules(imports: &Imports) -> String {
    let mut table = Table::new(&["Module", "#Its own code", "#With its imports"]);
    for module in imports.modules.iter().take(MODULES) {
        let name = format!("<code title=\"{}\">{}</code>", escaped(&module.owner), escaped(&module.name));
        table.row(&[cell(&name), time(module.self_us), time(module.total_us)]);
    }
    table.html()
}

fn tree(modules: &[Module], whole: u64, depth: usize) -> String {
    let mut modules: Vec<&Module> = modules.iter().collect();
    modules.sort_by_key(|module| std::cmp::Reverse(module.total_us));
    let mut html = String::new();
    for module in modules {
        let row = format!(
            "<code>{}</code><span class=\"meter\"><i style=\"width:{}%\"></i></span><span class=\"n\">{}</span>",
            escaped(&module.name),
            share(module.total_us, whole),
            milliseconds(module.total_us)
        );
        let _ = if module.imports.is_empty() {
            writeln!(html, "<div class=\"leaf\">{row}</div>")
        } else {
            let open = if depth < OPEN { " open" } else { "" };
            writeln!(html, "<details{open}><summary>{row}</summary>\n{}</details>", tree(&module.imports, whole, depth + 1))
        };
    }
    html
}
