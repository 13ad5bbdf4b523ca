//! The words that every format uses for the same thing.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use careen_model::{
    Basis, BuildRecord, BuilderCache, Change, Choice, EngineFacts, Fact, Fix, Imported, Leftover,
    LeftoverKind, LogClock, LogFormat, Outcome, Part, Phase, Place, Row, Safety, Saving, Severity,
    Share, StepChange, StepRecord, engine::Flavour, host::Mount, units,
};

use crate::{TextOf, clean};

pub(crate) fn saving(saving: Saving) -> String {
    match saving {
        Saving::Seconds(seconds) => seconds_of(seconds),
        Saving::SecondsPerRebuild(seconds) => format!("{} per rebuild", seconds_of(seconds)),
        Saving::Bytes(bytes) => units::size(bytes),
        Saving::MayFail => "may fail".to_owned(),
    }
}

/// A time from a float; negative, infinite and absent ones are no time.
pub(crate) fn seconds_of(seconds: f64) -> String {
    match std::time::Duration::try_from_secs_f64(seconds) {
        Ok(duration) => units::time(duration),
        Err(_) => "?".to_owned(),
    }
}

pub(crate) fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Measured => "measured",
        Basis::Modelled => "modelled",
        Basis::Rule => "rule",
    }
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Style => "style",
        Severity::Hint => "hint",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

pub(crate) fn safety(safety: Safety) -> &'static str {
    match safety {
        Safety::Manual => "manual",
        Safety::Risky => "risky",
        Safety::Safe => "safe",
    }
}

pub(crate) fn outcome(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Built) => "built",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Cancelled) => "cancelled",
        None => "unfinished",
    }
}

pub(crate) fn choice(choice: &Choice) -> String {
    match choice {
        Choice::NotAsked(Safety::Manual) => "only a person can do it".to_owned(),
        Choice::NotAsked(_) => "needs a decision".to_owned(),
        Choice::Overlaps => {
            "touches the same lines as another fix; the next round takes it".to_owned()
        }
        Choice::Refused(why) => format!("refused: {why}"),
    }
}

/// `3 errors`, `1 error`.
pub(crate) fn many(n: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix("ry") {
        Some(stem) => format!("{stem}ries"),
        None if noun.ends_with("fix") => format!("{noun}es"),
        None => format!("{noun}s"),
    };
    if n == 1 { format!("1 {noun}") } else { format!("{} {plural}", units::count(n as u64)) }
}

/// A position in a text, both counted from one; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

pub(crate) fn position(text: &str, byte: u32) -> Position {
    let mut byte = (byte as usize).min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Position { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
}

/// `Dockerfile:44`, or the path alone when the text is not at hand.
pub(crate) fn place(place: &Place, text_of: &TextOf<'_>) -> String {
    match place {
        Place::Host => "host".to_owned(),
        Place::Engine => "engine".to_owned(),
        Place::Context => "context".to_owned(),
        Place::File { path, span } => match text_of(path) {
            Some(text) => format!("{}:{}", shown(path), position(&text, span.start).line),
            None => shown(path),
        },
    }
}

pub(crate) fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy())
}

/// `784×`, `cached`, `new`, `gone`, `same`, `1.3× slower`.
pub(crate) fn change(row: &Row) -> String {
    match row.change() {
        Change::Faster(ratio) => units::ratio(ratio),
        Change::Slower(ratio) => format!("{} slower", units::ratio(ratio)),
        Change::Same => "same".to_owned(),
        Change::New => "new".to_owned(),
        Change::Gone => "gone".to_owned(),
        Change::Cached => "cached".to_owned(),
    }
}

/// `-3.2 s` of what is gone, `+0.4 s` of what was added.
pub(crate) fn removed(seconds: f64) -> String {
    let sign = if seconds > 0.0 { "-" } else { "+" };
    format!("{sign}{}", seconds_of(seconds.abs()))
}

pub(crate) fn phase(row: &Row) -> Cow<'static, str> {
    row.part.map_or(Cow::Borrowed("total"), Part::name)
}

/// The same with a mark before what is a part of the row above it.
pub(crate) fn phase_after(mark: &str, row: &Row) -> Cow<'static, str> {
    part_after(mark, row.part).unwrap_or_else(|| phase(row))
}

pub(crate) fn part_after(mark: &str, part: Option<Part>) -> Option<Cow<'static, str>> {
    let part = part?;
    let is_within = matches!(part, Part::Packages(_));
    Some(if is_within { format!("{mark}{}", part.name()).into() } else { part.name() })
}

/// The shares of a build that add up to its total; those of the packages, which add up to the row
/// above them, right after it where anything is known of them.
pub(crate) fn shares(record: &BuildRecord) -> Vec<Share> {
    let mut shares = record.shares();
    let phase = shares.iter().position(|share| share.part == Part::Phase(Phase::Packages));
    if let (Some(at), true) = (phase, record.tells_packages()) {
        let rest = shares.split_off(at + 1);
        shares.extend(record.package_shares());
        shares.extend(rest);
    }
    shares
}

/// The name of a step on one line, runs of blanks made one, digests short.
pub(crate) fn step(step: &StepRecord) -> String {
    step_name(&step.name)
}

pub(crate) fn step_name(name: &str) -> String {
    short_digests(&clean(name).split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `+19.8 s`, `-3.1 s`.
pub(crate) fn difference(step: &StepChange) -> String {
    let sign = if step.slower_by().is_zero() { '-' } else { '+' };
    format!("{sign}{}", units::time(step.by()))
}

/// Which step made a build slow.
pub(crate) fn cause(cause: Option<&StepChange>) -> String {
    let Some(step) = cause else { return "no single step tells why".to_owned() };
    let how = match (step.before, step.was_cached) {
        (None, _) => ", new",
        (Some(_), true) if !step.is_cached => ", ran again (cached before)",
        _ => "",
    };
    format!("{}{how}: {}", difference(step), step_name(&step.name))
}

/// `a plain log, times from durations`.
pub(crate) fn imported(imported: Option<Imported>) -> String {
    let Some(Imported { format, clock }) = imported else { return "a build".to_owned() };
    let format = match format {
        LogFormat::RawJson => "a rawjson log",
        LogFormat::Plain => "a plain log",
        LogFormat::Terminal => "a log of terminal frames",
        LogFormat::Classic => "a log of the classic builder",
        LogFormat::Events => "an event log of careen",
        LogFormat::Jsonl => "a stream of careen's events",
        LogFormat::DockerBuild => "a .dockerbuild file",
    };
    let clock = match clock {
        LogClock::Engine => "with the engine's times",
        LogClock::Lines => "with the times before its lines",
        LogClock::Durations => "with durations only",
        LogClock::Nothing => "without times",
    };
    format!("{format} {clock}")
}

/// Digests in a text cut to 12 digits, as people compare them: `sha256:4f0c9a7be2d1`.
pub(crate) fn short_digests(text: &str) -> String {
    const MARK: &str = "sha256:";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (head, digest) = rest.split_at(at + MARK.len());
        let digits = digest.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(head);
        out.push_str(&digest[..digits.min(12)]);
        rest = &digest[digits..];
    }
    out + rest
}

/// The longest part of a step that has a time of its own: `download in 71.0 s, 2.1 GB`.
pub(crate) fn longest_task(step: &StepRecord) -> Option<String> {
    let timed =
        step.tasks.iter().filter_map(|task| Some((task.ended?.saturating_sub(task.started), task)));
    let (took, task) = timed.max_by_key(|(took, _)| *took)?;
    if took.is_zero() {
        return None;
    }
    let bytes =
        if task.bytes > 0 { format!(", {}", units::size(task.bytes)) } else { String::new() };
    Some(format!("{} in {}{bytes}", short_digests(&clean(&task.name)), units::time(took)))
}

pub(crate) fn flavour(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Native => "Docker",
        Flavour::DockerDesktop => "Docker Desktop",
        Flavour::RancherDesktop => "Rancher Desktop",
        Flavour::OrbStack => "OrbStack",
        Flavour::Colima => "Colima",
        Flavour::Podman => "Podman",
        Flavour::Other => "engine",
    }
}

/// `Docker 28.5.1, overlay2, 8 CPUs, 15.6 GB, BuildKit`, or why there is none.
pub(crate) fn engine(facts: &EngineFacts) -> String {
    let engine = match &facts.engine {
        Fact::Known(engine) => engine,
        Fact::Unknown(why) => return why.to_string(),
    };
    let buildkit = match &engine.buildkit {
        Fact::Known(kit) => match kit.version.as_deref().filter(|v| !v.contains("unknown")) {
            Some(version) => format!("BuildKit {version}"),
            None => "BuildKit".to_owned(),
        },
        Fact::Unknown(_) => "BuildKit not found".to_owned(),
    };
    format!(
        "{} {}, {buildkit}, {}, {} CPUs, {}",
        flavour(engine.flavour),
        engine.version,
        engine.storage_driver,
        engine.cpus,
        units::size(engine.memory_bytes),
    )
}

/// `9p on /mnt/c (C:\)`.
pub(crate) fn mount(mount: &Mount) -> String {
    let windows = mount.windows_path.as_ref().map_or(String::new(), |path| format!(" ({path})"));
    format!("{} on {}{windows}", mount.fs_type, shown(&mount.point))
}

pub(crate) fn builder_cache(cache: BuilderCache) -> &'static str {
    match cache {
        BuilderCache::Kept => "kept",
        BuilderCache::Lost => "lost",
    }
}

/// What a fix will change, in a few words: files, commands, records.
pub(crate) fn steps(fix: &Fix) -> Vec<String> {
    use careen_model::Step;
    let told = fix.steps.iter().flat_map(|step| match step {
        Step::RemoveLeftovers { kind, items } => {
            items.iter().map(|item| leftover(*kind, item)).collect()
        }
        other => vec![one_step(other)],
    });
    told.collect()
}

/// `container 3f2a web: 1.2 MB, 3 days old`.
fn leftover(kind: LeftoverKind, item: &Leftover) -> String {
    // Twelve characters name an engine's thing, as in Docker's own lists; volumes have names only.
    let id = item.id.strip_prefix("sha256:").unwrap_or(&item.id);
    let short = match kind {
        LeftoverKind::Volumes => id.to_owned(),
        _ => id.chars().take(12).collect(),
    };
    let mut text = format!("removes {} {short}", kind.noun());
    if !item.name.is_empty() {
        let _ = write!(text, " {}", item.name);
    }
    let size = item.bytes.map(units::size);
    let age = item.age_seconds.map(|seconds| format!("{} old", age(seconds)));
    let facts: Vec<String> = size.into_iter().chain(age).collect();
    if !facts.is_empty() {
        let _ = write!(text, ": {}", facts.join(", "));
    }
    text
}

/// `3 days`, `1 hour`.
fn age(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, noun) =
        units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    many(usize::try_from(seconds / size).unwrap_or(usize::MAX), noun)
}

fn one_step(step: &careen_model::Step) -> String {
    use careen_model::Step;
    match step {
        Step::Edit { path, .. } => format!("changes {}", shown(path)),
        Step::Write { path, .. } => format!("writes {}", shown(path)),
        Step::PruneCache { ids, bytes } => {
            format!(
                "removes {} of the build cache, {}",
                many(ids.len(), "record"),
                units::size(*bytes)
            )
        }
        Step::RecreateBuilder { name, cache } => {
            format!("recreates builder {name}, its cache is {}", builder_cache(*cache))
        }
        Step::Show { command } => command.clone(),
        Step::RemoveLeftovers { kind, items } => many(items.len(), kind.noun()),
    }
}

/// `2026-11-23 19:04` in UTC, from seconds since the Unix epoch (days-to-civil after H. Hinnant).
pub(crate) fn date(epoch: i64) -> String {
    let (days, seconds) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3600, seconds % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_date() {
        let cases = [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (1_795_460_640, "2026-11-23 19:04"),
            (-1, "1969-12-31 23:59"),
        ];
        for (epoch, wanted) in cases {
            assert_eq!(date(epoch), wanted, "{epoch}");
        }
    }

    #[test]
    fn digests_are_cut_where_people_stop_reading() {
        let long = format!("FROM a@sha256:{} AS b", "4f0c9a7be2d1".repeat(5));
        assert_eq!(short_digests(&long), "FROM a@sha256:4f0c9a7be2d1 AS b");
        assert_eq!(short_digests("sha256:ab sha256: x"), "sha256:ab sha256: x");
    }

    #[test]
    fn positions_count_characters_from_one() {
        let text = "FROM a\nRUN ä b\n";
        let at = |byte| (position(text, byte).line, position(text, byte).column);
        assert_eq!(
            [at(0), at(6), at(7), at(11), at(12), at(13), at(99)],
            [(1, 1), (1, 7), (2, 1), (2, 5), (2, 5), (2, 6), (3, 1)]
        );
    }
}
