//! What a bench is meant to show, beside what it showed.

/// One figure and its limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goal {
    what: String,
    wanted: String,
    measured: String,
    is_met: bool,
}

impl Goal {
    pub(super) fn at_most(what: &str, measured: f64, limit: f64, unit: &str) -> Goal {
        Goal {
            what: what.to_owned(),
            wanted: format!("≤ {limit}{unit}"),
            measured: format!("{measured:.2}{unit}"),
            is_met: measured <= limit,
        }
    }

    pub(super) fn at_least(what: &str, measured: f64, limit: f64, unit: &str) -> Goal {
        Goal {
            what: what.to_owned(),
            wanted: format!("≥ {limit}{unit}"),
            measured: format!("{measured:.2}{unit}"),
            is_met: measured >= limit,
        }
    }
}

/// Prints all goals, one a line; those that were not measured are not among them.
pub(super) fn show(goals: &[Goal]) {
    println!("\ngoals");
    print!("{}", table(goals));
}

fn table(goals: &[Goal]) -> String {
    let width = goals.iter().map(|goal| goal.what.chars().count()).max().unwrap_or(0);
    let row = |goal: &Goal| {
        let verdict = if goal.is_met { "met" } else { "missed" };
        let Goal { what, wanted, measured, .. } = goal;
        format!("  {what:width$}  {measured:>10}  wanted {wanted:<8}  {verdict}\n")
    };
    goals.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_itself_is_good_enough() {
        let goals = [
            Goal::at_most("short", 5.0, 5.0, " ms"),
            Goal::at_most("longer name", 1.07, 1.05, "×"),
            Goal::at_least("short", 19.99, 20.0, "×"),
        ];
        let table = table(&goals);
        let found: Vec<&str> = table.lines().collect();
        let expected = [
            "  short           5.00 ms  wanted ≤ 5 ms    met",
            "  longer name       1.07×  wanted ≤ 1.05×   missed",
            "  short            19.99×  wanted ≥ 20×     missed",
        ];
        assert_eq!(found, expected);
    }
}
