//! `careen prove` on every engine of `CAREEN_ENGINES`: nothing of it stays in the engine, and
//! nothing of anybody else goes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use careen_model::engine::CacheRecord;
use serde_json::Value;

use crate::engine::{OnEngine, alone_on_each_engine};
use crate::prove::{ended, is_clean, prove, write_project};
use crate::sandbox::{Run, tell};

/// Kills of a proof on each engine.
const KILLS: u64 = 7;

fn records(on: &OnEngine) -> BTreeMap<String, CacheRecord> {
    let all = on.connection.cache_records().unwrap().into_iter();
    all.map(|record| (record.id.clone(), record)).collect()
}

/// What builds have left, but the engine's copies of contexts, which a second build uses again.
fn described(
    records: &BTreeMap<String, CacheRecord>,
    but: &BTreeMap<String, CacheRecord>,
) -> Vec<String> {
    let new = records.iter().filter(|(id, _)| !but.contains_key(*id)).map(|(_, record)| record);
    let layers = new.filter(|record| record.kind != "source.local");
    let mut all: Vec<String> = layers.map(|record| record.description.clone()).collect();
    all.sort();
    all
}

#[test]
fn an_engine_proof_leaves_the_cache_as_it_was_and_what_others_built_meanwhile() {
    alone_on_each_engine(|on, _| {
        write_project(on);
        let other = format!("{}-other:latest", on.sandbox.name());
        let build = ["build", "-t", &other, "--no-cache"];
        let built_alone = {
            let before = records(on);
            on.sandbox.run(&build).check(0, &[]);
            on.connection.remove_image(&other).unwrap();
            described(&records(on), &before)
        };
        let before = records(on);
        assert!(built_alone.len() >= 5, "{built_alone:?}");

        let scenarios = ["--scenario", "cold", "--scenario", "source-changed"];
        let more = [&["--runs", "2", "--format", "json"], &scenarios[..]].concat();
        let mut careen = on.sandbox.careen(&prove(&more));
        let mut child = careen.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // The same build of somebody else, beside one of the proof.
        let mut err = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.contains("round 1 of 2  cold") && line.contains("fast") {
                on.sandbox.run(&build).check(0, &[]);
            }
            err.push_str(&line);
            err.push('\n');
        }
        on.connection.remove_image(&other).unwrap();
        let output = child.wait_with_output().unwrap();
        let run = Run { err, ..Run::of(&output) };
        ended(&run, &["removed from the build cache:"]);

        let cleaned = run.json()["engine_cleaned"].clone();
        let ids = |member: &str| -> Vec<String> {
            let rows = cleaned[member].as_array().unwrap().iter();
            rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
        };
        let mut after = records(on);
        let removed = ids("removed");
        assert!(removed.iter().all(|id| !before.contains_key(id)), "{cleaned:#}");
        // Two states, cold twice and one edit each: more than two whole builds.
        assert!(removed.len() > 4 * built_alone.len(), "{cleaned:#}");
        let bytes = cleaned["removed_bytes"].as_u64().unwrap();
        assert!(bytes > 0, "{cleaned:#}");
        // A build without the cache replaces its own cache mount.
        for (id, record) in before.iter().filter(|(_, record)| record.kind != "exec.cachemount") {
            assert!(after.contains_key(id), "a record of before is gone: {record:?}");
        }
        let told: Vec<String> = ids("left");
        let doubtful = told.iter().filter(|id| after.contains_key(*id)).count();
        tell(format_args!(
            "{}: {} records and {bytes} bytes removed, {doubtful} in doubt",
            on.connection.endpoint().address,
            removed.len(),
        ));
        let whole = described(&after, &before);
        after.retain(|id, _| !told.contains(id));
        let certain = described(&after, &before);
        let count = |all: &[String], one: &String| all.iter().filter(|it| *it == one).count();
        for one in &built_alone {
            assert!(
                count(&whole, one) >= count(&built_alone, one),
                "{one} of somebody else is gone: {whole:#?}\n{cleaned:#}"
            );
        }
        for one in &certain {
            assert!(
                count(&certain, one) <= count(&built_alone, one),
                "{one} of the proof stays and is not told: {certain:#?}\n{cleaned:#}"
            );
        }
        is_clean(on);
    });
}

#[test]
fn an_engine_proof_that_is_killed_at_any_moment_leaves_nothing_after_the_next_start() {
    alone_on_each_engine(|on, _| {
        write_project(on);
        let before = records(on);
        let images = on.connection.images().unwrap().len();
        let scenarios = ["--runs", "1", "--scenario", "cold", "--scenario", "source-changed"];
        let arguments = prove(&scenarios);
        // A sequence that visits all parts of a proof, which takes some five seconds.
        let mut moment = u64::from(std::process::id());
        for kill in 0..KILLS {
            let mut careen = on.sandbox.careen(&arguments);
            let mut child = careen.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
            moment = moment
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let wait = Duration::from_millis(20 + (moment >> 33) % 5_000);
            thread::sleep(wait);
            child.kill().unwrap();
            let ended = child.wait().unwrap().success();
            // Every other time it is looked at and given up, else the next proof finds it.
            if kill % 2 == 0 || kill + 1 == KILLS {
                let history = on.sandbox.run(&["history"]);
                history.check(0, &["no build of this project is recorded yet"]);
                on.sandbox.run(&["prove", "--abandon"]).check(0, &["unfinished proof"]);
                is_clean(on);
                let left: Vec<CacheRecord> =
                    records(on).into_values().filter(|it| !before.contains_key(&it.id)).collect();
                assert!(
                    left.is_empty(),
                    "{}: after {wait:?} (ended: {ended}): {left:#?}",
                    on.connection.endpoint().address
                );
                assert_eq!(on.connection.images().unwrap().len(), images, "after {wait:?}");
            }
        }
        let last = on.sandbox.run(&[&arguments[..], &["--format", "json"]].concat());
        ended(&last, &[]);
        let json: Value = last.json();
        assert_eq!(json["content"]["same"], true, "{json:#}");
        let left: Vec<CacheRecord> =
            records(on).into_values().filter(|it| !before.contains_key(&it.id)).collect();
        assert!(left.is_empty(), "{left:#?}\n{json:#}");
        assert!(fs::read_dir(on.sandbox.path("home/data/careen/prove")).is_ok());
    });
}
