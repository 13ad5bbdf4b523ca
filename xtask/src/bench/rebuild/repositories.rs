//! Twenty small projects with a history, and the stand-ins for the tools that build them.
//!
//! No package manager works without its registry, so each tool is a shell script that reads what
//! the real one reads, sleeps, and writes files whose content depends on what it read.

use std::fmt::Write;

/// A project: its Dockerfile, and which of its files change together how often.
pub(super) struct Repository {
    pub(super) name: &'static str,
    /// After `FROM` and `WORKDIR /app`.
    pub(super) dockerfile: &'static str,
    pub(super) habits: &'static [Habit],
    /// What a build is given with every commit.
    pub(super) argument: Option<&'static str>,
}

/// One kind of commit: how many of ten are of this kind, and what it changes; a `*` stands for a
/// number from 0 to 4.
pub(super) type Habit = (u32, &'static [&'static str]);

const PYTHON: &[Habit] = &[
    (7, &["src/module*.py"]),
    (1, &["src/module*.py", "tests/test*.py"]),
    (1, &["docs/page*.md"]),
    (1, &["requirements.txt", "src/module*.py"]),
];
const PYTHON_DEPENDENCIES: &[Habit] =
    &[(4, &["requirements.txt"]), (5, &["src/module*.py"]), (1, &["docs/page*.md"])];
const NODE: &[Habit] = &[
    (6, &["src/part*.js"]),
    (2, &["src/part*.js", "tests/part*.test.js"]),
    (1, &["README.md"]),
    (1, &["package.json", "package-lock.json"]),
];
const YARN: &[Habit] =
    &[(7, &["src/part*.js"]), (1, &["README.md"]), (2, &["package.json", "yarn.lock"])];
const GO: &[Habit] = &[
    (5, &["pkg/file*.go"]),
    (3, &["cmd/main*.go"]),
    (1, &["cmd/main*.go", "pkg/file*.go"]),
    (1, &["go.mod", "go.sum"]),
];
const STATIC: &[Habit] = &[(8, &["public/page*.html"]), (2, &["conf/site.conf"])];
const DOCUMENTS: &[Habit] = &[(9, &["docs/page*.md"]), (1, &["requirements.txt"])];
const BOTH: &[Habit] = &[
    (4, &["src/module*.py"]),
    (4, &["web/part*.js"]),
    (1, &["requirements.txt"]),
    (1, &["package.json", "package-lock.json"]),
];

const fn plain(
    name: &'static str,
    habits: &'static [Habit],
    dockerfile: &'static str,
) -> Repository {
    Repository { name, dockerfile, habits, argument: None }
}

const fn told(
    name: &'static str,
    habits: &'static [Habit],
    argument: &'static str,
    dockerfile: &'static str,
) -> Repository {
    Repository { name, dockerfile, habits, argument: Some(argument) }
}

pub(super) const ALL: [Repository; 20] = [
    plain(
        "python-all-first",
        PYTHON,
        "COPY . .\nRUN pip install -r requirements.txt\nRUN python -m compileall src\n",
    ),
    plain(
        "python-sources-first",
        PYTHON,
        "COPY src ./src\nCOPY requirements.txt ./\nRUN apt-get install -y libpq5\n\
         RUN pip install -r requirements.txt\nRUN python -m compileall src\n",
    ),
    told(
        "python-commit-first",
        PYTHON,
        "GIT_SHA",
        "ARG GIT_SHA\nENV REVISION=$GIT_SHA\nRUN apt-get install -y libpq5\n\
         COPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY src ./src\n\
         RUN python -m compileall src\n",
    ),
    plain(
        "python-in-order",
        PYTHON,
        "RUN apt-get install -y libpq5\nCOPY requirements.txt ./\n\
         RUN pip install -r requirements.txt\nCOPY src ./src\nRUN python -m compileall src\n",
    ),
    plain(
        "python-installs-itself",
        PYTHON,
        "COPY . .\nRUN pip install .\nRUN python -m compileall src\n",
    ),
    plain(
        "python-many-updates",
        PYTHON_DEPENDENCIES,
        "COPY . .\nRUN apt-get install -y libpq5\nRUN pip install -r requirements.txt\n\
         RUN python -m compileall src\n",
    ),
    plain("node-all-first", NODE, "COPY . .\nRUN npm ci\nRUN npm run build\n"),
    plain(
        "node-sources-first",
        NODE,
        "COPY src ./src\nCOPY package*.json ./\nRUN npm ci\nRUN npm run build\n",
    ),
    plain("node-yarn-all-first", YARN, "COPY . .\nRUN yarn install\nRUN npm run build\n"),
    plain(
        "node-in-order",
        NODE,
        "COPY package*.json ./\nRUN npm ci\nCOPY src ./src\nRUN npm run build\n",
    ),
    plain(
        "node-tests-first",
        NODE,
        "COPY tests ./tests\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY src ./src\n",
    ),
    plain("go-all-first", GO, "COPY . .\nRUN go mod download\nRUN go build -o /server .\n"),
    plain(
        "go-commands-first",
        GO,
        "COPY cmd ./cmd\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY pkg ./pkg\n\
         RUN go build -o /server .\n",
    ),
    plain(
        "go-two-stages",
        GO,
        "COPY . .\nRUN apt-get install -y git\nRUN go mod download\nRUN go build -o /server .\n\
         FROM careen-rebuild:tools\nRUN apt-get install -y tzdata\n\
         COPY --from=0 /server /server\n",
    ),
    plain(
        "go-in-order",
        GO,
        "COPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /server .\n",
    ),
    plain("go-make", GO, "COPY . .\nRUN make\n"),
    plain(
        "static-pages-first",
        STATIC,
        "COPY public /srv/public\nCOPY conf /srv/conf\nRUN apt-get install -y nginx\n",
    ),
    plain(
        "static-documents-first",
        DOCUMENTS,
        "COPY docs ./docs\nCOPY requirements.txt ./\nRUN apt-get install -y fonts\n\
         RUN pip install -r requirements.txt\nRUN python -m compileall docs\n",
    ),
    told(
        "static-reference-first",
        STATIC,
        "VCS_REF",
        "ARG VCS_REF\nLABEL revision=$VCS_REF\nRUN apt-get install -y nginx\n\
         COPY public /srv/public\n",
    ),
    plain(
        "python-and-node",
        BOTH,
        "COPY src ./src\nCOPY web ./web\nCOPY requirements.txt ./\n\
         RUN pip install -r requirements.txt\nCOPY package*.json ./\nRUN npm ci\n",
    ),
];

/// Commits after the first one.
const COMMITS: u32 = 40;

impl Repository {
    pub(super) fn dockerfile(&self) -> String {
        format!("FROM careen-rebuild:tools\nWORKDIR /app\n{}", self.dockerfile)
    }

    /// The history as `git fast-import` reads it; the same on every machine.
    pub(super) fn history(&self) -> String {
        let mut stream = String::new();
        let mut files = vec![
            ("Dockerfile".to_owned(), self.dockerfile()),
            (".dockerignore".to_owned(), ".careen\n.git\n.dockerignore\nDockerfile\n".to_owned()),
        ];
        let paths = self.habits.iter().flat_map(|(_, paths)| *paths);
        for path in paths {
            for n in if path.contains('*') { 0..5 } else { 0..1 } {
                let path = path.replace('*', &n.to_string());
                if !files.iter().any(|(known, _)| *known == path) {
                    files.push((path.clone(), format!("{path} of {}\n", self.name)));
                }
            }
        }
        commit(&mut stream, 0, &files);
        let kinds: u32 = self.habits.iter().map(|(times, _)| times).sum();
        let mut seed = u64::from(crate::home::number(self.name.as_bytes())) | 1;
        for n in 1..=COMMITS {
            // Knuth's multiplier; the upper half is random enough to pick a habit.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let draw = u32::try_from(seed >> 33).unwrap_or(0);
            let mut rest = draw % kinds;
            let habit = self.habits.iter().find(|(times, _)| match rest.checked_sub(*times) {
                Some(less) => {
                    rest = less;
                    false
                }
                None => true,
            });
            let paths = habit.map_or(&[][..], |(_, paths)| *paths);
            let which = (draw / kinds % 5).to_string();
            let changed = paths.iter().map(|path| {
                let path = path.replace('*', &which);
                (path.clone(), format!("{path} of {}\nchange {n}\n", self.name))
            });
            commit(&mut stream, n, &changed.collect::<Vec<_>>());
        }
        stream
    }
}

fn commit(stream: &mut String, n: u32, files: &[(String, String)]) {
    let mut put = |text: String| stream.push_str(&text);
    let time = 1_700_000_000 + u64::from(n) * 3600;
    put(format!("commit refs/heads/main\ncommitter n <n@example.com> {time} +0000\n"));
    put("data 2\nx\n".to_owned());
    for (path, text) in files {
        let mut entry = String::new();
        // Writing into a string cannot fail.
        let _ = writeln!(entry, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        put(entry);
    }
}

/// Programs of this machine that the stand-ins use.
pub(super) const PROGRAMS: [&str; 7] = ["sh", "cat", "mkdir", "sleep", "sha256sum", "seq", "ls"];

/// Name, and what it does; `$sum` stands for what was read.
pub(super) const TOOLS: [(&str, &str); 7] = [
    ("apt-get", "pack 1.2 \"/usr/share/$*\" \"$*\""),
    (
        "pip",
        "case $2 in -r) pack 1.6 /opt/python \"$(cat \"$3\")\" ;;\n\
         *) pack 1.6 /opt/python \"$(cat src/* requirements.txt)\" ;; esac",
    ),
    ("python", "work 0.4 $3/compiled \"$(cat $3/*)\""),
    (
        "npm",
        "case $1 in ci) pack 1.8 node_modules \"$(cat package.json package-lock.json)\" ;;\n\
         *) work 0.5 /bundle \"$(cat src/*)\" ;; esac",
    ),
    ("yarn", "pack 1.8 node_modules \"$(cat package.json yarn.lock)\""),
    (
        "go",
        "case $1 in mod) pack 1.4 /go/pkg \"$(cat go.mod go.sum)\" ;;\n\
         *) work 0.6 /server \"$(cat cmd/* pkg/*)\" ;; esac",
    ),
    ("make", "go mod download && go build"),
];

/// What all stand-ins begin with: `pack SECONDS FOLDER WHAT` and `work SECONDS FILE WHAT`.
pub(super) const HEAD: &str = "#!/bin/sh\nset -e\n\
    pack() { sleep \"$1\"; sum=$(echo \"$3\" | sha256sum); mkdir -p \"$2\"\n\
    for n in $(seq 300); do echo \"$sum $n\" > \"$2/file$n\"; done; }\n\
    work() { sleep \"$1\"; echo \"$3\" | sha256sum > \"$2\"; }\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_has_a_history_of_its_own_and_the_same_each_time() {
        let mut all: Vec<String> = ALL.iter().map(Repository::history).collect();
        assert_eq!(all, ALL.iter().map(Repository::history).collect::<Vec<_>>());
        for stream in &all {
            assert_eq!(stream.matches("commit refs/heads/main\n").count(), 41);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len());
    }
}
