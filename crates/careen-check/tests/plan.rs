//! What the planner chooses, what it leaves, and the bytes that come out.

#![expect(clippy::unwrap_used, reason = "a file that is missing from a plan should stop the test")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::fmt::Write;
use std::path::Path;

use careen_check::{
    Facts, LintFacts, ParsedDockerfile, Policy, Request, Scope, Selection, diagnose, find, plan,
    plan_rounds,
};
use careen_model::{Choice, Fix, Plan, Planned, Safety, Step};
use careen_syntax::dockerfile::parse;
use careen_test::Machine;
use expect_test::{Expect, expect};

fn facts(machine: Machine, source: Option<&[u8]>) -> Facts {
    let Machine { project, host, engine, context, history, changes, now } = machine;
    let path = "Dockerfile".into();
    let dockerfile = source.map(|source| ParsedDockerfile { path, file: parse(source) });
    let lint = LintFacts::default();
    Facts { project, host, engine, context, dockerfile, history, changes, lint, now }
}

fn rounds(facts: &Facts, policy: &Policy) -> Plan {
    let diagnosis = diagnose(facts, &Selection::default());
    plan_rounds(&diagnosis, facts, &|path| on_disk(facts, path), policy)
}

/// The files as the facts say they are.
fn on_disk(facts: &Facts, path: &Path) -> Option<Vec<u8>> {
    let dockerfile = facts.dockerfile.as_ref().filter(|file| file.path == path);
    let ignore = facts.context.known().map(|context| &context.ignore);
    let ignore = ignore.filter(|ignore| ignore.path == path && ignore.exists);
    match (dockerfile, ignore) {
        (Some(file), _) => Some(file.file.source().to_vec()),
        (None, Some(ignore)) => ignore.text.clone().map(String::into_bytes),
        _ => None,
    }
}

fn show(plan: &Plan) -> String {
    let mut out = String::new();
    for planned in &plan.chosen {
        writeln!(out, "do    {}: {}", planned.rule, planned.fix.title).unwrap();
    }
    for (planned, choice) in &plan.left {
        writeln!(out, "leave {}: {choice:?}", planned.rule).unwrap();
    }
    for change in &plan.files {
        let after = String::from_utf8(change.after.clone()).unwrap().replace('\r', "␍");
        writeln!(out, "--- {}\n{after}", change.path.display()).unwrap();
    }
    out
}

fn check(facts: &Facts, policy: &Policy, expected: &Expect) {
    expected.assert_eq(&show(&rounds(facts, policy)));
}

const SICK: &[u8] = b"FROM python:3.11-slim-bookworm

ENV UV_PROJECT_ENVIRONMENT=/opt/venv

WORKDIR /workspace
COPY . .

RUN apt-get update
RUN apt-get install -y build-essential curl git

RUN pip install uv

RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --group core
RUN uv sync --frozen --group core --group vision
RUN python -m ipykernel install --prefix /opt/venv --name hoops

CMD [\"jupyter\", \"lab\"]
";

fn sick() -> Facts {
    let mut machine = Machine::ill(
        "project.python = application\ncontext.bytes = 1.9 GB\nignore.category = data 1.8 GB 2000",
    );
    machine.ignore_with(".git\r\n*.log");
    facts(machine, Some(SICK))
}

#[test]
fn a_sick_project_is_healed_in_one_plan() {
    let policy = Policy { floor: Safety::Risky, ..Policy::default() };
    check(
        &sick(),
        &policy,
        &expect![[r#"
            do    weak-ignore-file: Ignore what no image needs (12 groups of patterns)
            do    apt-update-apart: Update and install in one step
            do    copy-all-before-dependencies: Copy pyproject.toml uv.lock first and the rest after the last install
            do    package-cache-unmounted: Keep pip's downloads in a cache mount
            do    package-cache-unmounted: Keep uv's downloads in a cache mount
            do    apt-recommends: Install only what is asked for
            do    apt-cache-unmounted: Keep apt's lists and packages in cache mounts
            --- /home/me/app/.dockerignore
            .git␍
            *.log␍
            ␍
            # Git␍
            .gitattributes␍
            .gitmodules␍
            .github␍
            ␍
            # Editors␍
            .vscode␍
            .idea␍
            **/*.swp␍
            **/*.swo␍
            **/*~␍
            ␍
            # Python caches and build leftovers␍
            **/__pycache__␍
            **/*.pyc␍
            **/*.pyo␍
            **/*.pyd␍
            **/.pytest_cache␍
            **/.mypy_cache␍
            **/.ruff_cache␍
            **/.hypothesis␍
            **/.tox␍
            **/.nox␍
            **/.coverage␍
            **/htmlcov␍
            **/*.egg-info␍
            **/.eggs␍
            ␍
            # Virtual environments␍
            **/.venv␍
            venv␍
            .virtualenv␍
            .conda␍
            ␍
            # Jupyter␍
            **/.ipynb_checkpoints␍
            **/*.ipynb␍
            ␍
            # Logs and databases␍
            **/*.log␍
            **/*.sqlite3␍
            **/*.db␍
            logs␍
            ␍
            # Data, models and results␍
            data␍
            datasets␍
            models␍
            weights␍
            videos␍
            outputs␍
            results␍
            experiments␍
            ␍
            # Cache folders␍
            **/.cache␍
            .uv-cache␍
            .pip-cache␍
            .ccache␍
            ␍
            # Documentation␍
            docs␍
            *.md␍
            *.rst␍
            ␍
            # Files of operating systems␍
            **/.DS_Store␍
            **/Thumbs.db␍
            **/desktop.ini␍
            ␍
            # Temporary files␍
            **/*.tmp␍
            **/*.bak␍
            **/*.orig␍
            tmp␍
            temp␍
            ␍
            # Journal of careen␍
            .careen␍
            ␍
            # Kept, because the build needs it␍
            !README.md␍

            --- Dockerfile
            FROM python:3.11-slim-bookworm

            ENV UV_PROJECT_ENVIRONMENT=/opt/venv

            WORKDIR /workspace

            RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
                --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
                apt-get update && apt-get -o Dir::Cache::archives=kept install --no-install-recommends -y build-essential curl git

            RUN --mount=type=cache,target=/root/.cache/pip \
                pip install uv

            COPY pyproject.toml uv.lock ./
            RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --group core
            RUN --mount=type=cache,target=/root/.cache/uv \
                UV_LINK_MODE=copy uv sync --frozen --group core --group vision
            COPY . .
            RUN python -m ipykernel install --prefix /opt/venv --name hoops

            CMD ["jupyter", "lab"]

        "#]],
    );
}

#[test]
fn safe_fixes_alone() {
    check(
        &sick(),
        &Policy::default(),
        &expect![[r#"
            do    weak-ignore-file: Ignore what no image needs (8 groups of patterns)
            do    apt-update-apart: Update and install in one step
            do    package-cache-unmounted: Keep pip's downloads in a cache mount
            do    package-cache-unmounted: Keep uv's downloads in a cache mount
            leave copy-all-before-dependencies: NotAsked(Risky)
            leave apt-cache-unmounted: NotAsked(Risky)
            leave apt-recommends: NotAsked(Risky)
            --- /home/me/app/.dockerignore
            .git␍
            *.log␍
            ␍
            # Git␍
            .gitattributes␍
            .gitmodules␍
            .github␍
            ␍
            # Editors␍
            .vscode␍
            .idea␍
            **/*.swp␍
            **/*.swo␍
            **/*~␍
            ␍
            # Python caches and build leftovers␍
            **/__pycache__␍
            **/*.pyc␍
            **/*.pyo␍
            **/*.pyd␍
            **/.pytest_cache␍
            **/.mypy_cache␍
            **/.ruff_cache␍
            **/.hypothesis␍
            **/.tox␍
            **/.nox␍
            **/.coverage␍
            **/htmlcov␍
            **/*.egg-info␍
            **/.eggs␍
            ␍
            # Virtual environments␍
            **/.venv␍
            venv␍
            .virtualenv␍
            .conda␍
            ␍
            # Cache folders␍
            **/.cache␍
            .uv-cache␍
            .pip-cache␍
            .ccache␍
            ␍
            # Files of operating systems␍
            **/.DS_Store␍
            **/Thumbs.db␍
            **/desktop.ini␍
            ␍
            # Temporary files␍
            **/*.tmp␍
            **/*.bak␍
            **/*.orig␍
            tmp␍
            temp␍
            ␍
            # Journal of careen␍
            .careen␍

            --- Dockerfile
            FROM python:3.11-slim-bookworm

            ENV UV_PROJECT_ENVIRONMENT=/opt/venv

            WORKDIR /workspace
            COPY . .

            RUN apt-get update && apt-get install -y build-essential curl git

            RUN --mount=type=cache,target=/root/.cache/pip \
                pip install uv

            RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --group core
            RUN --mount=type=cache,target=/root/.cache/uv \
                UV_LINK_MODE=copy uv sync --frozen --group core --group vision
            RUN python -m ipykernel install --prefix /opt/venv --name hoops

            CMD ["jupyter", "lab"]

        "#]],
    );
}

#[test]
fn one_rule_alone_and_the_ignore_file_by_name() {
    let only = vec![find("apt-update-apart").unwrap()];
    let scope = Scope::Only(only);
    let requests = vec![Request::Dockerignore];
    let policy = Policy { scope, requests, ..Policy::default() };
    let plan = rounds(&sick(), &policy);
    let rules: Vec<&str> = plan.chosen.iter().map(|planned| planned.rule).collect();
    assert_eq!(rules, ["weak-ignore-file", "apt-update-apart"]);
}

#[test]
fn byte_order_mark_and_line_ends_stay() {
    let source = b"\xef\xbb\xbfFROM debian:12\r\nRUN apt-get update\r\n\
        RUN apt-get install -y --no-install-recommends git";
    let policy = Policy { floor: Safety::Risky, ..Policy::default() };
    let plan = rounds(&facts(Machine::healthy(), Some(source)), &policy);
    expect![[r#""\u{feff}FROM debian:12\r\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\\r\n    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\\r\n    apt-get update && apt-get -o Dir::Cache::archives=kept install -y --no-install-recommends git""#]].assert_eq(&format!("{:?}", String::from_utf8_lossy(&plan.files[0].after)));
    assert_eq!(plan.files[0].before.as_deref(), Some(&source[..]));
}

const CACHE: &str = "cache = source.local 2 GB idle=20h\ncache = regular 3 GB idle=20h\n\
    cache = exec.cachemount 1 GB idle=20h\ncache = regular 9 GB idle=20h shared\n\
    build = 0007\nstep = 214 s RUN uv sync";

#[test]
fn records_are_removed_only_when_asked_for_and_the_smallest_set_first() {
    let ill = facts(Machine::ill(CACHE), None);
    let risky = Policy { floor: Safety::Risky, ..Policy::default() };
    check(
        &ill,
        &risky,
        &expect![[r#"
        leave stale-context-copies: NotAsked(Risky)
    "#]],
    );
    let asked = Policy {
        scope: Scope::RequestsOnly,
        requests: vec![Request::CleanCache],
        ..Policy::default()
    };
    check(
        &ill,
        &asked,
        &expect![[r#"
        do    stale-context-copies: Remove these copies; the next build sends 5.0 MB again
    "#]],
    );
    // A healthy cache: everything goes, and the title says what that costs.
    let healthy = CACHE.replace("source.local 2 GB", "regular 2 GB");
    check(
        &facts(Machine::ill(&healthy), None),
        &asked,
        &expect![[r#"
        do    clean-cache: Remove all 3 cache records, 6.0 GB; the next build runs every step again (214 s in build 0007)
    "#]],
    );
}

#[test]
fn a_broken_builder_is_recreated_only_by_name() {
    let ill = facts(
        Machine::ill("builder = x docker-container current problem=its container restarts"),
        None,
    );
    let risky = Policy { floor: Safety::Risky, ..Policy::default() };
    check(
        &ill,
        &risky,
        &expect![[r#"
        leave broken-builder: NotAsked(Risky)
    "#]],
    );
    let requests = vec![Request::RecreateBuilder];
    let asked = Policy { scope: Scope::RequestsOnly, requests, ..Policy::default() };
    check(
        &ill,
        &asked,
        &expect![[r#"
        do    broken-builder: Recreate the builder with the same settings; its cache is lost
    "#]],
    );
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    let facts = sick();
    let diagnosis = diagnose(&facts, &Selection::default());
    let newer = |_: &Path| Some(b"FROM scratch\n".to_vec());
    let plan = plan(&diagnosis, &facts, &newer, &Policy::default());
    assert!(plan.files.is_empty() && plan.chosen.is_empty());
    let refused = Choice::Refused("Dockerfile has changed since it was read".into());
    assert!(plan.left.iter().any(|(_, choice)| *choice == refused));
}

#[test]
fn extra_files_come_last_and_unchanged_ones_not_at_all() {
    let write = |path: &str, text: &str| {
        let step = Step::Write { path: path.into(), text: text.into(), executable: true };
        Planned { rule: "script", message: String::new(), fix: Fix::safe("Write it", step) }
    };
    let extra = vec![write("build.sh", "new"), write("old.sh", "same")];
    let policy = Policy { extra, ..Policy::default() };
    let facts = facts(Machine::healthy(), None);
    let diagnosis = diagnose(&facts, &Selection::default());
    let files = |path: &Path| (path == Path::new("old.sh")).then(|| b"same".to_vec());
    let plan = plan(&diagnosis, &facts, &files, &policy);
    let paths: Vec<_> = plan.files.iter().map(|change| change.path.clone()).collect();
    assert_eq!(paths, [Path::new("build.sh")]);
    assert!(plan.files[0].before.is_none() && plan.files[0].executable);
}
