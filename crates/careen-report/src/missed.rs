//! Why steps ran again, in words: one entry for each first cause.

use careen_model::missed::{FileChange, FileChanges, Gone, Missed, Reason};

use crate::words;

/// A step that ran again not because of another step.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) step: String,
    /// A sentence without its end.
    pub(crate) reason: String,
}

pub(crate) fn causes(missed: &[Missed]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let asked = missed.iter().filter(|missed| missed.reason == Reason::NoCache).count();
    for one in missed {
        let mut reason = match &one.reason {
            Reason::Parent { .. } => {
                // Told with its cause; a lost mount is news of its own.
                if one.lost_caches.is_empty() {
                    continue;
                }
                "a step before it ran".to_owned()
            }
            // One line for all of them.
            Reason::NoCache if !causes.is_empty() => continue,
            Reason::NoCache if asked > 1 => {
                let others = words::many(asked - 1, "other step");
                format!("asked for with --no-cache, as for {others}")
            }
            Reason::NoCache => "asked for with --no-cache".to_owned(),
            reason => sentence(reason),
        };
        let is_after = |other: &&Missed| matches!(&other.reason, Reason::Parent { cause, .. } if *cause == one.name);
        match missed.iter().filter(is_after).count() {
            0 => (),
            after => {
                reason.push_str("; so did ");
                reason.push_str(&words::many(after, "step"));
                reason.push_str(" after it");
            }
        }
        for target in &one.lost_caches {
            reason.push_str("; its cache mount ");
            reason.push_str(target);
            reason.push_str(" was lost");
        }
        causes.push(Cause { step: one.name.clone(), reason });
    }
    causes
}

fn sentence(reason: &Reason) -> String {
    match reason {
        Reason::NoCache => "asked for with --no-cache".to_owned(),
        Reason::Instruction { before: None, now } => format!("new: {}", short(now)),
        Reason::Instruction { before: Some(before), now } if now.is_empty() => {
            format!("gone: {}", short(before))
        }
        Reason::Instruction { before: Some(before), now } => {
            let (before, now) = differing(before, now);
            format!("changed: {before} → {now}")
        }
        Reason::Argument(names) => format!("build argument {} changed", names.join(", ")),
        Reason::Base { image, before, now } => {
            format!("base image {image} changed: {} → {}", digest(before), digest(now))
        }
        Reason::Files(files) => self::files(files),
        Reason::Parent { parent, .. } => format!("{} ran", words::step_name(parent)),
        Reason::RecordGone(Gone::Pruned) => "its cache was pruned".to_owned(),
        Reason::RecordGone(Gone::Missing) => "its cache was evicted or pruned".to_owned(),
        Reason::RecordGone(Gone::OtherBuilder) => "another builder than last time".to_owned(),
        Reason::Unknown => "unknown: nothing it is made from is known to differ".to_owned(),
    }
}

fn files(files: &FileChanges) -> String {
    let named: Vec<String> =
        files.first.iter().map(|(path, change)| format!("{path} {}", verb(*change))).collect();
    let more = files.all().saturating_sub(files.first.len());
    if more == 0 {
        return named.join(", ");
    }
    let counts = [
        (files.added, "added"),
        (files.removed, "removed"),
        (files.content, "changed"),
        (files.mode, "with another mode"),
    ];
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}"));
    let counts: Vec<String> = counts.collect();
    format!("{} and {more} more ({})", named.join(", "), counts.join(", "))
}

fn verb(change: FileChange) -> &'static str {
    match change {
        FileChange::Added => "added",
        FileChange::Removed => "removed",
        FileChange::Content => "changed",
        FileChange::Mode => "has another mode",
    }
}

/// Characters of an instruction that a line has room for.
const SHOWN: usize = 60;

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Two texts cut down to where they differ.
fn differing(before: &str, now: &str) -> (String, String) {
    let (before, now): (Vec<char>, Vec<char>) = (before.chars().collect(), now.chars().collect());
    let same = before.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(SHOWN / 3);
    let cut = |text: &[char]| {
        let start = if from < SHOWN / 3 { 0 } else { from };
        let sign = if start > 0 { "…" } else { "" };
        format!("{sign}{}", short(&text[start.min(text.len())..].iter().collect::<String>()))
    };
    (cut(&before), cut(&now))
}

/// `sha256:` and twelve digits.
fn digest(text: &str) -> String {
    text.chars().take("sha256:".len() + 12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_first_cause_is_one_sentence() {
        let missed = |name: &str, reason: Reason| Missed {
            step: name.to_owned(),
            name: name.to_owned(),
            reason,
            lost_caches: vec![],
        };
        let files = FileChanges {
            added: 3,
            content: 1,
            first: vec![("a".into(), FileChange::Content), ("b".into(), FileChange::Added)],
            ..FileChanges::default()
        };
        let instruction = |before: &str, now: &str| Reason::Instruction {
            before: Some(before.to_owned()),
            now: now.to_owned(),
        };
        let mut parent =
            missed("RUN e", Reason::Parent { parent: "d".into(), cause: "RUN a".into() });
        let chain = parent.clone();
        parent.lost_caches = vec!["/c".into()];
        let long = format!("RUN {}", "x ".repeat(40));
        let all = [
            missed("RUN a", Reason::Files(files)),
            chain,
            parent,
            missed("RUN b", instruction("RUN b 1", "RUN b 2")),
            missed("RUN c", instruction(&format!("{long} y"), &format!("{long} z"))),
            missed("RUN d", Reason::Argument(vec!["V".into()])),
            missed("RUN f", instruction("ENV A=1", "")),
        ];
        let told: Vec<String> = causes(&all)
            .into_iter()
            .map(|cause| format!("{}: {}", cause.step, cause.reason))
            .collect();
        let expected = [
            "RUN a: a changed, b added and 2 more (3 added, 1 changed); so did 2 steps after it",
            "RUN e: a step before it ran; its cache mount /c was lost",
            "RUN b: changed: RUN b 1 → RUN b 2",
            "RUN c: changed: …x x x x x x x x x y → …x x x x x x x x x z",
            "RUN d: build argument V changed",
            "RUN f: gone: ENV A=1",
        ];
        assert_eq!(told, expected);
        let asked = [missed("RUN a", Reason::NoCache), missed("RUN b", Reason::NoCache)];
        let asked = causes(&asked);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].reason, "asked for with --no-cache, as for 1 other step");
    }
}
