//! Image tests on real engines, in an image and in the result of a build.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare should stop")]
#![expect(clippy::print_stdout, reason = "a test says what it could not do")]

use std::fs;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use careen_engine::{
    BuildRequest, CancelToken, Connection, FileSource, SyncEntry, SyncRequest, Target, open_result,
};
use careen_model::{Case, Expect, Verdict};
use careen_run::image_test::{Exec, ImageExec, ResultExec, run};

/// Stands for Python: what its last argument says is what it does.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    const char *last = words[count - 1];
    if (!strcmp(last, "fail")) { fputs("ModuleNotFoundError: No module named 'cv2'\n", stderr); return 1; }
    if (!strcmp(last, "skip")) { puts("does not apply"); return 77; }
    if (!strcmp(last, "sleep")) { pause(); }
    puts("3.11.9");
    return 0;
}
"#;

/// A Dockerfile and nothing else.
struct OnlyDockerfile(String);

impl FileSource for OnlyDockerfile {
    fn list(&self, request: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        if request.name != "dockerfile" {
            return Ok(vec![]);
        }
        let size = self.0.len() as u64;
        let path = b"Dockerfile".to_vec();
        Ok(vec![SyncEntry { path, size, mode: 0o100_644, ..SyncEntry::default() }])
    }

    fn open(&self, _: &str, _: &[u8]) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone().into_bytes())))
    }
}

#[test]
fn an_engine_runs_the_tests_of_an_image() {
    let Ok(engines) = std::env::var("CAREEN_ENGINES") else {
        println!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    for engine in engines.split(':').filter(|path| !path.is_empty()) {
        let address = format!("unix://{engine}");
        let image = format!("careen-run-test:{}", std::process::id());
        import(&address, &image);
        let connection = Connection::open(&Target::engine(&address)).unwrap();
        let cancel = CancelToken::new();
        check(&ImageExec::new(&connection, &image, &cancel));
        let none = ImageExec::new(&connection, "careen-run-test:none", &cancel);
        let verdicts = run(&[Case::new("x", &["python3"])], &none, NonZeroUsize::MIN);
        assert!(matches!(&verdicts[0].1, Verdict::Broken { .. }), "{verdicts:?}");

        let files = Arc::new(OnlyDockerfile(format!("FROM {image}\nWORKDIR /app\n")));
        let request = BuildRequest::default();
        let result = open_result(&connection, &request, files, &mut |_| {}, &cancel);
        let result = result.unwrap_or_else(|err| panic!("{engine}: {err}"));
        check(&ResultExec::new(&result, &cancel));
        drop(result);
        docker(&address, &["image", "rm", "-f", &image]);
        println!("{engine}: tried in an image and in a result");
    }
}

fn check(exec: &dyn Exec) {
    let mut python = Case::new("python", &[".venv/bin/python", "-c", "x"]);
    python.or_programs = vec!["python".into(), "python3".into()];
    let skip = Case {
        expect: Expect::SuccessOrSkip { skip_reason: String::new() },
        ..Case::new("skip", &["python3", "skip"])
    };
    let limit = Duration::from_secs(2);
    let slow = Case { limit, ..Case::new("slow", &["python3", "sleep"]) };
    let cases =
        [python, Case::new("cv2", &["python3", "fail"]), skip, slow, Case::new("uv", &["uv"])];
    let verdicts = run(&cases, exec, NonZeroUsize::new(2).unwrap());
    let told: Vec<String> = verdicts
        .iter()
        .map(|(case, verdict)| match verdict {
            Verdict::Passed { shown, .. } => format!("{} passed: {shown}", case.name),
            Verdict::Failed { reason, hint, .. } => {
                let hint = hint.as_deref().unwrap_or("none").split(' ').take(2);
                let hint = hint.collect::<Vec<_>>().join(" ");
                format!("{} failed: {reason} ({hint})", case.name)
            }
            Verdict::Skipped { reason } => format!("{} skipped: {reason}", case.name),
            Verdict::Broken { reason } => format!("{} broken: {reason}", case.name),
        })
        .collect();
    assert_eq!(
        told,
        [
            "python passed: 3.11.9",
            "cv2 failed: ModuleNotFoundError: No module named 'cv2' (add opencv-python-headless)",
            "skip skipped: does not apply",
            "slow failed: took longer than 2 s (a first)",
            "uv failed: the image has no uv (install it,)",
        ]
    );
}

/// Makes an image of one static program.
fn import(address: &str, image: &str) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("root/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(folder.path().join("program.c"), PROGRAM).unwrap();
    let compiled = Command::new("cc")
        .args(["-static", "-Os", "-o", "root/bin/python3", "program.c"])
        .current_dir(folder.path())
        .status();
    assert!(compiled.unwrap().success());
    let archive = folder.path().join("root.tar");
    let root = folder.path().join("root");
    let packed =
        Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&root).arg(".").status();
    assert!(packed.unwrap().success());
    docker(address, &["import", "--change", "ENV PATH=/bin", path(&archive), image]);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn docker(address: &str, words: &[&str]) {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", address).args(words).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "docker {words:?}");
}
