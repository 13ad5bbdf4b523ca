//! The steps of a build that ran, joined with what the Dockerfile says of them.

use std::collections::{BTreeMap, HashMap};

use careen_model::missed::{StepInputs, StepState};
use careen_model::{BuildRecord, Phase, StepRecord, instruction_of};
use careen_syntax::dockerfile::{
    Base, Dockerfile, Given, Instruction, Item, Keyword, Meaning, parse,
};

use crate::{Redaction, digest};

/// Everything that gives the steps of a record their inputs.
pub(crate) struct Reading<'a> {
    pub(crate) dockerfile: &'a [u8],
    pub(crate) target: Option<&'a str>,
    pub(crate) arguments: &'a [(String, String)],
    /// Names of build arguments that this build or the one before was given.
    pub(crate) names: &'a [String],
    pub(crate) salt: &'a [u8],
    pub(crate) redaction: &'a Redaction,
}

/// Where a step's name says that it stands: `[stage 2/5]`.
struct Place<'a> {
    stage: Option<&'a str>,
    number: usize,
    total: usize,
}

impl Reading<'_> {
    /// The steps that the Dockerfile asked for, in the order of the record.
    pub(crate) fn steps(&self, record: &BuildRecord) -> Vec<StepInputs> {
        let file = parse(self.dockerfile);
        let given = Given { arguments: self.arguments.to_vec(), ..Given::default() };
        let meaning = file.meaning(&given);
        let mut sources: HashMap<usize, Vec<String>> = HashMap::new();
        for source in meaning.context_sources(self.target) {
            sources.entry(source.item).or_default().push(source.path);
        }
        let mut caches: HashMap<usize, Vec<(String, String)>> = HashMap::new();
        for cache in meaning.cache_mounts() {
            caches.entry(cache.item).or_default().push((cache.target, cache.identity.id));
        }
        let by_id: HashMap<&str, &StepRecord> =
            record.steps.iter().map(|step| (step.id.as_str(), step)).collect();
        // An engine that shares work with another build also tells of that one's steps: what they
        // need is not in this record.
        let is_own = |step: &&StepRecord| {
            step.phase.is_step() && step.inputs.iter().all(|id| by_id.contains_key(id.as_str()))
        };
        let steps = record.steps.iter().filter(is_own);
        let step = |step: &StepRecord| {
            let (parents, bases) = behind(step, &by_id);
            let text = instruction_of(&step.name);
            let mut inputs = StepInputs {
                id: step.id.clone(),
                name: step.name.clone(),
                stage: stage_in(&step.name).unwrap_or_default().to_owned(),
                text: text.to_owned(),
                digest: self.digest(text.as_bytes()),
                parents,
                bases,
                state: state(step),
                ..StepInputs::default()
            };
            let place = place(&step.name);
            if let Some((stage, item)) = place.and_then(|place| find(&file, &meaning, &place)) {
                let Some(instruction) = file.items[item].instruction() else { return inputs };
                let text = written(instruction);
                let stage = &meaning.stages[stage];
                inputs.stage = stage.name.clone().unwrap_or_else(|| stage.index.to_string());
                inputs.settings = self.settings(&file, &meaning, item, &text);
                inputs.arguments = self.seen(&file, &meaning, item, &text);
                inputs.sources = sources.get(&item).cloned().unwrap_or_default();
                inputs.caches = caches.get(&item).cloned().unwrap_or_default();
                inputs.digest = self.digest(text.as_bytes());
                inputs.text = self.shown(&text);
            }
            inputs
        };
        ordered(steps.map(step).collect())
    }

    pub(crate) fn digest(&self, bytes: &[u8]) -> String {
        let mut digest = digest::of_parts(&[self.salt, bytes]);
        digest.truncate(32);
        digest
    }

    /// Build arguments by name, as digests; nothing of those that are named like a secret.
    pub(crate) fn argument_digests(&self) -> BTreeMap<String, String> {
        let open = |(name, _): &&(String, String)| !careen_model::redact::names_a_secret(name);
        let digests = self.arguments.iter().filter(open);
        digests.map(|(name, value)| (name.clone(), self.digest(value.as_bytes()))).collect()
    }

    fn shown(&self, text: &str) -> String {
        const MOST: usize = 200;
        let text = self.redaction.text(text);
        match text.char_indices().nth(MOST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// `FROM`, and for what may depend on them `ARG`, `ENV`, `USER` and `SHELL`, nearest stage last.
    fn settings(
        &self,
        file: &Dockerfile,
        meaning: &Meaning<'_>,
        item: usize,
        text: &str,
    ) -> Vec<(String, String)> {
        let is_run = keyword(file, item) == Some(Keyword::Run);
        let counts = |keyword| match keyword {
            Keyword::From => true,
            Keyword::Arg | Keyword::Env => is_run || text.contains('$'),
            Keyword::User | Keyword::Shell => is_run,
            _ => false,
        };
        let mut found = Vec::new();
        let mut stage = meaning.stages.iter().find(|stage| stage.items.contains(&item));
        let mut end = item;
        while let Some(here) = stage {
            let mut own: Vec<(String, String)> = Vec::new();
            for at in here.items.start..end.min(here.items.end) {
                let Some(instruction) = file.items[at].instruction() else { continue };
                // A stage on another one says nothing of its own by that.
                let is_inner =
                    instruction.keyword == Keyword::From && !matches!(here.base, Base::Image(_));
                if counts(instruction.keyword) && !is_inner {
                    let text = written(instruction);
                    own.push((self.shown(&text), self.digest(text.as_bytes())));
                }
            }
            own.append(&mut found);
            found = own;
            end = usize::MAX;
            stage = match here.base {
                Base::Stage(index) => meaning.stages.get(index),
                _ => None,
            };
        }
        found
    }

    /// The build arguments on which the step depends.
    fn seen(
        &self,
        file: &Dockerfile,
        meaning: &Meaning<'_>,
        item: usize,
        text: &str,
    ) -> Vec<String> {
        let is_run = keyword(file, item) == Some(Keyword::Run);
        let from = meaning.stages.iter().find(|stage| stage.items.contains(&item));
        let from = from.map(|stage| written(stage.from)).unwrap_or_default();
        let is_seen = |name: &&String| {
            let own = meaning.is_declared(item, name) && (is_run || names(text, name));
            own || names(&from, name)
        };
        self.names.iter().filter(is_seen).cloned().collect()
    }
}

/// Parents before what needs them: engines tell of steps in any order.
fn ordered(steps: Vec<StepInputs>) -> Vec<StepInputs> {
    let mut left: Vec<Option<StepInputs>> = steps.into_iter().map(Some).collect();
    let places: HashMap<String, usize> =
        left.iter().flatten().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
    let mut done = Vec::with_capacity(left.len());
    for start in 0..left.len() {
        let mut stack = vec![start];
        let mut entered = vec![false; left.len()];
        while let Some(&at) = stack.last() {
            let parents = left[at].iter().flat_map(|step| &step.parents);
            let mut open = parents.filter_map(|id| places.get(id)).copied();
            let is_open = |parent: &usize| left[*parent].is_some() && !entered[*parent];
            let next = open.rfind(is_open);
            entered[at] = true;
            match next {
                Some(parent) if parent != at => stack.push(parent),
                _ => {
                    stack.pop();
                    done.extend(left[at].take());
                }
            }
        }
    }
    done
}

/// Whether the text has a variable of this name.
fn names(text: &str, name: &str) -> bool {
    let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    ["$", "${"].iter().any(|sign| {
        let variable = format!("{sign}{name}");
        text.match_indices(&variable).any(|(at, _)| is_whole(&text[at + variable.len()..]))
    })
}

fn keyword(file: &Dockerfile, item: usize) -> Option<Keyword> {
    file.items.get(item).and_then(Item::instruction).map(|instruction| instruction.keyword)
}

/// The instruction in one line, without comments, with what its heredocs hold.
fn written(instruction: &Instruction) -> String {
    let mut text = String::from_utf8_lossy(instruction.logical().text()).trim().to_owned();
    for heredoc in &instruction.heredocs {
        text.push('\n');
        text.push_str(&heredoc.content);
    }
    text
}

/// What stands in the brackets before the instruction.
fn label(name: &str) -> Option<&str> {
    let (label, _) = name.strip_prefix('[')?.split_once("] ")?;
    Some(label)
}

fn stage_in(name: &str) -> Option<&str> {
    let mut words = label(name)?.split(' ').rev();
    words.next()?;
    // A platform has a slash, a stage has none.
    words.next().filter(|word| !word.contains('/'))
}

fn place(name: &str) -> Option<Place<'_>> {
    let (number, total) = label(name)?.split(' ').next_back()?.split_once('/')?;
    let (number, total) = (number.parse().ok()?, total.parse().ok()?);
    Some(Place { stage: stage_in(name), number, total })
}

/// The stage and the item that a place means; `None` where the count is another one, as with the
/// triggers of a base image.
fn find(file: &Dockerfile, meaning: &Meaning<'_>, place: &Place<'_>) -> Option<(usize, usize)> {
    let stage = match place.stage {
        None if meaning.stages.len() == 1 => meaning.stages.first(),
        None => None,
        Some(name) => {
            let named = meaning.stages.iter().rfind(|stage| stage.name.as_deref() == Some(name));
            named
                .or_else(|| meaning.stages.get(name.strip_prefix("stage-")?.parse::<usize>().ok()?))
        }
    }?;
    let counts = |item: &usize| {
        let counted = [Keyword::Run, Keyword::Copy, Keyword::Add, Keyword::Workdir];
        keyword(file, *item).is_some_and(|keyword| counted.contains(&keyword))
    };
    let items: Vec<usize> = stage.items.clone().filter(counts).collect();
    // The base image is the first step.
    let skipped = usize::from(matches!(stage.base, Base::Image(_)));
    if items.len() + skipped != place.total {
        return None;
    }
    let item = *items.get(place.number.checked_sub(1 + skipped)?)?;
    Some((stage.index, item))
}

/// The steps and the base images that a step needs, seen through everything in between.
fn behind(step: &StepRecord, by_id: &HashMap<&str, &StepRecord>) -> (Vec<String>, Vec<String>) {
    let (mut parents, mut bases) = (Vec::new(), Vec::new());
    let mut left: Vec<&str> = step.inputs.iter().rev().map(String::as_str).collect();
    let mut seen: Vec<&str> = Vec::new();
    while let Some(id) = left.pop() {
        let Some(input) = by_id.get(id).filter(|_| !seen.contains(&id)) else { continue };
        seen.push(id);
        if input.phase.is_step() {
            parents.push(input.id.clone());
            continue;
        }
        if input.phase == Phase::Base
            && let Some(image) = base_name(&input.name)
        {
            bases.push(image.0.to_owned());
        }
        left.extend(input.inputs.iter().rev().map(String::as_str));
    }
    (parents, bases)
}

/// Name and digest of the base image in the name of a step: `[1/5] FROM name@sha256:…`.
pub(crate) fn base_name(step: &str) -> Option<(&str, Option<&str>)> {
    let image = instruction_of(step).strip_prefix("FROM ")?.split(' ').next()?;
    Some(match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    })
}

fn state(step: &StepRecord) -> StepState {
    match (step.cached, step.started, step.ended, &step.error) {
        (true, ..) => StepState::Cached,
        (false, Some(_), Some(_), None) => StepState::Ran,
        _ => StepState::Unfinished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_the_file_whatever_they_count() {
        let file = "ARG B=x\nFROM base:$B AS one\nENV A=1\nRUN a\nARG V\nRUN b $V\n\
                    FROM scratch\nCOPY --from=one /x /x\nWORKDIR /y\nCOPY d e\n";
        let reading = Reading {
            dockerfile: file.as_bytes(),
            target: None,
            arguments: &[],
            names: &["V".to_owned(), "B".to_owned()],
            salt: b"salt",
            redaction: &Redaction::default(),
        };
        let mut record = BuildRecord::default();
        for name in [
            "[one 2/3] RUN a",
            "[one 3/3] RUN b 1",
            "[stage-1 1/3] COPY --from=one /x /x",
            "[linux/arm64 stage-1 2/3] WORKDIR /y",
            "[stage-1 3/3] COPY d e",
            "[stage-1 3/9] COPY other count",
        ] {
            let (id, phase) = (name.to_owned(), Phase::Steps);
            record.steps.push(StepRecord { id, name: name.into(), phase, ..StepRecord::default() });
        }
        let told: Vec<String> = reading
            .steps(&record)
            .iter()
            .map(|step| {
                let settings: Vec<&str> =
                    step.settings.iter().map(|(text, _)| text.as_str()).collect();
                let lists = (settings.join("+"), step.arguments.join("+"), step.sources.join("+"));
                format!("{} {} {lists:?}", step.stage, step.text)
            })
            .collect();
        let expected = [
            "one RUN a (\"FROM base:$B AS one+ENV A=1\", \"B\", \"\")",
            "one RUN b $V (\"FROM base:$B AS one+ENV A=1+ARG V\", \"V+B\", \"\")",
            "1 COPY --from=one /x /x (\"\", \"\", \"\")",
            "1 WORKDIR /y (\"\", \"\", \"\")",
            "1 COPY d e (\"\", \"\", \"d\")",
            "stage-1 COPY other count (\"\", \"\", \"\")",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn parents_come_before_what_needs_them() {
        let step = |id: &str, parents: &[&str]| StepInputs {
            id: id.into(),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
            ..StepInputs::default()
        };
        let steps =
            vec![step("d", &["b", "c"]), step("c", &["a"]), step("a", &["x"]), step("b", &["a"])];
        let ids: Vec<String> = ordered(steps).into_iter().map(|step| step.id).collect();
        assert_eq!(ids, ["a", "c", "b", "d"]);
        assert_eq!(ordered(vec![step("a", &["b"]), step("b", &["a"])]).len(), 2, "a circle");
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        for (text, expected) in
            [("x $V", true), ("${V:-1}", true), ("$VV", false), ("V", false), ("$V_", false)]
        {
            assert_eq!(names(text, "V"), expected, "{text}");
        }
    }
}
