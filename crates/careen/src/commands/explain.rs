//! `careen explain`: the page of a rule, offline.

use careen_check::{RULES, find};
use careen_model::legacy::Value;
use careen_report::json;

use crate::arguments::{Explain, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

pub(super) fn run(options: &Explain, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("explain", format, &[Format::Text, Format::Json])?;
    let name = match (&options.rule, format) {
        (Some(name), _) => name,
        (None, Format::Json) => return super::doctor::list(format, world),
        (None, _) => return list(),
    };
    let rule = find(name).map_err(|unknown| Failure::usage(&unknown).hint(Some(unknown.hint())))?;
    super::print(|out| match format {
        Format::Json => {
            let text = |text: &str| Value::Text(text.to_owned());
            let body = vec![("rule", text(rule.id)), ("page", text(rule.page))];
            json::other(out, "rule", &Value::Map(body))
        }
        _ => out.write_all(rule.page.as_bytes()),
    })?;
    Ok(Exit::Ok)
}

/// Every rule on a line of its own.
fn list() -> Result<Exit, Failure> {
    super::print(|out| {
        RULES.iter().try_for_each(|rule| writeln!(out, "{:<34} {}", rule.id, rule.title))
    })?;
    Ok(Exit::Ok)
}
