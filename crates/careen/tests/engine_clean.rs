//! `careen fix --clean-system` on private engines: what was shown goes, and nothing else.
//!
//! Alone in this program, because it cleans the whole engine; only on engines that say they are
//! private.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world should stop")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use careen_engine::{Connection, Target};
use careen_model::LeftoverKind;
use serde_json::Value;
use tempfile::TempDir;

struct World {
    folder: TempDir,
    socket: String,
    client: PathBuf,
    own: String,
}

impl World {
    fn docker(&self, line: &str) -> Output {
        let words = line.replace("OWN", &self.own);
        let mut command = Command::new(self.client.join("bin/docker"));
        command.args(words.split_whitespace()).current_dir(self.folder.path());
        command.env("DOCKER_HOST", format!("unix://{}", self.socket)).env("DOCKER_BUILDKIT", "0");
        command.env("DOCKER_CONFIG", self.client.join("cli"));
        command.output().unwrap()
    }

    #[track_caller]
    fn must(&self, line: &str) -> String {
        let output = self.docker(line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(output.status.success(), "docker {line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn careen(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_careen"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path().join("home"))
            .env("DOCKER_HOST", format!("unix://{}", self.socket))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Ids of everything in the engine, kind by kind.
    fn everything(&self) -> [BTreeSet<String>; 4] {
        let lists = [
            "ps -aq --no-trunc",
            "images -aq --no-trunc",
            "network ls -q --no-trunc",
            "volume ls -q",
        ];
        lists.map(|list| self.must(list).lines().map(str::to_owned).collect())
    }

    fn connection(&self) -> Connection {
        Connection::open(&Target::engine(&format!("unix://{}", self.socket))).unwrap()
    }

    /// An image with `sleep` under a name; a file of its own makes it differ from any other.
    fn import(&self, name: &str, content: &str) -> String {
        let root = self.folder.path().join("root");
        let put = |from: &Path, to: &str| {
            let to = root.join(to.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        };
        let tool = Path::new("/bin/sleep").canonicalize().unwrap();
        let listed = Command::new("ldd").arg(&tool).output().unwrap().stdout;
        put(&tool, "bin/sleep");
        for library in String::from_utf8(listed).unwrap().split_whitespace() {
            if library.starts_with('/') {
                put(Path::new(library), library);
            }
        }
        fs::write(root.join("content"), content).unwrap();
        let mut pack = Command::new("tar");
        pack.args(["-C", "root", "-cf", "root.tar", "."]).current_dir(self.folder.path());
        let packed = pack.status().unwrap();
        assert!(packed.success());
        self.must(&format!("import root.tar OWN-{name}:1"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (list, remove) in [
            ("ps -aq --filter name=OWN", "rm -fv"),
            ("images -q OWN-image", "rmi -f"),
            ("network ls -q --filter name=OWN", "network rm"),
            ("volume ls -q --filter name=OWN", "volume rm"),
        ] {
            let ids = String::from_utf8(self.docker(list).stdout).unwrap();
            for id in ids.lines() {
                self.docker(&format!("{remove} {id}"));
            }
        }
    }
}

/// Tests of one program run side by side, and these clean the same engine.
static ALONE: Mutex<()> = Mutex::new(());

/// Every private engine of `CAREEN_ENGINES`, with the client of `CAREEN_CLIENT`.
fn on_each_private_engine(check: impl Fn(&World)) {
    let (Ok(sockets), Some(client)) =
        (std::env::var("CAREEN_ENGINES"), std::env::var_os("CAREEN_CLIENT"))
    else {
        eprintln!("skipped: CAREEN_ENGINES or CAREEN_CLIENT is not set");
        return;
    };
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for socket in sockets.split(':').filter(|socket| !socket.is_empty()) {
        let folder = tempfile::Builder::new().prefix("careen-clean-").tempdir().unwrap();
        let name = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
        let world =
            World { folder, socket: socket.to_owned(), client: client.clone().into(), own: name };
        if !world.must("info -f {{.Labels}}").contains("careen.private=true") {
            eprintln!("skipped: {socket} is not a private engine, and may hold somebody's things");
            continue;
        }
        check(&world);
    }
}

/// The ids that the plan names, by the kind's word.
fn planned(document: &Value, what: &str) -> BTreeSet<String> {
    let chosen = document["chosen"].as_array().unwrap_or_else(|| panic!("{document:#}"));
    let steps = chosen.iter().flat_map(|one| one["fix"]["steps"].as_array().unwrap());
    let steps = steps.filter(|step| step["what"] == what);
    let items = steps.flat_map(|step| step["items"].as_array().unwrap());
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_engine_loses_what_was_shown_and_nothing_else() {
    on_each_private_engine(|world| {
        fs::write(world.folder.path().join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n")
            .unwrap();
        let nameless = world.import("image", "first");
        let named = world.import("image", "second");
        world.must("network create OWN-keep");
        world.must("network create OWN-gone");
        world.must("network create OWN-stopped");
        for volume in ["keep", "idle", "stopped"] {
            world.must(&format!("volume create OWN-{volume}"));
        }
        let run = "--init=false OWN-image:1 /bin/sleep 3600";
        let running = world
            .must(&format!("run -d --name OWN-run --network OWN-keep -v OWN-keep:/data {run}"));
        let stopped = world.must(&format!(
            "create --name OWN-stopped --network OWN-stopped -v OWN-stopped:/data -v /anonymous {run}"
        ));
        let builder = world.must(&format!("create --name buildx_buildkit_OWN0 {run}"));
        assert_eq!(
            world.careen(&["build", "-t", &format!("{}-image:built", world.own)]).0,
            Some(0)
        );

        let before = world.everything();
        let records: BTreeSet<String> =
            world.connection().cache_records().unwrap().into_iter().map(|one| one.id).collect();
        let fix = ["fix", "--clean-system"];
        let (code, plan, err) =
            world.careen(&[&fix[..], &["--dry-run", "--format", "json"]].concat());
        assert_eq!(code, Some(0), "{err}");
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let shown = ["container", "image", "network"].map(|what| planned(&plan, what));
        let cache = planned(&plan, "cache record");
        assert!(shown[0].contains(&stopped), "{plan:#}");
        assert!(!shown[0].contains(&running) && !shown[0].contains(&builder));
        assert!(shown[1].contains(&nameless) && !shown[1].contains(&named), "{plan:#}");
        let id = |name: &str| world.must(&format!("network inspect -f {{{{.Id}}}} OWN-{name}"));
        assert!(shown[2].contains(&id("gone")) && shown[2].contains(&id("stopped")));
        assert!(!shown[2].contains(&id("keep")));
        assert!(!cache.is_empty() && planned(&plan, "volume").is_empty());
        // The screen names each of them, and says that it is for good.
        let (_, screen, _) = world.careen(&[&fix[..], &["--dry-run"]].concat());
        for item in [&stopped[..12], &nameless[7..19], "cannot be undone", "-gone", "-stopped"] {
            assert!(screen.contains(item), "{item}: {screen}");
        }
        // Without a yes nothing happens.
        assert_eq!(world.careen(&fix).0, Some(2));
        assert_eq!(world.everything(), before);

        let (code, out, err) = world.careen(&[&fix[..], &["--yes"]].concat());
        assert_eq!(code, Some(0), "{out}\n{err}");
        let after = world.everything();
        for (n, shown) in shown.iter().enumerate() {
            let gone: BTreeSet<String> = before[n].difference(&after[n]).cloned().collect();
            assert_eq!(gone, *shown, "{out}\n{err}");
        }
        assert_eq!(after[3], before[3], "no volume, not even an anonymous one");
        let left = world.connection().cache_records().unwrap();
        let left: BTreeSet<String> = left.into_iter().map(|one| one.id).collect();
        let gone: BTreeSet<String> = records.difference(&left).cloned().collect();
        assert!(gone.is_subset(&cache), "{gone:?} and not only {cache:?}");
        assert!(!gone.is_empty(), "{err}");
        assert_eq!(world.must("inspect -f {{.State.Running}} OWN-run"), "true");

        // Volumes need a switch of their own, and one in use stays.
        let volumes = [&fix[..], &["--volumes"]].concat();
        let (_, plan, _) =
            world.careen(&[&volumes[..], &["--dry-run", "--format", "json"]].concat());
        let shown = planned(&serde_json::from_str(&plan).unwrap(), "volume");
        let volume = |name: &str| format!("{}-{name}", world.own);
        assert!(shown.contains(&volume("idle")) && shown.contains(&volume("stopped")), "{plan}");
        assert!(!shown.contains(&volume("keep")));
        assert_eq!(world.careen(&[&volumes[..], &["--yes"]].concat()).0, Some(0));
        let last = world.everything();
        assert_eq!(after[3].difference(&last[3]).cloned().collect::<BTreeSet<_>>(), shown);
        assert_eq!(last[0], after[0]);
        let (code, out, _) = world.careen(&[&volumes[..], &["--yes"]].concat());
        assert_eq!(code, Some(0), "{out}");
    });
}

#[test]
fn an_engine_keeps_what_came_into_use_after_it_was_shown() {
    on_each_private_engine(|world| {
        world.import("image", "third");
        world.must("network create OWN-late");
        world.must("create --name OWN-late --network OWN-late OWN-image:1 /bin/sleep 3600");
        let connection = world.connection();
        let found = connection.leftovers(SystemTime::now()).unwrap();
        world.must("start OWN-late");
        for (kind, items) in found {
            let name = format!("{}-late", world.own);
            let mine: Vec<_> = items.into_iter().filter(|item| item.name == name).collect();
            if mine.is_empty() {
                continue;
            }
            assert!([LeftoverKind::Containers, LeftoverKind::Networks].contains(&kind));
            let removed = connection.remove_leftovers(kind, &mine).unwrap();
            assert_eq!((removed.ids.len(), removed.kept.len()), (0, 1), "{removed:?}");
            assert!(!removed.kept[0].1.is_empty());
        }
        assert_eq!(world.must("inspect -f {{.State.Running}} OWN-late"), "true");
    });
}
