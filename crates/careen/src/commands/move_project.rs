//! `careen move`: the project on another file system, and what to do there.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use careen_host::{RealSystem, mount_of};
use careen_model::host::Mount;
use careen_model::legacy::Value;
use careen_model::units;
use careen_report::{clean, json};
use careen_run::relocate::{Move, Moved, Progress, Room, Survey, survey};

use super::{interrupt, undo::failed};
use crate::arguments::{self, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// How often the line of progress is drawn on a terminal; elsewhere a line every few seconds.
const FRAME: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(5);
/// Special files that are named before the rest is only counted.
const NAMED: usize = 10;

/// Everything that is known before the copy.
struct Outlook {
    wanted: Move,
    survey: Survey,
    room: Room,
    from_mount: Option<Mount>,
    to_mount: Option<Mount>,
}

pub(super) fn run(
    options: &arguments::Move,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    super::refuse_format("move", format, &[Format::Text, Format::Json])?;
    let outlook = look(options, world)?;
    if format == Format::Text {
        super::print(|out| before(out, &outlook))?;
    }
    if !outlook.room.fits(0) {
        // What an interrupted run brought over is not known yet, so this is no end here.
        super::say("the whole project does not fit there; going on only helps an interrupted run");
    }
    if options.dry_run {
        if format == Format::Json {
            super::print(|out| json::other(out, "move", &document(&outlook, None)))?;
        } else {
            super::say("nothing was copied");
        }
        return Ok(Exit::Ok);
    }
    let started = Instant::now();
    let moved = copy(&outlook)?;
    super::print(|out| match format {
        Format::Json => json::other(out, "move", &document(&outlook, Some(&moved))),
        _ => after(out, &outlook, &moved, started.elapsed()),
    })?;
    Ok(Exit::Ok)
}

fn look(options: &arguments::Move, world: &World) -> Result<Outlook, Failure> {
    let from = options.path.canonicalize().map_err(|err| {
        Failure::could_not(format!("read {}", clean(&options.path.to_string_lossy())), err)
    })?;
    let to = match (&options.to, from.file_name()) {
        (Some(to), _) => {
            std::path::absolute(to).map_err(|err| Failure::could_not("find the new place", err))?
        }
        (None, Some(name)) => world.home.join(name),
        (None, None) => return Err(Failure::usage("name the new folder with --to")),
    };
    let wanted = Move { from, to };
    wanted.check().map_err(|err| {
        failed("move the project")(err).hint(Some("name a folder that does not exist with --to"))
    })?;
    let system = RealSystem::new();
    let place = wanted.to.ancestors().skip(1).find(|folder| folder.is_dir());
    let to_mount = place.and_then(|place| mount_of(&system, place).ok());
    if let Some(mount) = to_mount.as_ref().filter(|mount| mount.class.is_windows()) {
        let why = format!("{} is a Windows drive as well ({})", wanted.to.display(), mount.fs_type);
        return Err(Failure::could_not("move the project", why)
            .hint(Some("choose a folder of Linux with --to, such as one in your home folder")));
    }
    let survey = survey(&wanted.from).map_err(failed("read the project"))?;
    let room = wanted.room(&survey).map_err(failed("measure the new place"))?;
    let from_mount = mount_of(&system, &wanted.from).ok();
    Ok(Outlook { wanted, survey, room, from_mount, to_mount })
}

/// Copies while another thread tells how far it is.
fn copy(outlook: &Outlook) -> Result<Moved, Failure> {
    let progress = Progress::default();
    let done = AtomicBool::new(false);
    let token = interrupt::token();
    let moved = thread::scope(|scope| {
        scope.spawn(|| tell(&progress, outlook.survey.bytes, &done));
        let moved = outlook.wanted.run(&outlook.survey, &progress, &token);
        done.store(true, Ordering::Relaxed);
        moved
    });
    moved.map_err(|err| match err {
        careen_run::Error::Cancelled => Failure::interrupted()
            .hint(Some("the same command goes on from here; the original was only read")),
        err => failed("move the project")(err),
    })
}

fn tell(progress: &Progress, bytes: u64, done: &AtomicBool) {
    let is_terminal = io::stderr().is_terminal();
    let mut last = Instant::now();
    let mut drawn = false;
    while !done.load(Ordering::Relaxed) {
        thread::sleep(FRAME);
        let (copied, compared) = (progress.copied(), progress.compared());
        let (what, n) = if compared > 0 { ("compared", compared) } else { ("copied", copied) };
        let text = format!("{what} {} of {}", units::size(n), units::size(bytes));
        if is_terminal {
            // Nobody reads it any more where this fails.
            let _ = write!(io::stderr(), "\r{text:<60}");
            drawn = true;
        } else if last.elapsed() >= LINE {
            last = Instant::now();
            super::say(&text);
        }
    }
    if drawn {
        let _ = write!(io::stderr(), "\r{:<60}\r", "");
    }
}

fn before(out: &mut dyn Write, outlook: &Outlook) -> io::Result<()> {
    let Outlook { wanted, survey, room, from_mount, to_mount } = outlook;
    let place = |path: &Path, mount: &Option<Mount>| {
        let mount = mount.as_ref().map_or(String::new(), |mount| {
            let windows = if mount.class.is_windows() { ", a Windows drive" } else { "" };
            format!("  ({}{windows})", clean(&mount.fs_type))
        });
        format!("{}{mount}", shown(path))
    };
    writeln!(out, " from   {}", place(&wanted.from, from_mount))?;
    writeln!(out, " to     {}", place(&wanted.to, to_mount))?;
    let entries = units::count(survey.entries.len() as u64);
    writeln!(out, " holds  {entries} entries, {}", units::size(survey.bytes))?;
    let free = match room.free_entries {
        Some(free) => format!(", {} more entries", units::count(free)),
        None => String::new(),
    };
    let (needed, bytes) = (units::size(room.needed_bytes), units::size(room.free_bytes));
    writeln!(out, " room   {bytes} free{free}; {needed} needed")?;
    for note in notes(survey) {
        writeln!(out, " note   {note}")?;
    }
    Ok(())
}

/// What a copy cannot carry over, one sentence each.
fn notes(survey: &Survey) -> Vec<String> {
    let mut notes: Vec<String> = survey
        .special
        .iter()
        .take(NAMED)
        .map(|(path, what)| format!("{} is a {what}: not copied", shown(path)))
        .collect();
    if survey.special.len() > NAMED {
        let rest = survey.special.len() - NAMED;
        notes.push(format!("{} more special files are not copied", units::count(rest as u64)));
    }
    notes.extend(survey.inward.iter().take(NAMED).map(|path| {
        format!(
            "{} is a link with an absolute path: it will lead back to the original",
            shown(path)
        )
    }));
    if survey.inward.len() > NAMED {
        let rest = survey.inward.len() - NAMED;
        notes.push(format!("{} more links lead back to the original", units::count(rest as u64)));
    }
    notes.extend(survey.git_elsewhere.as_ref().map(|path| {
        format!(
            ".git names the repository {}: a linked worktree or submodule, `git worktree repair` \
             there tells it of the copy",
            shown(path)
        )
    }));
    notes
}

fn after(out: &mut dyn Write, outlook: &Outlook, moved: &Moved, took: Duration) -> io::Result<()> {
    let Move { from, to } = &outlook.wanted;
    let (entries, bytes) = (units::count(moved.entries), units::size(moved.bytes));
    writeln!(out, "\ncopied {entries} entries, {bytes} in {}", units::time(took))?;
    if moved.found_bytes > 0 {
        let found = units::size(moved.found_bytes);
        writeln!(out, " {found} of it were there from an interrupted run")?;
    }
    writeln!(out, " every file was read back and compared, sha256:{}", moved.digest)?;
    writeln!(out, " the original is as it was: {}", shown(from))?;
    writeln!(out, "\nNext")?;
    for (command, what) in next(to) {
        writeln!(out, " {command:<40} {what}")?;
    }
    writeln!(out, " Remove the original yourself, when nothing is missed any more.")
}

/// Commands and what they are for; editors only where the project is set up for one.
fn next(to: &Path) -> Vec<(String, &'static str)> {
    let mut steps = vec![(format!("cd {}", quoted(to)), "work there from now on")];
    if to.join(".git").exists() {
        steps.push(("git status".to_owned(), "the same as in the original"));
    }
    let is_container = to.join(".devcontainer").exists() || to.join(".devcontainer.json").exists();
    if is_container || to.join(".vscode").exists() {
        steps.push(("code .".to_owned(), "the editor, started from the Linux side"));
    }
    if is_container {
        steps.push((
            "Dev Containers: Rebuild Container".to_owned(),
            "in the editor; its mount moves along",
        ));
    }
    steps.push(("careen doctor".to_owned(), "whether the file system was the trouble"));
    steps
}

fn document(outlook: &Outlook, moved: Option<&Moved>) -> Value {
    let Outlook { wanted, survey, room, from_mount, to_mount } = outlook;
    let path = |path: &Path| Value::Text(path.display().to_string());
    let null = |why: &str| Value::Null { why: why.to_owned() };
    let mount = |mount: &Option<Mount>| match mount {
        Some(mount) => Value::Text(mount.fs_type.clone()),
        None => null("its mount was not found"),
    };
    let special = survey.special.iter();
    let special = special.map(|(name, what)| {
        Value::Map(vec![("path", path(name)), ("what", Value::Text((*what).to_owned()))])
    });
    let free_entries = room.free_entries.map_or(null("it has no fixed number"), Value::Count);
    let digest = moved.map_or(null("nothing was copied"), |moved| {
        Value::Text(format!("sha256:{}", moved.digest))
    });
    Value::Map(vec![
        ("from", path(&wanted.from)),
        ("from_file_system", mount(from_mount)),
        ("to", path(&wanted.to)),
        ("to_file_system", mount(to_mount)),
        ("entries", Value::Count(survey.entries.len() as u64)),
        ("bytes", Value::Count(survey.bytes)),
        ("needed_bytes", Value::Count(room.needed_bytes)),
        ("free_bytes", Value::Count(room.free_bytes)),
        ("free_entries", free_entries),
        ("not_copied", Value::List(special.collect())),
        ("notes", Value::List(notes(survey).into_iter().map(Value::Text).collect())),
        ("copied", Value::Bool(moved.is_some())),
        ("digest", digest),
    ])
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy())
}

/// For a shell; names that are no text cannot be shown so that they work.
fn quoted(path: &Path) -> String {
    let text = shown(path);
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+@%".contains(c));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
