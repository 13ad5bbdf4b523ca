//! What engine tests share: the engines to run against, and names that collide with nobody's.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use careen_engine::{Connection, Target};

/// Runs `check` against every socket of `CAREEN_ENGINES` (paths, separated by colons).
pub(crate) fn on_each_engine(check: impl Fn(&Connection, &str)) {
    let Ok(sockets) = std::env::var("CAREEN_ENGINES") else {
        eprintln!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    for socket in sockets.split(':').filter(|socket| !socket.is_empty()) {
        let target = Target::engine(&format!("unix://{socket}"));
        let connection = Connection::open(&target).unwrap_or_else(|err| panic!("{socket}: {err}"));
        check(&connection, socket);
    }
}
