//! The healthy machine that pages start from: a small project on a fast disk, a current engine.

use careen_model::context::{Amount, IgnoreFile};
use careen_model::engine::{
    Bridge, BuildKit, Builder, BuilderFault, Client, ClientBuilder, Endpoint, Engine, Flavour,
};
use careen_model::host::{
    Latency, Link, Mount, MountClass, MountFoundBy, Room, Space, SpaceRole, System,
};
use careen_model::project::{ProjectKind, Python, Source};
use careen_model::{ContextFacts, EngineFacts, Fact, HostFacts, ProjectFacts, Why};

const GB: u64 = 1_000_000_000;

pub(crate) fn project() -> ProjectFacts {
    ProjectFacts {
        root: "/home/me/app".into(),
        dockerfile: Fact::Known(Source {
            path: "/home/me/app/Dockerfile".into(),
            from: "found".into(),
        }),
        context: "/home/me/app".into(),
        target: None,
        kinds: vec![ProjectKind::Python],
        python: Fact::Known(Python { has_lock: true, ..Python::default() }),
        has_git: true,
        compose: None,
        devcontainer: None,
        broken: vec![],
    }
}

pub(crate) fn host() -> HostFacts {
    let disk = Mount {
        point: "/".into(),
        fs_type: "ext4".into(),
        source: "/dev/sda1".into(),
        options: "rw".into(),
        class: MountClass::LocalDisk,
        windows_path: None,
        found_by: MountFoundBy::Id,
    };
    HostFacts {
        system: System {
            os: "linux".into(),
            kernel: "6.1.0".into(),
            architecture: "x86_64".into(),
            cpus: 8,
            memory_bytes: Fact::Known(16 * GB),
            memory_limit_bytes: Fact::Known(None),
            in_container: false,
            user_id: 1000,
            distribution: Fact::Known("debian".into()),
        },
        wsl: Fact::Known(None),
        context_mount: Fact::Known(disk.clone()),
        dockerfile_mount: Fact::Known(disk),
        context_latency: Fact::Known(Latency {
            lookup_ns: 1100,
            sync_ns: 300,
            warm_ns: 310,
            reference_ns: 1100,
            samples: 200,
        }),
        space: vec![
            space(SpaceRole::Root, "/", 1),
            space(SpaceRole::Context, "/home/me/app", 1),
            space(SpaceRole::EngineData, "/var/lib/docker", 1),
            space(SpaceRole::Temporary, "/tmp", 1),
        ],
        tools: vec![],
        proxy: vec![],
        ci: None,
        agent: None,
        default_mtu: Fact::Known(1500),
        bridges: Fact::Known(vec![Link { name: "docker0".into(), mtu: 1500, up: true }]),
        windows_clock_ahead: Fact::Unknown(Why::NotOnThisSystem { what: "WSL".into() }),
    }
}

pub(crate) fn space(role: SpaceRole, path: &str, device: u64) -> Space {
    let room = Room {
        total_bytes: 500 * GB,
        free_bytes: 300 * GB,
        total_inodes: 30_000_000,
        free_inodes: 25_000_000,
        device,
        in_memory: false,
    };
    Space { role, path: path.into(), found: Fact::Known(room) }
}

pub(crate) fn engine_facts() -> EngineFacts {
    EngineFacts {
        endpoint: Endpoint {
            address: "unix:///var/run/docker.sock".into(),
            chosen_by: "default".into(),
            context: None,
            is_local: true,
        },
        client: Fact::Known(Client {
            path: "/usr/bin/docker".into(),
            version: Fact::Known("28.5.2".into()),
            buildx: Some("/usr/libexec/docker/cli-plugins/docker-buildx".into()),
            builder: ClientBuilder::Buildx,
        }),
        engine: Fact::Known(engine()),
        builders: Fact::Known(vec![Builder {
            name: "default".into(),
            driver: "docker".into(),
            endpoint: "unix:///var/run/docker.sock".into(),
            is_current: true,
            idle_days: None,
            problem: None,
            fault: BuilderFault::default(),
        }]),
        cache: Fact::Known(vec![]),
        clock_ahead: Fact::Known(0.02),
        bridge: Fact::Known(Bridge { name: "docker0".into(), mtu: None }),
    }
}

fn engine() -> Engine {
    Engine {
        version: "28.5.2".into(),
        api_version: "1.51".into(),
        flavour: Flavour::Native,
        operating_system: "Debian GNU/Linux 12".into(),
        kernel: "6.1.0".into(),
        architecture: "x86_64".into(),
        data_root: "/var/lib/docker".into(),
        storage_driver: "overlay2".into(),
        containerd_store: false,
        cpus: 8,
        memory_bytes: 16 * GB,
        rootless: false,
        http_proxy: None,
        https_proxy: None,
        no_proxy: None,
        warnings: vec![],
        buildkit: Fact::Known(BuildKit { version: Some("v0.25.1".into()), capabilities: vec![] }),
        gc_rules: Fact::Unknown(Why::NotAsked),
        layers_bytes: Fact::Known(4_000_000_000),
        images: Fact::Known(3),
    }
}

const IGNORE: &str =
    ".git\n**/__pycache__\n**/*.pyc\n.venv\nnode_modules\nvideos\ndata\nmodels\nweights\n";

pub(crate) fn context() -> ContextFacts {
    let amount = Amount { entries: 300, files: 270, bytes: 5_000_000 };
    ContextFacts {
        root: "/home/me/app".into(),
        dockerfile: "/home/me/app/Dockerfile".into(),
        ignore: IgnoreFile {
            path: "/home/me/app/.dockerignore".into(),
            exists: true,
            dedicated: false,
            text: Some(IGNORE.into()),
            problems: vec![],
        },
        everything: Fact::Unknown(Why::NotAsked),
        kept: amount,
        sent: amount,
        top_files: vec![],
        top_folders: vec![],
        unused: vec![],
        unused_files: vec![],
        secrets: vec![],
        hazards: vec![],
        categories: vec![],
        walk_seconds: 0.01,
        unreadable: vec![],
    }
}
