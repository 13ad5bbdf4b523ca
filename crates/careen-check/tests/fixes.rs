//! How many rules about Dockerfiles mend what they find, as their pages show.

#![expect(clippy::print_stderr, reason = "a test says what it counted")]

use careen_check::{Check, Fixable, RULES, Rule, Status};
use careen_test::blocks;

/// Of 100 rules that speak of a Dockerfile without being asked for pedantry.
const WANTED: usize = 60;

/// Its page shows a fixed file that is another one than the sick file above it.
fn shows_an_edit(rule: &Rule) -> bool {
    let mut sick = "";
    blocks(rule.page).iter().any(|block| {
        if block.tag == "dockerfile" {
            sick = block.body;
        }
        block.tag == "fixed" && block.body != sick
    })
}

#[test]
fn most_rules_about_dockerfiles_edit_them() {
    let is_asked = |rule: &&&Rule| {
        matches!(rule.check, Check::Dockerfile(_)) && rule.status != Status::Pedantic
    };
    let rules: Vec<&Rule> = RULES.iter().filter(is_asked).copied().collect();
    let (fixing, other): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| rule.fixable != Fixable::Never && shows_an_edit(rule));
    let share = fixing.len() * 100 / rules.len();
    eprintln!("{} of {} rules edit the file: {share} %", fixing.len(), rules.len());
    eprintln!("not: {}", other.iter().map(|rule| rule.id).collect::<Vec<_>>().join(" "));
    assert!(share >= WANTED, "{share} %");
}
