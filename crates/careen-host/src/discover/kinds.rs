//! Of what kind a project is, by the files that its tools need.

use std::path::Path;

use careen_model::project::{ProjectKind, Python};

const SIGNS: [(ProjectKind, &[&str]); 5] = [
    (
        ProjectKind::Python,
        &[
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "Pipfile",
            "uv.lock",
            "poetry.lock",
            "environment.yml",
            "environment.yaml",
        ],
    ),
    (ProjectKind::Node, &["package.json"]),
    (ProjectKind::Rust, &["Cargo.toml"]),
    (ProjectKind::Go, &["go.mod"]),
    (ProjectKind::Java, &["pom.xml", "build.gradle", "build.gradle.kts", "gradlew"]),
];

/// Packages whose wheels make images large, by normalised name.
const MACHINE_LEARNING: [&str; 30] = [
    "accelerate",
    "bitsandbytes",
    "cupy",
    "deepspeed",
    "diffusers",
    "flash-attn",
    "flax",
    "jax",
    "jaxlib",
    "keras",
    "lightgbm",
    "lightning",
    "mediapipe",
    "mxnet",
    "onnxruntime",
    "opencv-contrib-python",
    "opencv-python",
    "paddlepaddle",
    "pytorch-lightning",
    "roboflow",
    "scikit-learn",
    "sentence-transformers",
    "spacy",
    "tensorflow",
    "tensorrt",
    "timm",
    "torch",
    "transformers",
    "ultralytics",
    "xgboost",
];

/// Endings of variants: `opencv-python-headless`, `tensorflow-cpu`, `cupy-cuda12x`.
const VARIANTS: [&str; 7] = ["headless", "contrib", "gpu", "cpu", "cuda", "intel", "rocm"];

pub(super) fn of(root: &Path, names: &[String], python: Option<&Python>) -> Vec<ProjectKind> {
    let has = |sign: &&str| names.iter().any(|name| name == sign);
    let mut kinds: Vec<ProjectKind> =
        SIGNS.iter().filter(|(_, signs)| signs.iter().any(has)).map(|(kind, _)| *kind).collect();
    if python.is_some() && !kinds.contains(&ProjectKind::Python) {
        kinds.push(ProjectKind::Python);
    }
    let dependencies = python.map(|python| python.dependencies.as_slice()).unwrap_or_default();
    if dependencies.iter().any(|name| is_machine_learning(name)) || conda_learns(root, names) {
        kinds.push(ProjectKind::MachineLearning);
    }
    kinds.sort();
    kinds
}

fn is_machine_learning(name: &str) -> bool {
    if name.starts_with("nvidia-c") || name.starts_with("torch-") || name == "torchvision" {
        return true;
    }
    MACHINE_LEARNING.iter().any(|known| {
        let Some(rest) = name.strip_prefix(known) else { return false };
        let ending = rest.strip_prefix('-');
        rest.is_empty()
            || ending.is_some_and(|end| VARIANTS.iter().any(|variant| end.starts_with(variant)))
    })
}

/// Conda's file lists packages as `  - pytorch=2.5`.
fn conda_learns(root: &Path, names: &[String]) -> bool {
    let file =
        names.iter().find(|name| matches!(name.as_str(), "environment.yml" | "environment.yaml"));
    let text = file.and_then(|name| super::read_text(&root.join(name)).ok()).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().strip_prefix("- ")).any(|package| {
        // A channel may stand before the name.
        let package = package.rsplit("::").next().unwrap_or("").trim_matches(['"', '\'']);
        let end = package.find(['=', '<', '>', ' ', '[', '!']).unwrap_or(package.len());
        let name = package[..end].to_lowercase();
        name == "pytorch" || name == "opencv" || is_machine_learning(&name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_package_count_and_namesakes_do_not() {
        for name in ["torch", "opencv-python-headless", "tensorflow-cpu", "cupy-cuda12x", "jax"] {
            assert!(is_machine_learning(name), "{name}");
        }
        for name in ["torchy", "jaxtyping", "keras-x", "numpy", "", "nvidia-ml-py"] {
            assert!(!is_machine_learning(name), "{name}");
        }
    }
}
