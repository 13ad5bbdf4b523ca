//! The live screen in a real terminal that is resized while a build runs, on every engine of
//! `CAREEN_ENGINES`.
//!
//! `script` makes the terminal and `stty` resizes it; a small terminal here shows what a person
//! sees: it wraps, and wraps anew what is on it when its width changes, as common terminals do.

use std::fs;
use std::io::Read;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::engine::on_each_engine;
use crate::sandbox::{has, skip, tell};

/// Nothing comes for so long: the build hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Frames after a resize until one is looked at.
const FRAMES: usize = 6;

/// How every frame ends.
const END: &[u8] = b"\x1b[J";

/// Three stages at once, with names that no terminal is wide enough for.
fn dockerfile(word: &str) -> String {
    let words = "while somebody makes this window narrow and wide and narrow again ".repeat(3);
    let stage =
        |n: u32| format!("FROM base AS part{n}\nRUN sleep 8; echo {word} {n} {words} > /part{n}\n");
    format!(
        "FROM scratch AS base\nCOPY rootfs /\nENV PATH=/bin\n{}{}{}FROM base\n\
         COPY --from=part1 /part1 /\nCOPY --from=part2 /part2 /\nCOPY --from=part3 /part3 /\n",
        stage(1),
        stage(2),
        stage(3)
    )
}

#[derive(Default, Clone)]
struct Row {
    text: Vec<char>,
    /// It goes on in the next row.
    wraps: bool,
}

/// What a person sees.
struct Terminal {
    rows: Vec<Row>,
    at: (usize, usize),
    columns: usize,
    /// Of a character or an escape sequence that has not come wholly yet.
    open: Vec<u8>,
}

impl Terminal {
    fn new(columns: usize) -> Terminal {
        Terminal { rows: vec![Row::default()], at: (0, 0), columns, open: vec![] }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
        let open = std::mem::take(&mut self.open);
        let known = match std::str::from_utf8(&open) {
            Ok(_) => open.len(),
            Err(err) => err.valid_up_to(),
        };
        let text = std::str::from_utf8(&open[..known]).unwrap();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let Some(after) = rest.strip_prefix('\u{1b}') else {
                self.put(c);
                rest = &rest[c.len_utf8()..];
                continue;
            };
            let Some(end) = after.find(|c: char| c.is_ascii_alphabetic()) else { break };
            self.obey(&after[..=end]);
            rest = &after[end + 1..];
        }
        self.open = [rest.as_bytes(), &open[known..]].concat();
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => self.at.1 = 0,
            '\n' => self.down(),
            c => {
                if self.at.1 == self.columns {
                    self.rows[self.at.0].wraps = true;
                    self.down();
                    self.at.1 = 0;
                }
                let (row, column) = self.at;
                let text = &mut self.rows[row].text;
                text.resize(text.len().max(column + 1), ' ');
                text[column] = c;
                self.at.1 += 1;
            }
        }
    }

    fn down(&mut self) {
        self.at.0 += 1;
        self.rows.resize(self.rows.len().max(self.at.0 + 1), Row::default());
    }

    fn obey(&mut self, sequence: &str) {
        let row = self.at.0;
        // After the last column the cursor stands on it, and what it stands on is erased.
        let column = self.at.1.min(self.columns - 1);
        match sequence.split_at(sequence.len() - 1) {
            (count, "F") => {
                let count: usize = count.trim_start_matches('[').parse().unwrap();
                self.at = (row.checked_sub(count).expect("the frame goes above itself"), 0);
            }
            (_, "K") => {
                self.rows[row].text.truncate(column);
                self.rows[row].wraps = false;
            }
            (_, "J") => {
                self.rows.truncate(row + 1);
                self.rows[row] = Row { text: self.rows[row].text[..].to_vec(), wraps: false };
                self.rows[row].text.truncate(column);
            }
            (_, other) => panic!("an escape sequence that no frame needs: {other}"),
        }
    }

    /// Wraps all text anew; the cursor stays where it is in the text, at the start of its row.
    fn resize(&mut self, columns: usize) {
        let mut rows = Vec::new();
        let mut line: Vec<char> = Vec::new();
        for (place, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            if place == self.at.0 {
                self.at.0 = rows.len();
            }
            line.extend(row.text);
            if !row.wraps {
                let text = std::mem::take(&mut line);
                let mut pieces: Vec<Row> = text
                    .chunks(columns)
                    .map(|piece| Row { text: piece.to_vec(), wraps: true })
                    .collect();
                if pieces.is_empty() {
                    pieces.push(Row::default());
                }
                pieces.last_mut().unwrap().wraps = false;
                rows.extend(pieces);
            }
        }
        self.rows = rows;
        self.columns = columns;
    }

    fn shown(&self) -> Vec<String> {
        let text = |row: &Row| row.text.iter().collect::<String>().trim_end().to_owned();
        let mut rows: Vec<String> = self.rows.iter().map(text).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }
}

/// The lines of the last frame in `bytes`, which end with it.
fn last_frame(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix("\u{1b}[J").unwrap();
    let start = text.rfind("\u{1b}[J").map_or(0, |at| at + 3);
    let frame = &text[start..];
    let frame = match frame.split_once('F') {
        Some((up, frame)) if up.starts_with("\u{1b}[") => frame,
        _ => frame,
    };
    frame.lines().map(|line| line.trim_start_matches("\u{1b}[K").trim_end().to_owned()).collect()
}

fn widest(frame: &[String]) -> usize {
    frame.iter().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// What the terminal shows, and what is left to read.
struct Session {
    news: Receiver<Vec<u8>>,
    unread: Vec<u8>,
    /// Everything that was shown so far.
    read: Vec<u8>,
    terminal: Terminal,
}

impl Session {
    fn of(mut output: ChildStdout, columns: usize) -> Session {
        let (tell, news) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                if tell.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Session { news, unread: vec![], read: vec![], terminal: Terminal::new(columns) }
    }

    /// Shows the next frame; false when there is none any more.
    fn frame(&mut self) -> bool {
        let Some(frame) = self.next() else { return false };
        self.show(&frame);
        true
    }

    fn show(&mut self, frame: &[u8]) {
        self.terminal.feed(frame);
        self.read.extend(frame);
    }

    /// Up to the end of the next frame.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.unread.windows(END.len()).position(|piece| piece == END) {
                let rest = self.unread.split_off(at + END.len());
                return Some(std::mem::replace(&mut self.unread, rest));
            }
            match self.news.recv_timeout(PATIENCE) {
                Ok(piece) => self.unread.extend(piece),
                Err(_) => return None,
            }
        }
    }

    fn check(&self, what: &str) -> usize {
        let frame = last_frame(&self.read);
        let shown = self.terminal.shown();
        assert_eq!(shown, frame, "{what}: the screen holds more or less than the last frame");
        let widest = widest(&frame);
        assert!(widest <= self.terminal.columns, "{what}: {widest} columns\n{}", frame.join("\n"));
        assert!(frame.len() >= 4, "{what}: progress and three steps at once\n{}", frame.join("\n"));
        widest
    }
}

#[test]
fn an_engine_build_keeps_its_screen_whole_when_the_terminal_is_resized() {
    if !has("script", &["--version"]) || !has("stty", &["--version"]) {
        return skip("no `script` or `stty`");
    }
    on_each_engine(|on, socket| {
        on.sandbox.write("Dockerfile", dockerfile(&on.sandbox.name()).as_bytes());
        let place = on.sandbox.path("tty");
        let careen = env!("CARGO_BIN_EXE_careen");
        let command = format!(
            "stty cols 80 rows 24; tty > '{}'; exec '{careen}' build -t '{}'",
            place.display(),
            on.image
        );
        let arguments = ["-q", "-f", "-e", "-c", &command, "/dev/null"];
        let mut script = on.sandbox.command(Command::new("script"), &arguments);
        script.env("TERM", "xterm-256color").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().unwrap();
        let mut session = Session::of(child.stdout.take().unwrap(), 80);

        // Until all three are at work.
        while last_frame_height(&session) < 4 {
            assert!(session.frame(), "the build ended before it began");
        }
        let first = session.check("80 columns");
        let terminal = fs::read_to_string(&place).unwrap();
        let mut widths = vec![first];
        for columns in [40, 120] {
            let resized = Command::new("stty")
                .args(["-F", terminal.trim(), "cols", &columns.to_string()])
                .status()
                .unwrap();
            assert!(resized.success());
            // What was written before is shown before; its lines tell, as they end at the edge.
            let mut is_resized = false;
            for _ in 0..FRAMES {
                let frame = session.next().expect("the build still runs");
                if !is_resized && widest(&last_frame(&frame)) != widths[widths.len() - 1] {
                    session.terminal.resize(columns);
                    is_resized = true;
                }
                session.show(&frame);
            }
            assert!(is_resized, "no frame of another width");
            widths.push(session.check(&format!("{columns} columns")));
        }
        // Wider than 80 no table is.
        assert_eq!(widths, [80, 40, 80]);
        let frames = session.read.windows(END.len()).filter(|piece| *piece == END).count();
        while session.frame() {}
        session.terminal.feed(&std::mem::take(&mut session.unread));
        let status = child.wait().unwrap();
        let shown = session.terminal.shown();
        assert!(status.success(), "{}", shown.join("\n"));
        // The frame is gone, and the summary stands where it was.
        assert!(shown[0].starts_with("built in "), "{}", shown.join("\n"));
        assert!(!shown.iter().any(|line| line.contains('░')), "{}", shown.join("\n"));
        tell(format_args!("{frames} frames on {socket}, the widest lines {widths:?}"));
    });
}

fn last_frame_height(session: &Session) -> usize {
    if session.read.is_empty() { 0 } else { last_frame(&session.read).len() }
}
