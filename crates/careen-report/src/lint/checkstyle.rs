//! Checkstyle's XML, which many review tools read.

use std::io;

use careen_model::Severity;

use super::Linting;
use crate::xml::attribute;

/// A `file` for each file; one that could not be read has an error without a line.
pub fn report(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">")?;
    for file in &linting.files {
        writeln!(out, "  <file name=\"{}\">", attribute(&file.shown()))?;
        for found in &file.findings {
            let severity = match found.finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Hint | Severity::Style => "info",
            };
            writeln!(
                out,
                "    <error line=\"{}\" column=\"{}\" severity=\"{severity}\" message=\"{}\" \
                 source=\"careen.{}\"/>",
                found.at.line,
                found.at.column,
                attribute(&found.finding.message),
                attribute(found.finding.rule)
            )?;
        }
        if let Some(reason) = &file.unread {
            let message = attribute(&format!("could not be read: {reason}"));
            writeln!(
                out,
                "    <error severity=\"error\" message=\"{message}\" source=\"careen\"/>"
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}
