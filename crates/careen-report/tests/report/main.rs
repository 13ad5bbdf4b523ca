//! Every format, seen from outside: values in, text out.

mod html;
mod machine;
mod sample;
mod terminal;

/// What a renderer wrote, as text.
fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
