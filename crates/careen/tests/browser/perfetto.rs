//! A trace opened in Perfetto itself: its page and its trace processor, served on loopback.
//!
//! Needs the folder of Perfetto's page in `CAREEN_PERFETTO`; `cargo xtask browser` fetches it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use careen_model::BuildRecord;
use careen_report::trace;
use serde_json::{Value, json};

use crate::driver::Browser;
use crate::sample;

/// Whether a trace is open in the page.
const IS_OPEN: &str = "return !!(self.app && self.app.trace)";

/// All slices, and what the trace processor had to complain of.
const SLICES: &str = r#"
const done = arguments[arguments.length - 1];
(async () => {
  const rows = async (query, spec) => {
    const found = [];
    const answer = await self.app.trace.engine.query(query);
    for (const row = answer.iter(spec); row.valid(); row.next()) {
      found.push(Object.keys(spec).map((name) => typeof row[name] === "bigint" ? Number(row[name]) : row[name]));
    }
    return found;
  };
  done({
    slices: await rows("select name, ts, dur from slice", { name: "str", ts: 0n, dur: 0n }),
    faults: await rows("select name, value from stats where severity in ('error', 'data_loss') and value > 0", { name: "str", value: 0 }),
  });
})().catch((error) => done({ error: String(error) }));
"#;

#[test]
fn a_trace_opens_in_perfetto() {
    let Some(folder) = std::env::var_os("CAREEN_PERFETTO").map(PathBuf::from) else {
        return println!("skipped: CAREEN_PERFETTO names no folder with Perfetto's page");
    };
    let Some(browser) = Browser::start() else { return };
    for record in [sample::before(), sample::after()] {
        let mut document = Vec::new();
        trace::trace(&mut document, &record).unwrap();
        let port = serve(&folder, document.clone());
        let place = format!("http://127.0.0.1:{port}");
        browser.go(&format!("{place}/#!/?url={place}/trace.json"));
        let mut is_open = false;
        for _ in 0..600 {
            is_open = browser.run(IS_OPEN) == true;
            if is_open {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        assert!(is_open, "Perfetto did not open the trace");
        let answer = browser.run_to_its_end(SLICES);
        assert!(answer["error"].is_null(), "{answer:#}");
        assert_eq!(answer["faults"], json!([]));
        let found = slices(&answer);
        println!("Perfetto shows {} slices of build {}", found.len(), record.label);
        assert_eq!(found, expected(&document, &record));
        browser.go("about:blank");
    }
}

/// Name, start, length in nanoseconds, each as often as it is there.
fn slices(answer: &Value) -> BTreeMap<(String, i64, i64), usize> {
    let mut all = BTreeMap::new();
    for row in answer["slices"].as_array().unwrap() {
        let number = |at: usize| row[at].as_i64().unwrap();
        *all.entry((row[0].as_str().unwrap().to_owned(), number(1), number(2))).or_default() += 1;
    }
    all
}

/// The same of the document, which has microseconds; every step that took time is in it.
fn expected(document: &[u8], record: &BuildRecord) -> BTreeMap<(String, i64, i64), usize> {
    let document: Value = serde_json::from_slice(document).unwrap();
    let mut all = BTreeMap::new();
    for event in document["traceEvents"].as_array().unwrap() {
        if event["ph"] == "X" {
            let nanoseconds = |name: &str| event[name].as_i64().unwrap() * 1000;
            let name = event["name"].as_str().unwrap().to_owned();
            *all.entry((name, nanoseconds("ts"), nanoseconds("dur"))).or_default() += 1;
        }
    }
    assert!(all.len() > 3 && !record.steps.is_empty());
    all
}

/// Serves the folder, and the trace beside it, on a loopback port until the test ends.
fn serve(folder: &Path, trace: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = folder.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser that has gone away is none of our business.
            let _ = answer(stream, &folder, &trace);
        }
    });
    port
}

fn answer(mut stream: TcpStream, folder: &Path, trace: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).take(64 << 10).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    // The rest of the request says nothing that is asked for here.
    for line in lines.by_ref() {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/");
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    let body = match name {
        "trace.json" => Some(trace.to_vec()),
        _ if name.contains("..") => None,
        _ => std::fs::read(folder.join(name)).ok(),
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}
