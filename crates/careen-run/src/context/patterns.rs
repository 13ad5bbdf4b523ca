//! What each line of the ignore file is worth.

use careen_host::walk::price_lines;
use careen_model::Why;
use careen_model::context_answer::{LineState, LineWorth};
use careen_syntax::ignore::{LineKind, Reading, faster, fault, line_readings};

use super::Ground;

impl Ground {
    /// Prices every line in the order of the file. Walks through the whole context, ignored or not.
    pub fn price_patterns(&self) -> Result<Vec<LineWorth>, Why> {
        let source = &self.force.source;
        let prices = price_lines(&self.project.context, &self.force.working_patterns())?;
        let text = self.force.file.text.as_deref().unwrap_or("");
        let mut prices = prices.into_iter();
        let mut out = Vec::new();
        for line in &source.lines {
            let LineKind::Pattern(index) = line.kind else { continue };
            let pattern = source.patterns[index].clone();
            let span = line.span.start as usize..line.span.end as usize;
            // The white space in front may hide a comment.
            let whole = text.get(span).unwrap_or(&line.raw);
            let readings = line_readings(whole);
            let mut worth = LineWorth {
                line: line.number,
                faster: faster(&pattern),
                disables_pruning: readings.contains(&Reading::EntersEverything),
                readings: readings.into_iter().map(Reading::text).collect(),
                pattern,
                matched: careen_model::context::Amount::default(),
                exclusive: careen_model::context::Amount::default(),
                state: LineState::Works,
            };
            match fault(&worth.pattern) {
                Some(error) => worth.state = LineState::Fails(error),
                None => {
                    let price = prices.next().expect("each working pattern has a price");
                    (worth.matched, worth.exclusive) = (price.matched, price.exclusive);
                    worth.state = match (price.matched.entries, price.exclusive.entries) {
                        (0, _) => LineState::Dead,
                        (_, 0) => LineState::Shadowed,
                        _ => LineState::Works,
                    };
                }
            }
            out.push(worth);
        }
        Ok(out)
    }
}
