//! Every rule about time or size has a price on its page, or the page says why there is none.

use std::collections::BTreeSet;
use std::fmt::Write;

use careen_check::{RULES, Topic};
use expect_test::expect_file;

/// How a page says that there is no price.
const NONE: &str = "No price is told, because ";

#[test]
fn every_rule_about_time_or_size_is_priced_or_says_why_not() {
    let mut table = String::new();
    for rule in RULES {
        if !matches!(rule.topic, Topic::Performance | Topic::Size) {
            continue;
        }
        let priced = rule.page.lines().filter_map(|line| line.strip_prefix("  costs "));
        let kinds: BTreeSet<String> = priced.map(kind).collect();
        let reason = rule.page.lines().find_map(|line| line.strip_prefix(NONE));
        match (kinds.is_empty(), reason) {
            (false, None) => {
                let kinds: Vec<String> = kinds.into_iter().collect();
                writeln!(table, "{}: {}", rule.id, kinds.join("; "))
            }
            (true, Some(reason)) => {
                writeln!(table, "{}: no price, because {}", rule.id, reason.trim_end_matches('.'))
            }
            (true, None) => panic!("{}: its page has no price and does not say why", rule.id),
            (false, Some(_)) => panic!("{}: its page has a price and says there is none", rule.id),
        }
        .expect("a string takes all");
    }
    expect_file!["prices.txt"].assert_eq(&table);
}

/// `41.5 s of the next build (modelled)` with the unit's kind for the figure.
fn kind(price: &str) -> String {
    let words = price.split_whitespace().filter_map(|word| match word {
        _ if word.starts_with(|first: char| first.is_ascii_digit()) => None,
        "B" | "kB" | "MB" | "GB" | "TB" => Some("bytes"),
        "ms" | "s" | "min" | "m" | "h" => Some("time"),
        _ => Some(word),
    });
    words.collect::<Vec<_>>().join(" ")
}
