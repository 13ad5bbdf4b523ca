//! The page: complete, small, closed to the world, and proof against what it shows.

use careen_model::{Fact, Why};
use careen_report::html::{self, HtmlInput};

use crate::page::{broken, first, given, large, page};
use crate::{sample, text};

/// Leaves the page where a person or a browser can look at it.
fn keep(name: &str, page: &str) {
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), page).unwrap();
}

#[test]
fn the_page_shows_both_builds_and_every_part() {
    let page = page(&given(900));
    keep("report.html", &page);
    for wanted in [
        "Before and after",
        "What the changes removed",
        "The proof",
        "What ran when",
        "Slowest steps",
        "What is in the context",
        "What is in the image",
        "The last builds",
        "Findings and their price",
        "Image tests",
        "784×",
        "31 m 13 s",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
}

#[test]
fn the_page_stays_small() {
    let small = page(&given(900));
    assert!(small.len() <= 145_000, "{} bytes", small.len());
    let large = page(&large());
    keep("large.html", &large);
    assert!(large.len() <= 200_000, "{} bytes", large.len());
    assert!(script(&large).len() <= 8_000);
}

/// Names of the worst kind: long, and every character five times as long when it is escaped.
#[test]
fn the_page_stays_small_whatever_the_names_are() {
    let mut given = large();
    let worst = "<\"&漢".repeat(200);
    for record in [&mut given.before, &mut given.after] {
        record.steps.iter_mut().for_each(|step| step.name = format!("RUN {worst}"));
    }
    for context in &mut given.context {
        context.top_files.iter_mut().for_each(|file| file.path = file.path.with_extension(&worst));
    }
    for (case, _) in &mut given.runs {
        case.name.clone_from(&worst);
    }
    for finding in &mut given.diagnosis[0].findings {
        finding.message.clone_from(&worst);
    }
    let page = page(&given);
    assert!(page.len() <= 200_000, "{} bytes", page.len());
}

fn script(page: &str) -> &str {
    page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0
}

/// The policy in the page lets its own script run, and nothing else.
#[test]
fn the_page_runs_one_script_and_loads_nothing() {
    use sha2::Digest as _;
    let page = page(&given(90));
    let hash = base64(&sha2::Sha256::digest(script(&page)));
    assert!(
        page.contains(&format!("script-src 'sha256-{hash}'")),
        "the script now has hash {hash}"
    );
    assert_eq!(page.matches("<script").count(), 1);
    for outside in ["http:", "https:", "//cdn", "url(", "@import", "src=", "href=", " on"] {
        let body = page.replace(script(&page), "");
        let found = body.find(outside).map(|at| &body[at.saturating_sub(60)..at + 20]);
        if outside == " on" {
            assert!(!body.contains(" onclick") && !body.contains(" onload"), "{found:?}");
        } else {
            assert_eq!(found, None, "{outside}");
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

/// Every text that comes from outside, hostile: the page has the same tags as with plain text.
#[test]
fn hostile_text_stays_text() {
    let paint = |text: &str| {
        let mut given = given(90);
        for record in [&mut given.before, &mut given.after] {
            record.label = text.into();
            record.steps.iter_mut().for_each(|step| {
                step.name = format!("RUN {text}");
                step.tasks.iter_mut().for_each(|task| task.name = text.into());
            });
        }
        for context in &mut given.context {
            context.top_files.iter_mut().for_each(|file| file.path = file.path.join(text));
        }
        for finding in &mut given.diagnosis[0].findings {
            finding.message = text.into();
            finding.fixes.iter_mut().for_each(|fix| fix.title = text.into());
            finding.evidence.iter_mut().for_each(|fact| {
                fact.value = text.into();
                fact.source = text.into();
            });
        }
        for (case, verdict) in &mut given.runs {
            case.name = text.into();
            if let careen_model::Verdict::Failed { reason, stderr, .. } = verdict {
                (*reason, *stderr) = (text.into(), text.into());
            }
        }
        given.comparisons[0].0 = text.into();
        given.layers.iter_mut().for_each(|layer| layer.made_by = text.into());
        given.history.iter_mut().for_each(|build| build.label = text.into());
        given.proof = broken(given.proof);
        let proof = &mut given.proof;
        for name in [&mut proof.before, &mut proof.after, &mut proof.held_equal[0]] {
            *name = text.into();
        }
        proof.scenarios.iter_mut().for_each(|one| one.note = text.into());
        for one in &mut proof.content.differences {
            (one.package, one.path) = (text.into(), text.into());
        }
        proof.content.settings = vec![(text.into(), text.into(), text.into())];
        page(&given)
    };
    let (hostile, plain) = (paint(sample::HOSTILE), paint("x"));
    let tags = |page: &str| {
        (page.matches('<').count(), page.matches('>').count(), page.matches('"').count())
    };
    assert_eq!(tags(&hostile), tags(&plain));
    assert!(!hostile.contains("<script>alert"));
    let bad = hostile.chars().find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert_eq!(bad, None);
}

#[test]
fn a_first_build_alone_makes_a_page() {
    let after = sample::before();
    let input = HtmlInput {
        version: "0.1.0",
        project: "hoops",
        engine: "no name",
        before: None,
        after: &after,
        comparisons: &[],
        context_before: None,
        context_after: None,
        diagnosis_before: None,
        diagnosis_after: None,
        tests: None,
        proof: None,
        layers: &[],
        history: &[],
    };
    let page = text(|out| html::html(out, &input));
    keep("first.html", &page);
    assert!(page.contains("Where the time went"));
    assert!(!page.contains("Before and after"));
}

/// The numbers of the picture are in the table beside it, row by row.
#[test]
fn the_table_of_phases_has_its_bars() {
    let page = page(&given(90));
    let phases = page.split_once("<h2 id=waterfall>").unwrap().0;
    let rows: Vec<&str> =
        phases.lines().filter(|line| line.contains("class=pic><svg height=24")).collect();
    let text: Vec<String> = rows.iter().map(|row| strip(row)).collect();
    expect_test::expect![[r#"
        prepare | 0.3 s | 0.1 s | 3.0×
        context | 7 m 51 s | 0.6 s | 784×
        base image | 3 m 23 s | 0 s | cached
        system packages | 2 m 07 s | 0 s | cached
        language packages | 17 m 09 s | 3 m 30 s | 4.9×
        PyTorch | 6 m 55 s | 92.2 s | 4.5×
        JAX | 3 m 32 s | 57.7 s | 3.7×
        computer vision | 4 m 48 s | 55.3 s | 5.2×
        Jupyter | 36.3 s | 4.4 s | 8.2×
        dependencies | 76.9 s | 0 s | cached
        files | 41.4 s | 0.5 s | 82.8×
        other steps | 5.6 s | 4.9 s | 1.1×
        export | 5 m 25 s | 41.3 s | 7.9×
        between steps | 1.1 s | 0.9 s | 1.2×
        total | 31 m 13 s | 4 m 17 s | 7.3×"#]]
    .assert_eq(&text.join("\n"));
    let context = rows.iter().find(|row| row.contains(">context<")).unwrap();
    assert!(context.contains("width=25.12%") && context.contains("width=0.15%"), "{context}");
}

fn strip(html: &str) -> String {
    let parts = html.split('<').filter_map(|part| part.split_once('>'));
    parts
        .map(|(_, text)| text.trim())
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Sent, kept for nobody, ignored: the bar, its table and the treemap tell them apart.
#[test]
fn the_context_has_three_classes() {
    let page = page(&first(36));
    let part = page.split_once("<h2 id=context>").unwrap().1;
    let part = part.split_once("<details>").unwrap().0;
    let rows = part.lines().filter(|line| line.contains("<th scope=row")).map(strip);
    let titles = part.split("<rect class=").filter_map(|rect| {
        let (class, rest) = rect.split_once(' ')?;
        let title = rest.split_once("<title>")?.1.split_once("</title>")?.0;
        Some(format!("{class} {title}"))
    });
    let told: Vec<String> = rows.chain(titles).collect();
    expect_test::expect![[r#"
        sent | a COPY, ADD or mount takes it | 697.6 MB
        never used | kept, and no instruction takes it | 1.2 GB
        ignored | the ignore file keeps it back | 700.0 MB
        k sent · 697.6 MB
        u never used · 1.2 GB
        g ignored · 700.0 MB
        u smaller files in data · 935.0 MB · never used
        u data/videos/part-0000.bin · 68.8 MB · never used
        u data/videos/part-0001.bin · 45.8 MB · never used
        u data/videos/part-0002.bin · 27.5 MB · never used
        u data/videos/part-0003.bin · 22.9 MB · never used
        k smaller files in .venv · 518.5 MB · sent
        k .venv/lib/part-0000.bin · 38.1 MB · sent
        k .venv/lib/part-0001.bin · 25.4 MB · sent
        k .venv/lib/part-0002.bin · 15.2 MB · sent
        k .venv/lib/part-0003.bin · 12.7 MB · sent
        u smaller files in .git · 81.6 MB · never used
        u .git/objects/part-0000.bin · 6.0 MB · never used
        u .git/objects/part-0001.bin · 4.0 MB · never used
        u .git/objects/part-0002.bin · 2.4 MB · never used
        u .git/objects/part-0003.bin · 2.0 MB · never used
        k smaller files in node_modules · 34.9 MB · sent
        k node_modules/vite/part-0000.bin · 2.6 MB · sent
        k node_modules/vite/part-0001.bin · 1.7 MB · sent
        k node_modules/vite/part-0002.bin · 1.0 MB · sent
        k node_modules/vite/part-0003.bin · 854.2 kB · sent
        k smaller files in mlruns · 18.7 MB · sent
        k mlruns/0/part-0000.bin · 1.4 MB · sent
        k mlruns/0/part-0001.bin · 916.7 kB · sent
        k mlruns/0/part-0002.bin · 550.0 kB · sent
        k mlruns/0/part-0003.bin · 458.3 kB · sent
        k smaller files in notebooks · 15.6 MB · sent
        k notebooks/part-0000.bin · 1.1 MB · sent
        k notebooks/part-0001.bin · 766.7 kB · sent
        k notebooks/part-0002.bin · 460.0 kB · sent
        k notebooks/part-0003.bin · 383.3 kB · sent
        k smaller files in src · 2.9 MB · sent
        k src/hoops/part-0000.bin · 212.5 kB · sent
        k src/hoops/part-0001.bin · 141.7 kB · sent
        k src/hoops/part-0002.bin · 85.0 kB · sent
        k src/hoops/part-0003.bin · 70.8 kB · sent
        k smaller files in tests · 1.6 MB · sent
        k tests/part-0000.bin · 118.8 kB · sent
        k tests/part-0001.bin · 79.2 kB · sent
        k tests/part-0002.bin · 47.5 kB · sent
        k tests/part-0003.bin · 39.6 kB · sent
        k smaller files in docs · 765.0 kB · sent
        k docs/part-0000.bin · 56.2 kB · sent
        k docs/part-0001.bin · 37.5 kB · sent
        k docs/part-0002.bin · 22.5 kB · sent
        k docs/part-0003.bin · 18.8 kB · sent"#]]
    .assert_eq(&told.join("\n"));
}

/// Every part of a waterfall begins where the one before it ended.
#[test]
fn the_waterfall_goes_from_one_total_to_the_other() {
    let page = page(&given(90));
    let part = page.split_once("<h2 id=waterfall>").unwrap().1;
    let part = part.split_once("</table>").unwrap().0;
    let rows = part.lines().filter(|line| line.contains("<th scope=row>")).map(strip);
    expect_test::expect![[r#"
        before | 31 m 13 s
        context | −7 m 50 s | 23 m 22 s
        PyTorch | −5 m 23 s | 18 m 00 s
        export | −4 m 44 s | 13 m 16 s
        computer vision | −3 m 53 s | 9 m 23 s
        JAX | −2 m 35 s | 6 m 48 s
        dependencies | −76.9 s | 5 m 31 s
        files | −40.9 s | 4 m 50 s
        Jupyter | −31.9 s | 4 m 19 s
        the rest | −1.1 s | 4 m 17 s
        after | 4 m 17 s"#]]
    .assert_eq(&rows.collect::<Vec<_>>().join("\n"));
}

/// A proof tells medians, spread and interval; one of other content names what is gone.
#[test]
fn a_proof_is_on_the_page() {
    let told = |page: &str| {
        let part = page.split_once("<h2 id=proof>").unwrap().1;
        let part = part.split_once("</section>").unwrap().0;
        let phases = part.split_once("<details open>").unwrap();
        let content = phases.1.rsplit_once("</details>\n<p").unwrap().1.to_owned();
        let lines = format!("{}\n<p{content}", phases.0);
        let lines: Vec<String> = lines.lines().map(strip).collect();
        lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let mut given = given(90);
    let same = told(&page(&given));
    given.proof = broken(given.proof);
    let other = told(&page(&given));
    expect_test::expect![[r#"
        Proven, the same image and faster. | before fix 0003 | against | now | , built in turns on 2026-11-23 21:40 UTC. Bars are medians, lines go from the fastest build to the slowest.
        before | after
        Scenario | Before | After | Faster
        cold | 31 m 13 s | 29 m 20 s – 34 m 01 s | 4 m 17 s | 4 m 10 s – 4 m 33 s | 6.9× | 5.6–9.4×
        source-changed | src/hoops/cli.py: a comment | 23 m 32 s | 22 m 07 s – 25 m 39 s | 9.8 s | 9.5 s – 10.4 s | 136× | 112–185×
        nothing-changed | 8.1 s | 7.6 s – 8.8 s | 8.0 s | 7.8 s – 8.5 s | 0.96× | 0.78–1.3×
        lock-changed | the project has no lock file | skipped
        Both images have the same content: 48 211 entries before, 48 213 after.
        2 differences not counted: logs hold times
        What was held equal
        the engine and the base images in its store"#]].assert_eq(&same);
    expect_test::expect![[r#"
        No proof, the two states do not build the same, so their times say nothing. | before fix 0003 | against | now | , built in turns on 2026-11-23 21:40 UTC. Bars are medians, lines go from the fastest build to the slowest.
        before | after
        Scenario | Before | After | Faster
        cold | 31 m 13 s | 29 m 20 s – 34 m 01 s | 4 m 17 s | 4 m 10 s – 4 m 33 s | 6.9× | 5.6–9.4×
        source-changed | src/hoops/cli.py: a comment | 23 m 32 s | 22 m 07 s – 25 m 39 s | 9.8 s | 9.5 s – 10.4 s | 136× | 112–185×
        nothing-changed | 8.1 s | 7.6 s – 8.8 s | 8.0 s | 7.8 s – 8.5 s | 0.96× | 0.78–1.3×
        lock-changed | the project has no lock file | skipped
        Not the same content: 41 differences.
        Packages with paths that differ: libgomp1 12.2.0-14 (Debian) (40)
        Package | Path | How
        libgomp1 12.2.0-14 (Debian) | usr/lib/x86_64-linux-gnu/libgomp.so.1 | only before
        libgomp1 12.2.0-14 (Debian) | usr/share/doc/libgomp1 | only before
        image setting | User | root → hoops
        and 38 more paths
        2 differences not counted: logs hold times
        What was held equal
        the engine and the base images in its store"#]].assert_eq(&other);
}

/// A folder that shrinks is drawn in both colours, with the bytes of each.
#[test]
fn what_is_still_sent_of_a_folder_is_told() {
    let context = |folders: &[(&str, u64)], files: &[(&str, u64)]| {
        let mut facts = sample::context(false, 0);
        let list = |rows: &[(&str, u64)]| -> Vec<careen_model::context::Sized> {
            let rows = rows.iter().map(|(path, bytes)| careen_model::context::Sized {
                path: path.into(),
                amount: careen_model::context::Amount { entries: 1, files: 1, bytes: *bytes },
            });
            rows.collect()
        };
        (facts.top_folders, facts.top_files) = (list(folders), list(files));
        facts.kept.bytes = folders.iter().map(|folder| folder.1).sum();
        facts.kept.files = 900;
        (facts.sent, facts.everything) = (facts.kept, Fact::Unknown(Why::NotAsked));
        facts
    };
    let before = context(
        &[("data/videos", 900_000), ("src", 60_000), ("gone", 30_000)],
        &[("data/videos/a.mp4", 400_000), ("data/videos/b.mp4", 300_000), ("src/x.py", 9_000)],
    );
    let after =
        context(&[("data/videos", 350_000), ("src", 20_000)], &[("data/videos/b.mp4", 300_000)]);
    let mut given = given(0);
    given.context = [before, after];
    (given.layers, given.history) = (vec![], vec![]);
    let page = page(&given);
    let titles = page.split("<title>").skip(2).filter_map(|part| part.split_once("</title>"));
    let titles: Vec<&str> = titles.map(|(title, _)| title).collect();
    expect_test::expect![[r#"
        data/videos/a.mp4 · 400.0 kB · no longer sent
        data/videos/b.mp4 · 300.0 kB · sent
        smaller files in data · 150.0 kB · no longer sent
        smaller files in data · 50.0 kB · sent
        smaller files in src · 40.0 kB · no longer sent
        smaller files in src · 11.0 kB · sent
        src/x.py · 9.0 kB · sent
        smaller files in gone · 30.0 kB · no longer sent"#]]
    .assert_eq(&titles.join("\n"));
}
