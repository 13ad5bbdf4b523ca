//! What real engines tell about themselves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::{Duration, Instant};

use careen_engine::{Surroundings, Target, gather};
use careen_model::engine::{ClientBuilder, Flavour};
use careen_model::{Fact, Why};
use support::on_each_engine;

#[test]
fn an_engine_tells_its_facts() {
    on_each_engine(|connection, socket| {
        let home = tempfile::tempdir().unwrap();
        let env = |name: &str| match name {
            "PATH" => std::env::var("PATH").ok(),
            _ => None,
        };
        let target = Target::engine(&format!("unix://{socket}"));
        let around = Surroundings { env: &env, home: home.path() };
        let started = Instant::now();
        let facts = gather(&target, &around);
        assert!(started.elapsed() < Duration::from_secs(3), "{socket}: {:?}", started.elapsed());
        let engine = facts.engine.known().unwrap_or_else(|| panic!("{:?}", facts.engine));
        assert_eq!(engine.flavour, Flavour::Native);
        assert!(engine.cpus > 0 && engine.memory_bytes > 0, "{engine:?}");
        assert!(engine.data_root.is_absolute(), "{engine:?}");
        assert!(!engine.version.is_empty() && !engine.api_version.is_empty(), "{engine:?}");
        let buildkit = engine.buildkit.known().unwrap_or_else(|| panic!("{:?}", engine.buildkit));
        let has = |id: &str| buildkit.capabilities.iter().any(|known| known == id);
        assert!(has("source.local") && has("exec.mount.cache"), "{buildkit:?}");
        // Both or neither: the history came with BuildKit 0.11.
        assert_eq!(has("control.history"), has("control.info"), "{buildkit:?}");
        let ahead = facts.clock_ahead.known().copied().unwrap();
        assert!(ahead.abs() < 0.5, "the engine is on this machine: {ahead}");
        assert!(facts.bridge.known().is_some(), "{:?}", facts.bridge);
        let cache = facts.cache.known().unwrap_or_else(|| panic!("{:?}", facts.cache));
        assert_eq!(cache.is_empty(), connection.cache_records().unwrap().is_empty());
        assert_eq!(facts.builders.known().unwrap().len(), 1);
        if let Fact::Known(client) = &facts.client {
            assert_ne!(client.builder, ClientBuilder::Broken, "{client:?}");
        }
    });
}

#[test]
fn no_engine_is_found_out_at_once() {
    let home = tempfile::tempdir().unwrap();
    let dead = home.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let hung = home.path().join("hung.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&hung).unwrap();
    let ask = |address: &str| {
        let around = Surroundings { env: &|_| None, home: home.path() };
        let started = Instant::now();
        let facts = gather(&Target::engine(address), &around);
        assert!(started.elapsed() < Duration::from_secs(3), "{address}: {:?}", started.elapsed());
        facts.engine.get().unwrap_err().clone()
    };
    let address = |path: &std::path::Path| format!("unix://{}", path.display());
    assert!(matches!(ask(&address(&dead)), Why::NoEngine { .. }));
    assert!(matches!(ask("unix:///nowhere/docker.sock"), Why::NoEngine { .. }));
    assert!(matches!(ask("ssh://me@far"), Why::NoEngine { .. }));
    // Nobody listens on port 1 of this machine.
    assert!(matches!(ask("tcp://127.0.0.1:1"), Why::NoEngine { .. }));
    assert!(matches!(ask(&address(&hung)), Why::TooSlow { .. }));
}
