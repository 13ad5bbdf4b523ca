//! Every format, seen from outside: values in, text out.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod context;
mod histories;
mod html;
mod lint;
mod live;
mod machine;
mod page;
mod sample;
mod terminal;
mod widths;

/// What a renderer wrote, as text.
fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Under a rule, because a snapshot loses blanks that all of its lines begin with.
fn framed(screen: &str) -> String {
    format!("──\n{screen}")
}
