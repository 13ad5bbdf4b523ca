//! A chromedriver on a loopback port and one page in it, spoken to in the W3C's protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A page that does not answer for so long is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps a browser to itself: no first-run pages, no calls home.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// The keys of the W3C's table that the tests press.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Tab,
    Down,
    End,
    Enter,
}

/// One browser with a profile of its own; both end with the value.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Kept as long as the browser writes there.
    #[expect(dead_code, reason = "it is removed with the value")]
    profile: tempfile::TempDir,
}

impl Browser {
    /// `None`, with the reason on the screen, where no chromedriver was named.
    pub(crate) fn start() -> Option<Browser> {
        let Some(program) = std::env::var_os("CAREEN_CHROMEDRIVER") else {
            println!("skipped: CAREEN_CHROMEDRIVER names no chromedriver");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut driver);
        let data = format!("--user-data-dir={}", profile.path().display());
        let mut browser = Browser { driver, port, session: String::new(), profile };
        let flags: Vec<&str> = FLAGS.iter().copied().chain([data.as_str()]).collect();
        let answer = browser.ask(
            "POST",
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": { "args": flags },
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            } } }),
        );
        answer["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        Some(browser)
    }

    pub(crate) fn open(&self, file: &Path) {
        self.go(&format!("file://{}", file.display()));
    }

    pub(crate) fn go(&self, address: &str) {
        self.post("url", &json!({ "url": address }));
    }

    /// Runs the body of a function in the page and gives what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs the body of a function that hands its result to its last argument.
    pub(crate) fn run_to_its_end(&self, script: &str) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": [] }))
    }

    /// A command of the browser's own protocol.
    pub(crate) fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    /// Width of the page in CSS pixels, also below what a window may have.
    pub(crate) fn width(&self, width: u32) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    pub(crate) fn scheme(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.command("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    pub(crate) fn press(&self, key: Key) {
        let value = match key {
            Key::Tab => "\u{e004}",
            Key::Down => "\u{e015}",
            Key::End => "\u{e010}",
            Key::Enter => "\u{e007}",
        };
        let strokes = ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": value }));
        let keys = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("actions", &json!({ "actions": [keys] }));
    }

    /// What the page wrote to its console since the last time.
    pub(crate) fn console(&self) -> Vec<String> {
        self.log("browser").iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that pages from files asked for since the last time, their own among them.
    pub(crate) fn requests(&self) -> Vec<String> {
        let entries = self.log("performance");
        let events = entries.iter().filter_map(|entry| entry["message"].as_str());
        let events = events.filter_map(|text| serde_json::from_str::<Value>(text).ok());
        let sent = events
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .map(|event| event["message"]["params"].clone())
            // The browser begins with a page of its own.
            .filter(|sent| sent["documentURL"].as_str().is_some_and(|url| url.starts_with("file:")))
            .filter_map(|sent| sent["request"]["url"].as_str().map(str::to_owned));
        sent.collect()
    }

    /// The whole page as a picture, for a person to look at.
    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        let size = self
            .run("const page = document.documentElement; return [innerWidth, page.scrollHeight];");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let taken = self.command(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }),
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        std::fs::write(&path, decoded(taken["data"].as_str().unwrap())).unwrap();
        path
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.post("se/log", &json!({ "type": kind })).as_array().unwrap().clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = exchange(self.port, method, path, &body.to_string()).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let value = answer["value"].clone();
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; the driver alone would leave it running.
        if !self.session.is_empty() {
            let _ = exchange(self.port, "DELETE", &format!("/session/{}", self.session), "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that the driver chose; it says so when it listens.
fn port(driver: &mut Child) -> u16 {
    let mut said = String::new();
    let mut lines = BufReader::new(driver.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            let _ = driver.wait();
            panic!("chromedriver did not say where it listens: {said}");
        }
        if let Some((_, port)) = line.trim().trim_end_matches('.').rsplit_once("on port ")
            && let Ok(port) = port.parse()
            && port != 0
        {
            // What it says later is of no interest, but it must be able to say it.
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return port;
        }
        said.push_str(&line);
    }
}

/// One request on a connection of its own; gives the body of the answer.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let mut text = String::new();
    match length {
        Some(length) => reader.take(length).read_to_string(&mut text)?,
        None => reader.read_to_string(&mut text)?,
    };
    Ok(text)
}

/// Base 64 as browsers write it.
fn decoded(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let letters: Vec<u8> = text.bytes().filter(|letter| *letter != b'=').collect();
    for chunk in letters.chunks(4) {
        let word = chunk.iter().fold(0_u32, |word, letter| word << 6 | u32::from(value(*letter)));
        let word = word << (6 * (4 - chunk.len()));
        bytes.extend(&word.to_be_bytes()[1..chunk.len()]);
    }
    bytes
}
