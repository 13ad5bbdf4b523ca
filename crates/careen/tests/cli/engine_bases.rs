//! Which platform base images have, on every engine of `CAREEN_ENGINES`: what careen says is what
//! the builder itself warns of, and what the builder cannot find is not called fine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use careen_engine::{BuildRequest, CancelToken, EngineHistory, Frontend, Output, Pull, build};
use careen_model::build::What;
use careen_run::ContextFiles;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::engine::{OnEngine, on_each_engine};
use crate::sandbox::tell;

/// Programs of it run nowhere but there, and no test machine emulates it.
const FOREIGN: &str = "s390x";

#[test]
fn an_engine_is_asked_for_the_platform_of_base_images() {
    on_each_engine(|on, socket| {
        let platforms = on.connection.builder_platforms().unwrap();
        assert!(!platforms.iter().any(|name| name.contains(FOREIGN)), "{platforms:?}");
        let own = platforms[0].split('/').nth(1).unwrap();
        let images = [("own", own), ("foreign", FOREIGN)].map(|(kind, architecture)| {
            let name = format!("{}-{kind}:1", on.sandbox.name());
            load(on, &name, architecture);
            name
        });
        let [at_home, foreign] = &images;

        on.sandbox.write("Dockerfile", format!("FROM {at_home}\nCOPY app.txt /\n").as_bytes());
        let ask = ["lint", "Dockerfile", "--ask-builder", "--only", "InvalidBaseImagePlatform"];
        on.sandbox.run(&ask).check(0, &[]);

        let text = format!("FROM {foreign}\nCOPY app.txt /\n");
        on.sandbox.write("Dockerfile", text.as_bytes());
        // Without the builder nobody knows.
        on.sandbox.run(&["lint", "Dockerfile"]).check(0, &[]);
        let found =
            on.sandbox.run(&[&ask[..], &["--profile", "buildkit", "--format", "json"]].concat());
        match warnings(on) {
            // The classic store does not take it and asks a registry that is not there.
            Err(error) => {
                tell(format!("{socket}: the builder does not take it: {error}"));
                let sentence =
                    format!("the platform of docker.io/library/{foreign} is not checked");
                found.check(3, &[&sentence]);
                assert_eq!(found.json()["findings"], json!([]));
            }
            Ok(warnings) => {
                let told = found.json();
                let [finding] = told["findings"].as_array().unwrap().as_slice() else {
                    panic!("{found}")
                };
                let message = finding["message"].as_str().unwrap();
                tell(format!("{socket}: {message}"));
                found.check(1, &[FOREIGN]);
                assert_eq!((&finding["line"], &finding["rule"]), (&json!(1), &json!(ask[4])));
                let is_same = |warning: &String| warning.contains(message);
                assert!(warnings.iter().any(is_same), "{message}: {warnings:#?}");
            }
        }
        for image in &images {
            on.connection.remove_image(image).unwrap();
        }
    });
}

/// What the builder warns of when it builds the project, or why it does not.
fn warnings(on: &OnEngine) -> Result<Vec<String>, String> {
    let project = on.sandbox.project();
    let request = BuildRequest {
        output: Output::None,
        pull: Pull::IfMissing,
        frontend: Frontend::BuiltIn,
        history: EngineHistory::Skip,
        ..BuildRequest::default()
    };
    let files = Arc::new(ContextFiles::new(&project, &project.join("Dockerfile")));
    let mut warnings = vec![];
    let mut watch = |event: &careen_model::BuildEvent| {
        if let What::Warned { message } = &event.what {
            warnings.push(message.clone());
        }
    };
    match build(&on.connection, &request, files, &mut watch, &CancelToken::default()) {
        Ok(_) => Ok(warnings),
        Err(err) => Err(err.to_string()),
    }
}

/// Gives the engine an image of one file, as a `docker save` archive.
fn load(on: &OnEngine, name: &str, architecture: &str) {
    let folder = on.sandbox.path(&format!("image-{architecture}"));
    fs::create_dir_all(&folder).unwrap();
    let archive = |name: &str, files: &[&str]| {
        let out = Command::new("tar").args(["-cf", name]).args(files).current_dir(&folder).status();
        assert!(out.unwrap().success());
    };
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    write("file", architecture.to_owned());
    archive("layer.tar", &["file"]);
    let layer = format!("sha256:{:x}", Sha256::digest(fs::read(folder.join("layer.tar")).unwrap()));
    let config = json!({
        "os": "linux", "architecture": architecture, "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created_by": "COPY file /" }],
    });
    write("config.json", config.to_string());
    let manifest = json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
    write("manifest.json", manifest.to_string());
    archive("image.tar", &["manifest.json", "config.json", "layer.tar"]);
    let image = fs::File::open(Path::new(&folder).join("image.tar")).unwrap();
    on.connection.load_images(Box::new(image)).unwrap();
}
