//! What the builder is asked about base images, once for each image of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use careen_check::{BaseImage, BaseImages, LintFacts, WantedPlatform, base_images};
use careen_engine::{AskedBase, Connection, EngineError};
use careen_model::Fact;
use careen_syntax::dockerfile::Dockerfile;

use crate::world::{World, env};

/// A builder that answers.
#[derive(Debug)]
pub(super) struct Builder {
    connection: Connection,
    docker_config: PathBuf,
    runs: Vec<String>,
    wanted: WantedPlatform,
    answers: Mutex<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    asked: BTreeSet<BaseImage>,
    platforms: BTreeMap<BaseImage, String>,
    /// Why nothing is known of an image, in the order of names.
    unknown: BTreeMap<BaseImage, String>,
}

impl Builder {
    /// The one that a build would use.
    pub(super) fn open(wanted: WantedPlatform, world: &World) -> Result<Builder, EngineError> {
        let target = careen_engine::resolve_builder(&env, &world.home, None);
        let connection = Connection::open(&target)?;
        let runs = connection.builder_platforms()?;
        let docker_config = careen_engine::config_directory(&env, &world.home);
        Ok(Builder { connection, docker_config, runs, wanted, answers: Mutex::default() })
    }

    /// The platform it builds for when nobody says another.
    pub(super) fn platform(&self) -> Option<&String> {
        self.runs.first()
    }

    /// Adds what it says about the images of a file.
    pub(super) fn tell(&self, told: &mut LintFacts, file: &Dockerfile) {
        let mut answers = self.answers();
        let images = base_images(file, &told.given);
        let new = images.into_iter().filter(|image| !answers.asked.contains(image));
        let new: Vec<BaseImage> = new.collect();
        if !new.is_empty() {
            self.ask(new, &mut answers);
        }
        told.base_images = Fact::Known(BaseImages {
            runs: self.runs.clone(),
            wanted: self.wanted,
            platforms: answers.platforms.clone(),
        });
    }

    fn ask(&self, images: Vec<BaseImage>, answers: &mut Answers) {
        let question = |image: &BaseImage| AskedBase {
            reference: image.reference.clone(),
            platform: image.platform.clone(),
        };
        let questions: Vec<AskedBase> = images.iter().map(question).collect();
        let found = self.connection.base_images(&questions, &self.docker_config);
        let found = match found {
            Ok(found) => found.into_iter().map(|one| one.map_err(|why| why.to_string())).collect(),
            Err(err) => vec![Err(err.to_string()); images.len()],
        };
        for (image, found) in images.into_iter().zip(found) {
            answers.asked.insert(image.clone());
            match found {
                Ok(base) if base.is_empty => (),
                Ok(base) => {
                    answers.platforms.insert(image, base.platform);
                }
                Err(why) => {
                    answers.unknown.insert(image, why);
                }
            }
        }
    }

    /// A sentence for each image that could not be looked up.
    pub(super) fn complaints(&self) -> Vec<String> {
        let answers = self.answers();
        let sentence = |(image, why): (&BaseImage, &String)| {
            format!("the platform of {} is not checked: {why}", image.reference)
        };
        answers.unknown.iter().map(sentence).collect()
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
