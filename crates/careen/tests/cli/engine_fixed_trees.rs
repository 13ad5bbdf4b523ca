//! A file after `careen lint --fix` builds, on every engine of `CAREEN_ENGINES`, the very files
//! that it built before.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use careen_engine::{BuildRequest, CancelToken, EngineHistory, Frontend, Output, Pull, build};
use careen_image::{Tree, compare, read};
use careen_run::ContextFiles;
use sha2::{Digest, Sha256};

use crate::engine::{OnEngine, on_each_engine, plant};
use crate::sandbox::tell;

/// Stands for package managers and `useradd`: it notes what is asked for, options, updates and cleaning left
/// out.
const NOTES: &str = "#!/bin/sh\nfor word in \"$@\"; do\n\
    case \"$word\" in -*|*=*|update|clean|all) ;; *) echo \"$word\" >> /noted ;; esac\ndone\n";

/// Sick Dockerfiles, and what fixes each of them.
const FILES: &[(&str, &str)] = &[
    (
        "format",
        "FROM scratch as base\n\
         COPY rootfs /\n\
         ENV PATH /bin\n\
         ENV GREETING hello  big \"world\"\n\
         LABEL purpose a test\n\
         MAINTAINER somebody\n\
         WORKDIR /srv/app\n\
         ADD a.txt b.txt ./\n\
         run cat a.txt \\\n\n  b.txt > both.txt\n\
         EXPOSE 80/TCP\n\
         CMD [\"cat\", \"a.txt\"]\n\
         CMD [\"cat\", \"b.txt\"]\n\
         FROM base as final\n\
         RUN cd /srv\n\
         RUN echo \"$GREETING\" > /greeting\n",
    ),
    (
        "packages",
        "FROM scratch\n\
         COPY rootfs /\n\
         ENV PATH=/bin\n\
         RUN apt-get update\n\
         RUN apt-get install git && rm -rf /var/lib/apt/lists/*\n\
         RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y curl\n\
         RUN apk update && apk add bash\n\
         RUN dnf install git\n\
         RUN pip install rich\n\
         RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir rich\n\
         RUN --mount=type=cache,target=/root/.cache/uv uv pip install rich && rm -rf /root/.cache/uv/*\n\
         RUN useradd -u 123456789 somebody\n",
    ),
    (
        "stages",
        "FROM --platform=$TARGETPLATFORM scratch AS one\n\
         COPY rootfs /\n\
         ENV PATH=/bin \\\n    NAME=one\n\
         WORKDIR srv\n\
         WORKDIR app\n\
         ADD a.txt /srv/\n\
         RUN cat /srv/a.txt > $NAME.txt\n\
         EXPOSE 8080:80\n\
         ENTRYPOINT [\"cat\"]\n\
         ENTRYPOINT [\"sh\"]\n\n\
         FROM scratch\n\
         COPY --from=one /srv /srv\n\
         COPY --from=one /bin /bin\n\
         ENV A b c\n",
    ),
    ("names", "FROM scratch AS One\nCOPY a.txt /\nFROM scratch\nCOPY --from=One /a.txt /b.txt\n"),
    (
        "heredoc",
        "FROM scratch as base\n\
         COPY rootfs /\n\
         ENV PATH /bin\n\
         RUN <<END\n\
         apt-get update\n\
         apt-get install git\n\
         echo \"done   \" > /done\n\
         END\n\
         COPY <<END /text\n\
         a  b\n\
         END\n",
    ),
];

#[test]
fn an_engine_builds_the_same_files_from_a_fixed_dockerfile() {
    on_each_engine(|on, socket| {
        let root = on.sandbox.project().join("rootfs");
        plant(&root, &["sh", "cat", "rm"]);
        for tool in ["apt-get", "apk", "dnf", "pip", "uv", "useradd"] {
            let path = root.join("bin").join(tool);
            fs::write(&path, NOTES).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // The mount points of caches, which every distribution has.
        for folder in ["var/cache/apt", "var/lib/apt/lists", "var/cache/dnf", "root/.cache", "tmp"]
        {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        on.sandbox.write("a.txt", b"a\n");
        on.sandbox.write("b.txt", b"b\n");
        let (mut rules, mut compared) = (BTreeSet::new(), 0);
        for (name, sick) in FILES {
            on.sandbox.write("Dockerfile", sick.as_bytes());
            let Some(before) = files_of(on, name) else {
                tell(format!("{socket}: the engine's own frontend does not read `{name}`"));
                continue;
            };
            let fix = [
                "lint",
                "Dockerfile",
                "--fix",
                "--no-journal",
                "--format",
                "json",
                "--fail-on",
                "never",
            ];
            let answer = on.sandbox.run(&fix).json();
            let fixed = fs::read_to_string(on.sandbox.project().join("Dockerfile")).unwrap();
            assert_ne!(fixed, *sick, "{name}: {answer:#}");
            let after = files_of(on, name).unwrap_or_else(|| panic!("{name} broke:\n{fixed}"));
            let differences = compare(&before, &after).differences;
            assert!(differences.is_empty(), "{socket} {name}: {differences:#?}\n{fixed}");
            assert_eq!(hash(&before), hash(&after), "{socket} {name}:\n{fixed}");
            tell(format!("{socket} {name}: {} entries, {}", after.entries.len(), hash(&after)));
            let named = answer["fixed"].as_array().unwrap().iter();
            rules.extend(named.map(|one| one["rule"].as_str().unwrap().to_owned()));
            compared += 1;
        }
        tell(format!("{socket}: {compared} files, fixed by {} rules: {rules:?}", rules.len()));
        assert!(compared >= 4 && rules.len() >= 15, "{compared}, {rules:?}");
    });
}

/// All files that the project's Dockerfile builds; nothing when the engine refuses it.
fn files_of(on: &OnEngine, name: &str) -> Option<Tree> {
    let project = on.sandbox.project();
    let archive = on.sandbox.path(&format!("{name}.tar"));
    let request = BuildRequest {
        output: Output::FilesTar(archive.clone()),
        pull: Pull::IfMissing,
        frontend: Frontend::BuiltIn,
        history: EngineHistory::Skip,
        ..BuildRequest::default()
    };
    let files = Arc::new(ContextFiles::new(&project, &project.join("Dockerfile")));
    let built = build(&on.connection, &request, files, &mut |_| (), &CancelToken::default());
    match built {
        Ok(_) => Some(tree(&archive)),
        Err(err) => {
            tell(format!("{name}: {err}"));
            None
        }
    }
}

fn tree(archive: &Path) -> Tree {
    let tree = read(BufReader::new(File::open(archive).unwrap())).unwrap();
    fs::remove_file(archive).unwrap();
    tree
}

/// One number for names, kinds, contents, modes and owners of all files.
fn hash(tree: &Tree) -> String {
    let mut all = Sha256::new();
    for (path, entry) in &tree.entries {
        all.update(format!("{path:?} {entry:?}\n"));
    }
    format!("{:x}", all.finalize())
}
