//! Everything the engine knows, asked in parallel, each question with its own time limit.
//!
//! Nothing is written, built or pulled.

mod builders;
mod client;
mod engine;

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use careen_model::engine::EngineFacts;
use careen_model::{Fact, Why};

use crate::{Connection, EngineError, Target, config_directory};

/// A question of the doctor may take this long; the whole screen has 400 ms when all is well.
pub(crate) const LIMIT: Duration = Duration::from_millis(1500);

/// What the environment says, so that tests can say it.
pub struct Surroundings<'a> {
    pub env: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub home: &'a Path,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("home", &self.home).finish_non_exhaustive()
    }
}

/// Asks client, builders and engine. Measured at 14 to 63 ms on two engines, most of it the
/// start of the `docker` program; a dead or hung engine costs at most 2 s.
pub fn gather(target: &Target, around: &Surroundings<'_>) -> EngineFacts {
    let config = config_directory(around.env, around.home);
    let endpoint = &target.endpoint;
    let now = SystemTime::now();
    thread::scope(|scope| {
        let builders = scope.spawn(|| builders::gather(around.env, &config, endpoint, now));
        let client = scope.spawn(|| client::gather(around.env, &config));
        let connection = Connection::new(target);
        let asked = match &connection {
            Ok(connection) => connection.block_on(engine::gather(connection)),
            Err(err) => engine::Asked::failed(err),
        };
        let client = client.join().unwrap_or_else(|_| Err(stopped("the docker program")));
        let client = client.map(|found| found.judged(asked.prefers_buildkit));
        let builders = builders.join().unwrap_or_else(|_| Err(stopped("the buildx store")));
        let builders = builders.map(|stored| match &connection {
            Ok(connection) => connection.block_on(builders::look(connection, stored, now)),
            Err(_) => stored.into_iter().map(|one| one.builder).collect(),
        });
        EngineFacts {
            endpoint: endpoint.clone(),
            client: Fact::from(client),
            engine: asked.engine,
            builders: builders.into(),
            cache: asked.cache,
            clock_ahead: asked.clock_ahead,
            bridge: asked.bridge,
        }
    })
}

fn stopped(what: &str) -> Why {
    Why::Unreadable { what: what.to_owned(), error: "the probe stopped".to_owned() }
}

/// Why a fact about the engine is missing.
pub(crate) fn why(what: &str, err: &EngineError) -> Why {
    match err {
        EngineError::Denied { socket } => Why::Denied { what: socket.clone() },
        EngineError::Absent { .. }
        | EngineError::Misconfigured { .. }
        | EngineError::Remote { .. } => Why::NoEngine { error: err.to_string() },
        EngineError::Silent { what, .. } => Why::TooSlow { what: what.clone() },
        EngineError::Unsupported { .. } | EngineError::Refused { status: 404, .. } => {
            Why::NotSupported { what: what.to_owned() }
        }
        _ => Why::Unreadable { what: what.to_owned(), error: err.to_string() },
    }
}
