//! Project folders, healthy and odd, and what is found in them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use careen_model::project::ProjectKind;
use tempfile::TempDir;

use super::*;

/// A project folder with these files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Dockerfile, origin, context and target, relative to the folder.
#[track_caller]
fn check(files: &[(&str, &str)], request: &DiscoverRequest, expected: &str) -> ProjectFacts {
    let folder = project(files);
    let facts = discover(folder.path(), request);
    let short = |path: &Path| {
        let path = path.strip_prefix(folder.path()).unwrap_or(path).display().to_string();
        if path.is_empty() { ".".to_owned() } else { path }
    };
    let dockerfile = match &facts.dockerfile {
        Fact::Known(source) => format!("{} by {}", short(&source.path), source.from),
        Fact::Unknown(why) => why.to_string().replace(folder.path().to_str().unwrap(), "ROOT"),
    };
    let target = facts.target.as_deref().unwrap_or("-");
    assert_eq!(format!("{dockerfile}, in {}, target {target}", short(&facts.context)), expected);
    facts
}

const NOTHING: DiscoverRequest = DiscoverRequest { dockerfile: None, context: None, target: None };

#[test]
fn the_argument_goes_before_everything() {
    let files = [("Dockerfile", ""), ("compose.yaml", "services: {a: {build: .}}"), ("x/D", "")];
    let request =
        DiscoverRequest { dockerfile: Some("x/./D".into()), ..DiscoverRequest::default() };
    check(&files, &request, "x/D by argument, in ., target -");
    let request = DiscoverRequest {
        dockerfile: Some("gone".into()),
        context: Some("x/..".into()),
        target: Some("t".into()),
    };
    check(&files, &request, "no ROOT/gone here, in ., target t");
}

#[test]
fn compose_goes_before_devcontainer_and_tells_context_and_target() {
    let compose = "\
x-build: &common
  context: app
  target: dev
services:
  database:
    image: postgres
  web:
    build:
      <<: *common
      dockerfile: ../docker/web.Dockerfile
";
    let files = [
        ("compose.yml", compose),
        (".devcontainer/devcontainer.json", r#"{"build": {"dockerfile": "Dockerfile"}}"#),
        (".devcontainer/Dockerfile", ""),
        ("docker/web.Dockerfile", ""),
        ("app/x", ""),
    ];
    let facts =
        check(&files, &NOTHING, "docker/web.Dockerfile by compose.yaml, in app, target dev");
    assert!(facts.devcontainer.is_some() && facts.broken.is_empty());
}

#[test]
fn a_service_whose_dockerfile_exists_is_preferred() {
    let files =
        [("compose.yaml", "services: {a: {build: gone}, b: {build: b}}"), ("b/Dockerfile", "")];
    check(&files, &NOTHING, "b/Dockerfile by compose.yaml, in b, target -");
    check(&files[..1], &NOTHING, "no ROOT/gone/Dockerfile here, in gone, target -");
}

#[test]
fn a_devcontainer_builds_from_its_own_folder() {
    let json =
        "\u{feff}// comment\n{\"build\": {\"dockerfile\": \"Dockerfile\", \"context\": \"..\",},}";
    let files = [(".devcontainer/devcontainer.json", json), (".devcontainer/Dockerfile", "")];
    check(&files, &NOTHING, ".devcontainer/Dockerfile by devcontainer.json, in ., target -");
    let old = r#"{"dockerFile": "Dockerfile"}"#;
    let files = [(".devcontainer/devcontainer.json", old), (".devcontainer/Dockerfile", "")];
    let expected = ".devcontainer/Dockerfile by devcontainer.json, in .devcontainer, target -";
    check(&files, &NOTHING, expected);
    let service = r#"{"dockerComposeFile": ["../c.yml"], "service": "dev"}"#;
    let files = [
        (".devcontainer/devcontainer.json", service),
        ("c.yml", "services: {other: {build: o}, dev: {build: {context: d, target: t}}}"),
        ("d/Dockerfile", ""),
    ];
    check(&files, &NOTHING, "d/Dockerfile by devcontainer.json, in d, target t");
}

#[test]
fn else_the_usual_places_are_searched() {
    check(
        &[("Containerfile", ""), ("a.Dockerfile", "")],
        &NOTHING,
        "Containerfile by found, in ., target -",
    );
    check(
        &[("Dockerfile.dockerignore", ""), ("Dockerfile.gpu", "")],
        &NOTHING,
        "Dockerfile.gpu by found, in ., target -",
    );
    check(&[("docker/Dockerfile", "")], &NOTHING, "docker/Dockerfile by found, in ., target -");
    check(
        &[("compose.yaml", "services: {a: {image: x}}"), ("Dockerfile", "")],
        &NOTHING,
        "Dockerfile by found, in ., target -",
    );
    check(&[], &NOTHING, "no Dockerfile here, in ., target -");
    // A folder of that name is no Dockerfile.
    check(
        &[("Dockerfile/x", ""), ("docker/Dockerfile", "")],
        &NOTHING,
        "docker/Dockerfile by found, in ., target -",
    );
}

#[test]
fn broken_files_are_told_and_hide_nothing_else() {
    let files = [
        ("compose.yaml", "services: ["),
        (".devcontainer/devcontainer.json", "{\"build\": "),
        ("pyproject.toml", "[project\n"),
        ("Dockerfile", ""),
    ];
    let facts = check(&files, &NOTHING, "Dockerfile by found, in ., target -");
    assert_eq!(facts.broken.len(), 3, "{:?}", facts.broken);
    assert!(matches!(facts.python, Fact::Unknown(Why::Unreadable { .. })));
    assert_eq!(facts.kinds, [ProjectKind::Python]);
    // Without another Dockerfile, the broken file may be what names one.
    let folder = project(&files[..1]);
    let facts = discover(folder.path(), &NOTHING);
    assert!(matches!(facts.dockerfile, Fact::Unknown(Why::Unreadable { .. })));
}

#[test]
fn kinds_go_by_files_and_dependencies() {
    let files = [
        ("pyproject.toml", "[project]\nname = 'x'\ndependencies = ['torch']\n"),
        ("uv.lock", ""),
        ("package.json", "{}"),
        (".git/HEAD", ""),
    ];
    let facts = discover(project(&files).path(), &NOTHING);
    assert_eq!(facts.kinds, [ProjectKind::Python, ProjectKind::MachineLearning, ProjectKind::Node]);
    assert!(facts.has_git && facts.python.known().unwrap().has_lock);
    let conda = [("environment.yml", "dependencies:\n  - conda-forge::pytorch=2.5\n")];
    let facts = discover(project(&conda).path(), &NOTHING);
    assert_eq!(facts.kinds, [ProjectKind::Python, ProjectKind::MachineLearning]);
    let requirements = [("requirements-dev.txt", "# x\nJAX[cpu]\n")];
    let facts = discover(project(&requirements).path(), &NOTHING);
    assert_eq!(facts.kinds, [ProjectKind::Python, ProjectKind::MachineLearning]);
    assert_eq!(facts.python.known().unwrap().dependencies, ["jax"]);
}

#[test]
fn odd_folders_are_facts_too() {
    let facts = discover(Path::new("/nowhere/at/all"), &NOTHING);
    assert_eq!(facts.dockerfile, Fact::Unknown(Why::Absent { what: "/nowhere/at/all".into() }));

    let folder = project(&[("Dockerfile", "")]);
    fs::write(folder.path().join(OsStr::from_bytes(b"\xff.Dockerfile")), "").unwrap();
    // A pipe must not be waited for, a link to itself not be followed.
    symlink("compose.yaml", folder.path().join("compose.yaml")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("pyproject.toml"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let facts = discover(folder.path(), &NOTHING);
    assert!(facts.dockerfile.known().is_some());
    assert!(matches!(facts.python, Fact::Unknown(Why::Unreadable { .. })));
    assert_eq!(facts.broken.len(), 2, "{:?}", facts.broken);

    let odd = folder.path().join(OsStr::from_bytes(b"\xfe"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("Dockerfile"), "").unwrap();
    assert_eq!(discover(&odd, &NOTHING).dockerfile.known().unwrap().path, odd.join("Dockerfile"));
}

#[test]
fn paths_are_tidied_but_links_are_respected() {
    let folder = project(&[("a/b/x", "")]);
    let root = folder.path();
    symlink(root.join("a/b"), root.join("link")).unwrap();
    assert_eq!(tidy(&root.join("a/./../c")), root.join("c"));
    assert_eq!(tidy(&root.join("link/../c")), root.join("link/../c"));
    assert_eq!(tidy(Path::new("./.")), Path::new("."));
    assert_eq!(tidy(Path::new("../x")), Path::new("../x"));
}
