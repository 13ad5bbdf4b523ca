//! Builders of a real buildx on every engine of `CAREEN_ENGINES`: broken, paused, dead, made again.
//!
//! No image of BuildKit can be pulled in a test, so the builder's container holds a stand-in: its
//! `buildkitd` waits, or ends when its state is damaged, and its `buildctl dial-stdio` leads to the
//! engine's own BuildKit. Containers, volumes, the store and buildx are real.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use careen_test::bare_builder::serve_tcp;

use crate::engine::{OnEngine, on_each_engine, plant};
use crate::sandbox::{Run, skip};

const DAEMON: &str = "#!/bin/bash\n[ -e /var/lib/buildkit/damaged ] && exit 1\nexec sleep 3600\n";

/// One engine, one `docker` with buildx and a store of builders of its own.
struct Builders<'a> {
    on: &'a OnEngine,
    client: PathBuf,
    /// Letters that no other test has in its names.
    own: String,
    image: String,
}

impl<'a> Builders<'a> {
    fn new(on: &'a OnEngine, socket: &str) -> Option<Builders<'a>> {
        let Some(client) = std::env::var_os("CAREEN_CLIENT").map(PathBuf::from) else {
            skip("CAREEN_CLIENT is not set");
            return None;
        };
        let own = on.sandbox.name().replace("careen-e2e-", "b");
        let image = format!("{}-buildkit:1", on.sandbox.name());
        let builders = Builders { on, client, own, image };
        builders.make_image(serve_tcp(Path::new(socket)).unwrap());
        Some(builders)
    }

    fn make_image(&self, port: u16) {
        let root = self.on.sandbox.project().join("builder");
        plant(&root, &["bash", "cat", "sleep"]);
        let control = format!(
            "#!/bin/bash\ncase \" $* \" in *' dial-stdio '*) ;; *) exit 0 ;; esac\n\
             exec 3<>/dev/tcp/127.0.0.1/{port}\ncat <&3 &\ncat >&3\n"
        );
        for (name, text) in [("buildkitd", DAEMON), ("buildctl", &control)] {
            let path = root.join("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let text = "FROM scratch\nCOPY builder /\nENV PATH=/bin\nENTRYPOINT [\"/bin/buildkitd\"]\n";
        self.on.sandbox.write("builder.Dockerfile", text.as_bytes());
        let build = ["build", "-f", "builder.Dockerfile", "-t", &self.image];
        self.on.sandbox.run(&build).check(0, &[]);
        fs::remove_dir_all(&root).unwrap();
    }

    /// The environment of every program here: this client, and a store in the sandbox.
    fn set_up(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap();
        command
            .env("PATH", format!("{}:{path}", self.client.join("bin").display()))
            .env("DOCKER_CONFIG", self.client.join("cli"))
            .env("BUILDX_CONFIG", self.on.sandbox.path("home/buildx"));
    }

    fn careen(&self, arguments: &[&str]) -> Run {
        let mut command = self.on.sandbox.careen(arguments);
        self.set_up(&mut command);
        Run::of(&command.output().unwrap())
    }

    /// Shell text, as a person runs it.
    fn shell(&self, text: &str) -> Run {
        let mut command = self.on.sandbox.command(Command::new("sh"), &["-c", text]);
        self.set_up(&mut command);
        Run::of(&command.output().unwrap())
    }

    #[track_caller]
    fn must(&self, text: &str) -> String {
        let run = self.shell(text);
        assert_eq!(run.code, Some(0), "{text}\n{run}");
        run.out.trim().to_owned()
    }

    /// Whether the engine can run what buildx makes: its containers have every privilege.
    fn can_have_containers(&self) -> bool {
        let run = "docker run --rm --privileged --net=host --entrypoint cat";
        let tried = self.shell(&format!("{run} {} /bin/buildkitd", self.image));
        if tried.code != Some(0) && tried.err.contains("unable to apply caps") {
            skip("this engine asks for privileges that this machine cannot give");
            return false;
        }
        tried.check(0, &["exec sleep"]);
        true
    }

    /// A started docker-container builder; its name.
    fn create(&self, name: &str, more: &str) -> String {
        let name = format!("{}{name}", self.own);
        let (image, create) = (&self.image, "docker buildx create --driver docker-container");
        let options = format!("--driver-opt image={image} --driver-opt network=host {more}");
        self.must(&format!("{create} --name {name} {options}"));
        self.must(&format!("docker buildx inspect --bootstrap {name}"));
        name
    }

    fn in_container(&self, name: &str, command: &str) -> String {
        self.must(&format!("docker exec buildx_buildkit_{name}0 bash -c '{command}'"))
    }

    fn state(&self, name: &str, field: &str) -> String {
        self.must(&format!("docker inspect -f '{{{{{field}}}}}' buildx_buildkit_{name}0"))
    }

    fn wait_for(&self, name: &str, field: &str, is_good: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !is_good(&self.state(name, field)) {
            assert!(Instant::now() < end, "{field} of {name} stays {}", self.state(name, field));
            sleep(Duration::from_millis(50));
        }
    }

    fn find_broken(&self) -> Run {
        self.careen(&["doctor", "--only", "broken-builder", "--verbose", "--fail-on", "never"])
    }
}

impl Drop for Builders<'_> {
    fn drop(&mut self) {
        let own = &self.own;
        self.shell(&format!(
            "docker ps -aq --filter name=buildx_buildkit_{own} | xargs -r docker rm -fv; \
             docker volume ls -q --filter name=buildx_buildkit_{own} | xargs -r docker volume rm; \
             docker rmi {}",
            self.image
        ));
    }
}

#[test]
fn an_engine_with_a_damaged_builder_gets_it_anew_and_no_other_is_touched() {
    on_each_engine(|on, socket| {
        let Some(builders) = Builders::new(on, socket) else { return };
        if !builders.can_have_containers() {
            return;
        }
        let other = builders.create("other", "");
        let bad = builders.create("bad", "--use");
        builders.find_broken().check(0, &["builders work"]);
        // What a damaged database in its volume does: the container starts and ends for ever.
        builders.in_container(&bad, "> /var/lib/buildkit/damaged");
        builders.must(&format!("docker restart -t 0 buildx_buildkit_{bad}0"));
        builders.wait_for(&bad, ".RestartCount", |count| count.parse::<u32>().unwrap() >= 3);
        let (old, kept) = (builders.state(&bad, ".Id"), builders.state(&other, ".Id"));
        let again = "its container starts and ends";
        builders.find_broken().check(0, &[&bad, again, "Recreate the builder"]);

        let fix = ["fix", "--recreate-builder"];
        let plan = builders.careen(&[&fix[..], &["--dry-run"]].concat());
        plan.check(0, &["Recreate the builder", &bad]);
        assert_eq!(builders.state(&bad, ".Id"), old, "a dry run changes nothing");
        builders.careen(&fix).check(2, &["nobody can be asked here"]);
        assert_eq!(builders.state(&bad, ".Id"), old);

        builders.careen(&[&fix[..], &["--yes"]].concat()).check(0, &[&bad]);
        builders.wait_for(&bad, ".State.Status", |status| status == "running");
        assert_ne!(builders.state(&bad, ".Id"), old);
        assert_eq!(builders.state(&other, ".Id"), kept);
        let settings = builders.must(&format!("docker buildx inspect {bad}"));
        assert!(
            settings.contains("network=\"host\"") && settings.contains("running"),
            "{settings}"
        );
        assert!(builders.must("docker buildx ls").contains(&format!("{bad}*")), "still in use");
        let healthy = builders.find_broken();
        assert!(!healthy.out.contains(again), "{healthy}");
        // And it builds, through its own container.
        on.sandbox.write("small/Dockerfile", b"FROM scratch\nCOPY Dockerfile /\n");
        builders.must(&format!("docker buildx build --builder {bad} small"));
    });
}

#[test]
fn an_engine_with_a_healthy_builder_keeps_its_cache_when_it_is_made_again() {
    on_each_engine(|on, socket| {
        let Some(builders) = Builders::new(on, socket) else { return };
        if !builders.can_have_containers() {
            return;
        }
        let name = builders.create("well", "--use");
        builders.in_container(&name, "echo mine > /var/lib/buildkit/kept");
        let old = builders.state(&name, ".Id");
        let run = builders.careen(&["fix", "--recreate-builder", "--yes"]);
        run.check(0, &[&name, "its cache is kept"]);
        assert_ne!(builders.state(&name, ".Id"), old);
        assert_eq!(builders.in_container(&name, "cat /var/lib/buildkit/kept"), "mine");
        // A paused one needs less, and the command that is shown is that.
        builders.must(&format!("docker pause buildx_buildkit_{name}0"));
        let paused = builders.find_broken();
        paused.check(0, &["its container is paused"]);
        let unpause = paused.out.lines().find_map(|line| line.split_once("docker unpause"));
        let (_, rest) = unpause.unwrap_or_else(|| panic!("{paused}"));
        let before = builders.state(&name, ".Id");
        builders.careen(&["fix", "--recreate-builder", "--yes"]).check(0, &[]);
        assert_eq!(builders.state(&name, ".Id"), before, "it was not made again");
        builders.must(&format!("docker unpause{rest}"));
        assert_eq!(builders.state(&name, ".State.Status"), "running");
    });
}

#[test]
fn an_engine_with_a_dead_endpoint_is_told_and_left_alone() {
    on_each_engine(|on, socket| {
        let Some(builders) = Builders::new(on, socket) else { return };
        let live = format!("{}live", builders.own);
        let port = serve_tcp(Path::new(socket)).unwrap();
        let create = "docker buildx create --driver remote --name";
        builders.must(&format!("{create} {live} --use tcp://127.0.0.1:{port}"));
        builders.must(&format!("docker buildx inspect --bootstrap {live}"));
        let healthy = builders.find_broken();
        assert!(!healthy.out.contains("cannot be used"), "{healthy}");
        let dead = format!("{}dead", builders.own);
        builders.must(&format!("{create} {dead} tcp://127.0.0.1:1"));
        builders.find_broken().check(0, &[&dead, "nothing answers at 127.0.0.1:1"]);
        let instances = || builders.must("cat $BUILDX_CONFIG/instances/* | sort");
        let before = instances();
        builders.careen(&["fix", "--recreate-builder", "--yes"]).check(0, &[]);
        assert_eq!(instances(), before);
        // By hand, as the doctor shows it.
        builders.must(&format!("docker buildx rm {dead}"));
        let healthy = builders.find_broken();
        assert!(!healthy.out.contains("cannot be used"), "{healthy}");
    });
}
