//! A sick project, its cure and two builds, by hand, in the size that people meet.

use std::path::PathBuf;
use std::time::Duration;

use careen_model::{
    Basis, BuildRecord, BuilderCache, Case, Category, Checked, ContextFacts, Diagnosis,
    EngineFacts, Fact, FileChange, Finding, Fix, HostFacts, Looked, Outcome, PackageGroup,
    PackageGroups, Place, Plan, Planned, ProjectFacts, Safety, Saving, Severity, Span, Step,
    StepRecord, Task, Transfer, Verdict, Why,
    context::{Amount, IgnoreFile, Sized},
    engine::{
        BuildKit, Builder, BuilderFault, CacheRecord, Client, ClientBuilder, Endpoint, Engine,
        Flavour,
    },
    host::{Latency, Mount, MountClass, MountFoundBy, Room, Space, SpaceRole, System},
    project::{ProjectKind, Source},
};

pub(crate) const DOCKERFILE: &str = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN uv sync\n";

/// What a hostile file name, message or engine answer looks like.
pub(crate) const HOSTILE: &str =
    "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>&\"'\u{202e}\u{9b}31m";

pub(crate) fn text_of(path: &std::path::Path) -> Option<String> {
    (path.file_name()? == "Dockerfile").then(|| DOCKERFILE.to_owned())
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub(crate) fn project() -> ProjectFacts {
    ProjectFacts {
        root: "/mnt/c/Users/me/hoops".into(),
        dockerfile: Fact::Known(Source {
            path: ".devcontainer/Dockerfile".into(),
            from: "devcontainer.json".into(),
        }),
        context: "/mnt/c/Users/me/hoops".into(),
        target: None,
        kinds: vec![ProjectKind::Python, ProjectKind::MachineLearning],
        python: Fact::Unknown(Why::NotAsked),
        has_git: true,
        compose: Some("compose.yaml".into()),
        devcontainer: Some(".devcontainer/devcontainer.json".into()),
        broken: vec![],
    }
}

pub(crate) fn host() -> HostFacts {
    let mount = |point: &str, fs_type: &str, class| Mount {
        point: point.into(),
        fs_type: fs_type.into(),
        source: "C:\\".into(),
        options: "rw,aname=drvfs;path=C:\\".into(),
        class,
        windows_path: (fs_type == "9p").then(|| "C:\\".into()),
        found_by: MountFoundBy::Id,
    };
    let room = |free: u64, device| Room {
        total_bytes: 250_000_000_000,
        free_bytes: free,
        total_inodes: 16_000_000,
        free_inodes: 12_000_000,
        device,
        in_memory: false,
    };
    HostFacts {
        system: System {
            os: "linux".into(),
            kernel: "5.15.153.1-microsoft-standard-WSL2".into(),
            architecture: "x86_64".into(),
            cpus: 8,
            memory_bytes: Fact::Known(15_600_000_000),
            memory_limit_bytes: Fact::Known(None),
            in_container: false,
            user_id: 1000,
            distribution: Fact::Known("ubuntu".into()),
        },
        wsl: Fact::Known(None),
        context_mount: Fact::Known(mount("/mnt/c", "9p", MountClass::WindowsNineP)),
        dockerfile_mount: Fact::Known(mount("/mnt/c", "9p", MountClass::WindowsNineP)),
        context_latency: Fact::Known(Latency {
            lookup_ns: 1_310_000,
            sync_ns: 1_290_000,
            warm_ns: 310,
            reference_ns: 1_100,
            samples: 200,
        }),
        space: vec![
            Space {
                role: SpaceRole::EngineData,
                path: "/var/lib/docker".into(),
                found: Fact::Known(room(11_000_000_000, 1)),
            },
            Space {
                role: SpaceRole::Temporary,
                path: "/tmp".into(),
                found: Fact::Known(room(11_000_000_000, 1)),
            },
            Space {
                role: SpaceRole::VirtualDiskHost,
                path: "/mnt/c".into(),
                found: Fact::Known(room(38_000_000_000, 2)),
            },
        ],
        tools: vec![],
        proxy: vec![],
        ci: None,
        agent: None,
        default_mtu: Fact::Known(1500),
        bridges: Fact::Unknown(Why::NotAsked),
        windows_clock_ahead: Fact::Unknown(Why::TooSlow { what: "the Windows clock".into() }),
    }
}

pub(crate) fn engine() -> EngineFacts {
    EngineFacts {
        endpoint: Endpoint {
            address: "unix:///var/run/docker.sock".into(),
            chosen_by: "default".into(),
            context: Some("desktop-linux".into()),
            is_local: true,
        },
        client: Fact::Known(Client {
            path: "/usr/bin/docker".into(),
            version: Fact::Known("29.6.1".into()),
            buildx: Some("/usr/libexec/docker/cli-plugins/docker-buildx".into()),
            builder: ClientBuilder::Buildx,
        }),
        engine: Fact::Known(Engine {
            version: "29.6.1".into(),
            api_version: "1.53".into(),
            flavour: Flavour::DockerDesktop,
            operating_system: "Docker Desktop".into(),
            kernel: "5.15.153.1-microsoft-standard-WSL2".into(),
            architecture: "x86_64".into(),
            data_root: "/var/lib/docker".into(),
            storage_driver: "overlayfs".into(),
            containerd_store: true,
            cpus: 8,
            memory_bytes: 15_600_000_000,
            rootless: false,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            warnings: vec![],
            buildkit: Fact::Known(BuildKit {
                version: Some("0.31.0".into()),
                capabilities: vec![],
            }),
            gc_rules: Fact::Unknown(Why::NotSupported { what: "its rules of collection".into() }),
            layers_bytes: Fact::Known(9_000_000_000),
            images: Fact::Known(12),
        }),
        builders: Fact::Known(vec![
            Builder {
                name: "default".into(),
                driver: "docker".into(),
                endpoint: "default".into(),
                is_current: true,
                idle_days: None,
                problem: None,
                fault: BuilderFault::default(),
            },
            Builder {
                name: "fervent_x".into(),
                driver: "docker-container".into(),
                endpoint: "default".into(),
                is_current: false,
                idle_days: Some(112),
                problem: Some("its container is gone".into()),
                fault: BuilderFault::Container,
            },
        ]),
        cache: Fact::Known(vec![CacheRecord {
            id: "k3x9".into(),
            kind: "exec.cachemount".into(),
            bytes: 14_000_000_000,
            in_use: false,
            shared: false,
            mutable: true,
            created: Some(1_795_000_000),
            created_nanos: 0,
            parents: vec![],
            last_used: Some(1_795_400_000),
            usage_count: 9,
            description: "cached mount /root/.cache/uv".into(),
        }]),
        clock_ahead: Fact::Known(0.2),
        bridge: Fact::Unknown(Why::NotAsked),
    }
}

const FOLDERS: [(&str, u64, u64); 9] = [
    ("data/videos", 24, 1_100_000_000),
    (".venv/lib", 31_204, 610_000_000),
    (".git/objects", 4_212, 96_000_000),
    ("node_modules/vite", 3_120, 41_000_000),
    ("mlruns/0", 812, 22_000_000),
    ("notebooks", 14, 18_400_000),
    ("src/hoops", 96, 3_400_000),
    ("tests", 58, 1_900_000),
    ("docs", 40, 900_000),
];

/// A context of many files; `after` is what the new ignore file leaves.
pub(crate) fn context(after: bool, files: usize) -> ContextFacts {
    let mut top_files = Vec::new();
    for (index, (folder, _, bytes)) in FOLDERS.iter().enumerate() {
        if after && index < 5 {
            continue;
        }
        // A few large files and a long tail, like real folders have.
        let n = files / FOLDERS.len();
        for i in 0..n {
            let size = bytes / (8 * (i as u64 * 3 / 2 + 2));
            let amount = Amount { entries: 1, files: 1, bytes: size };
            top_files.push(Sized { path: format!("{folder}/part-{i:04}.bin").into(), amount });
        }
    }
    top_files.sort_by(|a, b| b.amount.bytes.cmp(&a.amount.bytes).then(a.path.cmp(&b.path)));
    let here = FOLDERS.iter().enumerate().filter(|(index, _)| !after || *index >= 5);
    let here: Vec<_> = here.map(|(_, folder)| folder).collect();
    let total =
        |of: fn(&(&str, u64, u64)) -> u64| here.iter().map(|folder| of(folder)).sum::<u64>();
    let kept =
        Amount { entries: total(|f| f.1) + 400, files: total(|f| f.1), bytes: total(|f| f.2) };
    ContextFacts {
        root: "/mnt/c/Users/me/hoops".into(),
        dockerfile: ".devcontainer/Dockerfile".into(),
        ignore: IgnoreFile {
            path: ".dockerignore".into(),
            exists: true,
            dedicated: false,
            text: Some("# weak\n*.log\n.DS_Store\n".into()),
            problems: vec![],
        },
        everything: Fact::Known(Amount { entries: 41_218, files: 39_580, bytes: 1_893_600_000 }),
        kept,
        sent: kept,
        top_folders: here
            .iter()
            .map(|(path, files, bytes)| Sized {
                path: PathBuf::from(path),
                amount: Amount { entries: files + 10, files: *files, bytes: *bytes },
            })
            .collect(),
        top_files,
        unused: vec![],
        unused_files: vec![],
        secrets: vec![],
        hazards: vec![],
        categories: vec![],
        walk_seconds: 3.1,
        unreadable: vec![],
    }
}

pub(crate) fn diagnosis() -> Diagnosis {
    let finding = |rule, severity, place, message: &str| Finding {
        rule,
        severity,
        place,
        message: message.into(),
        evidence: vec![],
        cost: None,
        fixes: vec![],
        also: vec![],
    };
    let line_3 =
        Place::File { path: ".devcontainer/Dockerfile".into(), span: Span { start: 30, end: 38 } };
    let findings = vec![
        finding(
            "slow-context-mount",
            Severity::Error,
            Place::Context,
            "context lies on a Windows drive (9p), every lookup takes 1.3 ms",
        )
        .because("file system", "9p, aname=drvfs", "/proc/self/mountinfo")
        .because("lookup of a missing name", "1.31 ms, median of 200", "statx")
        .costs(Saving::Seconds(410.0), Basis::Measured)
        .fix(Fix {
            steps: vec![Step::Show { command: "careen move ~/hoops".into() }],
            ..Fix::by_hand("Move the project to a Linux path")
        }),
        finding(
            "unused-context",
            Severity::Error,
            Place::Context,
            "1.9 GB would be sent, 1.8 GB of it never reaches a COPY that needs it",
        )
        .because("kept after .dockerignore", "1.9 GB in 39 580 files", "walk")
        .costs(Saving::Seconds(70.0), Basis::Measured)
        .fix(Fix::safe(
            "Write the .dockerignore that is missing",
            Step::Write { path: ".dockerignore".into(), text: "data\n".into(), executable: false },
        )),
        finding(
            "disk-short",
            Severity::Error,
            Place::Engine,
            "engine disk has 11.0 GB free, the last build needed 23.0 GB",
        )
        .costs(Saving::MayFail, Basis::Measured),
        finding(
            "shared-cache-id",
            Severity::Warning,
            line_3,
            "two package groups wait for one cache mount",
        )
        .costs(Saving::SecondsPerRebuild(40.0), Basis::Modelled)
        .fix(Fix::safe(
            "Give the cache mount its own id",
            Step::Edit { path: ".devcontainer/Dockerfile".into(), edits: vec![] },
        )),
        finding(
            "stale-builder",
            Severity::Warning,
            Place::Engine,
            "builder fervent_x was last used 112 days ago",
        )
        .costs(Saving::Bytes(19_400_000_000), Basis::Rule)
        .fix(Fix {
            undoable: false,
            ..Fix::risky(
                "Recreate builder fervent_x",
                Step::RecreateBuilder { name: "fervent_x".into(), cache: BuilderCache::Lost },
            )
        }),
        finding(
            "clock-differs",
            Severity::Hint,
            Place::Engine,
            "the engine's clock is 0.2 s ahead",
        ),
    ];
    let check = |rule, title, category, looked| Checked { rule, title, category, looked };
    let no_engine =
        || Looked::Skipped(Why::NotSupported { what: "its rules of collection".into() });
    Diagnosis {
        findings,
        checks: vec![
            check("no-buildx", "is buildx there", Category::Client, Looked::Passed),
            check("clock-differs", "do the clocks agree", Category::Engine, Looked::Found(1)),
            check("stale-builder", "is every builder in use", Category::Builder, Looked::Found(1)),
            check("cache-eviction", "will the cache survive", Category::Cache, no_engine()),
            check("cache-size", "is the cache of a healthy size", Category::Cache, no_engine()),
            check("disk-short", "is there room for a build", Category::Disk, Looked::Found(1)),
            check(
                "slow-context-mount",
                "is the context on a fast disk",
                Category::Context,
                Looked::Found(1),
            ),
            check(
                "unused-context",
                "is only sent what is used",
                Category::Context,
                Looked::Found(1),
            ),
            check("ignore-missing", "is there an ignore file", Category::Ignore, Looked::Passed),
            check(
                "shared-cache-id",
                "has each mount its own id",
                Category::Dockerfile,
                Looked::Found(1),
            ),
            check(
                "latest-tag",
                "is the base pinned",
                Category::Dockerfile,
                Looked::Ignored { reason: "we want the newest".into() },
            ),
            check("secret-in-context", "would a secret be sent", Category::Secrets, Looked::Passed),
            check(
                "registry-slow",
                "does the registry answer",
                Category::Network,
                Looked::Skipped(Why::NotAsked),
            ),
        ],
    }
}

pub(crate) fn plan() -> Plan {
    let mut chosen = Vec::new();
    let mut left = Vec::new();
    for finding in diagnosis().findings {
        for fix in &finding.fixes {
            let planned =
                Planned { rule: finding.rule, message: finding.message.clone(), fix: fix.clone() };
            match fix.safety {
                Safety::Safe => chosen.push(planned),
                safety => left.push((planned, careen_model::Choice::NotAsked(safety))),
            }
        }
    }
    let file = |path: &str, before: Option<&str>, after: &str| FileChange {
        path: path.into(),
        before: before.map(|text| text.as_bytes().to_vec()),
        after: after.as_bytes().to_vec(),
        executable: false,
    };
    let fixed = DOCKERFILE.replace("RUN uv", "RUN --mount=type=cache,id=uv uv");
    Plan {
        chosen,
        left,
        files: vec![
            file(".dockerignore", None, "data\n.venv\n"),
            file(".devcontainer/Dockerfile", Some(DOCKERFILE), &fixed),
        ],
    }
}

struct Row(&'static str, f64, f64, &'static [usize], bool);

/// What `--group` says of a step.
fn packages(name: &str) -> PackageGroups {
    let groups = [
        ("--group torch", PackageGroup::PyTorch),
        ("--group jax", PackageGroup::Jax),
        ("--group vision", PackageGroup::Vision),
        ("--group jupyter", PackageGroup::Jupyter),
    ];
    groups.into_iter().filter(|(text, _)| name.contains(text)).map(|(_, group)| group).collect()
}

fn build(label: &str, rows: &[Row]) -> BuildRecord {
    let steps: Vec<StepRecord> = rows
        .iter()
        .enumerate()
        .map(|(i, Row(name, start, end, inputs, cached))| StepRecord {
            id: format!("s{i}"),
            name: (*name).into(),
            phase: careen_model::phase_of(name),
            packages: packages(name),
            inputs: inputs.iter().map(|i| format!("s{i}")).collect(),
            started: Some(seconds(*start)),
            ended: Some(seconds(*end)),
            cached: *cached,
            ..StepRecord::default()
        })
        .collect();
    let total = rows.iter().map(|row| row.2).fold(0.0, f64::max);
    BuildRecord {
        label: label.into(),
        started_at: 1_795_460_640,
        steps,
        transfers: vec![],
        warnings: vec![],
        outcome: Some(Outcome::Built),
        error: None,
        exit_code: None,
        image: Some("hoops:dev".into()),
        image_digest: Some(
            "sha256:4f0c9a7be2d14f0c9a7be2d14f0c9a7be2d14f0c9a7be2d14f0c9a7be2d1".into(),
        ),
        engine: Some("Docker Desktop 29.6.1".into()),
        total: seconds(total + 0.8),
        ..BuildRecord::default()
    }
}

pub(crate) fn before() -> BuildRecord {
    let mut record = build(
        "0003",
        &[
            Row("[internal] load build definition from Dockerfile", 0.0, 0.3, &[], false),
            Row("[internal] load build context", 0.4, 470.9, &[], false),
            Row(
                "[base 1/9] FROM docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04",
                0.4,
                203.6,
                &[],
                false,
            ),
            Row(
                "[base 2/9] RUN apt-get update && apt-get install -y build-essential git ffmpeg libgl1",
                203.6,
                331.0,
                &[2],
                false,
            ),
            Row("[base 3/9] COPY . .", 470.9, 512.3, &[1, 3], false),
            Row("[base 4/9] RUN uv sync --group core", 512.3, 589.2, &[4], false),
            Row("[base 5/9] RUN uv sync --group torch", 589.2, 1004.1, &[5], false),
            Row("[base 6/9] RUN uv sync --group jax", 1004.1, 1216.4, &[6], false),
            Row("[base 7/9] RUN uv sync --group vision", 1216.4, 1504.7, &[7], false),
            Row("[base 8/9] RUN uv sync --group jupyter", 1504.7, 1541.0, &[8], false),
            Row("[base 9/9] RUN python -c 'import torch, jax, cv2'", 1541.0, 1546.6, &[9], false),
            Row("exporting to image", 1546.8, 1872.0, &[], false),
        ],
    );
    record.transfers.push(Transfer {
        name: "context".into(),
        entries: 41_218,
        files: 39_580,
        bytes: 1_893_600_000,
        faults: vec!["data/live.db changed while it was sent".into()],
    });
    record.warnings.push("JSONArgsRecommended: JSON arguments recommended for CMD (line 9)".into());
    record
}

pub(crate) fn after() -> BuildRecord {
    let mut record = build(
        "0007",
        &[
            Row("[internal] load build definition from Dockerfile", 0.0, 0.1, &[], false),
            Row("[internal] load build context", 0.1, 0.7, &[], false),
            Row(
                "[base 1/9] FROM docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04",
                0.1,
                0.1,
                &[],
                true,
            ),
            Row(
                "[base 2/9] RUN apt-get update && apt-get install -y build-essential git ffmpeg libgl1",
                0.2,
                0.2,
                &[2],
                true,
            ),
            Row("[base 3/9] RUN uv sync --group core", 0.2, 0.2, &[3], true),
            Row("[base 4/9] RUN uv sync --group torch", 0.2, 92.4, &[4], false),
            Row("[base 5/9] RUN uv sync --group jax", 92.4, 150.1, &[5], false),
            Row("[base 6/9] RUN uv sync --group vision", 150.1, 205.4, &[6], false),
            Row("[base 7/9] RUN uv sync --group jupyter", 205.4, 209.8, &[7], false),
            Row("[base 8/9] COPY . .", 209.8, 210.3, &[1, 8], false),
            Row("[base 9/9] RUN python -c 'import torch, jax, cv2'", 210.3, 215.2, &[9], false),
            Row("exporting to image", 215.3, 256.6, &[], false),
        ],
    );
    record.steps[5].tasks = vec![
        Task {
            name: "download torch".into(),
            bytes: 2_100_000_000,
            started: seconds(1.0),
            ended: Some(seconds(72.0)),
        },
        Task { name: "write".into(), bytes: 0, started: seconds(72.0), ended: Some(seconds(86.0)) },
    ];
    record.transfers.push(Transfer {
        name: "context".into(),
        entries: 230,
        files: 208,
        bytes: 24_600_000,
        faults: vec![],
    });
    record
}

pub(crate) fn failed() -> BuildRecord {
    let mut record = after();
    record.outcome = Some(Outcome::Failed);
    record.steps.truncate(7);
    record.steps[6].error =
        Some("process \"/bin/sh -c uv sync --group jax\" did not complete successfully".into());
    record.error.clone_from(&record.steps[6].error);
    record.exit_code = Some(2);
    record.image = None;
    record.total = seconds(150.2);
    record
}

pub(crate) fn cases() -> Vec<(Case, Verdict)> {
    let case = |name: &str, critical| Case {
        critical,
        ..Case::new(name, &name.split(' ').collect::<Vec<_>>())
    };
    let passed = |shown: &str, took| Verdict::Passed { shown: shown.into(), took: seconds(took) };
    vec![
        (case("python", true), passed("3.11.9", 0.21)),
        (case("import torch", true), passed("2.5.1+cu124", 2.13)),
        (case("import ultralytics", true), Verdict::Failed {
            reason: "exit code 1".into(),
            stderr: "Traceback (most recent call last):\n  File \"<string>\", line 1\nOSError: libGL.so.1: cannot open shared object file\n".into(),
            hint: Some("opencv-python-headless needs no libGL".into()),
            took: seconds(1.9),
        }),
        (case("gpu", false), Verdict::Skipped { reason: "no device here".into() }),
        (case("uv", false), Verdict::Broken { reason: "the engine stopped answering".into() }),
    ]
}
