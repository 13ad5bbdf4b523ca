//! What an image hardly ever needs, by category: the table behind the ignore file.
//!
//! Endings are written `**/*.pyc`, which every client reads alike. `**.pyc` costs current clients
//! far less (on 200,000 files with 102 patterns 2.1 against 9.4 seconds of processor time,
//! measured), but the client of Docker 20.10 reads it as a file named `.pyc` and ignores no other
//! (seen on a real build), so it is never written unasked.

use careen_model::facts::project::ProjectKind;

/// One category of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    /// Stable: used in facts and reports.
    pub name: &'static str,
    /// The comment above its patterns.
    pub title: &'static str,
    pub patterns: &'static [&'static str],
    pub likely: Likely,
    /// Made by tools and made again by them, so that no program misses it in an image.
    pub is_derived: bool,
    /// Folders that hold such files on purpose: copying one of them means wanting the files.
    pub homes: &'static [&'static str],
}

/// For which projects a category is written although nothing of it is there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likely {
    Always,
    /// For projects of one of these kinds.
    For(&'static [ProjectKind]),
}

const PYTHON: Likely = Likely::For(&[ProjectKind::Python, ProjectKind::MachineLearning]);
const LEARNING: Likely = Likely::For(&[ProjectKind::MachineLearning]);

/// All categories in the order in which they are written.
pub const CATEGORIES: [Category; 17] = [
    derived("git", "Git", &[".git", ".gitattributes", ".gitmodules", ".github"], Likely::Always),
    derived(
        "editors",
        "Editors",
        &[".vscode", ".idea", "**/*.swp", "**/*.swo", "**/*~"],
        Likely::Always,
    ),
    derived(
        "python-cache",
        "Python caches and build leftovers",
        &[
            "**/__pycache__",
            "**/*.pyc",
            "**/*.pyo",
            "**/*.pyd",
            "**/.pytest_cache",
            "**/.mypy_cache",
            "**/.ruff_cache",
            "**/.hypothesis",
            "**/.tox",
            "**/.nox",
            "**/.coverage",
            "**/htmlcov",
            "**/*.egg-info",
            "**/.eggs",
        ],
        PYTHON,
    ),
    derived(
        "environments",
        "Virtual environments",
        &["**/.venv", "venv", ".virtualenv", ".conda"],
        PYTHON,
    ),
    wanted_in(
        "notebooks",
        "Jupyter",
        &["**/.ipynb_checkpoints", "**/*.ipynb"],
        PYTHON,
        &["notebooks", "notebook"],
    ),
    wanted_in(
        "logs",
        "Logs and databases",
        &["**/*.log", "**/*.sqlite3", "**/*.db", "logs"],
        Likely::Always,
        &["fixtures", "seeds"],
    ),
    wanted_in(
        "data",
        "Data, models and results",
        &["data", "datasets", "models", "weights", "videos", "outputs", "results", "experiments"],
        LEARNING,
        &[],
    ),
    derived(
        "caches",
        "Cache folders",
        &["**/.cache", ".uv-cache", ".pip-cache", ".ccache"],
        Likely::Always,
    ),
    wanted_in(
        "experiments",
        "Tracking of experiments",
        &["mlruns", "wandb", ".roboflow", "yolo*.pt"],
        LEARNING,
        &[],
    ),
    derived(
        "node",
        "Node",
        &["**/node_modules", ".npm", ".yarn/cache", ".pnpm-store"],
        Likely::For(&[ProjectKind::Node]),
    ),
    derived(
        "compiled",
        "Compiler output",
        &["target"],
        Likely::For(&[ProjectKind::Rust, ProjectKind::Java]),
    ),
    derived("gradle", "Gradle", &["**/.gradle"], Likely::For(&[ProjectKind::Java])),
    wanted_in("documents", "Documentation", &["docs", "*.md", "*.rst"], Likely::Always, &[]),
    derived(
        "system-files",
        "Files of operating systems",
        &["**/.DS_Store", "**/Thumbs.db", "**/desktop.ini"],
        Likely::Always,
    ),
    derived(
        "temporary",
        "Temporary files",
        &["**/*.tmp", "**/*.bak", "**/*.orig", "tmp", "temp"],
        Likely::Always,
    ),
    wanted_in(
        "large-files",
        "Large binary files",
        &[
            "**/*.pt",
            "**/*.pth",
            "**/*.onnx",
            "**/*.h5",
            "**/*.mp4",
            "**/*.avi",
            "**/*.mov",
            "**/*.zip",
            "**/*.tar.gz",
        ],
        LEARNING,
        &["models", "weights", "checkpoints", "data", "datasets", "videos", "assets"],
    ),
    derived("careen", "Journal of careen", &[".careen"], Likely::Always),
];

const fn derived(
    name: &'static str,
    title: &'static str,
    patterns: &'static [&'static str],
    likely: Likely,
) -> Category {
    Category { name, title, patterns, likely, is_derived: true, homes: &[] }
}

const fn wanted_in(
    name: &'static str,
    title: &'static str,
    patterns: &'static [&'static str],
    likely: Likely,
    homes: &'static [&'static str],
) -> Category {
    Category { name, title, patterns, likely, is_derived: false, homes }
}

/// Names and patterns alone, as a survey of the context takes them to weigh each category.
pub fn to_weigh() -> Vec<(&'static str, &'static [&'static str])> {
    CATEGORIES.iter().map(|category| (category.name, category.patterns)).collect()
}

impl Category {
    /// True when the category suits a project of these kinds.
    pub fn is_likely_for(&self, kinds: &[ProjectKind]) -> bool {
        match self.likely {
            Likely::Always => true,
            Likely::For(wanted) => wanted.iter().any(|kind| kinds.contains(kind)),
        }
    }
}
