//! Comments that silence a rule: ours, hadolint's and BuildKit's.

use careen_model::{Finding, Place, Span};
use careen_syntax::dockerfile::Item;

use crate::{ParsedDockerfile, Rule, find};

/// What the comments of a Dockerfile silence.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    path: std::path::PathBuf,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    rule: &'static str,
    /// `None`: the whole file.
    within: Option<Span>,
    reason: String,
}

impl Suppressions {
    /// Reads `# careen: ignore=rule reason` and `# hadolint ignore=…` above an instruction,
    /// `# careen: ignore-file=…` and `# hadolint global ignore=…` anywhere, and `# check=skip=…`
    /// at the top. Names of rules we do not have are left to the tool they belong to.
    pub(crate) fn of(file: Option<&ParsedDockerfile>) -> Suppressions {
        let Some(file) = file else { return Suppressions::default() };
        let mut rows = Vec::new();
        let mut waiting: Vec<(&'static str, String)> = Vec::new();
        for item in &file.file.items {
            match item {
                Item::Comment(span) => {
                    let text = String::from_utf8_lossy(
                        &file.file.source()[span.start as usize..span.end as usize],
                    );
                    let (here, everywhere) = read_comment(&text);
                    waiting.extend(here);
                    rows.extend(everywhere.into_iter().map(|(rule, reason)| Row {
                        rule,
                        within: None,
                        reason,
                    }));
                }
                Item::Instruction(instruction) => {
                    let within = Some(instruction.span);
                    let found = waiting.drain(..);
                    rows.extend(found.map(|(rule, reason)| Row { rule, within, reason }));
                }
                _ => (),
            }
        }
        if let Some(check) = file.file.check() {
            let skipped = check.value.split(';').find_map(|part| part.trim().strip_prefix("skip="));
            let names = skipped.unwrap_or("");
            rows.extend(rules(names).map(|rule| Row {
                rule,
                within: None,
                reason: "# check=skip".into(),
            }));
        }
        Suppressions { path: file.path.clone(), rows }
    }

    /// Why this finding is silenced, if it is.
    pub(crate) fn reason(&self, rule: &Rule, finding: &Finding) -> Option<String> {
        let row = self.rows.iter().find(|row| {
            row.rule == rule.id && row.within.is_none_or(|within| self.holds(within, finding))
        })?;
        Some(row.reason.clone())
    }

    fn holds(&self, within: Span, finding: &Finding) -> bool {
        match &finding.place {
            Place::File { path, span } => {
                *path == self.path && within.start <= span.start && span.start < within.end
            }
            _ => false,
        }
    }
}

type Named = Vec<(&'static str, String)>;

/// Rules silenced for the next instruction, and for the whole file.
fn read_comment(text: &str) -> (Named, Named) {
    let text = text.trim().trim_start_matches('#').trim();
    let forms = [
        ("careen: ignore=", "careen: ignore", true),
        ("careen: ignore-file=", "careen: ignore-file", false),
        ("hadolint ignore=", "hadolint ignore", true),
        ("hadolint global ignore=", "hadolint global ignore", false),
    ];
    for (start, name, here) in forms {
        let Some(rest) = text.strip_prefix(start) else { continue };
        // hadolint allows spaces after its commas and has no reasons.
        let (names, reason) = if start.starts_with("hadolint") {
            (rest, "")
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        let reason = match reason.trim() {
            "" => format!("# {name}"),
            reason => reason.to_owned(),
        };
        let found: Named = rules(names).map(|rule| (rule, reason.clone())).collect();
        return if here { (found, vec![]) } else { (vec![], found) };
    }
    (vec![], vec![])
}

fn rules(names: &str) -> impl Iterator<Item = &'static str> {
    names.split(',').filter_map(|name| find(name.trim()).ok()).map(|rule| rule.id)
}
