//! Packages without a version, by hadolint's idea of one.

use std::collections::{HashMap, HashSet};

use careen_model::Findings;
use careen_syntax::dockerfile::Keyword;

use super::{Call, steps_with_bodies, tell, words};
use crate::Rule;
use crate::steps::Reading;

pub(super) fn apt(call: &Call) -> bool {
    let fixed = |package: &str| package.contains(['=', '/']) || words::is_file(package, ".deb");
    words::calls(call, &["apt-get"], &["install"])
        && words::operands(call, &["t", "target-release"])
            .iter()
            .any(|word| word != "install" && !fixed(word))
}

pub(super) fn apk(call: &Call) -> bool {
    let fixed =
        |package: &str| package.contains(['=', '~', '<', '>']) || words::is_file(package, ".apk");
    words::calls(call, &["apk"], &["add"])
        && words::operands(call, &["t", "virtual", "repository", "X"])
            .iter()
            .any(|word| word != "add" && !fixed(word))
}

pub(super) fn zypper(call: &Call) -> bool {
    let fixed =
        |package: &str| package.contains(['=', '<', '>']) || words::is_file(package, ".rpm");
    words::calls(call, &["zypper"], &["install", "in"])
        && words::operands(call, &[])
            .iter()
            .any(|word| word != "install" && word != "in" && !fixed(word))
}

/// Packages of yum and dnf have their version after a dash, modules theirs after a colon.
pub(super) fn rpm(programs: &[&str], call: &Call, known: &HashSet<String>) -> bool {
    if !words::calls(call, programs, &["install"]) || words::has(call, &["group"]) {
        return false;
    }
    let is_module = words::has(call, &["module"]);
    let mut operands = call.operands().filter(|word| *word != "install" && *word != "module");
    operands.any(|word| if is_module { !word.contains(':') } else { !has_version(word, known) })
}

fn has_version(package: &str, known: &HashSet<String>) -> bool {
    let mut parts = package.split('-').skip(1).peekable();
    if parts.peek().is_none() {
        return false;
    }
    if words::is_file(package, ".rpm") {
        return true;
    }
    if package.contains('$') {
        return names_in(package).any(|name| known.contains(name));
    }
    let is_version = |part: &str| {
        part.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '~' | '^' | '_' | ':' | '+'))
    };
    let mut starts_with_digit = false;
    for part in parts {
        if !is_version(part) {
            return false;
        }
        starts_with_digit |= part.starts_with(|c: char| c.is_ascii_digit());
    }
    starts_with_digit
}

/// The names after each dollar; an expansion that changes the value has none.
fn names_in(word: &str) -> impl Iterator<Item = &str> {
    word.split('$').skip(1).filter_map(|rest| {
        if let Some(rest) = rest.strip_prefix('{') {
            return rest.split_once('}').map(|(name, _)| name);
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        Some(&rest[..end.unwrap_or(rest.len())])
    })
}

/// Options of pip whose value is no package.
const PIP_VALUED: &[&str] = &[
    "abi",
    "b",
    "build",
    "e",
    "editable",
    "extra-index-url",
    "f",
    "find-links",
    "i",
    "index-url",
    "implementation",
    "no-binary",
    "only-binary",
    "platform",
    "prefix",
    "progress-bar",
    "proxy",
    "python",
    "python-version",
    "root",
    "src",
    "t",
    "target",
    "trusted-host",
    "upgrade-strategy",
];

const VERSION_CONTROL: [&str; 4] = ["git", "hg+", "svn", "bzr+"];

pub(super) fn pip(call: &Call) -> bool {
    if !is_pip_install(call)
        || call.has_option(&["constraint", "c"])
        || words::has(call, &["--requirement", "-r", "."])
    {
        return false;
    }
    let operands = words::operands(call, PIP_VALUED);
    let packages = operands.iter().skip_while(|word| *word != "install");
    packages.skip_while(|word| *word == "install").any(|package| !pip_fixed(package))
}

fn pip_fixed(package: &str) -> bool {
    let versions = ["==", ">=", "<=", ">", "<", "!=", "~="];
    let is_versioned = versions.iter().any(|version| package.contains(version));
    let is_controlled = VERSION_CONTROL.iter().any(|scheme| package.starts_with(scheme));
    is_versioned
        || words::is_file(package, ".whl")
        || words::is_file(package, ".tar.gz")
        || (is_controlled && package.contains('@'))
        || (!is_controlled && package.contains('/'))
}

/// Everything whose name begins with `pip`, and `python -m pip`.
pub(super) fn is_pip_install(call: &Call) -> bool {
    let module = ["-m", "pip", "install"];
    let is_module = || call.arguments.windows(3).any(|three| three == module);
    (call.name.starts_with("pip") && call.name != "pipenv" && words::has(call, &["install"]))
        || (call.name.starts_with("python") && is_module())
}

pub(super) fn npm(call: &Call) -> bool {
    if !words::calls(call, &["npm"], &["install"]) {
        return false;
    }
    let operands = words::operands(call, &["loglevel", "registry"]);
    let is_first = operands.first().is_some_and(|word| word == "install");
    is_first && operands.iter().skip_while(|word| *word == "install").any(|word| !npm_fixed(word))
}

fn npm_fixed(package: &str) -> bool {
    let starts = |list: &[&str]| list.iter().any(|start| package.starts_with(start));
    if starts(&["git://", "git+ssh://", "git+http://", "git+https://"]) {
        return package.contains('#');
    }
    // The scope begins with the same character as a version.
    let rest = match package.strip_prefix('@') {
        Some(rest) => rest.trim_start_matches(|c: char| c > '/'),
        None => package,
    };
    [".tar", ".tar.gz", ".tgz"].iter().any(|end| package.ends_with(end))
        || starts(&["/", "./", "../", "~/"])
        || rest.contains('@')
}

/// After an option of `gem` comes its value; after `--` what the extension is built with.
pub(super) fn gem(call: &Call) -> bool {
    if !words::calls(call, &["gem"], &["install", "i"])
        || words::has(call, &["-v", "--version"])
        || call.arguments.iter().any(|argument| argument.starts_with("--version="))
    {
        return false;
    }
    let mut arguments = call.arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument.starts_with('-') {
            arguments.next();
        } else if argument != "install" && argument != "i" && !words::plain(argument).contains(':')
        {
            return true;
        }
    }
    false
}

/// The verb and what follows it; the rest is for the program that runs.
pub(super) fn go(call: &Call) -> bool {
    let verbs = ["install", "get", "run"];
    let fixed = |package: &str| {
        package.starts_with(['.', '/'])
            || (package.contains('@')
                && !package.ends_with("@latest")
                && !package.ends_with("@none"))
    };
    words::calls(call, &["go"], &verbs)
        && words::operands(call, &[])
            .iter()
            .take(2)
            .any(|word| !verbs.contains(&word.as_ref()) && !fixed(word))
}

/// What is known by name at a step: ARG of the file so far, ENV of the stage and what it is based on.
#[derive(Default)]
struct Variables {
    arguments: HashSet<String>,
    stage: String,
    stages: HashMap<String, HashSet<String>>,
}

/// Judges the calls of each RUN with the variables that are set there.
pub(super) fn with_variables(
    rule: &Rule,
    reading: &Reading<'_>,
    found: &mut Findings,
    is_bad: impl Fn(&Call, &HashSet<String>) -> bool,
) {
    let (mut plain, mut triggers) = (Variables::default(), Variables::default());
    for (step, body) in steps_with_bodies(reading) {
        let variables = if step.is_trigger { &mut triggers } else { &mut plain };
        let instruction = step.instruction;
        match instruction.keyword {
            Keyword::From => {
                let Some(from) = instruction.from_view() else { continue };
                let inherited = variables.stages.get(&from.image.text).cloned().unwrap_or_default();
                let name = from.name.map_or("", |name| name.text.as_str());
                variables.stages.insert(name.to_owned(), inherited);
                name.clone_into(&mut variables.stage);
            }
            Keyword::Arg => {
                let names = instruction.declared().into_iter().map(|argument| argument.name);
                variables.arguments.extend(names);
            }
            Keyword::Env => {
                let names = instruction.pairs().into_iter().map(|pair| pair.name.text.clone());
                variables.stages.entry(variables.stage.clone()).or_default().extend(names);
            }
            Keyword::Run => {
                let Some(body) = body else { continue };
                let mut calls = body
                    .commands
                    .iter()
                    .filter(|call| matches!(call.name.as_str(), "yum" | "dnf" | "microdnf"));
                let known = || {
                    let stage = variables.stages.get(&variables.stage);
                    variables.arguments.iter().chain(stage.into_iter().flatten()).cloned().collect()
                };
                if calls.any(|call| is_bad(call, &known())) {
                    tell(rule, reading, found, body);
                }
            }
            _ => {}
        }
    }
}
