//! Cases against a scripted image.

use std::sync::atomic::AtomicUsize;

use careen_model::Expect;

use super::*;

/// An image that knows a few programs by their first word.
struct Script {
    at_once: AtomicUsize,
    most: AtomicUsize,
    barrier: std::sync::Barrier,
}

impl Exec for Script {
    fn exec(&self, argv: &[String], _: Duration) -> Result<Ran, NotRun> {
        let ran = |exit_code, stdout: &str, stderr: &str| {
            let (stdout, stderr) = (stdout.into(), stderr.into());
            Ok(Ran { exit_code, stdout, stderr, took: Duration::from_secs(2), timed_out: false })
        };
        match argv[0].as_str() {
            "ok" => ran(0, "\n 3.11.9\nmore", ""),
            "fail" => ran(1, "", &argv[1]),
            "skip" => ran(77, "no device", ""),
            "quiet-skip" => ran(77, "", ""),
            "signal" => ran(argv[1].parse().unwrap(), "", ""),
            "gone" => ran(127, "", "exec: \"gone\": executable file not found in $PATH"),
            "slow" => Ok(Ran { timed_out: true, exit_code: 137, ..Ran::default() }),
            "no-engine" => Err(NotRun::NoEngine { reason: "connection refused".into() }),
            "meet" => {
                let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                self.barrier.wait();
                self.at_once.fetch_sub(1, Ordering::SeqCst);
                ran(0, &argv[1], "")
            }
            program => Err(NotRun::NoProgram { program: program.into() }),
        }
    }
}

fn script() -> Script {
    let barrier = std::sync::Barrier::new(2);
    Script { at_once: AtomicUsize::new(0), most: AtomicUsize::new(0), barrier }
}

fn verdict(case: Case) -> Verdict {
    run(&[case], &script(), NonZeroUsize::MIN).remove(0).1
}

#[test]
fn exit_codes_are_verdicts() {
    let took = Duration::from_secs(2);
    let or_skip = |argv: &[&str]| Case {
        expect: Expect::SuccessOrSkip { skip_reason: "told so".into() },
        ..Case::new("x", argv)
    };
    let passed = Verdict::Passed { shown: "3.11.9".into(), took };
    assert_eq!(verdict(Case::new("x", &["ok"])), passed);
    assert_eq!(verdict(or_skip(&["ok"])), passed);
    assert_eq!(verdict(or_skip(&["skip"])), Verdict::Skipped { reason: "no device".into() });
    assert_eq!(verdict(or_skip(&["quiet-skip"])), Verdict::Skipped { reason: "told so".into() });
    assert!(matches!(verdict(Case::new("x", &["skip"])), Verdict::Failed { .. }));
    let skipped = Case::new("x", &["no-engine"]).skipped("not here");
    assert_eq!(verdict(skipped), Verdict::Skipped { reason: "not here".into() });
    assert_eq!(
        verdict(Case::new("x", &["no-engine"])),
        Verdict::Broken { reason: "connection refused".into() }
    );
    assert!(matches!(verdict(Case::new("x", &[])), Verdict::Broken { .. }));
    let Verdict::Failed { reason, .. } = verdict(Case::new("x", &["slow"])) else { panic!() };
    assert_eq!(reason, "took longer than 60 s");
}

#[test]
fn another_program_is_tried_where_the_first_does_not_exist() {
    let with = |programs: &[&str]| {
        let mut case = Case::new("x", &["nothing", "-c", "x"]);
        case.or_programs = programs.iter().map(|&name| name.to_owned()).collect();
        verdict(case)
    };
    assert!(matches!(with(&["gone", "ok"]), Verdict::Passed { .. }));
    let Verdict::Failed { reason, hint, .. } = with(&["gone"]) else { panic!() };
    assert_eq!(reason, "the image has no nothing, no gone");
    assert!(hint.is_some());
    assert!(matches!(with(&["no-engine", "ok"]), Verdict::Broken { .. }));
}

#[test]
fn failures_are_told_by_their_last_line_and_with_a_cure() {
    let failed = |stderr: &str| match verdict(Case::new("x", &["fail", stderr])) {
        Verdict::Failed { reason, hint, .. } => (reason, hint.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let table = [
        ("ImportError: libGL.so.1: cannot open shared object file", "opencv-python-headless"),
        ("ImportError: libgthread-2.0.so.0: cannot open", "libglib2.0-0"),
        ("Traceback\nModuleNotFoundError: No module named 'cv2'", "opencv-python-headless"),
        ("ModuleNotFoundError: No module named 'sklearn.svm'", "scikit-learn"),
        ("/x: /lib/libc.so.6: version `GLIBC_2.38' not found", "newer base image"),
        ("RuntimeError: Found no NVIDIA driver on your system", "--gpus all"),
        ("ImportError: libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1", "nvjitlink"),
        ("ImportError: libcuda.so.1: cannot open shared object file", "--gpus all"),
    ];
    for (stderr, cure) in table {
        let (reason, hint) = failed(stderr);
        assert_eq!(reason, stderr.lines().last().unwrap());
        assert!(hint.contains(cure), "{stderr}: {hint}");
    }
    assert_eq!(failed("something new").1, "");
}

#[test]
fn signals_are_named() {
    let by = |code: &str| match verdict(Case::new("x", &["signal", code])) {
        Verdict::Failed { reason, hint, .. } => (reason, hint),
        other => panic!("{other:?}"),
    };
    assert_eq!(by("132").0, "ended by an illegal instruction (exit code 132)");
    assert!(by("137").1.unwrap().contains("memory"));
    assert_eq!(by("5"), ("exit code 5".to_owned(), None));
}

#[test]
fn output_is_shown_without_escapes_and_secrets() {
    let said = "\x1b[31mred\x1b[0m \x07API_TOKEN=abcdefghijkl\r\n";
    let Verdict::Failed { stderr, .. } = verdict(Case::new("x", &["fail", said])) else { panic!() };
    assert_eq!(stderr, "red API_TOKEN=***\n");
}

#[test]
fn cases_run_in_parallel_and_come_back_in_order() {
    // Each waits for another one, so this ends only when two run at once.
    let cases: Vec<Case> =
        (0..8).map(|n| Case::new(n.to_string(), &["meet", &n.to_string()])).collect();
    let image = script();
    let verdicts = run(&cases, &image, NonZeroUsize::new(2).unwrap());
    let shown: Vec<String> = verdicts
        .into_iter()
        .map(|(case, verdict)| match verdict {
            Verdict::Passed { shown, .. } if shown == case.name => shown,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(shown.join(""), "01234567");
    assert_eq!(image.most.into_inner(), 2);
}
