//! The images a file takes something from, and the registries they come from.

use careen_model::Span;
use careen_syntax::dockerfile::Base;

use crate::steps::Reading;

/// Bases, sources of COPY and of mounts, with variables expanded; names of stages are none.
pub(super) fn images(reading: &Reading<'_>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for stage in &reading.meaning.stages {
        let word = stage.from.from_view().map(|view| view.image.span);
        if let (Base::Image(image), Some(span)) = (&stage.base, word) {
            found.push((image.clone(), span));
        }
    }
    let copies = reading.steps.iter().filter_map(|step| {
        let flag = step.instruction.flag("from")?;
        Some((reading.meaning.expand(step.item, flag.text()).text, flag.value_span))
    });
    let mounts = reading.runs.iter().flat_map(|run| {
        let named = run.mounts.iter().filter_map(|mount| mount.from().map(|from| (mount, from)));
        named.map(|(mount, from)| (reading.meaning.expand(run.item, from).text, mount.span))
    });
    found.extend(copies.chain(mounts).filter(|(image, _)| {
        !image.is_empty() && image != "scratch" && reading.meaning.find(image).is_none()
    }));
    found
}

/// Docker Hub where none is named, as Docker has it.
pub(super) fn registry(image: &str) -> &str {
    let first = image.split_once('/').map(|(first, _)| first);
    let is_host = |name: &&str| name.contains(['.', ':']) || *name == "localhost";
    match first.filter(is_host) {
        None | Some("index.docker.io" | "hub.docker.com") => "docker.io",
        Some(host) => host,
    }
}

/// `*` stands for anything at either end.
pub(crate) fn is_trusted(registry: &str, trusted: &[String]) -> bool {
    trusted.iter().any(|known| {
        if known == "*" {
            return true;
        }
        match (known.strip_prefix('*'), known.strip_suffix('*')) {
            (Some(end), _) => registry.ends_with(end),
            (None, Some(start)) => registry.starts_with(start),
            (None, None) => {
                registry == known || known == "hub.docker.com" && registry == "docker.io"
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_images() {
        for (image, expected) in [
            ("debian:12", "docker.io"),
            ("acme/app", "docker.io"),
            ("localhost/app", "localhost"),
            ("r.example.org:5000/a/b@sha256:0", "r.example.org:5000"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        let check = |registry: &str, trusted: &str, expected: bool| {
            assert_eq!(
                is_trusted(registry, &[trusted.to_owned()]),
                expected,
                "{registry} {trusted}"
            );
        };
        check("a.example.org", "*.example.org", true);
        check("example.org", "*.example.org", false);
        check("registry.local", "registry.*", true);
        check("x", "*", true);
        check("docker.io", "hub.docker.com", true);
    }
}
