//! Images written to files on every engine of `CAREEN_ENGINES`: whole, consistent, loadable.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::engine::{OnEngine, on_each_engine};

/// An archive, unpacked.
struct Unpacked {
    root: PathBuf,
}

impl Unpacked {
    fn new(on: &OnEngine, name: &str) -> Unpacked {
        let root = on.sandbox.path(&format!("{name}.unpacked"));
        fs::create_dir(&root).unwrap();
        let archive = on.sandbox.path(name);
        let done = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&root).status();
        assert!(done.unwrap().success(), "{name} is no archive");
        Unpacked { root }
    }

    fn json(&self, path: impl AsRef<Path>) -> Value {
        let path = self.root.join(path);
        let bytes = fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// A blob that a descriptor names: there, of the told size, and of the told content.
    fn blob(&self, descriptor: &Value) -> PathBuf {
        let digest = descriptor["digest"].as_str().unwrap();
        let path = Path::new("blobs").join(digest.replace(':', "/"));
        let bytes = fs::read(self.root.join(&path)).unwrap();
        assert_eq!(descriptor["size"].as_u64(), Some(bytes.len() as u64), "{descriptor}");
        assert_eq!(digest, sha256(&bytes), "{descriptor}");
        path
    }

    /// Checks every blob from the index down; gives digests of the configuration and of the layers'
    /// uncompressed archives.
    fn check_layout(&self) -> (String, Vec<String>) {
        assert_eq!(self.json("oci-layout")["imageLayoutVersion"], "1.0.0");
        let index = self.json("index.json");
        let manifests = index["manifests"].as_array().unwrap();
        assert_eq!(manifests.len(), 1, "{index:#}");
        let manifest = self.json(self.blob(&manifests[0]));
        let config = self.json(self.blob(&manifest["config"]));
        let told = config["rootfs"]["diff_ids"].as_array().unwrap();
        let told: Vec<_> = told.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let layers = manifest["layers"].as_array().unwrap();
        let found: Vec<_> = layers.iter().map(|layer| uncompressed(self, layer)).collect();
        assert_eq!(found, told);
        (manifest["config"]["digest"].as_str().unwrap().to_owned(), told)
    }
}

fn uncompressed(unpacked: &Unpacked, layer: &Value) -> String {
    let file = File::open(unpacked.root.join(unpacked.blob(layer))).unwrap();
    let kind = layer["mediaType"].as_str().unwrap();
    assert!(kind.ends_with("gzip"), "{kind}");
    let mut bytes = Vec::new();
    std::io::copy(&mut flate2::read::MultiGzDecoder::new(file), &mut bytes).unwrap();
    sha256(&bytes)
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// What lies beside the project, for finding what a build leaves.
fn beside(on: &OnEngine) -> Vec<String> {
    let folder = on.sandbox.project().parent().unwrap().to_owned();
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether the engine keeps images in containerd's store, by its own word.
fn has_containerd_store(on: &OnEngine) -> bool {
    let doctor = on.sandbox.run(&["doctor", "--format", "json", "--fail-on", "never"]).json();
    doctor["facts"]["engine"]["server"]["storage_driver"] == "overlayfs"
}

/// Runs the image's own `python` through `careen test`.
fn check_that_it_runs(on: &OnEngine) {
    on.sandbox.write("pyproject.toml", b"[project]\nname = \"demo\"\nversion = \"1\"\n");
    on.sandbox.run(&["test", &on.image]).check(0, &["3.11.9"]);
}

#[test]
fn an_engine_image_is_written_as_a_docker_archive() {
    on_each_engine(|on, socket| {
        on.sandbox.run(&on.build(&["--output", "docker:../docker.tar"])).check(0, &[]);
        assert_eq!(beside(on), ["docker.tar", "home", "project"]);
        let unpacked = Unpacked::new(on, "docker.tar");
        let manifest = unpacked.json("manifest.json");
        assert_eq!(manifest[0]["RepoTags"][0], on.image.as_str(), "{manifest:#}");
        let config = unpacked.json(manifest[0]["Config"].as_str().unwrap());
        let layers = config["rootfs"]["diff_ids"].as_array().unwrap().len();
        assert_eq!(manifest[0]["Layers"].as_array().unwrap().len(), layers, "{socket}");
        // The engine takes back what it wrote, and it is the same image.
        let before = on.connection.image(&on.image).unwrap();
        on.connection.remove_image(&on.image).unwrap();
        let archive = File::open(on.sandbox.path("docker.tar")).unwrap();
        on.connection.load_images(Box::new(archive)).unwrap();
        let after = on.connection.image(&on.image).unwrap();
        assert_eq!((after.id, after.root), (before.id, before.root), "{socket}");
        check_that_it_runs(on);
    });
}

#[test]
fn an_engine_with_the_containerd_store_writes_an_oci_archive() {
    on_each_engine(|on, socket| {
        let run = on.sandbox.run(&on.build(&["--output", "oci:../oci.tar"]));
        if !has_containerd_store(on) {
            run.check(3, &["not supported", "hint:", "docker:FILE"]);
            assert_eq!(beside(on), ["home", "project"], "{socket}");
            return;
        }
        run.check(0, &["../oci.tar"]);
        assert_eq!(beside(on), ["home", "oci.tar", "project"]);
        let (config, layers) = Unpacked::new(on, "oci.tar").check_layout();
        assert_eq!(layers.len(), 3);
        // It went to the file, not into the store.
        assert!(on.connection.image(&on.image).is_err());
        let archive = File::open(on.sandbox.path("oci.tar")).unwrap();
        on.connection.load_images(Box::new(archive)).unwrap();
        assert_eq!(on.connection.image(&on.image).unwrap().root.layers, layers);
        check_that_it_runs(on);
        // The same build into the store has the same configuration, so it is the same image.
        on.sandbox.run(&on.build(&["--output", "docker:../docker.tar"])).check(0, &[]);
        let manifest = Unpacked::new(on, "docker.tar").json("manifest.json");
        let stored = manifest[0]["Config"].as_str().unwrap();
        assert_eq!(stored.rsplit('/').next(), config.rsplit(':').next(), "{socket}");
    });
}

#[test]
fn an_engine_image_that_cannot_be_written_leaves_nothing() {
    on_each_engine(|on, _| {
        let run = on.sandbox.run(&on.build(&["--output", "docker:../nowhere/docker.tar"]));
        run.check(3, &["could not write ../nowhere/docker.tar"]);
        let run = on.sandbox.run(&on.build(&["--output", "oci:../nowhere/oci.tar"]));
        run.check(3, &["could not"]);
        let run = on.sandbox.run(&on.build(&["--output", "oci:.."]));
        run.check(3, &["could not"]);
        assert_eq!(beside(on), ["home", "project"]);
    });
}
