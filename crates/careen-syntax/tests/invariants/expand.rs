//! What holds for every word and every variable.

use careen_syntax::dockerfile::expand::{Expanded, List, Options, Treatment, expand_with};
use careen_syntax::dockerfile::{Platform, expand};

/// The first line is the word, the others are variables.
pub(crate) fn check_expand(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let word = lines.next().unwrap_or_default();
    let given: Vec<&str> = lines.collect();
    for platform in [Platform::Linux, Platform::Windows] {
        let list = List::read(&given, platform);
        for escape in ['\\', '`'] {
            let plain = expand(word, &list, escape);
            check_answer(&plain, word, &list);
            for options in all_options() {
                check_answer(&expand_with(word, &list, escape, options), word, &list);
            }
        }
    }
}

fn all_options() -> Vec<Options> {
    let both = [Treatment::Remove, Treatment::Keep];
    let mut found = Vec::new();
    for quotes in both {
        for escapes in both {
            found.extend(both.map(|unset| Options { quotes, escapes, unset }));
        }
    }
    found
}

fn check_answer(answer: &Expanded, word: &str, list: &List) {
    if answer.error.is_some() {
        assert!(answer.text.is_empty() && answer.words.is_empty(), "{word:?}: {answer:?}");
    }
    assert!(answer.matched.is_disjoint(&answer.unmatched), "{word:?}: {answer:?}");
    let total: usize = answer.words.iter().map(String::len).sum();
    assert!(total <= answer.text.len(), "the words are longer than the text: {word:?} {answer:?}");
    assert!(answer.words.iter().all(|word| !word.is_empty()), "{word:?}: {answer:?}");
    // Each character of a word gives at most one value, or one replacement for each place in one.
    let longest = list.pairs.iter().map(|(_, value)| value.len()).max().unwrap_or(0);
    let bound = (word.len() + 1) * (longest + 1) * (word.len() + 1);
    assert!(answer.text.len() <= bound, "the text is unbounded: {word:?}");
    if !word.contains(['$', '\'', '"', '\\', '`', '<']) && !word.starts_with('\u{FEFF}') {
        assert_eq!(answer.text, word, "a plain word stays");
    }
}
