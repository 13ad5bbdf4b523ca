//! Every rule's page is its test: facts and Dockerfiles in, findings and fixed files out.
//!
//! A page is read from top to bottom. `facts`, `ignore`, `settings`, `images` and `dockerfile` blocks
//! set the scene, each
//! `findings` block shows what its rule says of the scene, each `fixed` block the Dockerfile after
//! all rounds of the rule's own fixes. `UPDATE_PAGES=1` rewrites both.

use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use careen_check::{
    BaseImages, Facts, Fixable, LabelKind, LintFacts, OtherLabels, ParsedDockerfile, Policy, RULES,
    Rule, Scope, Selection, WantedPlatform, base_images, diagnose, plan_rounds,
};
use careen_model::{
    Basis, Cost, Diagnosis, Fact, Finding, Fix, Looked, Place, Safety, Saving, Severity, Step,
    units,
};
use careen_syntax::dockerfile::{Given, parse};
use careen_test::{Machine, blocks, settle};

#[test]
fn pages() {
    for rule in RULES {
        let file = page_of(rule.id);
        settle(&file.display().to_string(), rule.page, &read(rule));
    }
}

#[test]
fn a_page_begins_with_the_name_of_its_rule() {
    for rule in RULES {
        assert!(rule.page.starts_with(&format!("# {}\n\n", rule.id)), "{}", rule.id);
    }
}

/// The page that bears the name of a rule, in whichever folder of the rules it lies.
fn page_of(id: &str) -> PathBuf {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let name = format!("{}.md", id.replace('-', "_"));
    let folders = std::fs::read_dir(&rules).expect("the rules lie there").flatten();
    let folders = folders.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut pages = folders.chain([rules.clone()]).map(|folder| folder.join(&name));
    pages.find(|page| page.exists()).unwrap_or_else(|| panic!("{id} has no page {name}"))
}

/// The blocks of a page that are computed, as they should be.
fn read(rule: &'static Rule) -> Vec<(Range<usize>, String)> {
    let mut wanted = Vec::new();
    let mut machine = Machine::healthy();
    let mut source: Option<String> = None;
    let mut asides = Asides::default();
    let (mut fired, mut quiet) = (false, false);
    for block in blocks(rule.page) {
        match block.tag {
            "facts" => machine = Machine::ill(block.body),
            "ignore" => asides.ignore = Some(block.body.to_owned()),
            "images" => asides.images = Some(block.body.to_owned()),
            "settings" => asides.settings = settings_of(block.body),
            "dockerfile" => source = Some(block.body.to_owned()),
            "findings" => {
                let facts = gather(&machine, source.as_deref(), &asides);
                let diagnosis = judge(rule, &facts);
                fired |= !diagnosis.findings.is_empty();
                quiet |= diagnosis.findings.is_empty();
                wanted.push((block.range, shown(&diagnosis, source.as_deref())));
            }
            "fixed" => {
                let facts = gather(&machine, source.as_deref(), &asides);
                wanted.push((block.range, fixed(rule, &facts)));
            }
            "text" | "sh" | "json" => (),
            other => panic!("{}: no block is called {other}", rule.id),
        }
    }
    assert!(fired, "{}: its page never shows it firing", rule.id);
    assert!(quiet, "{}: its page never shows it silent", rule.id);
    wanted
}

/// The builder's answer from lines `IMAGE PLATFORM`, and `for PLATFORM` where one is asked for.
fn answered(lines: &str, file: &ParsedDockerfile) -> BaseImages {
    let runs = ["linux/amd64", "linux/386"].map(str::to_owned).to_vec();
    let mut answer = BaseImages { runs, ..BaseImages::default() };
    for line in lines.lines() {
        let (image, platform) = line.split_once(' ').expect("two words");
        if image == "for" {
            answer.wanted = WantedPlatform::Said;
            continue;
        }
        let same = parse(format!("FROM {image}\n"));
        let name = base_images(&same, &Given::default()).remove(0).reference;
        let asked = base_images(&file.file, &Given::default());
        let asked = asked.into_iter().filter(|base| base.reference == name);
        answer.platforms.extend(asked.map(|base| (base, platform.to_owned())));
    }
    answer
}

/// Lines `registry NAME`, `label NAME KIND` and `no other labels`.
fn settings_of(text: &str) -> LintFacts {
    let mut settings = LintFacts::default();
    for line in text.lines() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["registry", name] => settings.registries.push((*name).to_owned()),
            ["label", name, kind] => {
                let kind = LabelKind::named(kind).expect("a kind");
                settings.labels.insert((*name).to_owned(), kind);
            }
            ["no", "other", "labels"] => settings.other_labels = OtherLabels::Superfluous,
            other => panic!("no setting is written {other:?}"),
        }
    }
    settings
}

/// What a page tells beside machine and Dockerfile.
#[derive(Default)]
struct Asides {
    ignore: Option<String>,
    images: Option<String>,
    settings: LintFacts,
}

fn gather(machine: &Machine, source: Option<&str>, asides: &Asides) -> Facts {
    let mut machine = machine.clone();
    if let Some(text) = &asides.ignore {
        machine.ignore_with(text);
    }
    let Machine { project, host, engine, context, history, changes, now } = machine;
    let path = "Dockerfile".into();
    let dockerfile = source.map(|text| ParsedDockerfile { path, file: parse(text) });
    let mut lint = asides.settings.clone();
    if let (Some(file), Some(images)) = (&dockerfile, &asides.images) {
        lint.base_images = Fact::Known(answered(images, file));
    }
    Facts { project, host, engine, context, dockerfile, history, changes, lint, now }
}

fn judge(rule: &'static Rule, facts: &Facts) -> Diagnosis {
    let diagnosis = diagnose(facts, &Selection { only: vec![rule], ..Selection::default() });
    for finding in &diagnosis.findings {
        assert!(!finding.evidence.is_empty(), "{}: no evidence, no finding", rule.id);
        let is_fixable = !finding.fixes.is_empty();
        match rule.fixable {
            Fixable::Always => assert!(is_fixable, "{}: says always fixable, is not", rule.id),
            Fixable::Never => assert!(!is_fixable, "{}: says never fixable, is", rule.id),
            Fixable::Sometimes => (),
        }
    }
    diagnosis
}

/// The Dockerfile after all rounds; a second run over it must change nothing.
fn fixed(rule: &'static Rule, facts: &Facts) -> String {
    assert!(rule.check.is_about_dockerfile(), "{}: fixes no Dockerfile", rule.id);
    let file = facts.dockerfile.as_ref().expect("a `dockerfile` block comes first");
    let once = rounds(rule, facts, file.file.source());
    let mut again = facts.clone();
    again.dockerfile =
        Some(ParsedDockerfile { path: file.path.clone(), file: parse(once.clone()) });
    assert_eq!(rounds(rule, &again, once.as_bytes()), once, "{}: not idempotent", rule.id);
    once
}

fn rounds(rule: &'static Rule, facts: &Facts, source: &[u8]) -> String {
    let policy =
        Policy { scope: Scope::Only(vec![rule]), floor: Safety::Risky, ..Policy::default() };
    let diagnosis = diagnose(facts, &Selection { only: vec![rule], ..Selection::default() });
    let plan = plan_rounds(&diagnosis, facts, &|_: &Path| Some(source.to_vec()), &policy);
    let bytes = plan.files.into_iter().next().map_or(source.to_vec(), |change| change.after);
    String::from_utf8(bytes).expect("pages are text")
}

fn shown(diagnosis: &Diagnosis, source: Option<&str>) -> String {
    let mut out = String::new();
    for row in &diagnosis.checks {
        match &row.looked {
            Looked::Skipped(why) => writeln!(out, "skipped: {why}"),
            Looked::Ignored { reason } => writeln!(out, "ignored: {reason}"),
            Looked::Passed | Looked::Found(_) => Ok(()),
        }
        .expect("a String never fails");
    }
    for finding in &diagnosis.findings {
        show(finding, source, &mut out);
    }
    out
}

fn show(finding: &Finding, source: Option<&str>, out: &mut String) {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
        Severity::Style => "style",
    };
    let place = place(&finding.place, source);
    writeln!(out, "{severity} {place}: {}", finding.message).expect("a String never fails");
    for evidence in &finding.evidence {
        let (what, value, source) = (evidence.what, &evidence.value, &evidence.source);
        writeln!(out, "  because {what}: {value} ({source})").expect("a String never fails");
    }
    if let Some(cost) = finding.cost {
        writeln!(out, "  costs {}", price(cost)).expect("a String never fails");
    }
    for fix in &finding.fixes {
        show_fix(fix, out);
    }
}

fn show_fix(fix: &Fix, out: &mut String) {
    let safety = match fix.safety {
        Safety::Safe => "safe",
        Safety::Risky => "risky",
        Safety::Manual => "by hand",
    };
    let for_good = if fix.undoable { "" } else { ", for good" };
    writeln!(out, "  fix {safety}{for_good}: {}", fix.title).expect("a String never fails");
    for step in &fix.steps {
        match step {
            Step::Show { command } => writeln!(out, "    $ {command}"),
            Step::PruneCache { ids, bytes } => {
                writeln!(out, "    prune {}, {}", ids.join(" "), units::size(*bytes))
            }
            Step::RemoveLeftovers { kind, items } => {
                writeln!(out, "    remove {} of kind {kind:?}", items.len())
            }
            Step::RecreateBuilder { name, cache } => {
                writeln!(out, "    recreate {name}, cache {cache:?}")
            }
            Step::Write { path, text, .. } => {
                writeln!(out, "    write {}: {}", path.display(), short(text))
            }
            Step::Edit { path, edits } if !path.ends_with("Dockerfile") => {
                let text: Vec<String> = edits.iter().map(|edit| short(&edit.text)).collect();
                writeln!(out, "    edit {}: {}", path.display(), text.join(" … "))
            }
            Step::Edit { .. } => Ok(()),
        }
        .expect("a String never fails");
    }
}

/// New text of a file, when it is short enough to be shown.
fn short(text: &str) -> String {
    match text.lines().count() {
        0..4 => text.replace('\n', "⏎"),
        n => format!("{n} lines"),
    }
}

fn place(place: &Place, source: Option<&str>) -> String {
    match place {
        Place::Host => "host".into(),
        Place::Engine => "engine".into(),
        Place::Context => "context".into(),
        Place::File { path, span } => {
            let text = source.unwrap_or("").get(..span.start as usize).unwrap_or("");
            let line = text.matches('\n').count() + 1;
            let column = text.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            format!("{}:{line}:{column}", path.display())
        }
    }
}

fn price(cost: Cost) -> String {
    let time = |seconds: f64| units::time(std::time::Duration::from_secs_f64(seconds));
    let what = match cost.saving {
        Saving::Seconds(s) => format!("{} of the next build", time(s)),
        Saving::SecondsPerRebuild(s) => format!("{} of each rebuild", time(s)),
        Saving::Bytes(bytes) => units::size(bytes),
        Saving::MayFail => "the build, perhaps".into(),
    };
    let basis = match cost.basis {
        Basis::Measured => "measured",
        Basis::Modelled => "modelled",
        Basis::Rule => "rule",
    };
    format!("{what} ({basis})")
}
