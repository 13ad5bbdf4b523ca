//! The probes on a real FUSE file system where every lookup takes a millisecond.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world should stop")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use careen_host::{Budget, HostRequest, RealSystem, gather};
use careen_model::host::{MountClass, MountFoundBy};
use careen_model::{Fact, HostFacts};
use careen_test::slow_mount::{SlowMount, Slowness};

const DELAY: Duration = Duration::from_millis(1);

/// A project on a slow mount, or `None` after saying why this machine cannot have one.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn project(slowness: Slowness) -> Option<(SlowMount, tempfile::TempDir)> {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(source.path().join("package.json"), "{}").unwrap();
    match SlowMount::over(source.path(), slowness) {
        Ok(mount) => Some((mount, source)),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}

fn facts(folder: &Path) -> HostFacts {
    let request = HostRequest {
        context: folder.to_owned(),
        dockerfile_dir: folder.to_owned(),
        engine_data_root: None,
        budget: Budget::default(),
    };
    gather(&RealSystem::new(), &request)
}

#[test]
#[expect(clippy::print_stderr, reason = "the measured figures are worth a line")]
fn a_slow_mount_is_found_out_within_the_time_cap() {
    let Some((mount, _source)) = project(Slowness::of(DELAY)) else { return };
    let start = Instant::now();
    let facts = facts(mount.path());
    let took = start.elapsed();

    let found = facts.context_mount.known().unwrap();
    assert_eq!(found.class, MountClass::Fuse);
    assert_eq!(found.fs_type, "fuse");
    assert_eq!(found.source, "careen-slow");
    assert_eq!(found.point, mount.path().canonicalize().unwrap());
    assert_eq!(found.found_by, MountFoundBy::Id);
    assert_eq!(facts.dockerfile_mount.known(), Some(found));

    let latency = facts.context_latency.known().unwrap();
    eprintln!("gathered in {took:?}, {latency:?}, ratio {:.0}", latency.ratio());
    assert!(latency.lookup_ns >= 1_000_000, "{latency:?}");
    assert!(latency.ratio() >= 50.0, "{latency:?}");
    assert!(took <= Budget::default().whole, "{took:?}");
    assert!(facts.space.iter().all(|space| matches!(space.found, Fact::Known(_))), "{facts:?}");
}

#[test]
fn an_attribute_cache_does_not_hide_a_slow_mount() {
    let slowness = Slowness { delay: DELAY, cached: Duration::from_mins(1) };
    let Some((mount, _source)) = project(slowness) else { return };
    let facts = facts(mount.path());
    let latency = facts.context_latency.known().unwrap();
    assert!(latency.lookup_ns >= 1_000_000, "{latency:?}");
    assert!(latency.warm_ns < latency.lookup_ns / 10, "{latency:?}");
}

#[test]
fn a_mount_that_hardly_answers_costs_the_cap_and_not_more() {
    let Some((mount, _source)) = project(Slowness::of(Duration::from_millis(400))) else { return };
    let start = Instant::now();
    let facts = facts(mount.path());
    // The cap and what the rest of the machine costs, with room for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(facts.context_latency.known().is_none());
    // What does not lie there is known all the same.
    let root = facts.space.iter().find(|space| space.path == Path::new("/")).unwrap();
    assert!(matches!(root.found, Fact::Known(_)));
}
