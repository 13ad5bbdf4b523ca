//! careen: finds, prices, fixes, proves and undoes what makes container image builds slow, fat or
//! broken. This file starts the command that was asked for and turns its end into an exit code.

mod arguments;
mod commands;
mod config;
mod exit;
mod failure;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::world::World;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(err) => {
            let exit = if err.use_stderr() { Exit::Usage } else { Exit::Ok };
            // Help that nobody reads any more is no failure.
            let _ = err.print();
            return ExitCode::from(exit.code());
        }
    };
    let world = World::new(arguments.output.color);
    let exit = match commands::run(arguments, &world) {
        Ok(exit) => exit,
        Err(failure) => {
            commands::say(&failure.to_string());
            failure.exit()
        }
    };
    ExitCode::from(exit.code())
}
