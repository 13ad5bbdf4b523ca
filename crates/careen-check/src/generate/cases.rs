//! The image tests that a project's dependencies ask for.
//!
//! Always the same seven first (Python, uv, torch, jax, OpenCV, YOLO, GPU), skipped with a reason
//! where the project has no use for them; then a plain import of each other direct dependency.

use std::time::Duration;

use careen_model::{Case, Expect, ProjectFacts};

use super::distributions::{self, giver, is_tool, module_of};

/// Name of the test that needs a GPU in its container.
pub const GPU: &str = "gpu";

/// What is known of the machine that will run the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gpu {
    Present,
    /// Not there, and how we know, such as "no NVIDIA runtime in the engine".
    Absent(String),
}

/// The seven tests and one per further dependency, in the order they are told.
pub fn infer(project: &ProjectFacts, gpu: &Gpu) -> Vec<Case> {
    let python = match project.python.get() {
        Ok(python) => python,
        Err(why) => return none_but_python(&why.to_string()),
    };
    let dependencies = &python.dependencies;
    let mut cases = vec![version_of_python(python.has_lock)];
    cases.push(uv(python.has_lock));
    let own = |case: Case| with_interpreters(case, python.has_lock);
    for known in &KNOWN {
        let case = own(known.case());
        cases.push(match giver(known.module, dependencies) {
            Some(_) => case,
            None => case.skipped(format!("the project does not depend on {}", known.wants)),
        });
    }
    cases.push(own(gpu_case(dependencies, gpu)));
    let mut imported: Vec<String> = KNOWN.iter().map(|known| known.module.to_owned()).collect();
    for name in dependencies.iter().filter(|name| is_plain(name) && !is_tool(name)) {
        let module = module_of(name);
        if !imported.contains(&module) {
            cases.push(own(plain_import(name, &module)));
            imported.push(module);
        }
    }
    cases
}

/// The distribution to install for a module that is missing: `cv2` is `opencv-python-headless`.
pub fn distribution_of(module: &str) -> String {
    distributions::distribution_of(module)
}

/// A module with a test of its own. The code prints the version on its first line.
struct Known {
    name: &'static str,
    module: &'static str,
    wants: &'static str,
    code: &'static str,
    limit: Duration,
}

/// Limits are generous: importing torch with CUDA from a cold disk takes tens of seconds.
const KNOWN: [Known; 4] = [
    Known {
        name: "import torch",
        module: "torch",
        wants: "torch",
        code: "import torch; print(torch.__version__)",
        limit: Duration::from_mins(3),
    },
    Known {
        name: "import jax",
        module: "jax",
        wants: "jax",
        code: "import jax; print(jax.__version__)",
        limit: Duration::from_mins(2),
    },
    Known {
        name: "import cv2",
        module: "cv2",
        wants: "OpenCV",
        code: "import cv2; print(cv2.__version__)",
        limit: Duration::from_mins(1),
    },
    Known {
        name: "import ultralytics",
        module: "ultralytics",
        wants: "ultralytics (YOLO)",
        code: "import ultralytics; from ultralytics import YOLO; print(ultralytics.__version__)",
        limit: Duration::from_mins(3),
    },
];

impl Known {
    fn case(&self) -> Case {
        Case { limit: self.limit, ..Case::new(self.name, &["python", "-c", self.code]) }
    }
}

fn none_but_python(why: &str) -> Vec<Case> {
    let mut cases = vec![version_of_python(false), uv(false)];
    let rest = KNOWN.iter().map(Known::case).chain([gpu_case(&[], &Gpu::Present)]);
    cases.extend(rest.map(|case| case.skipped(format!("dependencies are unknown: {why}"))));
    // Without Python there is nothing to say about its version.
    cases[0] = cases[0].clone().skipped(format!("not a Python project: {why}"));
    cases
}

fn version_of_python(has_lock: bool) -> Case {
    let code = "import platform; print(platform.python_version())";
    with_interpreters(Case::new("python", &["python", "-c", code]), has_lock)
}

/// A runtime image need not ship uv, so a missing one is told and fails nothing.
fn uv(has_lock: bool) -> Case {
    let case = Case { critical: false, ..Case::new("uv", &["uv", "--version"]) };
    if has_lock { case } else { case.skipped("the project has no uv.lock") }
}

/// What the image's own search path finds comes first: that is what runs in it. A `.venv` beside
/// the project may be one that a `COPY . .` brought along from outside.
fn with_interpreters(mut case: Case, has_lock: bool) -> Case {
    case.or_programs = vec!["python3".to_owned()];
    if has_lock {
        case.or_programs.push(".venv/bin/python".to_owned());
    }
    case
}

fn gpu_case(dependencies: &[String], gpu: &Gpu) -> Case {
    const TORCH: &str = "import sys, torch\n\
        if not torch.cuda.is_available(): sys.exit('torch sees no GPU')\n\
        print(torch.cuda.get_device_name(0))";
    const JAX: &str = "import jax; print(jax.devices('gpu')[0].device_kind)";
    let has_torch = giver("torch", dependencies).is_some();
    let code = if has_torch { TORCH } else { JAX };
    let mut case = Case::new(GPU, &["python", "-c", code]);
    case.limit = Duration::from_mins(3);
    case.expect = Expect::SuccessOrSkip { skip_reason: "the image says there is no GPU".into() };
    if !has_torch && giver("jax", dependencies).is_none() {
        return case.skipped("the project depends on nothing that uses a GPU");
    }
    match gpu {
        Gpu::Present => case,
        Gpu::Absent(reason) => case.skipped(format!("no GPU here: {reason}")),
    }
}

/// Groups of development may be left out of an image, so this is told and fails nothing.
fn plain_import(distribution: &str, module: &str) -> Case {
    let code = format!(
        "import importlib.metadata as m, {module} as _; print(m.version('{distribution}'))"
    );
    let mut case = Case::new(format!("import {module}"), &["python", "-c", &code]);
    case.critical = false;
    case
}

/// The name goes into a program: anything but a normalised distribution name stays out.
fn is_plain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(inner) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use careen_model::facts::project::Python;
    use careen_model::{Fact, Why};
    use expect_test::expect;

    use super::*;

    fn project(dependencies: &[&str], has_lock: bool) -> ProjectFacts {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        ProjectFacts {
            root: "/p".into(),
            dockerfile: Fact::Unknown(Why::NotAsked),
            context: "/p".into(),
            target: None,
            kinds: vec![],
            python: Fact::Known(Python { dependencies, has_lock, ..Python::default() }),
            has_git: true,
            compose: None,
            devcontainer: None,
            broken: vec![],
        }
    }

    fn told(cases: &[Case]) -> String {
        let line = |case: &Case| match &case.skip {
            Some(reason) => format!("- {}: {reason}\n", case.name),
            None if case.critical => format!("! {}: {}\n", case.name, case.argv.join(" ")),
            None => format!("? {}: {}\n", case.name, case.argv.join(" ")),
        };
        cases.iter().map(line).collect()
    }

    #[test]
    fn a_vision_project_gets_all_seven_and_its_other_imports() {
        let facts = project(
            &["ultralytics", "jax", "opencv-python-headless", "pyyaml", "ruff", "mlflow", "pillow"],
            true,
        );
        let absent = Gpu::Absent("no NVIDIA runtime".into());
        expect![[r"
            ! python: python -c import platform; print(platform.python_version())
            ? uv: uv --version
            ! import torch: python -c import torch; print(torch.__version__)
            ! import jax: python -c import jax; print(jax.__version__)
            ! import cv2: python -c import cv2; print(cv2.__version__)
            ! import ultralytics: python -c import ultralytics; from ultralytics import YOLO; print(ultralytics.__version__)
            - gpu: no GPU here: no NVIDIA runtime
            ? import yaml: python -c import importlib.metadata as m, yaml as _; print(m.version('pyyaml'))
            ? import mlflow: python -c import importlib.metadata as m, mlflow as _; print(m.version('mlflow'))
            ? import PIL: python -c import importlib.metadata as m, PIL as _; print(m.version('pillow'))
        "]]
        .assert_eq(&told(&infer(&facts, &absent)));
    }

    #[test]
    fn what_the_project_has_no_use_for_is_skipped_with_a_reason() {
        let facts = project(&["flask", "x'; import os #", "types-pyyaml"], false);
        expect![[r"
            ! python: python -c import platform; print(platform.python_version())
            - uv: the project has no uv.lock
            - import torch: the project does not depend on torch
            - import jax: the project does not depend on jax
            - import cv2: the project does not depend on OpenCV
            - import ultralytics: the project does not depend on ultralytics (YOLO)
            - gpu: the project depends on nothing that uses a GPU
            ? import flask: python -c import importlib.metadata as m, flask as _; print(m.version('flask'))
        "]]
        .assert_eq(&told(&infer(&facts, &Gpu::Present)));
    }

    #[test]
    fn without_python_facts_nothing_is_claimed() {
        let mut facts = project(&[], false);
        facts.python = Fact::Unknown(Why::Absent { what: "pyproject.toml".into() });
        let cases = infer(&facts, &Gpu::Present);
        assert_eq!(cases.len(), 7);
        assert!(cases.iter().all(|case| case.skip.is_some()));
    }

    #[test]
    fn a_missing_module_names_what_to_install() {
        let names =
            ["cv2", "yaml", "sklearn.svm", "google.cloud.storage", "torch_geometric", "flask"];
        let wanted = [
            "opencv-python-headless",
            "pyyaml",
            "scikit-learn",
            "google-cloud-storage",
            "torch-geometric",
            "flask",
        ];
        assert_eq!(names.map(distribution_of), wanted);
    }
}
