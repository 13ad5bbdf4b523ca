//! `careen undo` and `careen journal`: what was changed, and back again.

use std::path::PathBuf;

use careen_model::legacy::Value;
use careen_report::{json, terminal};
use careen_run::apply::{Edited, Journal, Which};

use crate::arguments::{Format, JournalOptions, Undo};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// Wraps an error of `careen-run` with what was being done.
pub(super) fn failed(doing: &str) -> impl FnOnce(careen_run::Error) -> Failure {
    move |err| Failure::could_not(doing, &err).hint(err.hint())
}

pub(super) fn undo(options: &Undo, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("undo", format, &[Format::Text, Format::Json])?;
    let journal = Journal::of(&options.path).map_err(failed("read the journal"))?;
    let which = options.id.as_deref().map_or(Which::Last, Which::Id);
    let edited = if options.force { Edited::Overwrite } else { Edited::Refuse };
    let applied = journal.undo(which, edited, world.now).map_err(failed("undo"))?;
    super::print(|out| match format {
        Format::Json => json::other(out, "undo", &undone(&applied)),
        _ => terminal::undone(out, world.out, &applied.id, &applied.files),
    })?;
    Ok(Exit::Ok)
}

pub(super) fn journal(
    options: &JournalOptions,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    super::refuse_format("journal", format, &[Format::Text, Format::Json])?;
    let journal = Journal::of(&options.path).map_err(failed("read the journal"))?;
    let entries = journal.entries().map_err(failed("read the journal"))?;
    let rows: Vec<careen_report::JournalRow> = entries.iter().map(row).collect();
    super::print(|out| match format {
        Format::Json => json::other(
            out,
            "journal",
            &Value::Map(vec![("changes", Value::List(rows.iter().map(value).collect()))]),
        ),
        _ => terminal::journal(out, world.out, &rows),
    })?;
    Ok(Exit::Ok)
}

/// Settles what a killed careen left, and says so.
pub(super) fn recover(journal: &Journal) -> Result<(), Failure> {
    use careen_run::apply::Recovered;
    let settled = journal.recover().map_err(failed("settle an interrupted change"))?;
    for one in settled {
        let said = match one {
            Recovered::TakenBack { id } => {
                format!("change {id} had been interrupted and was taken back")
            }
            Recovered::Finished { id } => {
                format!("change {id} had been interrupted and was finished")
            }
        };
        super::say(&said);
    }
    Ok(())
}

fn row(entry: &careen_run::apply::Entry) -> careen_report::JournalRow {
    use careen_run::apply::EntryState;
    careen_report::JournalRow {
        id: entry.id.clone(),
        at: entry.at,
        rules: entry.rules.clone(),
        files: entry.files.clone(),
        undoes: entry.undoes.clone(),
        state: match &entry.state {
            EntryState::Applied => "applied".to_owned(),
            EntryState::Undone { by } => format!("undone by {by}"),
            EntryState::Interrupted => "interrupted".to_owned(),
        },
    }
}

fn undone(applied: &careen_run::apply::Applied) -> Value {
    Value::Map(vec![("id", Value::Text(applied.id.clone())), ("files", paths(&applied.files))])
}

fn value(row: &careen_report::JournalRow) -> Value {
    let texts = |list: &[String]| Value::List(list.iter().cloned().map(Value::Text).collect());
    let undoes = match &row.undoes {
        Some(id) => Value::Text(id.clone()),
        None => Value::Null { why: "it is no undo".to_owned() },
    };
    Value::Map(vec![
        ("id", Value::Text(row.id.clone())),
        ("at", Value::Count(u64::try_from(row.at).unwrap_or_default())),
        ("rules", texts(&row.rules)),
        ("files", paths(&row.files)),
        ("undoes", undoes),
        ("state", Value::Text(row.state.clone())),
    ])
}

fn paths(list: &[PathBuf]) -> Value {
    Value::List(list.iter().map(|path| Value::Text(path.display().to_string())).collect())
}
