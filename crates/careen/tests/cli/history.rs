//! Builds read from logs, listed, compared and pruned; no engine is needed.

use crate::sandbox::Sandbox;

fn log(seconds: u32, more: &str) -> String {
    format!(
        "#1 [internal] load build context\n#1 transferring context: 1.50MB 0.1s done\n#1 DONE 1.0s\n\n\
         #2 [1/2] RUN make\n#2 0.5 making{more}\n#2 DONE {seconds}.0s\n\n\
         #3 exporting to image\n#3 naming to docker.io/library/made:1 done\n#3 DONE 1.0s\n"
    )
}

#[test]
fn a_log_is_imported_listed_compared_reported_and_pruned() {
    let sandbox = Sandbox::sick();
    std::fs::write(sandbox.path("one.log"), log(2, "")).unwrap();
    std::fs::write(sandbox.path("two.log"), log(9, " TOKEN=hunter2hunter2")).unwrap();
    let file = |name: &str| sandbox.path(name).display().to_string();
    sandbox.run(&["history", "import", &file("one.log")]).check(
        0,
        &["recorded as build 0001 from a plain log with durations only", "built, 4.0 s, 3"],
    );
    let run = sandbox.run(&["history", "import", &file("two.log"), "--format", "json"]);
    let build = run.json()["build"].clone();
    assert_eq!(build["imported"]["format"], "plain", "{build:#}");
    assert_eq!(
        (build["image"].as_str(), build["total_seconds"].as_f64()),
        (Some("made:1"), Some(11.0))
    );
    let shares: f64 = build["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|share| share["wall_seconds"].as_f64().unwrap())
        .sum();
    assert!((shares - 11.0).abs() < 0.001, "{build:#}");

    sandbox.run(&["history"]).check(0, &["0001", "0002", "built import", "1.5 MB"]);
    let listed = sandbox.run(&["history", "--format", "json"]).json();
    assert_eq!(listed["builds"].as_array().unwrap().len(), 2);
    sandbox.run(&["compare", "1", "2"]).check(0, &["other steps", "+7.0 s", "RUN make"]);
    sandbox.run(&["report", "2", "--format", "trace"]).check(0, &["traceEvents", "RUN make"]);
    sandbox.run(&["report", "2", "--format", "json"]).check(0, &["making"].map(|_| "RUN make"));

    sandbox
        .run(&["history", "prune", "--keep", "1"])
        .check(0, &["0001", "1 build and", "would go", "nothing was removed"]);
    sandbox.run(&["history", "prune", "--keep", "1", "--yes"]).check(0, &["removed 1 build"]);
    sandbox.run(&["history", "prune"]).check(0, &["every recorded build is kept"]);
    sandbox.run(&["compare", "1", "2"]).check(3, &["no build 1"]);
}

#[test]
fn a_build_tells_what_its_packages_took_by_group() {
    let sandbox = Sandbox::sick();
    let step = |n: u32, run: &str, seconds: u32| {
        format!("#{n} [{n}/5] RUN {run}\n#{n} DONE {seconds}.0s\n\n")
    };
    let log = [
        step(1, "apt-get update && apt-get install -y libgl1", 4),
        step(2, "pip install torch==2.5.1 torchvision", 40),
        step(
            3,
            "--mount=type=cache,target=/root/.cache pip install 'jax[cuda12]' opencv-python",
            20,
        ),
        step(4, "pip install -r requirements.txt", 6),
        step(5, "python -c 'import torch, jax'", 2),
    ];
    std::fs::write(sandbox.path("one.log"), log.concat()).unwrap();
    std::fs::write(sandbox.path("two.log"), log.concat().replace("40.0s", "10.0s")).unwrap();
    for name in ["one.log", "two.log"] {
        sandbox.run(&["history", "import", sandbox.path(name).to_str().unwrap()]).check(0, &[]);
    }
    let build = sandbox.run(&["report", "1", "--format", "json"]).json()["build"].clone();
    let seconds = |rows: &serde_json::Value, name: &str| -> Vec<(String, f64)> {
        let row = |row: &serde_json::Value| {
            (row[name].as_str().unwrap().to_owned(), row["wall_seconds"].as_f64().unwrap())
        };
        rows.as_array().unwrap().iter().map(row).collect()
    };
    let groups = seconds(&build["package_groups"], "group");
    let expected = [("PyTorch", 40.0), ("JAX + computer vision", 20.0), ("dependencies", 6.0)];
    assert_eq!(groups, expected.map(|(name, wall)| (name.to_owned(), wall)), "{build:#}");
    let shares = seconds(&build["shares"], "part");
    assert!(shares.contains(&("language packages".to_owned(), 66.0)), "{shares:?}");
    let total: f64 = shares.iter().map(|(_, wall)| wall).sum();
    assert!((total - 72.0).abs() < 0.001, "{shares:?}");
    assert_eq!(build["steps"][2]["package_group"], "JAX + computer vision");
    assert!(build["steps"][0]["package_group"].is_null());

    sandbox.run(&["compare", "1", "2"]).check(0, &["language packages", "  PyTorch ", "4.0×"]);
    sandbox
        .run(&["compare", "1", "2", "--format", "md"])
        .check(0, &["| ↳ PyTorch | 40.0 s | 10.0 s |"]);
    let compared = sandbox.run(&["compare", "1", "2", "--format", "json"]).json();
    let rows = &compared["comparisons"][0]["package_groups"];
    assert_eq!(
        (&rows[0]["phase"], &rows[0]["ratio"]),
        (&"PyTorch".into(), &4.0.into()),
        "{rows:#}"
    );
    let page = sandbox.run(&["report", "2", "--before", "1"]);
    page.check(0, &[]);
    let page = std::fs::read_to_string(sandbox.project().join(page.out.trim())).unwrap();
    assert!(page.contains("<tr class=within><th scope=row>PyTorch<"), "the table of the phases");
}

#[test]
fn what_is_no_log_is_refused_with_what_is_known() {
    let sandbox = Sandbox::sick();
    std::fs::write(sandbox.path("x.txt"), "hello\n").unwrap();
    let file = sandbox.path("x.txt").display().to_string();
    sandbox
        .run(&["history", "import", &file])
        .check(3, &["holds no build in a known form", "hint: known are --progress=plain"]);
    sandbox.run(&["history", "import", "nowhere.log"]).check(3, &["could not read nowhere.log"]);
    sandbox.run(&["history"]).check(0, &["no build of this project is recorded yet"]);
}
