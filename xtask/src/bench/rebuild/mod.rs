//! `cargo xtask bench rebuild`: what moved instructions save of each rebuild, on twenty projects
//! with a history, with step times of a real engine and the content of both images compared.

mod repositories;

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use careen_image::{compare, read};
use serde_json::Value;

use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::{self, Call, interrupted};
use crate::{engine, home};

use repositories::{ALL, HEAD, PROGRAMS, Repository, TOOLS};

/// Rules whose fixes are measured.
const RULES: [&str; 3] =
    ["copy-all-before-dependencies", "copy-before-slow-steps", "changing-value-before-slow-steps"];
const BASE: &str = "careen-rebuild:tools";
/// What is wanted of the median.
const WANTED: f64 = 0.4;

pub(super) fn run(_: &Arguments) -> Result<(), Failure> {
    let engines = engine::at_hand(None)?;
    let address = engines.first().ok_or(Failure::NoEngine)?;
    if !process::exists("docker") {
        let hint = "put a docker client on the PATH; it exports the images that are compared";
        return Err(Failure::Missing { what: "docker", hint });
    }
    let place = home::target().join("bench-rebuild");
    home::remove(&place)?;
    let bench = Bench { careen: careen()?, host: address.to_string(), place };
    bench.base()?;
    let about = address.about()?;
    println!("expected cost of a rebuild on {} ({})", about.version, about.driver);
    let found: Result<Vec<Row>, Failure> = ALL.iter().map(|one| bench.measure(one)).collect();
    let found = found?;
    home::remove(&bench.place)?;
    verdict(&found)
}

/// Only the engine's steps are timed, so the build without optimisation does.
fn careen() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Call::new(cargo).args(["build", "--package", "careen"]).folder(&home::workspace()).run()?;
    Ok(home::target().join("debug/careen"))
}

struct Bench {
    careen: PathBuf,
    host: String,
    place: PathBuf,
}

/// One project.
struct Row {
    name: &'static str,
    /// Seconds of an expected rebuild.
    before: f64,
    /// `None`: nothing could be moved.
    after: Option<After>,
}

struct After {
    seconds: f64,
    entries: usize,
    differences: usize,
}

impl Bench {
    /// The image of the stand-ins.
    fn base(&self) -> Result<(), Failure> {
        let folder = self.place.join("base");
        let root = folder.join("rootfs");
        for program in PROGRAMS {
            plant(&root, program)?;
        }
        for (name, body) in TOOLS {
            let path = root.join("bin").join(name);
            home::write(&path, &format!("{HEAD}{body}\n"))?;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, mode).map_err(Failure::file("make executable", &path))?;
        }
        let text = "FROM scratch\nCOPY rootfs /\nENV PATH=/bin\n";
        home::write(&folder.join("Dockerfile"), text)?;
        self.careen(&folder).args(["build", "--tag", BASE]).read().map(drop)
    }

    fn measure(&self, one: &Repository) -> Result<Row, Failure> {
        if interrupted() {
            return Err(Failure::Interrupted);
        }
        let project = self.place.join(one.name);
        home::create(&project)?;
        grow(&project, &one.history())?;
        let image = |state: &str| format!("careen-rebuild-{}:{state}", one.name);
        let before = self.cost(one, &project, &image("before"))?;
        let dockerfile = project.join("Dockerfile");
        let text = || fs::read_to_string(&dockerfile).map_err(Failure::file("read", &dockerfile));
        let sick = text()?;
        let mut fix = self.careen(&project).args(["fix", "--risky", "--yes"]);
        for rule in RULES {
            fix = fix.args(["--only", rule]);
        }
        fix.read()?;
        let after = if text()? == sick {
            None
        } else {
            let seconds = self.cost(one, &project, &image("after"))?;
            let files = |state: &str| self.files(&image(state), &project.join(state));
            let (a, b) = (files("before")?, files("after")?);
            let differences = compare(&a, &b).differences;
            for difference in differences.iter().take(5) {
                println!("  {}: {difference:?}", one.name);
            }
            Some(After { seconds, entries: b.entries.len(), differences: differences.len() })
        };
        let row = Row { name: one.name, before, after };
        println!("{}", row.shown());
        Ok(row)
    }

    /// Builds everything once, and asks what a rebuild is then expected to take.
    fn cost(&self, one: &Repository, project: &Path, image: &str) -> Result<f64, Failure> {
        let mut build = self.careen(project).args(["build", "--no-cache", "--tag", image]);
        if let Some(name) = one.argument {
            build = build.args(["--build-arg", &format!("{name}=0123abc")]);
        }
        build.read()?;
        let ask = ["context", "--busters", "--format", "json"];
        let told = self.careen(project).args(ask).read()?;
        let answer: Value = serde_json::from_str(&told).map_err(|source| Failure::NotJson {
            command: format!("careen {}", ask.join(" ")),
            source,
        })?;
        let expected = &answer["expected_rebuild"];
        // A step without a price would make the sum look better than it is.
        let is_whole = expected["steps_without_price"] == 0 && expected["basis"] == "measured";
        let Some(seconds) = expected["seconds"].as_f64().filter(|_| is_whole) else {
            println!("  {}: not measured as a whole: {expected}", one.name);
            return Err(Failure::Promises { count: 1 });
        };
        Ok(seconds)
    }

    /// The file tree of an image.
    fn files(&self, image: &str, archive: &Path) -> Result<careen_image::Tree, Failure> {
        let docker = |arguments: &[&str]| {
            Call::new("docker").args(arguments).env("DOCKER_HOST", &self.host).read()
        };
        let container = docker(&["create", image, "none"])?;
        let path = archive.display().to_string();
        let exported = docker(&["export", "--output", &path, container.trim()]);
        docker(&["rm", container.trim()])?;
        exported?;
        let file = File::open(archive).map_err(Failure::file("open", archive))?;
        read(BufReader::with_capacity(1 << 20, file)).map_err(Failure::file("read", archive))
    }

    fn careen(&self, project: &Path) -> Call {
        let data = self.place.join("data");
        let call = Call::new(&self.careen).folder(project);
        call.env("XDG_DATA_HOME", data).env("DOCKER_HOST", &self.host)
    }
}

impl Row {
    fn saved(&self) -> Option<f64> {
        let after = self.after.as_ref()?;
        Some(1.0 - after.seconds / self.before)
    }

    fn shown(&self) -> String {
        let Row { name, before, after } = self;
        match (after, self.saved()) {
            (Some(After { seconds, entries, differences }), Some(saved)) => format!(
                "  {name:24} {before:5.2} s → {seconds:5.2} s  −{:4.1} %  {differences} \
                 differences in {entries} entries",
                saved * 100.0
            ),
            _ => format!("  {name:24} {before:5.2} s  nothing to move"),
        }
    }
}

/// The median of what was saved, and what did not hold.
fn verdict(found: &[Row]) -> Result<(), Failure> {
    let mut saved: Vec<f64> = found.iter().filter_map(Row::saved).collect();
    saved.sort_by(f64::total_cmp);
    let median = saved.get(saved.len() / 2).copied().unwrap_or(0.0);
    let differences: usize =
        found.iter().filter_map(|row| row.after.as_ref()).map(|a| a.differences).sum();
    let still: Vec<&str> = found.iter().filter(|r| r.after.is_none()).map(|r| r.name).collect();
    println!(
        "\nmedian −{:.1} % where something could be moved ({} of {}), {differences} differences",
        median * 100.0,
        saved.len(),
        found.len()
    );
    println!("nothing to move: {}", still.join(", "));
    let broken = [median < WANTED, differences > 0, saved.is_empty()];
    match broken.into_iter().filter(|broken| *broken).count() {
        0 => Ok(()),
        count => Err(Failure::Promises { count }),
    }
}

/// A program of this machine with the libraries it needs: nothing has to be pulled.
fn plant(root: &Path, program: &str) -> Result<(), Failure> {
    let put = |from: &Path| {
        let to = root.join(from.strip_prefix("/").unwrap_or(from));
        home::create(to.parent().unwrap_or(root))?;
        fs::copy(from, &to).map(drop).map_err(Failure::file("copy to", &to))
    };
    let places = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(program));
    let hint = "the stand-ins for package managers need it";
    let missing = Failure::Missing { what: "a program of coreutils", hint };
    let path = places.iter().find(|path| path.exists()).ok_or(missing)?;
    let target = root.join("bin").join(program);
    home::create(&root.join("bin"))?;
    fs::copy(path, &target).map_err(Failure::file("copy to", &target))?;
    let listed = Call::new("ldd").arg(path).read()?;
    listed.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new).try_for_each(put)
}

/// Makes a repository of a stream for `git fast-import`, with its last commit checked out.
fn grow(root: &Path, stream: &str) -> Result<(), Failure> {
    let git = || {
        let call = Call::new("git").folder(root).env("GIT_CONFIG_GLOBAL", "/dev/null");
        call.env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE")
    };
    git().args(["init", "-q", "-b", "main"]).read()?;
    let mut command = git().args(["fast-import", "--quiet"]).into_command();
    command.stdin(Stdio::piped());
    let line = "git fast-import".to_owned();
    let started = command.spawn();
    let mut child = started.map_err(|source| Failure::NotStarted { line: line.clone(), source })?;
    let mut input = child.stdin.take().expect("it was piped");
    input.write_all(stream.as_bytes()).map_err(Failure::file("import into", root))?;
    drop(input);
    let status = child.wait().map_err(Failure::file("import into", root))?;
    if !status.success() {
        return Err(Failure::Command { line, status, tail: String::new() });
    }
    git().args(["reset", "-q", "--hard"]).read().map(drop)
}
