//! Other file systems inside a context, on real engines: files that are taken for one another.

use std::fs;
use std::process::Command;

use careen_test::memory_mount::MemoryMount;

use crate::engine_hazards_lab::{Lab, on_each_engine};
use crate::sandbox::{finish, skip};

const FILES: &[(&str, &str)] = &[("Dockerfile", "FROM scratch\nCOPY . /\n")];

fn content(lab: &Lab, path: &str) -> String {
    fs::read_to_string(lab.out().join(path)).unwrap()
}

/// A file of an image that never ran.
fn content_of(lab: &Lab, image: &str, path: &str) -> String {
    let container = finish(lab.docker(&["create", image, "-"])).out;
    let archive = lab.sandbox.path("image.tar");
    let output = format!("--output={}", archive.display());
    let run = finish(lab.docker(&["export", &output, container.trim()]));
    assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
    finish(lab.docker(&["rm", container.trim()]));
    finish(lab.docker(&["image", "rm", image]));
    // Unpacked as a whole, because a link alone has no content.
    let files = lab.sandbox.path("files");
    fs::create_dir_all(&files).unwrap();
    let mut command = Command::new("tar");
    command.arg("-xf").arg(&archive).arg("-C").arg(&files);
    assert_eq!(finish(command).code, Some(0));
    let content = fs::read_to_string(files.join(path)).unwrap();
    fs::remove_dir_all(&files).unwrap();
    content
}

#[test]
fn an_engine_gets_one_file_for_another_of_equal_number() {
    on_each_engine(FILES, |lab| {
        for names in [1, 2] {
            let _mounts = match MemoryMount::twins(&lab.project(), names) {
                Ok(mounts) => mounts,
                Err(why) => return skip(why),
            };
            let run = lab.build();
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
            assert_eq!(content(lab, "one/x"), "content of x", "{}", lab.name);
            for path in ["two/y", "two/y again"] {
                assert_eq!(content(lab, path), "content of x", "{} {path} {names}", lab.name);
            }
            lab.warns("mistaken-hard-links");
            let screen = finish(lab.careen(&["context"]));
            assert!(screen.out.contains("two/y (and 1 more) arrives as another"), "{screen}");

            // What the rule says to do: a copy has an inode and a single name of its own.
            for name in ["y", "y again"] {
                let path = lab.project().join("two").join(name);
                let copy = path.with_extension("new");
                fs::copy(&path, &copy).unwrap();
                fs::rename(&copy, &path).unwrap();
            }
            lab.is_silent("mistaken-hard-links");
            let run = lab.build();
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
            assert_eq!(content(lab, "two/y"), "something else in y", "{}", lab.name);
            assert_eq!(content(lab, "two/y again"), "something else in y", "{}", lab.name);
        }
    });
}

/// The archive of the classic builder forgets the numbers of files with one name.
#[test]
fn an_engine_gets_one_file_for_another_from_the_classic_builder() {
    on_each_engine(FILES, |lab| {
        for (names, expected) in [(1, "something else in y"), (2, "content of x")] {
            let _mounts = match MemoryMount::twins(&lab.project(), names) {
                Ok(mounts) => mounts,
                Err(why) => return skip(why),
            };
            let image = format!("{}:classic", lab.sandbox.name());
            let mut build = lab.docker(&["build", "-t", &image, "."]);
            build.env("DOCKER_BUILDKIT", "0");
            let run = finish(build);
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
            assert_eq!(content_of(lab, &image, "two/y"), expected, "{} {names}", lab.name);
            let screen = finish(lab.careen(&["context", "--builder", "classic"]));
            let warns = screen.out.contains("arrives as another");
            assert_eq!(warns, names > 1, "{} {names}\n{screen}", lab.name);
        }
    });
}

#[test]
fn an_engine_gets_each_file_as_it_is_from_careen_build() {
    on_each_engine(FILES, |lab| {
        let _mounts = match MemoryMount::twins(&lab.project(), 2) {
            Ok(mounts) => mounts,
            Err(why) => return skip(why),
        };
        let image = format!("{}:mounts", lab.sandbox.name());
        let run = finish(lab.careen(&["build", "-t", &image]));
        assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
        assert_eq!(content_of(lab, &image, "two/y"), "something else in y", "{}", lab.name);
    });
}
