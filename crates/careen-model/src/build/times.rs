//! Where the wall time of a build went: phases, the critical path, waits, and what nothing ran in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{BuildRecord, PackageGroups, Phase, Run, StepRecord};

/// What a stretch of the wall time belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Phase(Phase),
    /// A part of [`Phase::Packages`]: the steps that install just these groups.
    Packages(PackageGroups),
    /// No step ran: the client, the engine's own work between steps, waiting for either.
    Unaccounted,
}

impl Part {
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Part::Phase(phase) => phase.name().into(),
            Part::Packages(groups) => groups.to_string().into(),
            Part::Unaccounted => "between steps".into(),
        }
    }
}

/// What one part of the build took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub part: Part,
    /// Its own share of the wall time; the shares of a build add up to its total.
    pub wall: Duration,
    /// Time in which at least one of its steps ran, also beside others.
    pub busy: Duration,
}

/// What held a step up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wait<'a> {
    /// The input that was ready last.
    pub on: &'a StepRecord,
    /// How long this input alone was waited for, after all others were ready.
    pub alone: Duration,
    /// From when everything was ready until the step began.
    pub queued: Duration,
}

/// Where the result of a cached step came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheSource {
    /// The builder had it; no other cache was asked.
    Local,
    /// Its layers were fetched while the build ran.
    Imported,
    /// Another cache was read too, and nothing tells which of the two had it.
    Unknown,
}

type Span = (Duration, Duration);

impl BuildRecord {
    /// Wall time during which at least one step of the phase ran.
    ///
    /// Phases overlap (the context is sent while early steps run), so the sum may exceed `total`.
    pub fn by_phase(&self) -> BTreeMap<Phase, Duration> {
        self.busy(|step| Some(step.phase))
    }

    /// The same for the groups of packages within [`Phase::Packages`].
    pub fn by_packages(&self) -> BTreeMap<PackageGroups, Duration> {
        self.busy(StepRecord::package_groups)
    }

    fn busy<K: Ord>(&self, of: impl Fn(&StepRecord) -> Option<K>) -> BTreeMap<K, Duration> {
        let mut spans: BTreeMap<K, Vec<Span>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.started.is_some()) {
            let Some(key) = of(step) else { continue };
            spans.entry(key).or_default().extend(step.spans(self.total));
        }
        spans.into_iter().map(|(key, list)| (key, union(list))).collect()
    }

    /// Whether anything finer than "some packages" is known of a step that installs some.
    pub fn tells_packages(&self) -> bool {
        self.steps.iter().any(|step| step.started.is_some() && step.packages.is_special())
    }

    /// The wall time in shares that add up to `total`, in the order of the phases; what no step
    /// ran in comes last.
    ///
    /// Where several steps ran at once, the moment belongs to the one on the critical path, else
    /// to the one that began first.
    pub fn shares(&self) -> Vec<Share> {
        let walls = self.walls();
        let of_phase = |phase: Phase| walls.iter().filter(move |(step, _)| step.phase == phase);
        let of = |(phase, busy): (Phase, Duration)| Share {
            part: Part::Phase(phase),
            wall: of_phase(phase).map(|(_, wall)| *wall).sum(),
            busy,
        };
        let mut shares: Vec<Share> = self.by_phase().into_iter().map(of).collect();
        let nothing = self.total.saturating_sub(shares.iter().map(|share| share.wall).sum());
        if !nothing.is_zero() {
            shares.push(Share { part: Part::Unaccounted, wall: nothing, busy: Duration::ZERO });
        }
        shares
    }

    /// The share of [`Phase::Packages`] in the groups of packages that its steps install; they add
    /// up to it.
    pub fn package_shares(&self) -> Vec<Share> {
        let walls = self.walls();
        let of = |(groups, busy): (PackageGroups, Duration)| Share {
            part: Part::Packages(groups),
            wall: walls
                .iter()
                .filter(|(step, _)| step.package_groups() == Some(groups))
                .map(|(_, wall)| *wall)
                .sum(),
            busy,
        };
        self.by_packages().into_iter().map(of).collect()
    }

    /// The moments that belong to each stretch of work: every moment of a step to one.
    fn walls(&self) -> Vec<(&StepRecord, Duration)> {
        let critical: BTreeSet<&str> =
            self.critical_path().into_iter().map(|step| step.id.as_str()).collect();
        let mut spans: Vec<(bool, Duration, Duration, Phase, usize)> = Vec::new();
        for (place, step) in self.steps.iter().enumerate() {
            let is_beside = !critical.contains(step.id.as_str());
            let of = step.spans(self.total).into_iter();
            spans.extend(of.map(|(start, end)| (is_beside, start, end, step.phase, place)));
        }
        spans.sort_unstable();
        // Spans that come first keep their time; later ones get what is left of theirs.
        let mut taken: Vec<Span> = Vec::new();
        let mut walls = Vec::new();
        for (_, start, end, _, place) in spans {
            let left = end.saturating_sub(start).saturating_sub(overlap(&taken, (start, end)));
            walls.push((&self.steps[place], left));
            insert(&mut taken, (start, end));
        }
        walls
    }

    /// Wall time during which no step ran at all: what no phase accounts for.
    pub fn unaccounted(&self) -> Duration {
        let spans = self.steps.iter().flat_map(|step| step.spans(self.total));
        self.total.saturating_sub(union(spans.collect()))
    }

    /// The work of all steps, as if one had run after the other.
    pub fn work(&self) -> Duration {
        self.steps.iter().map(|step| step.active(self.total)).sum()
    }

    /// Work per wall time: 1 when one step ran after the other, less when nothing ran for a while.
    pub fn serialization(&self) -> Option<f64> {
        let wall = self.total.as_secs_f64();
        (wall > 0.0).then(|| self.work().as_secs_f64() / wall)
    }

    /// The chain of steps that the end of the build waited for, first step first.
    ///
    /// From the step that ended last, back over the input that ended last each time.
    pub fn critical_path(&self) -> Vec<&StepRecord> {
        let ran = |step: &&StepRecord| step.started.is_some() && step.ended.is_some();
        let mut path: Vec<&StepRecord> = Vec::new();
        let mut next = self.steps.iter().filter(ran).max_by_key(|step| step.ended);
        while let Some(step) = next {
            if path.iter().any(|known| known.id == step.id) {
                break;
            }
            path.push(step);
            let inputs =
                self.steps.iter().filter(ran).filter(|known| step.inputs.contains(&known.id));
            next = inputs.max_by_key(|known| known.ended).or_else(|| self.before(step));
        }
        path.reverse();
        path
    }

    /// Exports and loads name no inputs: they wait for whatever ended last before they began.
    fn before(&self, step: &StepRecord) -> Option<&StepRecord> {
        let before = self.steps.iter().filter(|known| {
            known.id != step.id && known.ended.is_some() && known.ended <= step.started
        });
        before.max_by_key(|known| known.ended)
    }

    /// What a step that ran waited for; `None` when it has no inputs that ran.
    pub fn wait_of(&self, step: &StepRecord) -> Option<Wait<'_>> {
        let began = step.started?;
        let is_input = |known: &&StepRecord| step.inputs.contains(&known.id);
        let ready = |known: &StepRecord| known.ended.filter(|_| known.started.is_some());
        let inputs = self.steps.iter().filter(is_input);
        let mut inputs: Vec<(Duration, &StepRecord)> =
            inputs.filter_map(|known| Some((ready(known)?, known))).collect();
        inputs.sort_by_key(|(ended, _)| *ended);
        let (last, on) = inputs.pop()?;
        let others = inputs.last().map_or(on.started.unwrap_or_default(), |(ended, _)| *ended);
        // The stretch of real work is what waited, not a look into the cache long before it.
        let began = step.runs.last().map_or(began, |run| run.started);
        Some(Wait { on, alone: last.saturating_sub(others), queued: began.saturating_sub(last) })
    }

    /// Where a cached step came from; `None` for a step that ran.
    pub fn cache_source(&self, step: &StepRecord) -> Option<CacheSource> {
        if !step.cached {
            return None;
        }
        if step.transferred() > 0 {
            return Some(CacheSource::Imported);
        }
        let is_import = |known: &&StepRecord| {
            known.name.starts_with("importing cache") || known.name.starts_with("inferred cache")
        };
        let mut imports = self.steps.iter().filter(is_import).peekable();
        let nothing_read = imports.peek().is_none() || imports.all(|step| step.error.is_some());
        Some(if nothing_read { CacheSource::Local } else { CacheSource::Unknown })
    }
}

impl StepRecord {
    /// The groups of packages it installs; `None` for a step that installs none of a language.
    pub fn package_groups(&self) -> Option<PackageGroups> {
        (self.phase == Phase::Packages).then(|| self.packages.or_dependencies())
    }

    /// Bytes that the engine counted for this step: context, layers, what was sent.
    pub fn transferred(&self) -> u64 {
        self.tasks.iter().map(|task| task.bytes).sum()
    }

    /// Time in which it was at work. A stretch that has not ended goes on to `until`.
    pub fn active(&self, until: Duration) -> Duration {
        union(self.spans(until))
    }

    fn spans(&self, until: Duration) -> Vec<Span> {
        let Some(started) = self.started else { return vec![] };
        let whole = [Run { started, ended: self.ended }];
        let runs = if self.runs.is_empty() { &whole[..] } else { &self.runs };
        let span = |run: &Run| (run.started, run.ended.unwrap_or(until).max(run.started));
        runs.iter().map(span).collect()
    }
}

fn union(mut spans: Vec<Span>) -> Duration {
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut reach = Duration::ZERO;
    for (start, end) in spans {
        let start = start.max(reach);
        total += end.saturating_sub(start);
        reach = reach.max(end);
    }
    total
}

/// How much of `span` lies in `taken`, which is sorted and has no overlaps.
fn overlap(taken: &[Span], (start, end): Span) -> Duration {
    taken.iter().map(|(from, to)| end.min(*to).saturating_sub(start.max(*from))).sum()
}

/// Adds `span`, keeping the list sorted and without overlaps.
fn insert(taken: &mut Vec<Span>, span: Span) {
    taken.push(span);
    taken.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(taken.len());
    for (start, end) in taken.drain(..) {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    *taken = merged;
}

#[cfg(test)]
mod tests {
    use super::super::{BuildEvent, Outcome, What};
    use super::*;

    fn planned(step: &str, name: &str, inputs: &[&str]) -> What {
        let inputs = inputs.iter().map(|id| (*id).to_owned()).collect();
        What::StepPlanned { step: step.into(), name: name.into(), inputs }
    }

    fn build(script: Vec<(u64, What)>) -> BuildRecord {
        let mut record = BuildRecord::default();
        for (second, what) in script {
            record.apply(&BuildEvent { at: Duration::from_secs(second), what });
        }
        record
    }

    fn start(step: &str) -> What {
        What::StepStarted { step: step.into() }
    }

    fn end(step: &str) -> What {
        What::StepEnded { step: step.into(), error: None }
    }

    fn sick() -> BuildRecord {
        build(vec![
            (0, planned("a", "[internal] load build context", &[])),
            (0, planned("b", "[2/3] RUN make", &["a", "x"])),
            (0, planned("x", "[other 1/1] RUN true", &[])),
            (0, planned("c", "exporting to image", &[])),
            (0, start("a")),
            (10, start("x")),
            (20, end("x")),
            (470, end("a")),
            (471, start("b")),
            (1500, end("b")),
            (1502, start("c")),
            (1825, end("c")),
            (1826, What::Ended { outcome: Outcome::Built }),
        ])
    }

    #[test]
    fn time_goes_to_the_phase_its_name_says() {
        let record = sick();
        let seconds: Vec<_> =
            record.by_phase().into_iter().map(|(p, d)| (p, d.as_secs())).collect();
        assert_eq!(seconds, [(Phase::Context, 470), (Phase::Steps, 1039), (Phase::Export, 323)]);
        assert_eq!(record.unaccounted(), Duration::from_secs(4));
        assert_eq!(record.run_and_cached(), (2, 0));
    }

    #[test]
    fn the_shares_add_up_to_the_wall_time() {
        let record = sick();
        let shares = record.shares();
        let rows: Vec<_> = shares.iter().map(|s| (s.part, s.wall.as_secs())).collect();
        let expected = [
            (Part::Phase(Phase::Context), 470),
            (Part::Phase(Phase::Steps), 1029),
            (Part::Phase(Phase::Export), 323),
            (Part::Unaccounted, 4),
        ];
        assert_eq!(rows, expected);
        assert_eq!(shares.iter().map(|share| share.wall).sum::<Duration>(), record.total);
        assert_eq!(record.work(), Duration::from_secs(470 + 10 + 1029 + 323));
        assert!(record.serialization().is_some_and(|factor| (1.0..1.01).contains(&factor)));
        assert_eq!(BuildRecord::default().shares(), []);
        assert_eq!(BuildRecord::default().serialization(), None);
    }

    #[test]
    fn the_groups_of_packages_add_up_to_their_phase() {
        use super::super::PackageGroup::{Dependencies, Jax, PyTorch};
        let mut record = build(vec![
            (0, planned("a", "[1/4] RUN pip install torch", &[])),
            (0, planned("b", "[x 1/1] RUN pip install jax", &[])),
            (0, planned("c", "[2/4] RUN pip install torch jax", &["a"])),
            (0, planned("d", "[3/4] RUN pip install -r r.txt", &["c"])),
            (0, planned("e", "[4/4] RUN make", &["d"])),
            (0, start("a")),
            (5, start("b")),
            (20, end("b")),
            (30, end("a")),
            (30, start("c")),
            (40, end("c")),
            (40, start("d")),
            (47, end("d")),
            (47, start("e")),
            (50, end("e")),
        ]);
        assert!(!record.tells_packages());
        let groups: [&[_]; 4] = [&[PyTorch], &[Jax], &[Jax, PyTorch], &[]];
        for (step, groups) in record.steps.iter_mut().zip(groups) {
            step.packages = groups.iter().copied().collect();
        }
        assert!(record.tells_packages());
        let shares = record.package_shares();
        let rows =
            shares.iter().map(|s| (s.part.name().into_owned(), s.wall.as_secs(), s.busy.as_secs()));
        let rows: Vec<_> = rows.collect();
        let expected = [
            ("PyTorch", 30, 30),
            ("JAX", 0, 15),
            ("PyTorch + JAX", 10, 10),
            ("dependencies", 7, 7),
        ];
        assert_eq!(rows, expected.map(|(name, wall, busy)| (name.to_owned(), wall, busy)));
        let phase = record.shares().into_iter().find(|s| s.part == Part::Phase(Phase::Packages));
        let sum: Duration = shares.iter().map(|share| share.wall).sum();
        assert_eq!(phase.map(|phase| phase.wall), Some(sum));
        assert_eq!(record.steps[3].package_groups(), Some([Dependencies].into_iter().collect()));
        assert_eq!(record.steps[4].package_groups(), None);
    }

    #[test]
    fn the_critical_path_goes_back_over_what_was_waited_for() {
        let record = sick();
        let path: Vec<_> = record.critical_path().iter().map(|s| s.id.as_str()).collect();
        assert_eq!(path, ["a", "b", "c"]);
        let wait = record.wait_of(&record.steps[1]).unwrap();
        assert_eq!(
            (wait.on.id.as_str(), wait.alone.as_secs(), wait.queued.as_secs()),
            ("a", 450, 1)
        );
        assert_eq!(record.wait_of(&record.steps[0]), None);
    }

    #[test]
    fn the_source_of_a_cached_step_is_only_told_when_known() {
        let cached = || What::StepCached { step: "s".into() };
        let source = |script| {
            let record = build(script);
            let step = record.steps.iter().find(|step| step.id == "s").unwrap();
            record.cache_source(step)
        };
        let step = || planned("s", "[2/2] RUN make", &[]);
        let import = || planned("i", "importing cache manifest from r/x", &[]);
        let bytes = What::Progress {
            step: "s".into(),
            task: "sha256:1".into(),
            current: 5,
            total: Some(5),
            done: true,
        };
        assert_eq!(source(vec![(0, step())]), None);
        assert_eq!(source(vec![(0, step()), (1, cached())]), Some(CacheSource::Local));
        assert_eq!(
            source(vec![(0, import()), (0, step()), (1, cached())]),
            Some(CacheSource::Unknown)
        );
        assert_eq!(
            source(vec![(0, import()), (0, step()), (1, cached()), (1, bytes)]),
            Some(CacheSource::Imported)
        );
        let failed = What::StepEnded { step: "i".into(), error: Some("not found".into()) };
        assert_eq!(
            source(vec![(0, import()), (0, failed), (0, step()), (1, cached())]),
            Some(CacheSource::Local)
        );
    }
}
