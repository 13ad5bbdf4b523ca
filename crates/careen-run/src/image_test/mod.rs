//! Runs the test cases of an image in parallel and judges how each went.

mod engine;
mod hints;
mod judge;

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use careen_model::{Case, Verdict};

pub use self::engine::{ImageExec, ResultExec};
pub use self::judge::judge;

/// Something that runs a program in an image: a container, or the result of a build.
pub trait Exec: Sync {
    /// Runs `argv` without a shell, without network, and ends it when `limit` is over.
    fn exec(&self, argv: &[String], limit: Duration) -> Result<Ran, NotRun>;
}

/// A program that ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// As the engine tells it: 128 and the signal when one ended the program.
    pub exit_code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
    /// It was ended because its time was over.
    pub timed_out: bool,
}

/// Why a program did not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// The image has no such program; another name may do.
    #[error("the image has no {program}")]
    NoProgram { program: String },
    /// The engine could not run anything.
    #[error("{reason}")]
    NoEngine { reason: String },
}

/// Runs all cases, at most `parallel` at once, and returns them in the order given.
pub fn run(cases: &[Case], exec: &dyn Exec, parallel: NonZeroUsize) -> Vec<(Case, Verdict)> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![None; cases.len()]);
    thread::scope(|scope| {
        for _ in 0..parallel.get().min(cases.len()) {
            scope.spawn(|| {
                while let Some((n, case)) = take(cases, &next) {
                    let verdict = run_one(case, exec);
                    let mut verdicts = verdicts.lock().expect("nobody panics while holding it");
                    verdicts[n] = Some(verdict);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().expect("nobody panics while holding it");
    let both = cases.iter().cloned().zip(verdicts);
    both.map(|(case, verdict)| (case, verdict.expect("every case was taken once"))).collect()
}

fn take<'a>(cases: &'a [Case], next: &AtomicUsize) -> Option<(usize, &'a Case)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    cases.get(n).map(|case| (n, case))
}

fn run_one(case: &Case, exec: &dyn Exec) -> Verdict {
    if let Some(reason) = &case.skip {
        return Verdict::Skipped { reason: reason.clone() };
    }
    let Some((first, words)) = case.argv.split_first() else {
        return Verdict::Broken { reason: "the test names no program".to_owned() };
    };
    let mut missing = Vec::new();
    for program in [first].into_iter().chain(&case.or_programs) {
        let argv: Vec<String> = [program].into_iter().chain(words).cloned().collect();
        match exec.exec(&argv, case.limit) {
            Err(NotRun::NoProgram { .. }) => missing.push(program.as_str()),
            Err(err @ NotRun::NoEngine { .. }) => {
                return Verdict::Broken { reason: err.to_string() };
            }
            // What containers say when there is no such program: shells and runtimes agree.
            Ok(ran) if ran.exit_code == 127 && ran.stdout.is_empty() => {
                missing.push(program.as_str());
            }
            Ok(ran) => return judge(case, &ran),
        }
    }
    Verdict::Failed {
        reason: format!("the image has no {}", missing.join(", no ")),
        stderr: String::new(),
        hint: Some("install it, or put its folder on PATH in the image".to_owned()),
        took: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
