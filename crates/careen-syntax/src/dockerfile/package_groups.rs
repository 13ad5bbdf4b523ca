//! Whether calls of package managers bring PyTorch, JAX, computer vision, Jupyter or something else.

use careen_model::{PackageGroup, PackageGroups};

use super::{
    Given,
    packages::{Manager, PackageCommand},
    parse,
};

/// How a name is compared; names are lower case, with `-` for `_` and `.`.
enum Is {
    Exactly(&'static str),
    /// The name, and the name with something after a `-`.
    Family(&'static str),
    Starts(&'static str),
}
use Is::{Exactly, Family, Starts};

/// What packages belong to which group.
const PACKAGES: [(Is, PackageGroup); 17] = [
    (Starts("torch"), PackageGroup::PyTorch),
    (Starts("pytorch"), PackageGroup::PyTorch),
    (Exactly("libtorch"), PackageGroup::PyTorch),
    (Family("jax"), PackageGroup::Jax),
    (Exactly("jaxlib"), PackageGroup::Jax),
    (Exactly("jaxopt"), PackageGroup::Jax),
    (Family("flax"), PackageGroup::Jax),
    (Family("optax"), PackageGroup::Jax),
    (Exactly("opencv"), PackageGroup::Vision),
    (Starts("opencv-"), PackageGroup::Vision),
    (Family("ultralytics"), PackageGroup::Vision),
    (Exactly("supervision"), PackageGroup::Vision),
    (Family("roboflow"), PackageGroup::Vision),
    (Starts("jupyter"), PackageGroup::Jupyter),
    (Exactly("notebook"), PackageGroup::Jupyter),
    (Exactly("ipykernel"), PackageGroup::Jupyter),
    (Exactly("ipywidgets"), PackageGroup::Jupyter),
];

/// Libraries of the GPU come along with the framework beside them, and alone they are PyTorch's.
const OF_A_FRAMEWORK: [Is; 2] = [Starts("nvidia-"), Exactly("triton")];

/// Tools of packaging say nothing of what a step is for.
const TOOLS: [Is; 6] = [
    Exactly("pip"),
    Exactly("setuptools"),
    Exactly("wheel"),
    Exactly("uv"),
    Exactly("build"),
    Exactly("python"),
];

/// Words that name a group in lists of packages that a project made: `--group vision`, `-r torch.txt`.
const WORDS: [(&str, PackageGroup); 8] = [
    ("torch", PackageGroup::PyTorch),
    ("pytorch", PackageGroup::PyTorch),
    ("jax", PackageGroup::Jax),
    ("cv", PackageGroup::Vision),
    ("vision", PackageGroup::Vision),
    ("opencv", PackageGroup::Vision),
    ("jupyter", PackageGroup::Jupyter),
    ("notebooks", PackageGroup::Jupyter),
];

/// Options whose value names a list of packages.
const LISTS: [&str; 8] =
    ["--group", "--only-group", "--extra", "-r", "--requirement", "--requirements", "-f", "--file"];

/// Options whose value is a package.
const WITH: [&str; 1] = ["--with"];

/// First words of what installs nothing.
const OTHER_VERBS: [&str; 12] = [
    "cache",
    "config",
    "list",
    "show",
    "freeze",
    "run",
    "clean",
    "check",
    "init",
    "uninstall",
    "remove",
    "venv",
];

/// The groups that these calls bring; empty when none of them installs packages of a language.
pub fn package_groups(commands: &[PackageCommand]) -> PackageGroups {
    let mut found = Found::default();
    for command in commands.iter().filter(|command| installs(command)) {
        found.take(command);
    }
    found.groups()
}

/// The same for a step by the name that BuildKit gives it: `[base 3/9] RUN pip install torch`.
pub fn package_groups_of_step(name: &str) -> PackageGroups {
    let instruction = name.split_once("] ").map_or(name, |(_, rest)| rest);
    let Some(body) = instruction.strip_prefix("RUN ") else { return PackageGroups::default() };
    let text = match heredoc(body) {
        Some(inner) => format!("FROM scratch\nRUN {inner}\n"),
        None => format!("FROM scratch\nRUN {body}\n"),
    };
    let file = parse(text);
    let meaning = file.meaning(&Given::default());
    let all = (0..file.items.len()).flat_map(|item| meaning.packages_at(item));
    package_groups(&all.collect::<Vec<_>>())
}

/// `<<EOF (pip install torch...)`: a step is named by the first line of its heredoc.
fn heredoc(body: &str) -> Option<&str> {
    let at = body.find("<<")?;
    let inner = body[at..].split_once(" (")?.1.strip_suffix(')')?;
    Some(inner.strip_suffix("...").unwrap_or(inner))
}

fn installs(command: &PackageCommand) -> bool {
    let is_system = matches!(
        command.manager,
        Manager::Apt | Manager::Apk | Manager::Dnf | Manager::Yum | Manager::Zypper
    );
    let first = command.verb.split(' ').next().unwrap_or_default();
    let last = command.verb.rsplit(' ').next().unwrap_or_default();
    !is_system && !first.is_empty() && ![first, last].iter().any(|word| OTHER_VERBS.contains(word))
}

#[derive(Default)]
struct Found {
    named: PackageGroups,
    has_gpu_libraries: bool,
    has_tools: bool,
    has_others: bool,
}

impl Found {
    fn take(&mut self, command: &PackageCommand) {
        let is_python = matches!(command.manager, Manager::Pip | Manager::Uv | Manager::Conda);
        if !is_python {
            self.has_others = true;
            return;
        }
        for package in &command.packages {
            self.package(&package.name);
        }
        for option in command.options_named(&WITH) {
            self.package(option.value.as_deref().unwrap_or_default());
        }
        let lists = command.options_named(&LISTS).filter_map(|option| option.value.as_deref());
        let mut has_list = false;
        // `-f` is a list for conda, and an address to look at for pip.
        for list in lists.filter(|list| !list.contains("://")) {
            has_list = true;
            match group_in(list) {
                Some(group) => self.named = self.named.with(group),
                None => self.has_others = true,
            }
        }
        self.has_others |= command.packages.is_empty() && !has_list;
    }

    fn package(&mut self, name: &str) {
        let name = normal(name);
        let group = PACKAGES.iter().find(|(is, _)| is.fits(&name));
        match group {
            Some((_, group)) => self.named = self.named.with(*group),
            None if OF_A_FRAMEWORK.iter().any(|is| is.fits(&name)) => self.has_gpu_libraries = true,
            None if TOOLS.iter().any(|is| is.fits(&name)) => self.has_tools = true,
            None => self.has_others = true,
        }
    }

    fn groups(self) -> PackageGroups {
        let mut groups = self.named;
        let has_framework = groups.has(PackageGroup::PyTorch) || groups.has(PackageGroup::Jax);
        if self.has_gpu_libraries && !has_framework {
            groups = groups.with(PackageGroup::PyTorch);
        }
        if self.has_others || (groups.is_empty() && self.has_tools) {
            groups = groups.with(PackageGroup::Dependencies);
        }
        groups
    }
}

impl Is {
    fn fits(&self, name: &str) -> bool {
        match self {
            Exactly(known) => name == *known,
            Family(known) => name
                .strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
            Starts(known) => name.starts_with(known),
        }
    }
}

/// `conda-forge::Pytorch` is `pytorch`; a wheel is named by its file.
fn normal(name: &str) -> String {
    let name = name.rsplit("::").next().unwrap_or(name);
    let file = name.rsplit('/').next().unwrap_or(name);
    let name = match file.strip_suffix(".whl") {
        Some(wheel) => wheel.split('-').next().unwrap_or(wheel),
        None => name,
    };
    // Extras may stand in an option's value, where no package is cut from its version.
    let name = name.split(['[', '=', '<', '>', '~', '!']).next().unwrap_or(name);
    name.to_lowercase().replace(['_', '.'], "-")
}

fn group_in(list: &str) -> Option<PackageGroup> {
    let list = list.to_lowercase();
    let mut words = list.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| WORDS.iter().find(|(known, _)| *known == word).map(|(_, group)| *group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typed_commands_tell_the_groups() {
        for (body, groups) in [
            ("pip install torch==2.5.1 torchvision --index-url https://x/whl/cu124", "PyTorch"),
            ("uv pip install 'jax[cuda12]==0.4.30' flax", "JAX"),
            (
                "pip install opencv-python-headless ultralytics supervision roboflow",
                "computer vision",
            ),
            ("pip install torch && pip install jax", "PyTorch + JAX"),
            ("pip install jaxlib nvidia-cudnn-cu12", "JAX"),
            ("pip install nvidia-cudnn-cu12 && echo torch jax", "PyTorch"),
            ("pip install --no-cache-dir torch numpy", "PyTorch + dependencies"),
            ("pip install --upgrade pip setuptools && pip install torch", "PyTorch"),
            ("pip install --upgrade pip", "dependencies"),
            ("pip install -r requirements.txt", "dependencies"),
            ("pip install -r requirements/torch.txt -r requirements/jax.txt", "PyTorch + JAX"),
            ("pip install jupyterlab ipykernel", "Jupyter"),
            (
                "conda install -y -c pytorch pytorch::pytorch=2.3 conda-forge::opencv",
                "PyTorch + computer vision",
            ),
            ("mamba env create -f environment.yml", "dependencies"),
            ("uv sync --locked --only-group vision", "computer vision"),
            ("uv sync --group torch --no-install-project", "PyTorch"),
            ("uv sync --locked", "dependencies"),
            ("pip install -e .", "dependencies"),
            ("pip install ./wheels/torch-2.3-cp311.whl", "PyTorch"),
            ("pip install -f https://x/torch_stable.html torch", "PyTorch"),
            ("apt-get update && apt-get install -y python3-opencv", ""),
            ("apt-get install -y gcc && pip install JAX_lib", "JAX"),
            ("npm ci", "dependencies"),
            ("pip cache purge", ""),
            ("uv venv /venv && uv pip uninstall jax && uv pip install torch", "PyTorch"),
            ("conda create -y -n env python=3.11 jupyterlab", "Jupyter"),
            ("make torch", ""),
        ] {
            let name = format!("[base 3/9] RUN --mount=type=cache,target=/root/.cache {body}");
            assert_eq!(package_groups_of_step(&name).to_string(), groups, "{body}");
        }
        for (name, groups) in [
            ("[3/9] RUN [\"pip\", \"install\", \"torch\"]", "PyTorch"),
            ("[3/9] RUN <<EOF (pip install torch...)", "PyTorch"),
            ("[3/9] RUN --mount=type=cache,target=/c <<EOF (pip install jax)", "JAX"),
            ("RUN pip install torch", "PyTorch"),
            ("[3/9] COPY torch /torch", ""),
            ("exporting to image", ""),
            ("[1/1] RUN <<", ""),
            ("[1/1] RUN ", ""),
            ("", ""),
        ] {
            assert_eq!(package_groups_of_step(name).to_string(), groups, "{name}");
        }
    }
}
