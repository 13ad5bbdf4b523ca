//! The words of a mistake.

/// The linter's words in the form that all findings have: lower case, no full stop.
pub(crate) fn worded(said: &str) -> String {
    // What stands for other characters is not to be shown.
    let said = said.replace(crate::body::OTHER, "?");
    let said = said.trim().trim_end_matches('.');
    let mut letters = said.chars();
    let Some(first) = letters.next() else { return String::new() };
    // A first word like SSH or PATH stays.
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return said.to_owned();
    }
    first.to_lowercase().chain(letters).collect()
}
