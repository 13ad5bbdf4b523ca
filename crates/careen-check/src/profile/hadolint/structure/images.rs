//! Names of images, cut as hadolint cuts them.

use careen_model::Findings;
use careen_syntax::dockerfile::{Keyword, MountKind};

use super::report;
use crate::rules::stages::images::is_trusted;
use crate::steps::{Placed, Reading};
use crate::{Facts, Rule};

/// A name as written: variables stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// Only what has a dot before its first slash.
    registry: Option<&'a str>,
    pub(super) name: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    pub(super) fn read(text: &'a str) -> Image<'a> {
        let (registry, rest) = match text.find('.').and_then(|dot| {
            let slash = text[dot..].find('/')? + dot;
            (dot > 0 && slash > dot + 1).then_some(slash)
        }) {
            Some(slash) => (Some(&text[..slash]), &text[slash + 1..]),
            None => (None, text),
        };
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (name, tag) = match rest.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        Image { registry, name, tag, digest }
    }
}

/// A FROM as hadolint has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    pub(super) step: Placed<'a>,
    pub(super) image: Image<'a>,
    /// As written.
    pub(super) alias: Option<&'a str>,
}

impl Start<'_> {
    /// What the stage is called: by its alias, else by its image.
    pub(super) fn called(&self) -> &str {
        self.alias.unwrap_or(self.image.name)
    }
}

pub(super) fn start<'a>(step: &Placed<'a>) -> Option<Start<'a>> {
    let view = step.instruction.from_view().filter(|_| !step.is_trigger)?;
    let alias = view.name.map(|word| word.text.as_str());
    Some(Start { step: *step, image: Image::read(&view.image.text), alias })
}

pub(super) fn untagged(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut aliases: Vec<&str> = vec![];
    for start in reading.all(Keyword::From).filter_map(start) {
        let Image { name, tag, digest, .. } = start.image;
        let is_fixed = tag.is_some() || digest.is_some();
        let is_known = name == "scratch" || name.starts_with('$') || aliases.contains(&name);
        aliases.extend(start.alias);
        if !is_fixed && !is_known {
            report(rule, reading, start.step.instruction.code, "the image has no tag", found);
        }
    }
}

pub(super) fn latest(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for start in reading.all(Keyword::From).filter_map(start) {
        if start.image.digest.is_none() && start.image.tag == Some("latest") {
            let message = "the image's tag is `latest`";
            report(rule, reading, start.step.instruction.code, message, found);
        }
    }
}

pub(super) fn untrusted(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let trusted = &facts.lint.registries;
    if trusted.is_empty() {
        return;
    }
    let trusts_hub = ["docker.io", "hub.docker.com"].iter().any(|hub| is_trusted(hub, trusted));
    let mut aliases: Vec<&str> = vec![];
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        let fine = |image: Image<'_>| {
            aliases.contains(&image.name)
                || image.registry.is_some_and(|registry| is_trusted(registry, trusted))
                || image.registry.is_none() && (image.name == "scratch" || trusts_hub)
        };
        let is_fine = match step.instruction.keyword {
            Keyword::From => start(step).is_none_or(|start| fine(start.image)),
            Keyword::Copy => {
                let from = step.instruction.flag("from");
                from.is_none_or(|from| fine(Image::read(from.text())))
            }
            Keyword::Run => step.instruction.run().is_none_or(|run| {
                run.mounts.iter().all(|mount| {
                    let takes = matches!(mount.kind, Some(MountKind::Bind | MountKind::Cache));
                    !takes || mount.from().is_none_or(|from| fine(Image::read(from)))
                })
            }),
            _ => true,
        };
        if !is_fine {
            let message = "an image comes from no trusted registry";
            report(rule, reading, step.instruction.code, message, found);
        }
        aliases.extend(start(step).and_then(|start| start.alias));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut() {
        let check = |text: &str, registry: Option<&str>, name: &str, tag: Option<&str>| {
            let image = Image::read(text);
            assert_eq!((image.registry, image.name, image.tag), (registry, name, tag), "{text}");
        };
        check("debian", None, "debian", None);
        check("debian:12.1", None, "debian", Some("12.1"));
        check("a.example.org/b/c:1@sha256:0", Some("a.example.org"), "b/c", Some("1"));
        check("localhost:5000/a", None, "localhost", Some("5000/a"));
    }
}
