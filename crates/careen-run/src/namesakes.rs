//! Folders of the context's name that Docker's client built: they share one stored copy.

use std::fs;
use std::path::{Path, PathBuf};

use careen_engine::{Surroundings, buildx_builds, buildx_store, config_directory};
use careen_model::engine::ClientBuilder;
use careen_model::{EngineFacts, Fact, Namesake, Why};

/// Builds this long ago say nothing about the next one, seconds.
const LATELY: i64 = 30 * 24 * 3600;

/// Looks into the record that buildx keeps of its builds.
pub(crate) fn of(
    context: &Path,
    engine: &EngineFacts,
    around: &Surroundings<'_>,
    now: i64,
) -> Fact<Vec<Namesake>> {
    let client = match &engine.client {
        Fact::Known(client) => client,
        Fact::Unknown(why) => return Fact::Unknown(why.clone()),
    };
    match client.builder {
        ClientBuilder::Buildx => (),
        // Neither keeps a copy: one sends all each time, the other builds nothing.
        ClientBuilder::Classic | ClientBuilder::Broken => return Fact::Known(vec![]),
        ClientBuilder::BuiltInBuildKit => {
            return Fact::Unknown(Why::NotOnThisSystem {
                what: "record of the folders that `docker build` built".to_owned(),
            });
        }
    }
    let builders = match &engine.builders {
        Fact::Known(builders) => builders,
        Fact::Unknown(why) => return Fact::Unknown(why.clone()),
    };
    let Some(builder) = builders.iter().find(|builder| builder.is_current) else {
        return Fact::Known(vec![]);
    };
    let store = buildx_store(around.env, &config_directory(around.env, around.home));
    buildx_builds(&store, &builder.name)
        .map(|builds| {
            let lately = builds.into_iter().filter(|one| now - one.built_at <= LATELY);
            named(context, lately.map(|one| (one.folder, one.built_at)))
        })
        .into()
}

/// Those of the same last name that are still there, each once; the key of the copy is that name.
fn named(context: &Path, built: impl Iterator<Item = (PathBuf, i64)>) -> Vec<Namesake> {
    let absolute = std::path::absolute(context).unwrap_or_else(|_| context.to_owned());
    // `.` has no name of its own.
    let own = fs::canonicalize(&absolute).unwrap_or(absolute);
    let mut found: Vec<Namesake> = Vec::new();
    for (folder, built_at) in built.filter(|(folder, _)| folder.file_name() == own.file_name()) {
        let Ok(folder) = fs::canonicalize(folder) else { continue };
        if folder.is_dir() && found.iter().all(|known| known.folder != folder) {
            found.push(Namesake { is_this: folder == own, folder, built_at });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_one_name_count() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["one/app", "two/app", "two/web"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("one"), root.join("link")).unwrap();
        let built = ["two/app", "two/web", "link/app", "one/app", "gone/app"];
        let built = (0..).zip(built).map(|(time, folder)| (root.join(folder), time));
        let found = named(&root.join("one/app"), built);
        let namesake = |folder: &str, is_this: bool, built_at: i64| Namesake {
            folder: root.join(folder),
            is_this,
            built_at,
        };
        assert_eq!(found, [namesake("two/app", false, 0), namesake("one/app", true, 2)]);
    }
}
