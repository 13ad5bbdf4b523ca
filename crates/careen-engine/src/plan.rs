//! The exact plan of a build, from the builder itself, before anything runs.
//!
//! What a Dockerfile means is decided by the builder's frontend; this asks it for the graph that it
//! would run: commands, mounts, cache ids, inputs, and the lines they come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bollard_buildkit_proto::pb;
use prost::Message;

use crate::digest::sha256_hex;
use crate::exec::{Asked, Depth, hold, reference};
use crate::session::FileSource;
use crate::{BuildRequest, CancelToken, Connection, EngineError};

/// One step that the builder would run or take from its cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// Digest of the operation. Steps behind a COPY have another one in every session.
    pub id: String,
    /// As in the events of a build; empty for parts of a step.
    pub name: String,
    /// First and last line of the Dockerfile, counted from 1.
    pub lines: Option<(u32, u32)>,
    pub inputs: Vec<String>,
    pub operation: Operation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Run(Command),
    /// `local://context`, `docker-image://…`, with attributes such as `local.followpaths`.
    Source {
        identifier: String,
        attributes: BTreeMap<String, String>,
    },
    /// Copies, new folders and removals.
    Files {
        actions: usize,
    },
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub network: Network,
    pub caches: Vec<CacheMount>,
    /// Ids of the secrets that it mounts.
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    Sandbox,
    Host,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheMount {
    pub target: String,
    pub id: String,
    pub sharing: Sharing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Shared,
    Private,
    Locked,
}

/// Asks the builder for the steps of a build, inputs before what uses them. Nothing runs; the
/// Dockerfile and the ignore file are sent, and base images are looked up.
pub fn plan(
    connection: &Connection,
    request: &BuildRequest,
    files: Arc<dyn FileSource>,
    cancel: &CancelToken,
) -> Result<Vec<PlannedStep>, EngineError> {
    connection.block_on(async {
        let asked = Asked { request, files, depth: Depth::Plan };
        let held = hold(connection, asked, &mut |_| {}, cancel).await?;
        let definition = reference(&held.result).and_then(|reference| reference.def);
        held.job.close().await;
        let definition = definition.ok_or_else(|| EngineError::Unsupported {
            what: "telling the plan of a build".to_owned(),
        })?;
        let redactor = request.redactor();
        let mut steps = read(&definition)?;
        for step in &mut steps {
            step.name = redactor.text(&step.name);
            if let Operation::Run(command) = &mut step.operation {
                for word in &mut command.argv {
                    *word = redactor.text(word);
                }
            }
        }
        Ok(steps)
    })
}

fn read(definition: &pb::Definition) -> Result<Vec<PlannedStep>, EngineError> {
    let mut steps = Vec::new();
    for bytes in &definition.def {
        let op = pb::Op::decode(bytes.as_slice()).map_err(EngineError::broken)?;
        // The last one only points to the result.
        let Some(operation) = op.op else { continue };
        let id = format!("sha256:{}", sha256_hex(bytes));
        let description = definition.metadata.get(&id).map(|metadata| &metadata.description);
        let name = description.and_then(|description| description.get("llb.customname"));
        steps.push(PlannedStep {
            name: name.cloned().unwrap_or_default(),
            lines: lines(definition, &id),
            inputs: op.inputs.into_iter().map(|input| input.digest).collect(),
            operation: self::operation(operation),
            id,
        });
    }
    Ok(steps)
}

fn lines(definition: &pb::Definition, id: &str) -> Option<(u32, u32)> {
    let locations = &definition.source.as_ref()?.locations.get(id)?.locations;
    let ranges = || locations.iter().flat_map(|location| &location.ranges);
    let line = |position: &Option<pb::Position>| u32::try_from(position.as_ref()?.line).ok();
    let first = ranges().filter_map(|range| line(&range.start)).min()?;
    let last = ranges().filter_map(|range| line(&range.end)).max()?;
    (first > 0).then_some((first, last))
}

fn operation(operation: pb::op::Op) -> Operation {
    match operation {
        pb::op::Op::Exec(exec) => Operation::Run(command(exec)),
        pb::op::Op::Source(source) => {
            Operation::Source { identifier: source.identifier, attributes: source.attrs }
        }
        pb::op::Op::File(file) => Operation::Files { actions: file.actions.len() },
        _ => Operation::Other,
    }
}

fn command(exec: pb::ExecOp) -> Command {
    let network = match pb::NetMode::try_from(exec.network) {
        Ok(pb::NetMode::Host) => Network::Host,
        Ok(pb::NetMode::None) => Network::None,
        _ => Network::Sandbox,
    };
    let caches = exec.mounts.iter().filter_map(|mount| {
        let cache = mount.cache_opt.as_ref()?;
        let sharing = match pb::CacheSharingOpt::try_from(cache.sharing) {
            Ok(pb::CacheSharingOpt::Private) => Sharing::Private,
            Ok(pb::CacheSharingOpt::Locked) => Sharing::Locked,
            _ => Sharing::Shared,
        };
        Some(CacheMount { target: mount.dest.clone(), id: cache.id.clone(), sharing })
    });
    let secrets =
        exec.mounts.iter().filter_map(|mount| Some(mount.secret_opt.as_ref()?.id.clone()));
    Command {
        network,
        caches: caches.collect(),
        secrets: secrets.collect(),
        argv: exec.meta.map(|meta| meta.args).unwrap_or_default(),
    }
}
