//! What Python distributions are called when they are imported, and what they bring along.

/// Distribution and module, where they differ by more than `-` and `_`.
const MODULES: &[(&str, &str)] = &[
    ("attrs", "attr"),
    ("beautifulsoup4", "bs4"),
    ("biopython", "Bio"),
    ("faiss-cpu", "faiss"),
    ("faiss-gpu", "faiss"),
    ("gitpython", "git"),
    ("google-cloud-bigquery", "google.cloud.bigquery"),
    ("google-cloud-storage", "google.cloud.storage"),
    ("grpcio", "grpc"),
    ("imbalanced-learn", "imblearn"),
    ("jupyter", "jupyter_core"),
    ("mysqlclient", "MySQLdb"),
    ("msgpack-python", "msgpack"),
    ("onnxruntime-gpu", "onnxruntime"),
    ("opencv-contrib-python", "cv2"),
    ("opencv-contrib-python-headless", "cv2"),
    ("opencv-python", "cv2"),
    ("opencv-python-headless", "cv2"),
    ("pillow", "PIL"),
    ("protobuf", "google.protobuf"),
    ("psycopg-binary", "psycopg"),
    ("psycopg2-binary", "psycopg2"),
    ("pycryptodome", "Crypto"),
    ("pyjwt", "jwt"),
    ("pymupdf", "fitz"),
    ("pyserial", "serial"),
    ("python-dateutil", "dateutil"),
    ("python-dotenv", "dotenv"),
    ("python-multipart", "multipart"),
    ("pytorch-lightning", "pytorch_lightning"),
    ("pyyaml", "yaml"),
    ("pyzmq", "zmq"),
    ("scikit-image", "skimage"),
    ("scikit-learn", "sklearn"),
    ("segment-anything", "segment_anything"),
    ("tensorflow-cpu", "tensorflow"),
    ("umap-learn", "umap"),
];

/// Distributions that need another one, so that a project which names only them has it too.
const BRINGS: &[(&str, &[&str])] = &[
    (
        "torch",
        &[
            "accelerate",
            "fastai",
            "kornia",
            "lightning",
            "pytorch-lightning",
            "timm",
            "torchaudio",
            "torchmetrics",
            "torchvision",
            "ultralytics",
        ],
    ),
    ("jax", &["flax", "equinox", "optax", "numpyro", "dm-haiku", "orbax-checkpoint"]),
    (
        "cv2",
        &[
            "opencv-contrib-python",
            "opencv-contrib-python-headless",
            "opencv-python",
            "opencv-python-headless",
            "roboflow",
            "supervision",
            "ultralytics",
        ],
    ),
];

/// Tools of development: an image need not hold them, and many cannot be imported.
const TOOLS: &[&str] = &[
    "black",
    "build",
    "coverage",
    "flake8",
    "hatch",
    "hatchling",
    "ipdb",
    "isort",
    "maturin",
    "mypy",
    "nox",
    "pip",
    "pre-commit",
    "pylint",
    "pyright",
    "pytest",
    "ruff",
    "setuptools",
    "tox",
    "twine",
    "ty",
    "uv",
    "wheel",
];

/// The module that importing the distribution means: `scikit-learn` is `sklearn`.
pub(super) fn module_of(distribution: &str) -> String {
    match MODULES.iter().find(|(name, _)| *name == distribution) {
        Some((_, module)) => (*module).to_owned(),
        None => distribution.replace('-', "_"),
    }
}

/// The distribution that brings a module: `yaml` comes with `pyyaml`.
pub(super) fn distribution_of(module: &str) -> String {
    if module == "cv2" {
        // The one without windows needs no system libraries, which is what an image wants.
        return "opencv-python-headless".to_owned();
    }
    let top = module.split('.').next().unwrap_or(module);
    let known = |wanted: &str| MODULES.iter().find(|(_, known)| *known == wanted);
    match known(module).or_else(|| known(top)) {
        Some((name, _)) => (*name).to_owned(),
        None => top.replace('_', "-"),
    }
}

/// Which of the project's dependencies gives it this module, itself or by needing it.
pub(super) fn giver<'a>(module: &str, dependencies: &'a [String]) -> Option<&'a str> {
    let brings = BRINGS.iter().find(|(name, _)| *name == module).map_or(&[][..], |row| row.1);
    let itself = dependencies.iter().find(|name| *name == module);
    let found = itself.or_else(|| dependencies.iter().find(|name| brings.contains(&&***name)));
    found.map(String::as_str)
}

/// True when the distribution is something an image need not be able to import.
pub(super) fn is_tool(distribution: &str) -> bool {
    TOOLS.contains(&distribution)
        || distribution.starts_with("pytest-")
        || distribution.starts_with("types-")
        || distribution.starts_with("nvidia-")
        || distribution.ends_with("-stubs")
}
