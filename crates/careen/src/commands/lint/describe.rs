//! What the formats say of a finding beside the finding: names, page, fingerprint.

use careen_check::{RULES, Rule};
use careen_model::{Finding, Place};
use careen_report::lint::{LintFile, LintFinding, LintRule};
use careen_syntax::dockerfile::Dockerfile;

/// Adds findings to their file, each with its place and names.
pub(super) fn add(file: &mut LintFile, dockerfile: Option<&Dockerfile>, findings: Vec<Finding>) {
    let mut seen: Vec<(u64, u64)> = Vec::new();
    for finding in findings {
        let Place::File { span, .. } = finding.place else { continue };
        let at = file.range(span);
        let instruction = dockerfile.and_then(|dockerfile| {
            dockerfile
                .instructions()
                .find(|one| one.span.start <= span.start && span.start < one.span.end)
        });
        let around = match instruction {
            Some(one) => &file.source[one.span.start as usize..one.span.end as usize],
            None => file.lines.line(&file.source, at.line),
        };
        let mut hash = Hash::new();
        hash.add(finding.rule.as_bytes());
        hash.add_words(around);
        let same = seen.iter_mut().find(|(known, _)| *known == hash.0);
        let nth = if let Some((_, n)) = same {
            *n += 1;
            *n
        } else {
            seen.push((hash.0, 0));
            0
        };
        hash.add(&nth.to_le_bytes());
        let fingerprint = format!("{:016x}", hash.0);
        let rule = rule(&finding);
        file.findings.push(LintFinding { finding, rule, at, fingerprint });
    }
}

/// The rule of careen behind a finding, which another profile names among the other names.
fn behind(finding: &Finding) -> Option<&'static Rule> {
    let named = |rule: &&&Rule| rule.id == finding.rule || finding.also.contains(&rule.id);
    RULES.iter().find(named).copied()
}

fn rule(finding: &Finding) -> LintRule {
    let Some(rule) = behind(finding) else {
        return LintRule { aliases: finding.also.clone(), ..LintRule::default() };
    };
    let mut aliases: Vec<&'static str> = Vec::new();
    for name in [rule.id].iter().chain(rule.aliases).chain(&finding.also).copied() {
        if name != finding.rule && !aliases.contains(&name) {
            aliases.push(name);
        }
    }
    LintRule { title: rule.title, topic: rule.topic.name(), aliases, page: rule.page }
}

/// FNV-1a of 64 bits: no secret depends on it, and it is the same on every machine.
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.0 = (self.0 ^ 0xff).wrapping_mul(0x0100_0000_01b3);
    }

    /// White space and line ends of any kind count as one blank.
    fn add_words(&mut self, text: &[u8]) {
        let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.for_each(|word| self.add(word));
    }
}
