//! The probes on the machine that runs the tests, whatever it is.

use std::time::Instant;

use careen_host::{Budget, HostRequest, RealSystem, gather};
use careen_model::host::SpaceRole;

#[test]
#[expect(clippy::print_stderr, reason = "the measured figures are worth a line")]
fn everything_that_linux_tells_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let request = HostRequest {
        context: folder.path().to_owned(),
        dockerfile_dir: folder.path().to_owned(),
        engine_data_root: Some(folder.path().join("gone")),
        budget: Budget::default(),
    };
    let start = Instant::now();
    let facts = gather(&RealSystem::new(), &request);
    eprintln!("gathered in {:?}", start.elapsed());

    let mount = facts.context_mount.known().unwrap();
    assert!(folder.path().canonicalize().unwrap().starts_with(&mount.point), "{mount:?}");
    let latency = facts.context_latency.known().unwrap();
    assert!(latency.samples >= 1 && latency.lookup_ns > 0, "{latency:?}");
    assert_eq!(facts.system.os, "linux");
    assert!(*facts.system.memory_bytes.known().unwrap() > 0);
    assert!(facts.system.memory_limit_bytes.known().is_some());
    for space in &facts.space {
        match space.role {
            SpaceRole::EngineData => assert!(space.found.known().is_none()),
            _ => assert!(space.found.known().unwrap().total_bytes > 0, "{space:?}"),
        }
    }
    // Looking leaves nothing behind.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
