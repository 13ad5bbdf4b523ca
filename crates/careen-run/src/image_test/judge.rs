//! What the end of a program means for its test.

use careen_model::{Case, Expect, Verdict, redact};

use super::{Ran, hints};

/// Exit code by which a test says that it does not apply, as in automake's test harness.
const SKIP: i32 = 77;

/// Standard error that is kept: the end says what went wrong.
const KEPT_STDERR: usize = 8 << 10;

/// The verdict on a program that ran.
pub fn judge(case: &Case, ran: &Ran) -> Verdict {
    let stderr = plain(&ran.stderr, KEPT_STDERR);
    if ran.timed_out {
        let reason = format!("took longer than {} s", case.limit.as_secs());
        let hint = Some("a first import may compile or download; raise the limit".to_owned());
        return Verdict::Failed { reason, stderr, hint, took: ran.took };
    }
    match (ran.exit_code, &case.expect) {
        (0, _) => Verdict::Passed { shown: first_line(&ran.stdout), took: ran.took },
        (SKIP, Expect::SuccessOrSkip { skip_reason }) => {
            let told = first_line(&ran.stdout);
            let reason = if told.is_empty() { skip_reason.clone() } else { told };
            Verdict::Skipped { reason }
        }
        (code, _) => {
            let hint = hints::find(&stderr, code);
            Verdict::Failed { reason: reason(code, &stderr), stderr, hint, took: ran.took }
        }
    }
}

/// The line of a traceback that names the error is its last one.
fn reason(code: i32, stderr: &str) -> String {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
    match (signal(code), last) {
        (Some(name), _) => format!("ended by {name} (exit code {code})"),
        (None, Some(line)) => line.trim().to_owned(),
        (None, None) => format!("exit code {code}"),
    }
}

fn signal(code: i32) -> Option<&'static str> {
    match code {
        132 => Some("an illegal instruction"),
        134 => Some("an abort"),
        135 => Some("a bus error"),
        136 => Some("an arithmetic error"),
        137 => Some("a kill"),
        139 => Some("a segmentation fault"),
        143 => Some("a termination"),
        _ => None,
    }
}

fn first_line(stdout: &[u8]) -> String {
    let text = plain(stdout, usize::MAX);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("").to_owned()
}

/// The last `keep` bytes as text without secrets, control characters and escape sequences.
fn plain(bytes: &[u8], keep: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = redact::text(&text);
    let mut start = text.len().saturating_sub(keep);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let mut plain = String::with_capacity(text.len() - start);
    let mut chars = text[start..].chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.peek() == Some(&'[') => {
                // Parameters of a control sequence, then its final letter.
                let _ = chars.by_ref().skip(1).find(|c| ('\x40'..='\x7e').contains(c));
            }
            '\n' | '\t' => plain.push(c),
            c if c.is_control() => (),
            c => plain.push(c),
        }
    }
    plain
}
