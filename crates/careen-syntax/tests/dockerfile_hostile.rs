//! Input that wants to hurt: everything is run over it, nothing may panic, tiles must hold.

use careen_model::apply;
use careen_syntax::dockerfile::{self, Given};

/// Runs all of the crate's reading over a source.
fn survive(source: impl Into<Vec<u8>>) {
    let source = source.into();
    let file = dockerfile::parse(source.clone());
    let mut end = 0;
    for item in &file.items {
        assert_eq!(item.span().start, end, "a gap or an overlap");
        end = item.span().end;
    }
    assert_eq!(end as usize, source.len());

    let meaning = file.meaning(&Given::default());
    for item in 0..file.items.len() {
        for call in meaning.packages_at(item) {
            assert!(call.span.end as usize <= source.len());
        }
        let Some(instruction) = file.items[item].instruction() else { continue };
        let _ = instruction.typed();
        for word in &instruction.words {
            assert!(word.span.start <= word.span.end && word.span.end as usize <= source.len());
        }
    }
    let _ = (meaning.context_sources(None), meaning.cache_mounts(), file.dump());
    let _ = (file.syntax(), file.check());
    if let (Some(text), Some(first)) = (file.text(), file.instructions().next()) {
        let edits = [file.insert_flag(first, "--x=y")];
        assert!(apply(text, &edits).is_ok());
    }
}

#[test]
fn large_inputs_are_read() {
    let n = 100_000;
    survive(format!("FROM x\nRUN {}\n", "a".repeat(1_000_000)));
    survive(format!("FROM x\nRUN {}\n", "a && ".repeat(200_000)));
    survive(format!("FROM x\nRUN a {}b\n", "\\\n".repeat(n)));
    survive(format!("FROM x\nRUN a {}b\n", "\\\n# c\n\n".repeat(n)));
    survive(format!("FROM x\nENV {}\n", "a=$a ".repeat(n)));
    survive(format!("FROM x\n{}", "ENV a=${a}b\n".repeat(2_000)));
    survive("FROM x\n".repeat(20_000));
    survive(format!("FROM x AS a\n{}", "FROM a AS a\n".repeat(3_000)));
    survive("\n".repeat(1_000_000));
    survive("#\n".repeat(n));
    survive(vec![0; 1_000_000]);
    survive(vec![0xFF; 1_000_000]);
    survive(b"\\\n".repeat(n));
}

#[test]
fn nested_inputs_are_read() {
    let n = 100_000;
    survive(format!("FROM x\n{}\n", "ONBUILD ".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "$(".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "( ".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "((".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "if ".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "\"$(".repeat(n)));
    survive(format!("FROM x\nLABEL a={}\n", "${a:-".repeat(n)));
    survive(format!("FROM x\nCOPY {} /\n", "${a:-".repeat(n)));
    survive(format!("FROM x\nCMD {}\n", "[".repeat(n)));
    survive(format!("FROM x\nCMD [{}\n", "{\"a\":[".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "<<a ".repeat(2_000)));
    survive(format!("FROM x\nRUN <<a\n{}a\n", "cat <<b\n".repeat(n)));
    survive(format!("FROM x\nRUN --mount={} a\n", ",".repeat(n)));
    survive(format!("FROM x\nRUN --mount={} a\n", "\"\"".repeat(n)));
    survive(format!("FROM x\nRUN {}\n", "--mount=type=cache,target=/a ".repeat(3_000)));
}

/// Values that double, patterns that try every place: bounded, and said as an error.
#[test]
fn values_that_explode_are_refused() {
    survive(format!("FROM x\nENV a=xx\n{}", "ENV a=$a$a\n".repeat(60)));
    survive(format!("FROM x\nENV a=xx\n{}", "ENV a=\"$a$a\"\n".repeat(60)));
    survive(format!("ARG a=xx\n{}FROM $a\n", "ARG a=$a$a\n".repeat(60)));
    survive(format!("FROM x\nENV a={}\nENV b={}\n", "y".repeat(100_000), "$a".repeat(100_000)));
    survive(format!("FROM x\nENV a={}\n{}", "y".repeat(1_000), "COPY $a$a b\n".repeat(2_000)));
    let value = "y".repeat(100_000);
    survive(format!("FROM x\nENV a={value}\n{}", "ENV b=$a\n".repeat(5_000)));
    for word in ["${a//*x/b}", "${a//y/$a}", "${a/y*y*y*y*x/b}", "${a##*x}", "${a%%x*}"] {
        survive(format!("FROM x\nENV a={value}\nLABEL b={word}\nCOPY {word} /\n"));
    }
    let file =
        dockerfile::parse(format!("FROM x\nENV a=xx\n{}COPY $a /\n", "ENV a=$a$a\n".repeat(16)));
    let meaning = file.meaning(&Given::default());
    assert_eq!(meaning.variable(file.items.len() - 1, "a").map(|a| a.len()), Some(131_072));
    let error = meaning.expand(file.items.len() - 1, "$a$a").error.unwrap_or_default();
    assert_eq!(error, "failed to process \"$a$a\": the result is longer than 131072 bytes");
}

/// Every short string over an alphabet of the characters that mean something.
#[test]
fn short_inputs_are_read() {
    let letters: Vec<&str> = vec![
        "RUN ", "FROM x", "ENV ", "\\", "\n", "\r\n", "#", "<<A", "A", "\"", "'", "[", "$", "{",
        "}", "=", " ", "--", "(", ")", "\u{a0}", "\u{feff}", ";", "&&",
    ];
    let mut index = [0; 3];
    loop {
        let source: String = index.iter().map(|&i| letters[i]).collect();
        survive(source);
        let Some(place) = index.iter().rposition(|&i| i + 1 < letters.len()) else { return };
        index[place] += 1;
        index[place + 1..].fill(0);
    }
}

#[test]
fn bytes_that_are_not_text_are_kept() {
    survive(b"FROM x\nRUN a\xFFb && \xC3\nLABEL \xE2\x80 \"\xF0\"\nCOPY --chown=\xFF a b\nRUN <<A\n\xFF\nA\n");
    survive(b"\xEF\xBB\xBF".to_vec());
    survive(b"\xEF\xBB\xBFFROM x\r\nRUN a\\\r\n\r\nb".to_vec());
}
