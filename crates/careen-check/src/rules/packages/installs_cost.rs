//! The price of an install step that runs again: measured where a build is recorded, else modelled.

use careen_model::{Basis, Finding, Saving};
use careen_syntax::dockerfile::Manager;

use crate::steps::Run;
use crate::{Facts, price};

/// Where [`usual_seconds`] come from, in a finding.
pub(crate) const USUAL: &str = "usual share of a median build, from 262 public projects";

/// Seconds that installs take in an uncached build, all steps of a manager together.
///
/// A model: the share that a manager has in the time of all 262 uncached builds of the public
/// projects of the `FlakiDock` data set (system packages 35.4 %, Python 4.7 %, Node 6.9 %), times the
/// median build of 115 s.
pub(crate) fn usual_seconds(manager: Manager) -> Option<f64> {
    match manager {
        Manager::Apt => Some(115.0 * 0.354),
        Manager::Pip | Manager::Uv => Some(115.0 * 0.047),
        Manager::Npm | Manager::Yarn | Manager::Pnpm => Some(115.0 * 0.069),
        _ => None,
    }
}

/// The share of an install that a kept cache saves, on a fast mirror; more on a slow network.
///
/// Measured with eight uv groups of a machine-learning image: 22.0 s cold, 16.6 s with the mounts
/// kept. apt spends its time unpacking: 20.0 s cold and no less with the mounts kept.
const SHARE_OF_DOWNLOADS: f64 = 0.25;

/// Bytes of the package lists that one `apt-get update` of Debian 12 (main) downloads.
///
/// Measured: 9.2 MB of package lists and 0.2 MB of release files. With the lists in a mount a
/// second run fetched the 0.2 MB alone.
const APT_LISTS: u64 = 9_400_000;

/// Seconds of one install step, how we know, and from where; `None` where nobody measured.
pub(in crate::rules) fn seconds(
    run: &Run<'_>,
    facts: &Facts,
    manager: Manager,
) -> Option<(f64, Basis, String)> {
    if let Some(step) = price::step_seconds(&facts.history, &run.joined()) {
        return Some((step.seconds, Basis::Measured, step.source));
    }
    Some((usual_seconds(manager)?, Basis::Modelled, USUAL.to_owned()))
}

/// What a kept cache would save whenever the step runs again.
pub(super) fn priced(finding: Finding, run: &Run<'_>, facts: &Facts, manager: Manager) -> Finding {
    let Some((seconds, _, source)) = seconds(run, facts, manager) else { return finding };
    let finding = finding.because("the step takes", format!("{seconds:.1} s"), source);
    let saving = match manager {
        Manager::Apt => Saving::Bytes(APT_LISTS),
        // A compiler's share is not that of a download.
        Manager::Go | Manager::Cargo => return finding,
        _ => Saving::SecondsPerRebuild(seconds * SHARE_OF_DOWNLOADS),
    };
    finding.costs(saving, Basis::Modelled)
}
