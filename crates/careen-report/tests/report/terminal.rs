//! The screens at 80 columns, and what must hold at every width.

use std::time::Duration;

use careen_model::{BuildRecord, Comparison, Diagnosis, Fact};
use careen_report::{
    ImageTests, Subject,
    terminal::{self, Applied, BuildSummary, Detail, Doctor, Listed, Measured, Overview, Style},
};
use expect_test::expect;

use crate::{framed, histories, sample, text};

const PLAIN: Style = Style::PLAIN;

struct Facts {
    project: careen_model::ProjectFacts,
    host: careen_model::HostFacts,
    engine: careen_model::EngineFacts,
    context: Fact<careen_model::ContextFacts>,
}

fn facts() -> Facts {
    Facts {
        project: sample::project(),
        host: sample::host(),
        engine: sample::engine(),
        context: Fact::Known(sample::context(false, 90)),
    }
}

fn subject(facts: &Facts) -> Subject<'_> {
    Subject {
        project: Some(&facts.project),
        host: Some(&facts.host),
        engine: Some(&facts.engine),
        context: Some(&facts.context),
        history: None,
    }
}

fn overview(style: Style, facts: &Facts, diagnosis: &Diagnosis) -> String {
    let took = Duration::from_millis(360);
    let shown = Overview { version: "0.1.0", subject: subject(facts), diagnosis, took };
    text(|out| terminal::overview(out, style, &shown))
}

fn doctor(style: Style, facts: &Facts, diagnosis: &Diagnosis, detail: Detail) -> String {
    let shown = Doctor { subject: subject(facts), diagnosis, detail, text_of: &sample::text_of };
    text(|out| terminal::doctor(out, style, &shown))
}

#[test]
fn the_first_screen_ranks_by_cost() {
    expect![[r#"
        careen 0.1.0  /mnt/c/Users/me/hoops → .devcontainer/Dockerfile
        engine   Docker Desktop 29.6.1, BuildKit 0.31.0, overlayfs, 8 CPUs, 15.6 GB
        context  39 980 entries, 1.9 GB kept, 1.9 GB read by the build, walked in 3.1 s
                 9p on /mnt/c (C:\), 1.3 ms per lookup, 1191× slower than the home disk

         ✗ 3 errors  ! 2 warnings  · 1 hint  - 3 skipped  - 1 ignored  13 checks in 0.4…

         Where the next build loses time                      basis                saves
         ✗ engine disk has 11.0 GB free, the last build       measured          may fail
           needed 23.0 GB [disk-short]
         ✗ context lies on a Windows drive (9p), every        measured          6 m 50 s
           lookup takes 1.3 ms [slow-context-mount]
         ! builder fervent_x was last used 112 days ago       rule               19.4 GB
           [stale-builder]
         ✗ 1.9 GB would be sent, 1.8 GB of it never reaches   measured            70.0 s
           a COPY that needs it [unused-context]
         ! two package groups wait for one cache mount        modelled    40.0 s/rebuild
           [shared-cache-id]

         careen fix         2 safe fixes (up to 70.0 s), shown as a diff first, undoable
         careen doctor -v   all checks with evidence
         careen build       build, time every step, compare with last time
    "#]]
    .assert_eq(&overview(PLAIN, &facts(), &sample::diagnosis()));
}

#[test]
fn the_first_screen_never_scrolls() {
    let mut diagnosis = sample::diagnosis();
    for _ in 0..4 {
        diagnosis.findings.extend(sample::diagnosis().findings);
    }
    let screen = overview(PLAIN, &facts(), &diagnosis);
    assert!(screen.lines().count() <= 24, "{screen}");
    assert!(screen.contains(" more\n"), "{screen}");
}

#[test]
fn a_healthy_project_gets_a_short_screen() {
    let healthy = Diagnosis { findings: vec![], ..sample::diagnosis() };
    expect![[r#"
        careen 0.1.0  /mnt/c/Users/me/hoops → .devcontainer/Dockerfile
        engine   Docker Desktop 29.6.1, BuildKit 0.31.0, overlayfs, 8 CPUs, 15.6 GB
        context  39 980 entries, 1.9 GB kept, 1.9 GB read by the build, walked in 3.1 s
                 9p on /mnt/c (C:\), 1.3 ms per lookup, 1191× slower than the home disk

         ✓ nothing found  - 3 skipped  - 1 ignored                    13 checks in 0.4 s


         careen doctor -v   all checks with evidence
         careen build       build, time every step, compare with last time
    "#]]
    .assert_eq(&overview(PLAIN, &facts(), &healthy));
}

#[test]
fn the_doctor_details_problems_only() {
    expect![[r#"
        [✓] Client       docker 29.6.1, builds with buildx, context desktop-linux
        [✓] Engine       Docker Desktop 29.6.1, BuildKit 0.31.0, overlayfs, 8 CPUs, 15.6
                         GB
            · the engine's clock is 0.2 s ahead
        [!] Builder      default (docker), 1 more, 1 with a problem
            ! builder fervent_x was last used 112 days ago
              stale-builder · engine · 19.4 GB (rule)
              fix: Recreate builder fervent_x (careen fix --recreate-builder)
        [-] Cache        skipped: this engine does not support its rules of collection
        [✗] Disk         engine 11.0 GB free of 250.0 GB; Windows drive 38.0 GB free of
                         250.0 GB
            ✗ engine disk has 11.0 GB free, the last build needed 23.0 GB
              disk-short · engine · may fail (measured)
        [✗] Context      39 980 entries, 1.9 GB kept, 1.9 GB read by the build, walked
                         in 3.1 s
            ✗ context lies on a Windows drive (9p), every lookup takes 1.3 ms
              slow-context-mount · context · 6 m 50 s (measured)
              fix: Move the project to a Linux path (by hand)
                careen move ~/hoops
            ✗ 1.9 GB would be sent, 1.8 GB of it never reaches a COPY that needs it
              unused-context · context · 70.0 s (measured)
              fix: Write the .dockerignore that is missing (careen fix)
        [✓] Ignore file  .dockerignore, 2 patterns
        [!] Dockerfile   .devcontainer/Dockerfile
            ! two package groups wait for one cache mount
              shared-cache-id · .devcontainer/Dockerfile:3 · 40.0 s per rebuild
                (modelled)
              fix: Give the cache mount its own id (careen fix)
        [✓] Secrets      nothing that looks like a secret would be sent
        [-] Network      skipped: not asked for

        Found 3 errors, 2 warnings, 1 hint in 13 checks; 3 skipped, 1 ignored.
        skipped, this engine does not support its rules of collection: cache-eviction,
          cache-size
        ignored, we want the newest: latest-tag
        skipped, not asked for: registry-slow
        Next: careen fix
    "#]]
    .assert_eq(&doctor(PLAIN, &facts(), &sample::diagnosis(), Detail::Problems));
}

#[test]
fn the_doctor_shows_everything_when_asked() {
    expect![[r#"
        [✓] Client       docker 29.6.1, builds with buildx, context desktop-linux
            ✓ is buildx there (no-buildx)
        [✓] Engine       Docker Desktop 29.6.1, BuildKit 0.31.0, overlayfs, 8 CPUs, 15.6
                         GB
            · the engine's clock is 0.2 s ahead
              clock-differs · engine
        [!] Builder      default (docker), 1 more, 1 with a problem
            ! builder fervent_x was last used 112 days ago
              stale-builder · engine · 19.4 GB (rule)
              fix: Recreate builder fervent_x (careen fix --recreate-builder)
        [-] Cache        skipped: this engine does not support its rules of collection
            - will the cache survive (cache-eviction)  skipped: this engine does not
                support its rules of collection
            - is the cache of a healthy size (cache-size)  skipped: this engine does not
                support its rules of collection
        [✗] Disk         engine 11.0 GB free of 250.0 GB; Windows drive 38.0 GB free of
                         250.0 GB
            ✗ engine disk has 11.0 GB free, the last build needed 23.0 GB
              disk-short · engine · may fail (measured)
        [✗] Context      39 980 entries, 1.9 GB kept, 1.9 GB read by the build, walked
                         in 3.1 s
            ✗ context lies on a Windows drive (9p), every lookup takes 1.3 ms
              slow-context-mount · context · 6 m 50 s (measured)
              file system: 9p, aname=drvfs  from /proc/self/mountinfo
              lookup of a missing name: 1.31 ms, median of 200  from statx
              fix: Move the project to a Linux path (by hand)
                careen move ~/hoops
            ✗ 1.9 GB would be sent, 1.8 GB of it never reaches a COPY that needs it
              unused-context · context · 70.0 s (measured)
              kept after .dockerignore: 1.9 GB in 39 580 files  from walk
              fix: Write the .dockerignore that is missing (careen fix)
        [✓] Ignore file  .dockerignore, 2 patterns
            ✓ is there an ignore file (ignore-missing)
        [!] Dockerfile   .devcontainer/Dockerfile
            ! two package groups wait for one cache mount
              shared-cache-id · .devcontainer/Dockerfile:3 · 40.0 s per rebuild
                (modelled)
              fix: Give the cache mount its own id (careen fix)
            - is the base pinned (latest-tag)  ignored: we want the newest
        [✓] Secrets      nothing that looks like a secret would be sent
            ✓ would a secret be sent (secret-in-context)
        [-] Network      skipped: not asked for
            - does the registry answer (registry-slow)  skipped: not asked for

        Found 3 errors, 2 warnings, 1 hint in 13 checks; 3 skipped, 1 ignored.
        skipped, this engine does not support its rules of collection: cache-eviction,
          cache-size
        ignored, we want the newest: latest-tag
        skipped, not asked for: registry-slow
        Next: careen fix
    "#]]
    .assert_eq(&doctor(PLAIN, &facts(), &sample::diagnosis(), Detail::Everything));
}

#[test]
fn checks_are_listed_by_category() {
    let diagnosis = sample::diagnosis();
    let listed: Vec<Listed<'_>> = diagnosis.checks[3..7]
        .iter()
        .map(|check| Listed { rule: check.rule, title: check.title, category: check.category })
        .collect();
    expect![[r#"
        Cache
          cache-eviction      will the cache survive
          cache-size          is the cache of a healthy size

        Disk
          disk-short          is there room for a build

        Context
          slow-context-mount  is the context on a fast disk
    "#]]
    .assert_eq(&text(|out| terminal::checks(out, PLAIN, &listed)));
}

#[test]
fn a_plan_shows_its_diff() {
    expect![[r#"
        2 fixes; 1 needs a decision (--risky); 1 needs a person

         1 Write the .dockerignore that is missing [unused-context]
           1.9 GB would be sent, 1.8 GB of it never reaches a COPY that needs it
           writes .dockerignore
         2 Give the cache mount its own id [shared-cache-id]
           two package groups wait for one cache mount
           changes .devcontainer/Dockerfile

         – Move the project to a Linux path [slow-context-mount]
           context lies on a Windows drive (9p), every lookup takes 1.3 ms
             careen move ~/hoops
         ? Recreate builder fervent_x [stale-builder]
           builder fervent_x was last used 112 days ago
           recreates builder fervent_x, its cache is lost
           cannot be undone

        .dockerignore  +2 -0  new
        @@ -0,0 +1,2 @@
        +data
        +.venv

        .devcontainer/Dockerfile  +1 -1
        @@ -1,4 +1,4 @@
         FROM python:3.11
         WORKDIR /app
         COPY . .
        -RUN uv sync
        +RUN --mount=type=cache,id=uv uv sync
    "#]]
    .assert_eq(&text(|out| terminal::plan(out, PLAIN, &sample::plan())));
}

#[test]
fn what_was_applied_shows_the_new_numbers() {
    let plan = sample::plan();
    let fixes = [
        Measured {
            planned: &plan.chosen[0],
            number: Some(("context".into(), "1.9 GB".into(), "24.6 MB".into())),
            still: None,
        },
        Measured { planned: &plan.chosen[1], number: None, still: Some("the id is shared".into()) },
    ];
    let applied = Applied { fixes: &fixes, journal: Some("7f3a") };
    expect![[r#"
         ✓ Write the .dockerignore that is missing
           context 1.9 GB → 24.6 MB
         ✗ Give the cache mount its own id
           still: the id is shared

        Undo: careen undo 7f3a   Proof: careen build
    "#]]
    .assert_eq(&text(|out| terminal::applied(out, PLAIN, &applied)));
}

fn summary(
    style: Style,
    record: &BuildRecord,
    last: Option<&BuildRecord>,
    tail: &[String],
) -> String {
    let context = sample::context(true, 90);
    let shown = BuildSummary {
        record,
        last,
        context: Some(&context),
        log_tail: tail,
        report: Some(".careen/reports/0007.html".as_ref()),
        archive: None,
    };
    text(|out| terminal::build_summary(out, style, &shown))
}

#[test]
fn a_build_is_compared_with_the_last_one() {
    let (before, after) = (sample::before(), sample::after());
    expect![[r#"
        built in 4 m 17 s

         phase                  last           now          change
         prepare               0.3 s         0.1 s            3.0×
         context            7 m 51 s         0.6 s            784×
         base image         3 m 23 s           0 s          cached
         system packages    2 m 07 s           0 s          cached
         language packages 17 m 09 s      3 m 30 s            4.9×
           PyTorch          6 m 55 s        92.2 s            4.5×
           JAX              3 m 32 s        57.7 s            3.7×
           computer vision  4 m 48 s        55.3 s            5.2×
           Jupyter            36.3 s         4.4 s            8.2×
           dependencies       76.9 s           0 s          cached
         files                41.4 s         0.5 s           82.8×
         other steps           5.6 s         4.9 s            1.1×
         export             5 m 25 s        41.3 s            7.9×
         between steps         1.1 s         0.9 s            1.2×
         total             31 m 13 s      4 m 17 s            7.3×

         steps     8 (2 cached, 6 run)
         context   sent 24.6 MB of 1.9 GB in 208 files
         critical  4 m 16 s on a path of 11 steps
         slowest      92.2 s  [base 4/9] RUN uv sync --group torch
                              of it download torch in 71.0 s, 2.1 GB
                      57.7 s  [base 5/9] RUN uv sync --group jax
                      55.3 s  [base 6/9] RUN uv sync --group vision
                      41.3 s  exporting to image
                       4.9 s  [base 9/9] RUN python -c 'import torch, jax, cv2'
         image     hoops:dev  sha256:4f0c9a7be2d1
         report    .careen/reports/0007.html
    "#]]
    .assert_eq(&summary(PLAIN, &after, Some(&before), &[]));
}

#[test]
fn a_first_build_and_a_failed_one_have_summaries_too() {
    expect![[r#"
        built in 31 m 13 s

         prepare               0.3 s
         context            7 m 51 s
         base image              0 s   and 3 m 23 s beside others
         system packages         0 s   and 2 m 07 s beside others
         language packages 17 m 09 s
           PyTorch          6 m 55 s
           JAX              3 m 32 s
           computer vision  4 m 48 s
           Jupyter            36.3 s
           dependencies       76.9 s
         files                41.4 s
         other steps           5.6 s
         export             5 m 25 s
         between steps         1.1 s
         total             31 m 13 s

         steps     8 (0 cached, 8 run)
         context   sent 1.9 GB of 1.9 GB in 39 580 files
         critical  31 m 12 s on a path of 10 steps
         slowest    7 m 51 s  [internal] load build context
                    6 m 55 s  [base 5/9] RUN uv sync --group torch
                    5 m 25 s  exporting to image
                    4 m 48 s  [base 7/9] RUN uv sync --group vision
                    3 m 32 s  [base 6/9] RUN uv sync --group jax
         fault     data/live.db changed while it was sent
         warnings  JSONArgsRecommended: JSON arguments recommended for CMD (line 9)
         image     hoops:dev  sha256:4f0c9a7be2d1
         report    .careen/reports/0007.html
    "#]]
    .assert_eq(&summary(PLAIN, &sample::before(), None, &[]));
    let tail = ["error: no solution found".to_owned(), "  because jax 9 is not there".to_owned()];
    expect![[r#"
        failed after 2 m 30 s
         ✗ [base 5/9] RUN uv sync --group jax
           process "/bin/sh -c uv sync --group jax" did not complete successfully (exit
           code 2)
           │ error: no solution found
           │   because jax 9 is not there

         prepare               0.1 s
         context               0.1 s   and 0.5 s beside others
         base image              0 s
         system packages         0 s
         language packages  2 m 30 s
           PyTorch            92.2 s
           JAX                57.7 s
           dependencies          0 s
         between steps         0.1 s
         total              2 m 30 s

         steps     4 (2 cached, 2 run)
         context   sent 24.6 MB of 1.9 GB in 208 files
         critical  2 m 30 s on a path of 6 steps
         slowest      92.2 s  [base 4/9] RUN uv sync --group torch
                              of it download torch in 71.0 s, 2.1 GB
                      57.7 s  [base 5/9] RUN uv sync --group jax
                       0.6 s  [internal] load build context
                       0.1 s  [internal] load build definition from Dockerfile
         report    .careen/reports/0007.html
    "#]]
    .assert_eq(&summary(PLAIN, &sample::failed(), None, &tail));
}

#[test]
fn image_tests_tell_passed_from_not_run() {
    let runs = sample::cases();
    let tests = ImageTests {
        image: "hoops:dev",
        digest: Some("sha256:4f0c9a7be2d14f0c9a7b"),
        conditions: "network none, read-only",
        runs: &runs,
        took: Duration::from_millis(6800),
    };
    expect![[r#"
        hoops:dev (sha256:4f0c9a7be2d1)  network none, read-only, 5 tests, 6.8 s
         ✓ python 3.11.9                                                           0.2 s
         ✓ import torch 2.5.1+cu124                                                2.1 s
         ✗ import ultralytics                                                      1.9 s
             exit code 1
             Traceback (most recent call last):
               File "<string>", line 1
             OSError: libGL.so.1: cannot open shared object file
             hint: opencv-python-headless needs no libGL
         - gpu  skipped: no device here
         ! uv  could not be run: the engine stopped answering
        2 passed, 1 failed, 1 could not be run, 1 skipped
    "#]]
    .assert_eq(&text(|out| terminal::image_tests(out, PLAIN, &tests)));
}

#[test]
fn tables_of_builds() {
    let builds = [sample::after(), sample::failed(), sample::before()];
    expect![[r#"
        ──
         build  when (UTC)        outcome          total     context  run/cached
         0003   2026-11-23 19:04  built        31 m 13 s      1.9 GB         8/0
         0007   2026-11-23 19:04  failed import 2 m 30 s     24.6 MB         2/2 5.7×
         0007   2026-11-23 19:04  built         4 m 17 s     24.6 MB         6/2 5.7×

         trend  median 2 m 00 s in the newer half, 90.0 s in the older: 1.3× slower

         slow   0007 took 8 m 34 s instead of 90.0 s (0003)
                +6 m 55 s, ran again (cached before): [base 4/9] RUN uv sync --group to…
    "#]]
    .assert_eq(&framed(&text(|out| {
        terminal::history(out, PLAIN, &histories::history(&histories::rows()))
    })));
    let compared = Comparison::of(&builds[2], &builds[0]);
    expect![[r#"
        First build
         phase           before 0003    after 0007          change
         prepare               0.3 s         0.1 s            3.0×
         context            7 m 51 s         0.6 s            784×
         base image         3 m 23 s           0 s          cached
         system packages    2 m 07 s           0 s          cached
         language packages 17 m 09 s      3 m 30 s            4.9×
           PyTorch          6 m 55 s        92.2 s            4.5×
           JAX              3 m 32 s        57.7 s            3.7×
           computer vision  4 m 48 s        55.3 s            5.2×
           Jupyter            36.3 s         4.4 s            8.2×
           dependencies       76.9 s           0 s          cached
         files                41.4 s         0.5 s           82.8×
         other steps           5.6 s         4.9 s            1.1×
         export             5 m 25 s        41.3 s            7.9×
         between steps         1.1 s         0.9 s            1.2×
         total             31 m 13 s      4 m 17 s            7.3×
         context entries      41 218           230
         context bytes sent   1.9 GB       24.6 MB
         steps   -7 m 50 s  [internal] load build context
                 -5 m 23 s  [base 4/9] RUN uv sync --group torch
                 -4 m 44 s  exporting to image
                 -3 m 53 s  [base 6/9] RUN uv sync --group vision
                 -3 m 23 s  [base 1/9] FROM docker.io/nvidia/cuda:12.4.1-devel-ubuntu22…
    "#]]
    .assert_eq(&text(|out| terminal::comparison(out, PLAIN, "First build", &compared)));
}

#[test]
fn a_proof_tells_what_each_fix_removed() {
    let proof = crate::page::proof();
    let shown = text(|out| terminal::proof(out, PLAIN, &proof));
    let shown = &shown[shown.find("cold, what each fix removed").unwrap()..];
    let shown = format!("{}\n", shown.split_once("\n\n").unwrap().0);
    expect![[r#"
        cold, what each fix removed
         fix                                  change       left  95 % interval
         before                                       31 m 13 s
         ignore-missing                    -7 m 51 s  23 m 22 s  1.3–1.3×
         apt-lists, no-install-recommends
                                              +6.9 s  23 m 29 s  1.0–1.0×
         shared-cache-id                  -19 m 12 s   4 m 17 s  4.2–7.0×
         now                                           4 m 17 s
    "#]]
    .assert_eq(&shown);
    assert!(shown.lines().all(|line| line.chars().count() <= 80));

    let json: serde_json::Value =
        serde_json::from_str(&text(|out| careen_report::json::proof(out, &proof))).unwrap();
    let cold = &json["scenarios"][0];
    let removed: Vec<f64> = cold["removed_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["removed_seconds"].as_f64().unwrap())
        .collect();
    let median = |side: &str| cold[side].as_f64().unwrap();
    let all = median("before_median_seconds") - median("after_median_seconds");
    assert_eq!(removed.len(), json["fixes"].as_array().unwrap().len());
    assert!((removed.iter().sum::<f64>() - all).abs() < 0.01, "{cold:#}");
    assert_eq!(json["scenarios"][1]["removed_by"], serde_json::json!([]));

    let markdown = text(|out| careen_report::markdown::proof(out, &proof));
    assert!(markdown.contains("| cold: fix | change | left |"), "{markdown}");
    let page = crate::page::page(&crate::page::given(10));
    assert!(page.contains("<summary>What each fix removed: cold</summary>"));
    assert!(page.contains("<tr><th scope=row>shared-cache-id<"));
}

#[test]
fn no_escape_sequence_gets_through_and_ascii_means_ascii() {
    let hostile = sample::HOSTILE;
    let mut facts = facts();
    facts.project.root = hostile.into();
    let mut diagnosis = sample::diagnosis();
    for finding in &mut diagnosis.findings {
        finding.message = format!("{hostile} {}", finding.message);
        finding.evidence.iter_mut().for_each(|fact| fact.value = hostile.into());
        finding.fixes.iter_mut().for_each(|fix| fix.title = hostile.into());
    }
    let mut record = sample::failed();
    record.steps.iter_mut().for_each(|step| step.name = format!("RUN {hostile}"));
    record.warnings.push(hostile.into());
    record.error = Some(hostile.into());
    let mut plan = sample::plan();
    plan.files[0].after = hostile.as_bytes().to_vec();
    plan.files[1].path = hostile.into();

    let style = Style { color: false, unicode: false, width: 80 };
    let screens = [
        overview(style, &facts, &diagnosis),
        doctor(style, &facts, &diagnosis, Detail::Everything),
        summary(style, &record, Some(&sample::before()), &[hostile.into()]),
        text(|out| terminal::plan(out, style, &plan)),
        text(|out| terminal::comparison(out, style, "x", &Comparison::of(&record, &record))),
    ];
    for screen in screens {
        assert!(screen.is_ascii(), "{screen}");
        let bad = screen.chars().find(|&c| c.is_control() && c != '\n');
        assert_eq!(bad, None, "{screen}");
        assert!(!screen.contains("owned"), "{screen}");
    }
}

/// Colour repeats what the words say: without its codes, the text is the same.
#[test]
fn colour_changes_no_word() {
    let color = Style { color: true, ..PLAIN };
    let painted = doctor(color, &facts(), &sample::diagnosis(), Detail::Everything);
    assert!(painted.contains("\x1b[31m"));
    let bare: Vec<String> = painted.lines().map(strip).collect();
    let plain = doctor(PLAIN, &facts(), &sample::diagnosis(), Detail::Everything);
    assert_eq!(bare, plain.lines().collect::<Vec<_>>());
}

fn strip(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.map(|part| part.split_once('m').unwrap().1).collect::<String>()
}
