//! What holds for every Dockerfile, however broken; used by tests and by the fuzz targets.

use careen_model::{Edit, Span, apply};
use careen_syntax::dockerfile::{self, Dockerfile, Given, Keyword};

/// Reads everything there is to read of a source and checks it.
pub(crate) fn check_dockerfile(source: &[u8]) {
    let file = dockerfile::parse(source);
    check_tiles(&file);
    check_places(&file);
    check_meaning(&file);
    let _ = (file.dump(), file.syntax(), file.check());
    if let (Some(text), None) = (file.text(), file.refusal()) {
        check_edits(&file, text);
    }
}

fn check_tiles(file: &Dockerfile) {
    let mut end = 0;
    let mut line = 1;
    for item in &file.items {
        let span = item.span();
        assert_eq!(span.start, end, "a gap or an overlap");
        assert!(span.end > span.start, "an empty item");
        end = span.end;
        let text = &file.source()[span.start as usize..span.end as usize];
        if let Some(instruction) = item.instruction() {
            assert_eq!(instruction.lines.0, line, "the first line is miscounted");
        }
        line += u32::try_from(text.split(|&byte| byte == b'\n').skip(1).count()).unwrap_or(0);
    }
    assert_eq!(end as usize, file.source().len());
}

fn check_span(text: Option<&str>, within: Span, span: Span) {
    assert!(span.start <= span.end, "a span runs backwards");
    assert!(within.start <= span.start && span.end <= within.end, "a span is outside");
    if let Some(text) = text {
        let whole = text.is_char_boundary(span.start as usize);
        assert!(whole && text.is_char_boundary(span.end as usize), "a span cuts a character");
    }
}

fn check_places(file: &Dockerfile) {
    let text = file.text();
    let all = Span { start: 0, end: u32::try_from(file.source().len()).unwrap_or(u32::MAX) };
    for problem in &file.problems {
        check_span(text, all, problem.span);
    }
    for instruction in file.instructions() {
        let within = instruction.span;
        check_span(text, within, instruction.code);
        check_span(text, within, instruction.name.span);
        let mut end = instruction.name.span.end;
        for flag in &instruction.flags {
            check_span(text, within, flag.span);
            check_span(text, flag.span, flag.value_span);
        }
        for word in &instruction.words {
            check_span(text, within, word.span);
            assert!(word.span.end >= end, "words are out of order");
            end = word.span.end;
        }
        for heredoc in &instruction.heredocs {
            check_span(text, within, heredoc.span);
            check_span(text, within, heredoc.terminator);
        }
        let _ = instruction.typed();
    }
}

fn check_meaning(file: &Dockerfile) {
    let text = file.text();
    let meaning = file.meaning(&Given::default());
    for (item, place) in file.items.iter().enumerate() {
        for command in meaning.script_at(item).commands {
            check_span(text, place.span(), command.span);
            for word in &command.words {
                check_span(text, command.span, word.span);
            }
        }
        for call in meaning.packages_at(item) {
            for package in &call.packages {
                check_span(text, call.program_span, package.span);
            }
        }
    }
    for source in meaning.context_sources(None) {
        assert!(!source.path.starts_with('/') && !source.path.is_empty());
    }
    for cache in meaning.cache_mounts() {
        for field in &cache.mount.fields {
            assert!(field.span.start <= field.value_span.start);
        }
    }
}

/// The keywords of all instructions, and the number of flags of one kind.
fn shape(file: &Dockerfile) -> (Vec<Keyword>, usize) {
    let marks = file.instructions().map(|i| i.flags_named("careen-mark").count()).sum();
    (file.instructions().map(|instruction| instruction.keyword).collect(), marks)
}

/// Applied edits give what they promise, once read again.
fn check_edits(file: &Dockerfile, text: &str) {
    let apply_all = |edits: &[Edit]| {
        let after = apply(text, edits).expect("edits of this crate do not overlap");
        dockerfile::parse(after)
    };
    let (keywords, _) = shape(file);
    let items: Vec<usize> =
        (0..file.items.len()).filter(|&i| file.items[i].instruction().is_some()).collect();
    // A few instructions are enough: the others are alike.
    for (n, &item) in items.iter().enumerate().take(4) {
        let Some(instruction) = file.items[item].instruction() else { continue };
        let flagged = apply_all(&[file.insert_flag(instruction, "--careen-mark=a")]);
        assert_eq!(shape(&flagged), (keywords.clone(), 1), "insert_flag");

        let mut longer = keywords.clone();
        longer.insert(n, Keyword::Label);
        let before = apply_all(&[file.insert_before(item, "LABEL careen=a")]);
        assert_eq!(shape(&before).0, longer, "insert_before");

        let mut longer = keywords.clone();
        longer.insert(n + 1, Keyword::Label);
        let after = apply_all(&[file.insert_after(item, "LABEL careen=a")]);
        assert_eq!(shape(&after).0, longer, "insert_after");

        let mut shorter = keywords.clone();
        shorter.remove(n);
        let deleted = apply_all(&[file.delete(item..item + 1)]);
        assert_eq!(shape(&deleted).0, shorter, "delete");

        let mut moved = keywords.clone();
        let keyword = moved.remove(n);
        moved.push(keyword);
        let end = file.items.len();
        let edits = file.move_before(item..item + 1, end);
        assert_eq!(shape(&apply_all(&edits)).0, moved, "move_before");

        let mut replaced = keywords.clone();
        replaced[n] = Keyword::Label;
        let edits = [file.replace_instruction(instruction, "LABEL a=b")];
        assert_eq!(shape(&apply_all(&edits)).0, replaced, "replace_instruction");
    }
    let directed = apply_all(&[file.set_directive("check", "skip=all")]);
    assert_eq!(directed.check().map(|found| found.value).as_deref(), Some("skip=all"));
}
