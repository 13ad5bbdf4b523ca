//! One file per command: ask the crates below, hand the answer to a renderer, choose the exit code.

mod build;
mod context;
mod culprit;
mod debug;
mod debug_lines;
mod doctor;
mod explain;
mod fix;
mod history;
mod interrupt;
mod leftovers;
mod lint;
mod missing_stage;
mod move_project;
mod overview;
mod preflight;
mod prove;
mod report;
mod screen;
mod script;
mod stages;
mod subject;
mod test;
mod undo;

use std::io::{self, Write as _};

use crate::arguments::{Arguments, Command, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// Recorded builds of a project that are kept; a record with its log takes some ten kilobytes.
pub(crate) const KEPT_BUILDS: usize = 1000;

/// Runs the command of the arguments; the bare program shows the overview.
pub(crate) fn run(arguments: Arguments, world: &World) -> Result<Exit, Failure> {
    let format = arguments.output.format;
    match arguments.command {
        None => overview::run(&arguments.project, format, world),
        Some(Command::Doctor(options)) => doctor::run(&options, format, world),
        Some(Command::Fix(options)) => fix::run(&options, format, world),
        Some(Command::Undo(options)) => undo::undo(&options, format, world),
        Some(Command::Journal(options)) => undo::journal(&options, format, world),
        Some(Command::Move(options)) => move_project::run(&options, format, world),
        Some(Command::Build(options)) => build::run(&options, format, world),
        Some(Command::Test(options)) => test::run(&options, format, world),
        Some(Command::Script(options)) => script::run(&options, format, world),
        Some(Command::Report(options)) => report::run(&options, format, world),
        Some(Command::History(options)) => history::run(&options, format, world),
        Some(Command::Compare(options)) => history::compare(&options, format, world),
        Some(Command::Lint(options)) => lint::run(&options, format, world),
        Some(Command::Explain(options)) => explain::run(&options, format, world),
        Some(Command::Debug(options)) => {
            refuse_format("debug", format, &[Format::Text])?;
            debug::run(&options)
        }
        Some(Command::Prove(options)) => prove::run(&options, format, world),
        Some(Command::Context(options)) => context::run(&options, format, world),
    }
}

/// Writes a result to standard output. A reader that went away is no failure.
fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    match written {
        Err(err) if err.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::could_not("write the result", err))
        }
        _ => Ok(()),
    }
}

/// The formats a command does not have are an error, never a silent fall-back to text.
fn refuse_format(command: &str, format: Format, has: &[Format]) -> Result<(), Failure> {
    if has.contains(&format) {
        return Ok(());
    }
    let names: Vec<String> = has.iter().map(|f| format!("{f:?}").to_lowercase()).collect();
    let asked = format!("{format:?}").to_lowercase();
    let command = format!("careen {command}");
    let (command, names) = (command.trim_end(), names.join(", "));
    Err(Failure::usage(format!("`{command}` has no format {asked}; it has {names}")))
}

/// A sentence for the person, on standard error. Parts of it may come from files or an engine, so
/// nothing that a terminal obeys gets through.
pub(crate) fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(careen_report::clean).collect();
    // Nobody reads it any more where this fails.
    let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}

/// Opens the way to the engine or builder.
fn connect(
    target: &careen_engine::Target,
    doing: &str,
) -> Result<careen_engine::Connection, Failure> {
    careen_engine::Connection::open(target)
        .map_err(|err| Failure::could_not(doing, &err).hint(err.hint()))
}

/// Names the files of a plan as the journal of the project does: relative to it where they lie in
/// it, else absolute.
fn relative_to(root: &std::path::Path, plan: &mut careen_model::Plan) {
    let absolute = |path: &std::path::Path| std::path::absolute(path).unwrap_or(path.to_owned());
    let root = absolute(root);
    for file in &mut plan.files {
        let path = absolute(&file.path);
        file.path = path.strip_prefix(&root).map(std::path::Path::to_owned).unwrap_or(path);
    }
}
