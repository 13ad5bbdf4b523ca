//! Repeated runs of several contestants in turn: wall and processor time, medians, ratios.
//!
//! The turns are interleaved (A B C A B C …), so that a busy minute hits all of them alike.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::failure::Failure;
use crate::process::interrupted;

/// One thing that is measured again and again.
pub(super) struct Contestant<'a> {
    pub(super) name: String,
    pub(super) once: Box<dyn FnMut() -> Result<(), Failure> + 'a>,
}

/// What the runs of one contestant took.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
}

/// Runs each contestant once to warm up and then `runs` times, in turns.
pub(super) fn race(
    contestants: &mut [Contestant<'_>],
    runs: usize,
) -> Result<Vec<Series>, Failure> {
    let empty =
        |one: &Contestant<'_>| Series { name: one.name.clone(), wall: Vec::new(), cpu: Vec::new() };
    let mut series: Vec<Series> = contestants.iter().map(empty).collect();
    for round in 0..=runs {
        for (one, series) in contestants.iter_mut().zip(&mut series) {
            let (wall, cpu) = (Instant::now(), children());
            (one.once)()?;
            let (wall, cpu) = (wall.elapsed(), children().saturating_sub(cpu));
            if interrupted() {
                return Err(Failure::Interrupted);
            }
            if round > 0 {
                series.wall.push(wall);
                series.cpu.push(cpu);
            }
        }
    }
    Ok(series)
}

/// User and system time of the processes that ended and were waited for, theirs included.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("asking for own children cannot fail");
    let part = |time: nix::sys::time::TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    };
    part(usage.user_time()) + part(usage.system_time())
}

impl Series {
    pub(super) fn wall(&self) -> Duration {
        median(&self.wall)
    }

    pub(super) fn cpu(&self) -> Duration {
        median(&self.cpu)
    }
}

/// The middle one; of an even number the upper of the two.
fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// `a / b`.
pub(super) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// Prints a table whose ratios say how many times the first one's median each other one takes.
pub(super) fn show(title: &str, series: &[Series], of: fn(&Series) -> &[Duration]) {
    println!("\n{title}");
    print!("{}", table(series, of));
}

/// For [`show`]: from start to exit.
pub(super) fn wall(series: &Series) -> &[Duration] {
    &series.wall
}

/// For [`show`]: seconds of processors.
pub(super) fn cpu(series: &Series) -> &[Duration] {
    &series.cpu
}

fn table(series: &[Series], of: fn(&Series) -> &[Duration]) -> String {
    let width = series.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let Some(first) = series.first().map(|one| median(of(one))) else { return String::new() };
    let row = |one: &Series| {
        let times = of(one);
        let (least, most) = (times.iter().min(), times.iter().max());
        let time = |time: Option<&Duration>| milliseconds(time.copied().unwrap_or_default());
        format!(
            "  {:width$}  {:>5.2}×  median {:>9}  ({} to {})\n",
            one.name,
            ratio(median(times), first),
            milliseconds(median(times)),
            time(least),
            time(most),
        )
    };
    series.iter().map(row).collect()
}

/// One unit for a whole table, and finer than reports need.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_medians() {
        let series = |name: &str, times: &[u64]| Series {
            name: name.to_owned(),
            wall: times.iter().map(|&ms| Duration::from_millis(ms)).collect(),
            cpu: Vec::new(),
        };
        let found = table(&[series("a", &[30, 10, 20]), series("bcd", &[900, 50, 40])], wall);
        let lines: Vec<&str> = found.lines().collect();
        let expected = [
            "  a     1.00×  median   20.0 ms  (10.0 ms to 30.0 ms)",
            "  bcd   2.50×  median   50.0 ms  (40.0 ms to 900.0 ms)",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_process_is_charged_for() {
        let mut spin = [Contestant {
            name: "sh".to_owned(),
            once: Box::new(|| {
                let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
                crate::process::Call::new("sh").args(["-c", script]).read().map(drop)
            }),
        }];
        let found = race(&mut spin, 1).unwrap();
        assert!(found[0].cpu() > Duration::ZERO);
    }
}
