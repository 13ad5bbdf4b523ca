//! Caches that stay in the layer, by hadolint's idea of cleaning up.

use std::collections::{HashMap, HashSet};

use careen_model::Findings;
use careen_syntax::dockerfile::{Instruction, Keyword, MountKind};

use super::{Body, Call, DNF, pins, steps_with_bodies, tell, words};
use crate::Rule;
use crate::steps::Reading;

/// A cache or tmpfs mount has `folder` somewhere in its target.
fn mounted(instruction: &Instruction, folder: &str) -> bool {
    let Some(run) = instruction.run() else { return false };
    run.mounts.iter().any(|mount| {
        matches!(mount.kind, Some(MountKind::Cache | MountKind::Tmpfs))
            && mount.target().is_some_and(|target| target.contains(folder))
    })
}

pub(super) fn leaves_apt_lists(body: &Body<'_>) -> bool {
    let on = body.step.instruction;
    let has = |is: &dyn Fn(&Call) -> bool| body.commands.iter().any(is);
    let updates = has(&|call| words::calls(call, &["apt", "apt-get", "aptitude"], &["update"]));
    let cleans = has(&|call| removes(call, &["/var/lib/apt/lists/*"]));
    let keeps_all = mounted(on, "/var/lib/apt") && mounted(on, "/var/cache/apt");
    updates && !(cleans || keeps_all || mounted(on, "/var/lib/apt/lists"))
}

/// Any recursive `rm` counts, whatever it removes.
fn removes(call: &Call, folders: &[&str]) -> bool {
    call.name == "rm" && (words::has(call, &["-rf"]) || words::has(call, folders))
}

pub(super) fn leaves_yarn_cache(body: &Body<'_>) -> bool {
    body.commands.iter().any(|call| words::calls(call, &["yarn"], &["install"]))
        && !body.commands.iter().any(|call| words::calls(call, &["yarn"], &["cache", "clean"]))
        && !mounted(body.step.instruction, ".cache/yarn")
}

pub(super) fn leaves_apk_cache(body: &Body<'_>) -> bool {
    let adds =
        |call: &Call| words::calls(call, &["apk"], &["add"]) && !call.has_option(&["no-cache"]);
    body.commands.iter().any(adds) && !mounted(body.step.instruction, "/var/cache/apk")
}

pub(super) fn leaves_yum_cache(body: &Body<'_>) -> bool {
    is_uncleaned(
        body,
        |call| words::calls(call, &["yum"], &["install"]),
        |call| {
            words::calls(call, &["yum"], &["clean", "all"]) || removes(call, &["/var/cache/yum/*"])
        },
    )
}

pub(super) fn leaves_zypper_cache(body: &Body<'_>) -> bool {
    !mounted(body.step.instruction, "/var/cache/zypp")
        && is_uncleaned(
            body,
            |call| words::calls(call, &["zypper"], &["install", "in"]),
            |call| words::calls(call, &["zypper"], &["clean", "cc"]),
        )
}

/// Verbs of dnf that download packages.
const DOWNLOADS: &[&str] =
    &["install", "in", "upgrade", "up", "upgrade-minimal", "up-min", "reinstall", "rei"];

/// Each of the two programs has to clean up after itself.
pub(super) fn leaves_dnf_cache(body: &Body<'_>) -> bool {
    !mounted(body.step.instruction, "/var/cache/libdnf5")
        && DNF.iter().any(|program| {
            is_uncleaned(
                body,
                |call| words::calls(call, &[program], DOWNLOADS),
                |call| {
                    words::calls(call, &[program], &["clean", "all"])
                        || removes(call, &["/var/cache/yum/*", "/var/cache/libdnf5*"])
                },
            )
        })
}

/// The first command that cleans does not come after the first that installs.
fn is_uncleaned(
    body: &Body<'_>,
    installs: impl Fn(&Call) -> bool,
    cleans: impl Fn(&Call) -> bool,
) -> bool {
    let Some(install) = body.commands.iter().position(installs) else { return false };
    body.commands.iter().position(cleans).is_none_or(|clean| clean < install)
}

/// Only in the last stage and in those that a FROM names; behind ONBUILD everywhere.
pub(super) fn in_shipped_stages(
    rule: &Rule,
    reading: &Reading<'_>,
    found: &mut Findings,
    is_bad: fn(&Body<'_>) -> bool,
) {
    let froms: Vec<_> = reading.all(Keyword::From).filter(|step| !step.is_trigger).collect();
    let views: Vec<_> = froms.iter().filter_map(|step| step.instruction.from_view()).collect();
    let used: HashSet<&str> = views.iter().map(|from| from.image.text.as_str()).collect();
    let words = |instruction: &Instruction| {
        let words = instruction.words.iter().map(|word| word.text.to_lowercase());
        words.collect::<Vec<_>>()
    };
    let last = froms.last().map(|step| words(step.instruction));
    for body in reading.bodies().iter().filter(|body| is_bad(body)) {
        let own = froms.iter().rev().find(|from| from.at < body.step.at);
        let is_shipped = match own {
            Some(from) => {
                let name = from.instruction.from_view().and_then(|from| from.name);
                Some(words(from.instruction)) == last
                    || name.is_some_and(|name| used.contains(name.text.as_str()))
            }
            None => true,
        };
        if body.step.is_trigger || is_shipped {
            tell(rule, reading, found, body);
        }
    }
}

/// The stage that is in force, and whether pip's cache is off in each.
#[derive(Default)]
struct Stages {
    current: String,
    off: HashMap<String, bool>,
}

pub(super) fn pip(rule: &Rule, reading: &Reading<'_>, found: &mut Findings) {
    let (mut plain, mut triggers) = (Stages::default(), Stages::default());
    for (step, body) in steps_with_bodies(reading) {
        let stages = if step.is_trigger { &mut triggers } else { &mut plain };
        match step.instruction.keyword {
            Keyword::From => {
                let Some(from) = step.instruction.from_view() else { continue };
                let image = from.image.text.split([':', '@']).next().unwrap_or("");
                let inherited = stages.off.get(image).copied().unwrap_or(false);
                let name = from.name.map_or(image, |name| name.text.as_str());
                stages.off.insert(name.to_owned(), inherited);
                name.clone_into(&mut stages.current);
            }
            Keyword::Env => {
                let pairs = step.instruction.pairs();
                let sets_off = pairs.iter().any(|pair| {
                    let value = pair.value.text.trim_matches(['"', '\'']);
                    pair.name.text == VARIABLE && TRUE.contains(&value)
                });
                if sets_off {
                    stages.off.insert(stages.current.clone(), true);
                }
            }
            Keyword::Run => {
                let Some(body) = body else { continue };
                let is_off = stages.off.get(&stages.current).copied().unwrap_or(false);
                if !is_off && !is_off_inside(body) && keeps_pip_cache(body) {
                    tell(rule, reading, found, body);
                }
            }
            _ => {}
        }
    }
}

fn keeps_pip_cache(body: &Body<'_>) -> bool {
    let keeps = |call: &Call| {
        pins::is_pip_install(call)
            && !words::has(call, &["--no-cache-dir"])
            && !call.name.contains("pipx")
            && !call.name.contains("pipenv")
    };
    body.commands.iter().any(keeps) && !mounted(body.step.instruction, ".cache/pip")
}

const VARIABLE: &str = "PIP_NO_CACHE_DIR";

const TRUE: [&str; 10] = ["1", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES"];

/// The first assignment in the text of the step decides.
fn is_off_inside(body: &Body<'_>) -> bool {
    let instruction = body.step.instruction;
    let line = String::from_utf8_lossy(instruction.logical().text());
    let heredocs = instruction.heredocs.iter().map(|heredoc| heredoc.content.as_str());
    let mut texts = std::iter::once(line.as_ref()).chain(heredocs);
    let set = texts.find_map(|text| text.split_once("PIP_NO_CACHE_DIR="));
    set.is_some_and(|(_, value)| TRUE.iter().any(|yes| value.starts_with(yes)))
}
