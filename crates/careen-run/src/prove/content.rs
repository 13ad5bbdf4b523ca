//! Whether two builds made the same files and the same settings.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use careen_engine::{Connection, ImageConfig};
use careen_image::{compare, read};
use careen_model::Content;

use crate::Error;

/// Differences that are kept; the rest is counted.
const KEPT: usize = 500;

/// Compares two archives of whole file trees.
pub(super) fn files(before: &Path, after: &Path) -> Result<Content, Error> {
    let tree = |path: &Path| {
        let file = File::open(path).map_err(Error::io("reading", path))?;
        read(BufReader::with_capacity(1 << 20, file)).map_err(Error::io("reading", path))
    };
    let (before, after) = (tree(before)?, tree(after)?);
    let compared = compare(&before, &after);
    let different = compared.differences.len();
    let mut differences = compared.differences;
    differences.truncate(KEPT);
    Ok(Content {
        unknown: None,
        entries: (before.entries.len(), after.entries.len()),
        differences,
        packages: compared.packages,
        different,
        volatile: compared.volatile,
        settings: vec![],
    })
}

/// The settings of two images of one engine that differ.
pub(super) fn settings(
    connection: &Connection,
    before: &str,
    after: &str,
) -> Result<Vec<(String, String, String)>, Error> {
    let config = |name: &str| {
        connection.image(name).map(|image| shown(&image.config)).map_err(|err| Error::Prove {
            doing: format!("look at the image {name}"),
            error: err.to_string(),
        })
    };
    let (before, after) = (config(before)?, config(after)?);
    let pairs = before.into_iter().zip(after);
    let differ = pairs.filter(|((_, before), (_, after))| before != after);
    Ok(differ.map(|((name, before), (_, after))| (name.to_owned(), before, after)).collect())
}

fn shown(config: &ImageConfig) -> Vec<(&'static str, String)> {
    let labels = config.labels.iter().map(|(name, value)| format!("{name}={value}"));
    vec![
        ("Env", careen_model::redact::text(&config.env.join(" ")).into_owned()),
        ("User", config.user.clone()),
        ("WorkingDir", config.working_dir.clone()),
        ("Entrypoint", config.entrypoint.join(" ")),
        ("Cmd", config.cmd.join(" ")),
        ("Labels", labels.collect::<Vec<_>>().join(" ")),
    ]
}
