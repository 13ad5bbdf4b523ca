//! Builds on real engines: what comes out, what is told, and what happens when it goes wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::sync::Arc;

use careen_engine::{BuildRequest, CancelToken, EngineError, Network, Operation, Sharing, plan};
use careen_model::Outcome;
use support::{Content, Files, on_each_engine, request, run, shell_image, unique};

#[test]
fn an_engine_builds_again_only_what_changed() {
    on_each_engine(|connection, _| {
        let request = request("rebuild");
        let files = |text: &str| {
            Files::new("FROM scratch\nCOPY a.txt b.txt /\nCOPY c.txt /\nLABEL x=1\n")
                .with("context", "a.txt", "a")
                .with("context", "b.txt", "b")
                .with("context", "c.txt", text)
        };
        let text = unique();
        let first = run(connection, &request, &files(&text));
        assert_eq!(first.record.outcome, Some(Outcome::Built));
        assert!(
            first.record.context().is_some_and(|sent| sent.entries == 3),
            "{:?}",
            first.record.transfers
        );
        let image = connection.image(&request.tags[0]).unwrap();
        assert_eq!(image.id, first.image());
        assert_eq!((image.root.layers.len(), image.config.labels["x"].as_str()), (2, "1"));

        let again = run(connection, &request, &files(&text));
        assert_eq!(again.steps(), (0, 2), "{:#?}", again.record.steps);
        assert_eq!(again.image(), first.image());
        assert_eq!(again.record.context().unwrap().files, 0, "nothing had to be sent");

        let changed = run(connection, &request, &files(&format!("changed{text}")));
        assert_eq!(changed.steps(), (1, 1), "{:#?}", changed.record.steps);
        assert_eq!(changed.record.context().unwrap().bytes, 7 + text.len() as u64);
        assert_ne!(changed.image(), first.image());
        connection.remove_image(&request.tags[0]).unwrap();
    });
}

#[test]
fn an_engine_tells_how_a_command_failed() {
    on_each_engine(|connection, socket| {
        let base = shell_image(connection, "failing");
        let files = Files::new(&format!("FROM {base}\nRUN echo before; exit 3\n"));
        let run = run(connection, &request("failing"), &files);
        let err = run.result.unwrap_err();
        let EngineError::BuildFailed(failure) = &err else { panic!("{socket}: {err:?}") };
        assert_eq!(failure.exit_code, Some(3), "{failure:?}");
        let failed = run.record.steps.iter().find(|step| step.error.is_some()).unwrap();
        assert_eq!(failure.step.as_ref(), Some(&failed.id));
        assert_eq!(run.record.outcome, Some(Outcome::Failed));
        let has_place = failure.lines == Some((2, 2)) || failure.lines.is_none();
        assert!(has_place, "{failure:?}");
    });
}

#[test]
fn an_engine_gets_no_unreadable_file() {
    on_each_engine(|connection, _| {
        let files = Files::new("FROM scratch\nCOPY . /\n").with("context", "good", "good").put(
            "context",
            "secret.key",
            0o000,
            Content::Unreadable,
        );
        let run = run(connection, &request("unreadable"), &files);
        assert_eq!(
            run.result.unwrap_err(),
            EngineError::Context { message: "secret.key: permission denied".to_owned() }
        );
    });
}

#[test]
fn an_engine_tells_the_plan_and_runs_nothing() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "plan");
        let mark = unique();
        let dockerfile = format!(
            "FROM {base}\nCOPY a /\nRUN --mount=type=cache,id={mark},target=/c,sharing=locked \\\n    echo {mark} > /c/x\nRUN --mount=type=secret,id=key cat /a\n"
        );
        let files = Files::new(&dockerfile).with("context", "a", "a");
        let cancel = CancelToken::new();
        let request = BuildRequest { network: Some("none".into()), ..request("plan") };
        let steps = plan(connection, &request, Arc::new(files.clone()), &cancel);
        let steps = steps.unwrap_or_else(|err| panic!("{err}: {err:?}"));
        let runs: Vec<_> = steps
            .iter()
            .filter_map(|step| match &step.operation {
                Operation::Run(command) => Some((step, command)),
                _ => None,
            })
            .collect();
        let [(first, cached), (second, quiet)] = runs[..] else { panic!("{steps:#?}") };
        assert_eq!((first.lines, second.lines), (Some((3, 4)), Some((5, 5))));
        assert!(second.inputs.contains(&first.id));
        let [cache] = &cached.caches[..] else { panic!("{cached:?}") };
        assert_eq!((cache.target.as_str(), cache.sharing), ("/c", Sharing::Locked));
        assert!(cache.id.ends_with(&mark), "{cache:?}");
        assert_eq!(
            (quiet.network, quiet.secrets.as_slice()),
            (Network::None, &["key".to_owned()][..])
        );
        assert_eq!(quiet.argv, ["/bin/sh", "-c", "cat /a"]);
        assert!(!files.opened.lock().unwrap().contains(&"a".to_owned()), "no content was sent");
        let ran = connection.cache_records().unwrap();
        assert!(!ran.iter().any(|record| record.description.contains(&mark)), "nothing ran");
    });
}
