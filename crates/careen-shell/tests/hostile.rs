//! Bodies that want to hurt: too large, too deep, never ending. What is not read is said.

use careen_shell::{Checked, MOST_BYTES, check};
use careen_syntax::dockerfile::{self, Given};

fn checked(source: &str) -> Checked {
    let file = dockerfile::parse(source);
    check(&file, &file.meaning(&Given::default()))
}

#[test]
fn a_large_body_is_not_read_and_that_is_said() {
    let words = |bytes: usize| format!("FROM x\nRUN echo {}\n", "a".repeat(bytes));
    assert_eq!(checked(&words(MOST_BYTES - 5)), Checked::default());
    let unread = checked(&words(1_000_000)).unread;
    assert_eq!(unread.len(), 1);
    assert_eq!(
        unread[0].why.to_string(),
        "the body has 1000005 bytes, more than the 32768 that are read"
    );
}

#[test]
fn deep_bodies_are_not_read_and_that_is_said() {
    for piece in
        ["( ", "{ ", "$(", "$((", "${a:-", "if ", "while ", "f() { ", "\"$(", "[[ ( ", "`\\`"]
    {
        let open = checked(&format!("FROM x\nRUN {}\n", piece.repeat(1_000)));
        assert!(open.unread.len() + open.mistakes.len() > 0, "{piece}");
    }
    for (open, close) in
        [("( ", ")"), ("{ ", "; }"), ("$(a ", ")"), ("\"$(a ", ")\""), ("${a:-", "}")]
    {
        let deep = |n: usize| format!("FROM x\nRUN {}a{}\n", open.repeat(n), close.repeat(n));
        assert_eq!(checked(&deep(5)).unread, [], "{open}");
        assert_eq!(checked(&deep(1_000)).unread.len(), 1, "{open}");
    }
}

#[test]
fn long_bodies_are_read() {
    for piece in [
        "a; ",
        "a | ",
        "a && ",
        "$a ",
        "a=$a ",
        "a=$a; ",
        "\"$a\"",
        "[ a ] || ",
        "echo $(a) ",
        "<<a ",
        "> a ",
        "{a,b}",
        "$a$a",
        "'a'\"b\"",
        "if a; then b; fi; ",
        "f() { a; }; ",
    ] {
        let long = checked(&format!("FROM x\nRUN {}true\n", piece.repeat(140)));
        assert_eq!(long.unread, [], "{piece}");
    }
}
