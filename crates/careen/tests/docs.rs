//! The documents that list things, kept true: `UPDATE_EXPECT=1 cargo test -p careen --test docs`
//! rewrites them from the program itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot run the program should stop")]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use careen_check::{Fixable, RULES, Rule, Status};
use careen_model::Category;
use expect_test::expect_file;

/// The help of a command as a person with a wide terminal sees it.
fn help(command: &[&str]) -> String {
    let careen = Command::new(env!("CARGO_BIN_EXE_careen"))
        .args(command)
        .arg("--help")
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(careen.status.success() && careen.stderr.is_empty(), "{careen:?}");
    let text = String::from_utf8(careen.stdout).unwrap();
    text.lines().fold(String::new(), |mut out, line| {
        writeln!(out, "{}", line.trim_end()).unwrap();
        out
    })
}

/// Names in the list of commands that a help shows.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or("");
    let rows = list.lines().take_while(|line| !line.is_empty());
    let names = rows.filter(|row| row.starts_with("  ") && !row.starts_with("   "));
    names.map(|row| row.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_command_line_is_documented() {
    let mut text = "# Command line\n\nWhat `--help` says, command by command.\n".to_owned();
    let mut section = |command: &[&str]| {
        let name = [&["careen"], command].concat().join(" ");
        let help = help(command);
        write!(text, "\n## {name}\n\n```text\n{help}```\n").unwrap();
        commands(&help)
    };
    let top = section(&[]);
    assert!(top.len() > 10, "{top:?}");
    for name in top.iter().filter(|name| *name != "help") {
        for nested in section(&[name]).iter().filter(|nested| *nested != "help") {
            section(&[name, nested]);
        }
    }
    expect_file!["../../../docs/cli.md"].assert_eq(&text);
}

#[test]
fn the_exit_codes_are_documented() {
    let help = help(&[]);
    let rows: Vec<(&str, &str)> = help
        .split("\nExit codes:\n")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|row| row.trim().split_once("  "))
        .collect();
    assert!(rows.len() >= 5, "{rows:?}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/exit-codes.md");
    let text = std::fs::read_to_string(file).unwrap();
    for (code, means) in &rows {
        let row = format!("| {code} | {means} |");
        assert!(text.lines().any(|line| line == row), "docs/exit-codes.md lacks: {row}");
    }
    let listed = text.lines().filter(|line| {
        line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    assert_eq!(listed.count(), rows.len(), "docs/exit-codes.md has rows that the help has not");
}

#[test]
fn the_rules_are_documented() {
    let mut text = format!(
        "# Rules\n\n\
         careen has {} rules; `careen explain RULE` shows the same pages offline.\n\
         Each page says what is wrong and why, and shows what makes the rule fire, stay silent and \
         fix; it is also the rule's test.\n\
         The severity is that of most findings of a rule; one finding may be graver or milder.\n\
         A fix is applied by `careen fix` or `careen lint --fix`, or is something only a person can \
         do, told with the command to run.\n\
         Preview and pedantic rules are asked with `--preview` and `--pedantic`.\n",
        RULES.len()
    );
    for category in Category::ALL {
        write!(text, "\n## {}\n\n", category.name()).unwrap();
        text.push_str("| rule | checks | about | severity | offers a fix | also known as |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for rule in RULES.iter().filter(|rule| rule.category == category) {
            text.push_str(&row(rule));
        }
    }
    expect_file!["../../../docs/rules.md"].assert_eq(&text);
}

fn row(rule: &Rule) -> String {
    let fix = match rule.fixable {
        Fixable::Never => "no",
        Fixable::Sometimes => "sometimes",
        Fixable::Always => "yes",
    };
    let status = match rule.status {
        Status::Stable => String::new(),
        other => format!(", {}", other.name()),
    };
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let aliases: Vec<String> = rule.aliases.iter().map(|name| format!("`{name}`")).collect();
    let (id, title, topic, aliases) = (rule.id, rule.title, rule.topic.name(), aliases.join(" "));
    format!(
        "| [`{id}`](rules/{id}.md) | {title} | {topic}{status} | {severity} | {fix} | {aliases} |\n"
    )
}

/// A page for each rule, as `careen explain` prints it, below a line of facts; no page of a rule
/// that is gone.
#[test]
fn every_rule_has_its_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    if update {
        std::fs::create_dir_all(&folder).unwrap();
    }
    for rule in RULES {
        let file = folder.join(format!("{}.md", rule.id));
        expect_test::expect_file![file].assert_eq(&page(rule));
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_known = RULES.iter().any(|rule| name == format!("{}.md", rule.id));
        if !is_known && update {
            std::fs::remove_file(folder.join(&name)).unwrap();
        }
        assert!(is_known || update, "docs/rules/{name} belongs to no rule");
    }
}

/// What careen says when it is asked for something that it has not.
fn refusal(arguments: &[&str]) -> String {
    let careen = Command::new(env!("CARGO_BIN_EXE_careen")).args(arguments).output().unwrap();
    assert_eq!(careen.status.code(), Some(2), "{careen:?}");
    String::from_utf8(careen.stderr).unwrap()
}

/// First cells of the table rows below a heading.
fn first_cells<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let section = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap()).collect()
}

#[test]
fn formats_and_keys_of_lint_are_documented() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    let text = std::fs::read_to_string(file).unwrap();
    let told = refusal(&["lint", "--format", "html"]);
    let formats: Vec<&str> = told.split("it has ").nth(1).unwrap().trim().split(", ").collect();
    assert_eq!(first_cells(&text, "\n## Formats\n"), formats);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("careen.toml");
    std::fs::write(&config, "[lint]\nxxxxxxxxxxxxxxxxxxxx = 1\n").unwrap();
    let told = refusal(&["lint", "--config", config.to_str().unwrap()]);
    let keys: Vec<&str> = told.split("known are ").nth(1).unwrap().trim().split(", ").collect();
    assert_eq!(first_cells(&text, "\n## Configuration\n"), keys);
}

fn page(rule: &Rule) -> String {
    let (title, rest) = rule.page.split_once("\n\n").unwrap();
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let fix = match rule.fixable {
        Fixable::Never => "no fix",
        Fixable::Sometimes => "a fix where it is sure",
        Fixable::Always => "a fix",
    };
    let facts = format!(
        "{}, {}, {severity}, {fix}, since {}",
        rule.topic.name(),
        rule.status.name(),
        rule.since
    );
    let aliases = match rule.aliases {
        [] => String::new(),
        names => format!("; also known as `{}`", names.join("`, `")),
    };
    format!("{title}\n\n*{facts}{aliases}*\n\n{rest}")
}
