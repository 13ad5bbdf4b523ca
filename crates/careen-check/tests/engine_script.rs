//! The build script on real engines: it builds, tests, fails and cleans as it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare should stop")]
#![expect(clippy::print_stdout, reason = "a test says what it could not do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use careen_check::generate::script::{ScriptRequest, build_script};
use careen_model::{Case, Expect};
use tempfile::TempDir;

/// Stands for Python: what its last argument says is what it does.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    const char *last = words[count - 1];
    if (!strcmp(last, "fail")) { fputs("ModuleNotFoundError: No module named 'torch'\n", stderr); return 1; }
    if (!strcmp(last, "skip")) { puts("does not apply"); return 77; }
    if (!strcmp(last, "sleep")) { pause(); }
    puts("\n\x1b[31m3.11.9");
    return 0;
}
"#;

struct Project {
    folder: TempDir,
    image: String,
    engine: String,
    /// A client without plugins of its user, so that the builder without buildx is tried too.
    is_bare: bool,
}

impl Project {
    fn write(&self, dockerfile: &str, cases: &[Case]) {
        fs::write(self.folder.path().join("Dockerfile"), dockerfile).unwrap();
        let script = build_script(&ScriptRequest {
            project: "run-script",
            file_name: "build.sh",
            image: &self.image,
            dockerfile: Path::new("Dockerfile"),
            context: Path::new("."),
            target: None,
            compose: None,
            build_args: &["CAREEN_WORD".to_owned()],
            secrets: &[],
            needed_bytes: Some(1_000_000),
            cases,
        });
        fs::write(self.folder.path().join("build.sh"), script).unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", format!("unix://{}", self.engine)).stdin(Stdio::null());
        command.env("CAREEN_WORD", "word").env_remove("DOCKER_BUILDKIT");
        if self.is_bare {
            command.env("DOCKER_CONFIG", self.folder.path().join("no-plugins"));
        }
        command
    }

    fn run(&self, options: &[&str]) -> (i32, String) {
        let script = self.folder.path().join("build.sh");
        let ran = self.command("sh").arg(script).args(options).output().unwrap();
        (ran.status.code().unwrap(), told(&ran))
    }

    fn docker(&self, words: &[&str]) -> Output {
        self.command("docker").args(words).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_script_builds_tests_and_cleans_on_every_engine() {
    let Ok(engines) = std::env::var("CAREEN_ENGINES") else {
        println!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    for (n, engine) in engines.split(':').filter(|path| !path.is_empty()).enumerate() {
        for is_bare in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let image = format!("run-script-{}-{n}:{is_bare}", std::process::id());
            let project = Project { folder, image, engine: engine.to_owned(), is_bare };
            compile(project.folder.path());
            try_everything(&project);
            println!("{engine}: tried, client without plugins: {is_bare}");
        }
    }
}

fn compile(folder: &Path) {
    fs::write(folder.join("program.c"), PROGRAM).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-Os", "-o", "program", "program.c"]).current_dir(folder);
    assert!(compiler.status().unwrap().success());
}

fn try_everything(project: &Project) {
    const GOOD: &str = "FROM scratch\nARG CAREEN_WORD\nCOPY program /bin/python3\n\
                        LABEL word=$CAREEN_WORD\nENV PATH=/bin\nWORKDIR /app\n";
    let mut python = Case::new("python", &[".venv/bin/python", "-c", "x y"]);
    python.or_programs = vec!["python".into(), "python3".into()];
    let optional = Case { critical: false, ..Case::new("uv", &["uv", "--version"]) };
    let skip = Case {
        expect: Expect::SuccessOrSkip { skip_reason: "unused".into() },
        ..Case::new("says skip", &["python3", "skip"])
    };
    let left_out = Case::new("import jax", &["python3"]).skipped("not a dependency");
    let good = [python, optional, skip, left_out];

    project.write(GOOD, &good);
    let (code, said) = project.run(&[]);
    assert_eq!(code, 0, "{said}");
    for wanted in [
        " ok  python 3.11.9\n",
        "warn uv: the image has none of: uv (not critical)\n",
        "skip says skip: does not apply\n",
        "skip import jax: not a dependency\n",
        "tests   1 passed, 1 failed, 2 skipped\n",
        "GB free in ",
        "us per lookup\n",
        "STEP: done in 0 min ",
    ] {
        assert!(said.contains(wanted), "no {wanted:?} in {said}");
    }
    assert!(!said.contains('\x1b'), "{said:?}");
    let label = project.docker(&[
        "image",
        "inspect",
        "--format",
        "{{index .Config.Labels \"word\"}}",
        &project.image,
    ]);
    assert_eq!(told(&label), "word\n");

    let fail = Case::new("import torch", &["python3", "fail"]);
    let limit = Duration::from_secs(1);
    let slow = Case { limit, ..Case::new("slow", &["python3", "sleep"]) };
    project.write(GOOD, &[fail, slow]);
    let (code, said) = project.run(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("FAIL import torch: exit code 1\n"), "{said}");
    assert!(said.contains("     ModuleNotFoundError: No module named 'torch'\n"), "{said}");
    assert!(said.contains("FAIL slow: took longer than 1 s\n"), "{said}");
    let left = project.docker(&["ps", "-aq", "--filter", &format!("ancestor={}", project.image)]);
    assert_eq!(told(&left), "", "a container was left behind");

    let (code, said) = project.run(&["--no-test"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = project.run(&["--clean", "--no-test"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Remove this image? no (not a terminal)"), "{said}");
    let (code, said) = project.run(&["--clean", "--yes", "--no-test"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("removed {}", project.image)), "{said}");

    project.write("FROM scratch\nCOPY nothing /\n", &[]);
    let (code, said) = project.run(&[]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("docker ended with exit code"), "{said}");
    fs::remove_file(project.folder.path().join("Dockerfile")).unwrap();
    let (code, said) = project.run(&[]);
    assert_eq!((code, said.contains("no file Dockerfile")), (3, true), "{said}");

    assert!(project.docker(&["image", "rm", &project.image]).status.success());
}
