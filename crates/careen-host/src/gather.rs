//! Asks every probe once and puts the answers together.
//!
//! What lies on a foreign file system is asked in a thread of its own: when that hangs, the facts
//! that need it are missing, and only those.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use careen_model::host::{Latency, Mount, Space, SpaceRole, System as SystemFacts};
use careen_model::{Fact, HostFacts, Why};

use crate::mount::{self, Table};
use crate::mount_class::Kernel;
use crate::{
    LatencyBudget, System, container, environment, latency, memory, network, space, tools, wsl,
};

/// What to ask about.
#[derive(Debug, Clone)]
pub struct HostRequest {
    pub context: PathBuf,
    pub dockerfile_dir: PathBuf,
    /// `DockerRootDir` of the engine, when the engine is on this machine.
    pub engine_data_root: Option<PathBuf>,
    pub budget: Budget,
}

/// How long gathering may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub latency: LatencyBudget,
    /// Until when everything about the folders must be answered.
    pub whole: Duration,
}

impl Default for Budget {
    /// 300 ms in the worst case; a few milliseconds on a local disk.
    fn default() -> Budget {
        Budget { latency: LatencyBudget::default(), whole: Duration::from_millis(300) }
    }
}

/// The file system of a folder, and nothing else of the machine.
pub fn mount_of(system: &dyn System, folder: &Path) -> Result<Mount, Why> {
    let kernel = wsl::probe(system, &system.machine().kernel)
        .map_or_else(|| wsl::kernel_of(&system.machine().kernel), |_| Kernel::Microsoft);
    mount::probe(system, &mount::read_table(system)?, kernel, folder)
}

/// Facts about this machine. The compiler notices a probe that nobody calls: its field is missing.
pub fn gather(system: &dyn System, request: &HostRequest) -> HostFacts {
    let machine = system.machine();
    let table = mount::read_table(system);
    let wsl = wsl::probe(system, &machine.kernel);
    // A kernel of one's own does not name Microsoft and still serves its drives.
    let kernel = if wsl.is_some() { Kernel::Microsoft } else { wsl::kernel_of(&machine.kernel) };
    let rows = table.clone().unwrap_or_default();
    let drives = mount::windows_drives(system, &rows, kernel);
    let places = space::places(
        system,
        &request.context,
        request.engine_data_root.as_deref(),
        wsl.as_ref(),
        &drives,
    );
    let folders = ask_folders(system, Question { table, kernel, places, request: request.clone() });
    let slow: Vec<PathBuf> = drives.into_iter().map(|(point, _)| point).collect();
    let memory_bytes: Fact<u64> = memory::total(system).into();
    HostFacts {
        system: SystemFacts {
            memory_limit_bytes: memory::limit(system, &rows, &memory_bytes).into(),
            memory_bytes,
            in_container: container::probe(system, &rows),
            distribution: container::distribution(system).into(),
            os: machine.os,
            kernel: machine.kernel,
            architecture: machine.architecture,
            cpus: machine.cpus,
            user_id: machine.user_id,
        },
        wsl: Fact::Known(wsl),
        context_mount: folders.context_mount,
        dockerfile_mount: folders.dockerfile_mount,
        context_latency: folders.context_latency,
        space: folders.space,
        tools: tools::probe(system, &slow),
        proxy: environment::proxies(system),
        ci: environment::ci(system),
        agent: environment::agent(system),
        default_mtu: network::default_mtu(system).into(),
        bridges: network::bridges(system).into(),
        // The Windows clock shows only in the time of a file written there, and gathering does
        // not write.
        windows_clock_ahead: Fact::Unknown(Why::NotAsked),
    }
}

/// What the thread needs to know.
struct Question {
    table: Result<Table, Why>,
    kernel: Kernel,
    places: Vec<(SpaceRole, PathBuf)>,
    request: HostRequest,
}

/// One answer about a folder, sent as soon as it is there.
enum Answer {
    ContextMount(Fact<Mount>),
    DockerfileMount(Fact<Mount>),
    ContextLatency(Fact<Latency>),
    Space(usize, Space),
}

struct Folders {
    context_mount: Fact<Mount>,
    dockerfile_mount: Fact<Mount>,
    context_latency: Fact<Latency>,
    space: Vec<Space>,
}

fn ask_folders(system: &dyn System, question: Question) -> Folders {
    let budget = question.request.budget.whole;
    let mut folders = unanswered(&question);
    let mut keep = |answer| match answer {
        Answer::ContextMount(fact) => folders.context_mount = fact,
        Answer::DockerfileMount(fact) => folders.dockerfile_mount = fact,
        Answer::ContextLatency(fact) => folders.context_latency = fact,
        Answer::Space(i, space) => folders.space[i] = space,
    };
    let Some(own) = system.for_thread() else {
        answer(system, &question, &mut keep);
        return folders;
    };
    let (sender, receiver) = mpsc::channel();
    // Left behind when it hangs: a thread in a dead network mount cannot be ended.
    std::thread::spawn(move || {
        // Nobody listens any more once the time is up.
        answer(&*own, &question, &mut |answer| drop(sender.send(answer)));
    });
    let start = system.clock();
    loop {
        let left = budget.saturating_sub(system.clock().saturating_sub(start));
        match receiver.recv_timeout(left) {
            Ok(answer) => keep(answer),
            Err(_) => return folders,
        }
    }
}

fn answer(system: &dyn System, question: &Question, tell: &mut dyn FnMut(Answer)) {
    let request = &question.request;
    let mount_of = |folder: &Path| -> Fact<Mount> {
        let table = question.table.as_ref().map_err(Why::clone);
        table.and_then(|table| mount::probe(system, table, question.kernel, folder)).into()
    };
    let space_of = |(i, (role, path)): (usize, &(SpaceRole, PathBuf))| {
        Answer::Space(i, space::probe(system, *role, path.clone()))
    };
    let is_foreign = |role| matches!(role, SpaceRole::Context | SpaceRole::VirtualDiskHost);
    let places = question.places.iter().enumerate();
    let (foreign, own): (Vec<_>, Vec<_>) = places.partition(|(_, (role, _))| is_foreign(*role));

    // What may hang comes last, and the verdict first among it.
    own.into_iter().map(space_of).for_each(&mut *tell);
    let context_mount = mount_of(&request.context);
    tell(Answer::ContextMount(context_mount.clone()));
    let latency = latency::probe(system, &request.context, request.budget.latency);
    tell(Answer::ContextLatency(latency.into()));
    let is_same = request.dockerfile_dir == request.context;
    let dockerfile_mount = if is_same { context_mount } else { mount_of(&request.dockerfile_dir) };
    tell(Answer::DockerfileMount(dockerfile_mount));
    foreign.into_iter().map(space_of).for_each(tell);
}

/// The state before any answer: everything took too long.
fn unanswered(question: &Question) -> Folders {
    let slow = |path: &Path| Why::TooSlow { what: path.display().to_string() };
    let places = question.places.iter();
    Folders {
        context_mount: Fact::Unknown(slow(&question.request.context)),
        dockerfile_mount: Fact::Unknown(slow(&question.request.dockerfile_dir)),
        context_latency: Fact::Unknown(slow(&question.request.context)),
        space: places
            .map(|(role, path)| Space {
                role: *role,
                path: path.clone(),
                found: Fact::Unknown(slow(path)),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use careen_model::host::{MountClass, WslVersion};

    use super::*;
    use crate::RoomStatus;
    use crate::fake::{FakeFolder, FakeSystem};

    const MOUNTS: &str = "\
1 0 8:32 / / rw - ext4 /dev/sdc rw
2 1 0:52 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs;path=C:\\;uid=1000,trans=fd
";

    fn request(context: &str, dockerfile_dir: &str) -> HostRequest {
        HostRequest {
            context: context.into(),
            dockerfile_dir: dockerfile_dir.into(),
            engine_data_root: Some("/var/lib/docker".into()),
            budget: Budget::default(),
        }
    }

    #[test]
    fn a_project_on_a_windows_drive_is_told_in_every_fact() {
        let room = RoomStatus {
            magic: 0x0102_1997,
            total_bytes: 100,
            free_bytes: 38,
            total_inodes: 0,
            free_inodes: 0,
        };
        let system = FakeSystem::default()
            .file("/proc/self/mountinfo", MOUNTS)
            .file("/run/WSL/1_interop", "")
            .variable("WSL_DISTRO_NAME", "Debian")
            .variable("PATH", "/usr/bin:/mnt/c/bin")
            .program("/mnt/c/bin/docker")
            .program("/usr/bin/git")
            .folder("/", FakeFolder { mount_id: 1, costs: [1_000; 3] })
            .folder("/mnt/c", FakeFolder { mount_id: 2, costs: [1_300_000; 3] })
            .folder("/mnt/c/app", FakeFolder { mount_id: 2, costs: [1_300_000; 3] })
            .room("/mnt/c", room)
            .room("/mnt/c/app", room);
        let facts = gather(&system, &request("/mnt/c/app", "/mnt/c/app"));

        let mount = facts.context_mount.known().unwrap();
        assert_eq!(mount.class, MountClass::WindowsNineP);
        assert_eq!(mount.windows_path.as_deref(), Some("C:\\"));
        assert_eq!(facts.dockerfile_mount.known(), Some(mount));
        assert!(facts.context_latency.known().unwrap().ratio() > 1000.0);
        let wsl = facts.wsl.known().unwrap().as_ref().unwrap();
        assert_eq!(wsl.version, WslVersion::Two);
        let tool = |name| facts.tools.iter().find(|tool| tool.name == name).unwrap().path.is_some();
        assert!(tool("git") && !tool("docker"));
        let space = |role| &facts.space.iter().find(|space| space.role == role).unwrap().found;
        assert_eq!(space(SpaceRole::VirtualDiskHost).known().unwrap().free_bytes, 38);
        let absent = Why::Absent { what: "/var/lib/docker".into() };
        assert_eq!(*space(SpaceRole::EngineData), Fact::Unknown(absent));
        assert!(!facts.system.in_container);
        assert!(system.clock() < Duration::from_millis(150), "{:?}", system.clock());
    }

    #[test]
    fn an_empty_world_gives_reasons_and_no_values() {
        let facts = gather(&FakeSystem::default(), &request("/p", "/p"));
        assert!(facts.context_mount.known().is_none());
        assert!(facts.context_latency.known().is_none());
        assert!(facts.space.iter().all(|space| space.found.known().is_none()));
        assert!(facts.tools.iter().all(|tool| tool.path.is_none()));
        assert_eq!(facts.wsl, Fact::Known(None));
        assert!(facts.bridges.known().is_none() && facts.default_mtu.known().is_none());
        assert_eq!((facts.ci, facts.agent), (None, None));
    }
}
