//! `cargo xtask new rule NAME`: the file, the page and the two lines of a new rule.

use std::fs;
use std::path::Path;

use crate::cli::Arguments;
use crate::failure::Failure;
use crate::home;

const USAGE: &str = "new rule NAME --folder FOLDER";

/// What the example of a fresh rule looks for; the author replaces it by something real.
const EXAMPLE: &str = "replace-me";

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &[], &["--folder"], USAGE)?;
    let wrong = |problem: String| Failure::Usage { problem, usage: USAGE };
    let [what, name] = arguments.words.as_slice() else {
        return Err(wrong("what is to be made, and how is it called?".to_owned()));
    };
    if what != "rule" {
        return Err(wrong(format!("`{what}` cannot be made")));
    }
    if !is_kebab_case(name) {
        return Err(wrong(format!("`{name}` is not in kebab-case, such as `unpinned-base`")));
    }
    let rules = home::workspace().join("crates/careen-check/src/rules");
    let folders = folders(&rules)?;
    let folder = match arguments.value("--folder") {
        Some(folder) if folders.iter().any(|known| known == folder) => folder,
        Some(other) => {
            return Err(wrong(format!("no folder `{other}`; there are {}", folders.join(", "))));
        }
        None => {
            let folders = folders.join(", ");
            return Err(wrong(format!("--folder says what the rule is about: {folders}")));
        }
    };
    make(&rules.join(folder), name)?;
    println!("made {folder}/{0}.rs and {folder}/{0}.md, and registered the rule", snake(name));
    println!(
        "next: write what it looks for, then UPDATE_PAGES=1 cargo test -p careen-check --test pages"
    );
    Ok(())
}

fn make(folder: &Path, name: &str) -> Result<(), Failure> {
    let module = snake(name);
    let file = folder.join(format!("{module}.rs"));
    if file.exists() {
        let problem = format!("{} exists", file.display());
        return Err(Failure::Usage { problem, usage: USAGE });
    }
    let list = folder.join("mod.rs");
    let text = fs::read_to_string(&list).map_err(Failure::file("read", &list))?;
    let Some(text) = register(&text, &module) else {
        let problem = format!("{} has no list of rules to add to", list.display());
        return Err(Failure::Usage { problem, usage: USAGE });
    };
    let write =
        |path: &Path, text: String| fs::write(path, text).map_err(Failure::file("write", path));
    write(&file, source(name))?;
    write(&folder.join(format!("{module}.md")), page(name))?;
    write(&list, text)
}

/// `mod.rs` with the module in its place and the rule at the end of the list.
fn register(text: &str, module: &str) -> Option<String> {
    let line = format!("pub(crate) mod {module};");
    let name = |line: &str| Some(line.strip_suffix(';')?.rsplit_once("mod ")?.1.to_owned());
    let lines: Vec<&str> = text.lines().collect();
    let is_module = |line: &str| line.contains("mod ") && name(line).is_some();
    let after = lines.iter().position(|line| {
        is_module(line) && name(line).is_some_and(|known| known.as_str() > module)
    });
    let last = lines.iter().rposition(|line| is_module(line)).map(|at| at + 1);
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    lines.insert(after.or(last)?, line);
    let text = lines.join("\n") + "\n";
    let start = text.find("RULES: &[&Rule]")?;
    let end = start + text[start..].find("];")?;
    let (before, rest) = text.split_at(end);
    let entries = before.trim_end();
    let entry = format!("&{module}::RULE");
    Some(match entries.ends_with(',') {
        true => format!("{entries}\n    {entry},\n{rest}"),
        false if entries.ends_with('[') => format!("{entries}{entry}{rest}"),
        false => format!("{entries}, {entry}{rest}"),
    })
}

fn source(name: &str) -> String {
    let module = snake(name);
    format!(
        r#"//! One sentence: what is wrong.

use careen_model::{{Category, Findings, Severity}};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{{Check, Facts, Fixable, Rule, Status, Topic}};

pub(crate) const RULE: Rule = Rule {{
    id: "{name}",
    title: "what is fine when the rule is silent",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Preview,
    severity: Severity::Warning,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &[],
    page: include_str!("{module}.md"),
    check: Check::Dockerfile(check),
}};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {{
    for step in reading.all(Keyword::Run) {{
        let words = &step.instruction.words;
        let Some(word) = words.iter().find(|word| word.text.contains("{EXAMPLE}")) else {{ continue }};
        let source = reading.file.path.display().to_string();
        let message = "what is wrong here, with what matters";
        found.push(rule.at(reading.file, word.span, message).because("word", &word.text, source));
    }}
}}
"#
    )
}

fn page(name: &str) -> String {
    format!(
        "# {name}\n\nWhy this is bad, in two to six plain sentences, one a line.\n\n\
         ```dockerfile\nFROM scratch\nRUN {EXAMPLE}\n```\n\n```findings\n```\n\n\
         ```dockerfile\nFROM scratch\nRUN true\n```\n\n```findings\n```\n"
    )
}

/// Folders of rules by subject.
fn folders(rules: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(rules).map_err(Failure::file("read", rules))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn is_kebab_case(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    name.split('-').all(is_part) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_registered_in_its_place() {
        let short = "//! x\n\npub(crate) mod b;\nmod d;\n\nuse crate::Rule;\n\n\
                     pub(super) const RULES: &[&Rule] = &[&b::RULE, &d::RULE];\n";
        let made = register(short, "c").unwrap();
        assert!(made.contains("pub(crate) mod b;\npub(crate) mod c;\nmod d;\n"), "{made}");
        assert!(made.contains("&[&b::RULE, &d::RULE, &c::RULE];\n"), "{made}");
        let long = short.replace("&[&b::RULE, &d::RULE]", "&[\n    &b::RULE,\n    &d::RULE,\n]");
        let made = register(&long, "e").unwrap();
        assert!(made.contains("mod d;\npub(crate) mod e;\n"), "{made}");
        assert!(made.contains("    &d::RULE,\n    &e::RULE,\n];\n"), "{made}");
        assert_eq!(register("mod a;\n", "b"), None);
    }

    #[test]
    fn names_are_kebab_case() {
        for (name, is) in [
            ("unpinned-base", true),
            ("a1", true),
            ("A", false),
            ("a--b", false),
            ("-a", false),
            ("a_b", false),
            ("1a", false),
        ] {
            assert_eq!(is_kebab_case(name), is, "{name}");
        }
    }
}
