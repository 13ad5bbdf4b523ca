//! The part of a build that a step belongs to, told by its name.

/// Times are reported by phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Prepare,
    Context,
    Base,
    /// Packages of the distribution: apt, apk, dnf and their like.
    System,
    /// Packages of a language: pip, uv, npm, cargo and their like.
    Packages,
    /// `COPY`, `ADD` and `WORKDIR`.
    Files,
    /// All other steps of the Dockerfile.
    #[default]
    Steps,
    Export,
    CacheExport,
}

impl Phase {
    pub const ALL: [Phase; 9] = [
        Phase::Prepare,
        Phase::Context,
        Phase::Base,
        Phase::System,
        Phase::Packages,
        Phase::Files,
        Phase::Steps,
        Phase::Export,
        Phase::CacheExport,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Prepare => "prepare",
            Phase::Context => "context",
            Phase::Base => "base image",
            Phase::System => "system packages",
            Phase::Packages => "language packages",
            Phase::Files => "files",
            Phase::Steps => "other steps",
            Phase::Export => "export",
            Phase::CacheExport => "cache export",
        }
    }

    /// An instruction of the Dockerfile that is run or taken from the cache.
    pub fn is_step(self) -> bool {
        matches!(self, Phase::System | Phase::Packages | Phase::Files | Phase::Steps)
    }
}

/// What an install command looks like: its program, then one of the words somewhere after it.
const SYSTEM: [(&str, &[&str]); 9] = [
    ("apt-get", &["install", "update", "upgrade", "dist-upgrade"]),
    ("apt", &["install", "update", "upgrade"]),
    ("aptitude", &["install", "update"]),
    ("apk", &["add", "update", "upgrade"]),
    ("dnf", &["install", "update", "upgrade", "groupinstall"]),
    ("microdnf", &["install", "update"]),
    ("yum", &["install", "update", "groupinstall"]),
    ("zypper", &["install", "in", "refresh", "update"]),
    ("pacman", &["-S", "-Sy", "-Syu", "-Syyu"]),
];

const LANGUAGE: [(&str, &[&str]); 26] = [
    ("pip", &["install", "download", "wheel", "sync"]),
    ("pip3", &["install", "download", "wheel"]),
    ("uv", &["sync", "install", "pip", "add", "tool"]),
    ("poetry", &["install", "add"]),
    ("pipenv", &["install", "sync"]),
    ("pdm", &["install", "sync"]),
    ("conda", &["install", "create", "update", "env"]),
    ("mamba", &["install", "create", "update", "env"]),
    ("micromamba", &["install", "create"]),
    ("npm", &["install", "i", "ci", "add"]),
    ("pnpm", &["install", "i", "add", "fetch"]),
    ("yarn", &["install", "add"]),
    ("bun", &["install", "add", "i"]),
    ("cargo", &["fetch", "install", "chef"]),
    ("go", &["mod", "get", "install"]),
    ("bundle", &["install"]),
    ("gem", &["install"]),
    ("composer", &["install", "require", "update"]),
    ("mvn", &["dependency:go-offline", "dependency:resolve"]),
    ("mvnw", &["dependency:go-offline", "dependency:resolve"]),
    ("dotnet", &["restore"]),
    ("mix", &["deps.get"]),
    ("cpan", &["install"]),
    ("cpanm", &["--installdeps"]),
    ("luarocks", &["install"]),
    ("stack", &["setup"]),
];

/// BuildKit does not name phases; its step names do.
pub fn phase_of(name: &str) -> Phase {
    match name {
        n if n.starts_with("exporting cache")
            || n.starts_with("preparing layers for inline cache")
            || n.contains("build cache for export") =>
        {
            Phase::CacheExport
        }
        n if n.starts_with("exporting")
            || n.starts_with("sending tarball")
            || n.starts_with("importing to docker")
            || n.starts_with("resolving provenance")
            || n.starts_with("pushing ") =>
        {
            Phase::Export
        }
        n if n.contains("load build context") || n.contains("load from client") => Phase::Context,
        n if n.starts_with("[internal]")
            || n.starts_with("[auth]")
            || n.starts_with("[context ")
            || n.split(']').next().is_some_and(|label| label.ends_with(" internal"))
            || n.starts_with("resolve")
            || n.starts_with("docker-image://")
            || n.starts_with("importing cache")
            || n.starts_with("inferred cache manifest") =>
        {
            Phase::Prepare
        }
        n if n.contains("] FROM ") || n.starts_with("FROM ") => Phase::Base,
        n => kind_of_step(n.split_once("] ").map_or(n, |(_, instruction)| instruction)),
    }
}

fn kind_of_step(instruction: &str) -> Phase {
    let mut words = instruction.split_whitespace();
    match words.next() {
        Some("COPY" | "ADD" | "WORKDIR") => return Phase::Files,
        Some("RUN") => (),
        _ => return Phase::Steps,
    }
    // Between commands of a shell line a program may stand again.
    let mut program = "";
    let mut found = None;
    for word in words {
        let ends = word.ends_with([';', '&', '|']);
        let word = word.trim_matches(|c: char| ";&|()\"'[],".contains(c));
        let base = word.rsplit('/').next().unwrap_or(word);
        let is_program = |table: &[(&str, &[&str])]| table.iter().any(|(name, _)| *name == base);
        let asks = |table: &[(&str, &[&str])]| {
            table.iter().any(|(name, verbs)| *name == program && verbs.contains(&word))
        };
        if asks(&LANGUAGE) {
            // The larger part of a line that installs both.
            return Phase::Packages;
        }
        if asks(&SYSTEM) {
            found = Some(Phase::System);
        }
        if is_program(&SYSTEM) || is_program(&LANGUAGE) {
            program = base;
        } else if ends || !(word.starts_with('-') || word.contains(['=', ':'])) {
            // Options and their settings may stand before the verb; any other word ends the search.
            program = "";
        }
    }
    found.unwrap_or(Phase::Steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_phase() {
        for (name, phase) in [
            ("[auth] library/python:pull token for registry-1.docker.io", Phase::Prepare),
            ("[linux/arm64 internal] load metadata for python:3.11", Phase::Prepare),
            ("[internal] load .dockerignore", Phase::Prepare),
            ("[base 1/3] FROM python:3.11", Phase::Base),
            ("[stage-1 2/3] RUN echo internal", Phase::Steps),
            ("preparing layers for inline cache", Phase::CacheExport),
            ("exporting to image", Phase::Export),
            ("[2/9] RUN apt-get update && apt-get install -y gcc", Phase::System),
            ("[2/9] RUN apk add --no-cache gcc", Phase::System),
            ("[2/9] RUN echo apt is good to install; make update", Phase::Steps),
            ("[3/9] RUN --mount=type=cache,target=/c pip install -r r.txt", Phase::Packages),
            ("[3/9] RUN /opt/venv/bin/pip install torch", Phase::Packages),
            ("[3/9] RUN python3 -m pip install torch", Phase::Packages),
            ("[3/9] RUN uv sync --group torch", Phase::Packages),
            ("[3/9] RUN [\"npm\", \"ci\"]", Phase::Packages),
            ("[3/9] RUN npm run build", Phase::Steps),
            ("[3/9] RUN apt-get update && pip install x", Phase::Packages),
            ("[3/9] COPY --from=build /apt-get install", Phase::Files),
            ("[1/2] WORKDIR /app", Phase::Files),
            ("", Phase::Steps),
        ] {
            assert_eq!(phase_of(name), phase, "{name}");
        }
    }
}
