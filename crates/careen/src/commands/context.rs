//! `careen context`: what is sent to the builder, why, what it costs, what would change that.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use careen_host::walk::{Builder, View, Walk, relative};
use careen_host::{Budget, HostRequest, RealSystem};
use careen_model::context::Amount;
use careen_model::host::Latency;
use careen_model::{Fact, HistoryFacts, Why, units};
use careen_report::{json, terminal};
use careen_run::context::{Ground, Set, TryError, hash, prerequisites};
use careen_run::history::{History, Project};
use careen_run::{SentFile, gather};
use serde_json::json;

use super::{print, subject};
use crate::arguments::{BuilderView, ContextOptions, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

pub(super) fn run(
    options: &ContextOptions,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    let has: &[Format] = match (options.list, options.make.is_some() || options.hash) {
        (true, _) => &[Format::Text, Format::Jsonl],
        (_, true) => &[Format::Text],
        _ => &[Format::Text, Format::Json],
    };
    super::refuse_format("context", format, has)?;
    let asked = subject::asked(&options.project, world)?;
    let ground = Ground::of(&asked.request).with_builder(match options.builder {
        BuilderView::Buildkit => Builder::BuildKit,
        BuilderView::Buildkit2010 => Builder::BuildKit2010,
        BuilderView::Classic => Builder::Classic,
        BuilderView::Classic2010 => Builder::Classic2010,
    });
    named(options.project.dockerfile.as_deref())?;
    let is_json = format == Format::Json;
    if let Some(path) = &options.explain {
        return explain(&ground, path, is_json, world);
    }
    if options.patterns {
        let worth = ground.price_patterns().map_err(failed)?;
        print(|out| {
            if is_json {
                json::context_patterns(out, &ground.force.file, &worth)
            } else {
                terminal::context_patterns(out, world.out, &ground.force.file, &worth)
            }
        })?;
        return Ok(Exit::Ok);
    }
    if options.busters {
        let past = past(&ground, world);
        let found = ground.busters(&past).map_err(failed)?;
        let cost = ground.rebuild_cost(&past);
        print(|out| {
            if is_json {
                json::context_busters(out, &found, &cost)
            } else {
                terminal::context_busters(out, world.out, &found, &cost)
            }
        })?;
        return Ok(Exit::Ok);
    }
    if !options.tried.is_empty() {
        let tried = ground.try_patterns(&options.tried).map_err(|err| match err {
            TryError::Context(why) => failed(why),
            other => Failure::usage(other),
        })?;
        print(|out| {
            if is_json {
                json::context_tried(out, &tried)
            } else {
                terminal::context_tried(out, world.out, &tried)
            }
        })?;
        return Ok(limits(options, tried.sent.after));
    }
    if options.list || options.hash || options.make.is_some() {
        return listing(options, format, &ground);
    }
    let latency = latency(&ground);
    let sent = sent_before(&ground, world);
    let answer = ground.answer(latency, &past(&ground, world), &sent).map_err(failed)?;
    print(|out| {
        if is_json {
            json::context_answer(out, &answer)
        } else {
            terminal::context(out, world.out, &answer)
        }
    })?;
    Ok(limits(options, answer.facts.sent))
}

/// Earlier builds of the project, and what transfers took on the engine that a build would use; no
/// engine is asked.
fn past(ground: &Ground, world: &World) -> HistoryFacts {
    let engine = careen_engine::resolve_builder(&env, &world.home, None).endpoint.address;
    from_history(ground, world, |history, project| {
        let builds = match project {
            Some(project) => history.last(project, BUILDS)?,
            None => vec![],
        };
        let transfers = history.transfers(Some(&engine))?;
        Ok(HistoryFacts { builds, transfers, ..HistoryFacts::default() })
    })
}

/// The files of the project as they were sent last.
fn sent_before(ground: &Ground, world: &World) -> Vec<SentFile> {
    from_history(ground, world, |history, project| match project {
        Some(project) => history.sent_files(project),
        None => Ok(vec![]),
    })
}

/// What `read` finds; nothing, and a word, when there is no history that can be read.
fn from_history<T: Default>(
    ground: &Ground,
    world: &World,
    read: impl Fn(&History, Option<&Project>) -> Result<T, careen_run::Error>,
) -> T {
    let path = world.history();
    // Nothing is written here: without a history there is none to open.
    if !path.exists() {
        return T::default();
    }
    let project = gather::identify(&ground.project);
    let found =
        History::open_for_reading(&path).and_then(|history| read(&history, project.as_ref()));
    found.unwrap_or_else(|err| {
        super::say(&format!("earlier builds are not looked at: {err}"));
        T::default()
    })
}

/// Earlier builds in which a step may be found.
const BUILDS: usize = 20;

fn failed(why: Why) -> Failure {
    Failure::could_not("look at the context", why)
}

/// A Dockerfile that was named and is not there is a mistake, not a project without one.
fn named(dockerfile: Option<&Path>) -> Result<(), Failure> {
    match dockerfile {
        Some(path) if !path.is_file() => {
            let what = format!("read the Dockerfile {}", path.display());
            Err(Failure::could_not(what, "no such file"))
        }
        _ => Ok(()),
    }
}

fn explain(ground: &Ground, path: &Path, is_json: bool, world: &World) -> Result<Exit, Failure> {
    let root = &ground.project.context;
    let inside = if path.is_absolute() {
        let root = std::path::absolute(root).unwrap_or(root.clone());
        path.starts_with(&root).then(|| relative(&root, path)).flatten()
    } else {
        relative(Path::new(""), path)
    };
    let inside = inside.ok_or_else(|| {
        Failure::usage(format!("{} is not in the context {}", path.display(), root.display()))
            .hint(Some("name a path below the context, relative to it"))
    })?;
    if inside.as_os_str().is_empty() {
        let what = format!("{} is the context itself, which no line can leave out", path.display());
        let hint = "name a path below it; `careen context` alone shows all that is sent";
        return Err(Failure::usage(what).hint(Some(hint)));
    }
    let name = inside.to_string_lossy();
    let answer = ground.explain(&name).map_err(failed)?;
    print(|out| {
        if is_json {
            json::context_path(out, &answer)
        } else {
            terminal::context_path(out, world.out, &answer)
        }
    })?;
    Ok(Exit::Ok)
}

fn listing(options: &ContextOptions, format: Format, ground: &Ground) -> Result<Exit, Failure> {
    let set = if options.all { Set::Kept } else { Set::Sent };
    let listing = ground.list(set).map_err(failed)?;
    for fault in listing.faults.iter().filter(|fault| fault.is_harmful()) {
        let path = PathBuf::from(OsStr::from_bytes(&fault.path));
        super::say(&format!(
            "careen: {}: {}",
            careen_report::clean(&path.to_string_lossy()),
            fault.error
        ));
    }
    if options.hash {
        let hash = hash(&ground.project.context, &listing)
            .map_err(|err| Failure::could_not("hash the context", err))?;
        print(|out| writeln!(out, "{hash}"))?;
    } else if let Some(target) = &options.make {
        let rule = prerequisites(ground, &listing, target).map_err(|path| {
            let what =
                format!("write a rule for {}", careen_report::clean(&path.to_string_lossy()));
            Failure::could_not(what, "make has no way to write this name")
        })?;
        print(|out| out.write_all(&rule))?;
    } else {
        print(|out| list(out, &listing, format, if options.null { 0 } else { b'\n' }))?;
    }
    let is_whole = !listing.faults.iter().any(careen_host::walk::Fault::is_harmful);
    match limits(options, careen_host::walk::summarize(&listing, 0, 0).total) {
        Exit::Ok if !is_whole => Ok(Exit::CouldNotCheck),
        exit => Ok(exit),
    }
}

fn list(out: &mut dyn Write, listing: &Walk, format: Format, end: u8) -> io::Result<()> {
    let mut written = Ok(());
    listing.for_each(|path, view| {
        if written.is_err() {
            return;
        }
        written = match format {
            Format::Jsonl => json_line(out, path, &view),
            _ => out.write_all(path).and_then(|()| out.write_all(&[end])),
        };
    });
    written
}

/// One entry as a JSON object on a line; bytes of a name that are not UTF-8 become U+FFFD.
fn json_line(out: &mut dyn Write, path: &[u8], view: &View<'_>) -> io::Result<()> {
    let kind = match (view.link, view.is_folder(), view.is_file()) {
        (Some(_), _, _) => "link",
        (_, true, _) => "folder",
        (_, _, true) => "file",
        _ => "special",
    };
    let size = if view.is_file() && !view.zero_byte { view.size } else { 0 };
    let mut line = json!({
        "path": String::from_utf8_lossy(path),
        "kind": kind,
        "bytes": size,
        "mode": format!("{:04o}", view.mode & 0o7777),
        "mtime_ns": view.mtime_ns,
    });
    if let Some(target) = view.link {
        line["target"] = json!(String::from_utf8_lossy(target));
    }
    if view.zero_byte {
        line["emptied"] = json!(true);
    }
    writeln!(out, "{line}")
}

/// 1 when more is sent than allowed.
fn limits(options: &ContextOptions, sent: Amount) -> Exit {
    let mut exit = Exit::Ok;
    if let Some(most) = options.fail_over.filter(|most| sent.bytes > *most) {
        let (sent, most) = (units::size(sent.bytes), units::size(most));
        super::say(&format!("careen: {sent} are sent, more than the {most} of --fail-over"));
        exit = Exit::Findings;
    }
    if let Some(most) = options.max_entries.filter(|most| sent.entries > *most) {
        let sent = units::count(sent.entries);
        super::say(&format!(
            "careen: {sent} entries are sent, more than the {most} of --max-entries"
        ));
        exit = Exit::Findings;
    }
    exit
}

/// What a lookup costs where the context lies; `None` when it could not be measured in time.
fn latency(ground: &Ground) -> Option<Latency> {
    let context = ground.project.context.clone();
    let request = HostRequest {
        dockerfile_dir: context.clone(),
        context,
        engine_data_root: None,
        budget: Budget::default(),
    };
    match careen_host::gather(&RealSystem::new(), &request).context_latency {
        Fact::Known(latency) => Some(latency),
        Fact::Unknown(_) => None,
    }
}
