//! The images that a file starts from, as BuildKit asks for them.

use careen_syntax::dockerfile::{Base, Dockerfile, Given, Stage};

use super::{Platform, parse_reference, whole_reference};

/// An image and the platform it is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseImage {
    /// With registry and tag: `docker.io/library/debian:12`.
    pub reference: String,
    /// `os/arch[/variant]`.
    pub platform: String,
}

/// Each image that a stage of the file starts from, once. Names that no builder takes are left out.
pub fn base_images(file: &Dockerfile, given: &Given) -> Vec<BaseImage> {
    let meaning = file.meaning(given);
    let mut images: Vec<_> =
        meaning.stages.iter().filter_map(|stage| base_image(stage, given)).collect();
    images.sort();
    images.dedup();
    images
}

pub(crate) fn base_image(stage: &Stage<'_>, given: &Given) -> Option<BaseImage> {
    let Base::Image(image) = &stage.base else { return None };
    parse_reference(image).ok()?;
    let wanted = stage.platform.as_ref().unwrap_or(&given.platform);
    let platform = Platform::read(wanted, &given.build_platform).ok()?.name();
    Some(BaseImage { reference: whole_reference(image), platform })
}

#[cfg(test)]
mod tests {
    use super::*;
    use careen_syntax::dockerfile::parse;

    #[test]
    fn images_are_named_as_buildkit_asks_for_them() {
        let check = |text: &str, expected: &[&str]| {
            let images = base_images(&parse(text), &Given::default());
            let images =
                images.iter().map(|image| format!("{} {}", image.reference, image.platform));
            assert_eq!(images.collect::<Vec<_>>(), expected, "{text}");
        };
        check("FROM debian", &["docker.io/library/debian:latest linux/amd64"]);
        check("FROM me/a:1\nFROM me/a:1", &["docker.io/me/a:1 linux/amd64"]);
        check("FROM localhost:5000/a\n", &["localhost:5000/a:latest linux/amd64"]);
        let digest = format!("ghcr.io/a/b@sha256:{}", "0".repeat(64));
        check(&format!("FROM {digest}"), &[&format!("{digest} linux/amd64")]);
        check(
            "ARG P=arm64\nFROM --platform=linux/$P debian:12 AS a\nFROM a\nFROM scratch\nFROM A:B:C",
            &["docker.io/library/debian:12 linux/arm64"],
        );
        check("FROM --platform=nonsense debian:12", &[]);
    }
}
