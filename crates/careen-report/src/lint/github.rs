//! Workflow commands: GitHub shows each finding beside the line of a pull request.

use std::io;

use careen_model::Severity;

use super::Linting;
use crate::clean;

/// A command a line; what is read as text by people stands in the other formats.
pub fn commands(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    for (file, found) in linting.all() {
        let level = match found.finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint | Severity::Style => "notice",
        };
        let at = found.at;
        // Columns are shown within one line only.
        let columns = if at.line == at.end_line {
            format!(",col={},endColumn={}", at.column, at.end_column)
        } else {
            String::new()
        };
        let path = property(&file.shown());
        let title = property(&format!("careen {}", found.rule_named()));
        let message = data(&found.finding.message);
        writeln!(
            out,
            "::{level} file={path},line={},endLine={}{columns},title={title}::{message}",
            at.line, at.end_line
        )?;
    }
    for (file, reason) in linting.unread() {
        let path = property(&file.shown());
        let reason = data(&format!("could not be read: {reason}"));
        writeln!(out, "::error file={path},title=careen::{reason}")?;
    }
    Ok(())
}

/// Escapes what would end a command (actions/toolkit, packages/core/src/command.ts).
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
