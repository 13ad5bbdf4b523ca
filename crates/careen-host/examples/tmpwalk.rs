//! tmp
#![allow(clippy::all, clippy::pedantic)]
use careen_host::walk::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let exclude = a
        .get(2)
        .map(|f| careen_syntax::ignore::read(&std::fs::read(f).unwrap()).patterns)
        .unwrap_or_default();
    let t = std::time::Instant::now();
    let threads = a.get(3).and_then(|t| t.parse().ok());
    let w =
        walk(&WalkRequest { root: a[1].clone().into(), exclude, threads, ..Default::default() })
            .unwrap();
    let e = t.elapsed();
    let u = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let mut bytes = 0;
    w.for_each(|_, v| bytes += v.size);
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    let rss = rss.lines().find(|l| l.starts_with("VmHWM")).unwrap().to_owned();
    println!(
        "{} entries {} bytes wall {:?} cpu {:.3} faults {} {}",
        w.len(),
        bytes,
        e,
        u.tv_sec as f64 + u.tv_nsec as f64 / 1e9,
        w.faults.len(),
        rss
    );
}
