//! What the next rebuild is expected to cost, instruction by instruction.

use crate::Basis;

/// The expected cost of a rebuild after one commit, from the commits there were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RebuildCost {
    /// Commits that changed something the ignore file leaves.
    pub rebuilds: u64,
    /// Every RUN, COPY and ADD that the build needs, in the order of the file.
    pub steps: Vec<StepCost>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq)]
pub struct StepCost {
    /// Counted from one.
    pub line: u32,
    /// The instruction on one line.
    pub text: String,
    /// Of the rebuilds, those in which it runs again.
    pub runs: u64,
    /// Of the rebuilds, those in which it is the first of its stage to run again.
    pub first: u64,
    /// What it takes; `None`: never measured, and nothing models it.
    pub price: Option<StepPrice>,
}

/// Seconds of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepPrice {
    pub seconds: f64,
    pub basis: Basis,
    /// `build 0007`, or what the model rests on.
    pub source: String,
}

impl RebuildCost {
    /// Seconds of one instruction in a rebuild, on average; `None` without a price.
    #[expect(clippy::cast_precision_loss, reason = "counts of commits fit in 53 bits")]
    pub fn expected(&self, step: &StepCost) -> Option<f64> {
        let price = step.price.as_ref()?;
        Some(price.seconds * step.runs as f64 / self.rebuilds.max(1) as f64)
    }

    /// Seconds of all steps with a price in a rebuild, on average. Stages that run side by side
    /// are added up: it is work and not waiting.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().filter_map(|step| self.expected(step)).sum()
    }

    /// Modelled as soon as one step is that runs again at all.
    pub fn basis(&self) -> Basis {
        let is_modelled = |step: &&StepCost| {
            step.runs > 0 && step.price.as_ref().is_some_and(|p| p.basis != Basis::Measured)
        };
        if self.steps.iter().any(|step| is_modelled(&step)) {
            Basis::Modelled
        } else {
            Basis::Measured
        }
    }

    /// Steps that run again and have no price: the sum leaves them out.
    pub fn unpriced(&self) -> usize {
        self.steps.iter().filter(|step| step.runs > 0 && step.price.is_none()).count()
    }
}
