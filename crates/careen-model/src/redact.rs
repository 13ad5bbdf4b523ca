//! What must never be printed or stored, taken out of text: credentials in URLs, values of secret
//! variables, headers and tokens of well-known shapes.
//!
//! A redaction never fails and never lengthens what it leaves in place; when in doubt it hides.

use std::borrow::Cow;
use std::ops::Range;

/// What stands where a secret was.
pub const MARK: &str = "***";

/// `text` with every secret that can be recognised replaced by [`MARK`].
///
/// Recognised are credentials and secret parameters of URLs, `NAME=value`, `--name value`, `"name":
/// "value"` and a YAML line `name: value` where [`names_a_secret`], `Authorization` schemes, and
/// tokens that tell themselves by prefix. Shell references such as `$TOKEN` stay.
pub fn text(text: &str) -> Cow<'_, str> {
    hide(text, find(text))
}

/// The secrets that can be recognised in `text`, to be looked for where nothing names them.
pub fn values(text: &str) -> Vec<&str> {
    let parts = find(text).into_iter().filter_map(|range| text.get(range));
    parts.filter(|value| !value.is_empty() && *value != MARK).collect()
}

fn find(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    find_url_credentials(text, &mut secrets);
    find_assignments(text, &mut secrets);
    find_after_flags_and_schemes(text, &mut secrets);
    find_token_shapes(text, &mut secrets);
    secrets
}

/// The value of the variable `name` as it may be shown: whole when harmless, else redacted.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if !value.is_empty() && names_a_secret(name) {
        return Cow::Borrowed(MARK);
    }
    text(value)
}

/// A proxy address without its credentials; unlike in [`text`], the scheme may be missing.
pub fn proxy(address: &str) -> Cow<'_, str> {
    if address.contains("://") {
        return text(address);
    }
    let authority = address.split(['/', '?', '#']).next().unwrap_or("");
    match authority.rfind('@').or_else(|| address.rfind('@')) {
        Some(at) => hide(address, std::iter::once(0..at).collect()),
        None => text(address),
    }
}

/// Whether a variable, argument, header or parameter of this name holds a secret.
///
/// Names are taken apart at `_`, `-`, `.` and at capitals. A superset of the words that BuildKit's
/// own check looks for (frontend/dockerfile/linter, `SecretsUsedInArgOrEnv`); names of files and
/// sockets that hold a secret are not secret themselves.
pub fn names_a_secret(name: &str) -> bool {
    // Shell variables for folders, not passwords.
    if name == "PWD" || name == "OLDPWD" {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last().map(String::as_str) else {
        return false;
    };
    if matches!(last, "file" | "path" | "dir" | "sock" | "expires" | "parallelism") {
        return false;
    }
    let is_public_key = words.windows(2).any(|pair| {
        let kind = ["public", "pub", "cache", "primary", "foreign", "sort", "partition"];
        kind.contains(&pair[0].as_str()) && pair[1].starts_with("key")
    });
    words.iter().any(|word| {
        let whole = ["auth", "pass", "pwd", "pword", "pat", "sig", "signature", "jwt", "cookie"];
        let part = ["password", "passwd", "passphrase", "secret", "apikey", "credential"];
        whole.contains(&word.as_str())
            || part.iter().any(|part| word.contains(part))
            || word.ends_with("token")
            || (word == "key" && !is_public_key)
    })
}

/// The words of a name in lower case: `npm_config__authToken` is npm, config, auth, token.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts_word = c.is_ascii_uppercase() && after_lower;
        if !c.is_alphanumeric() || starts_word {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `scheme://user:password@host`: everything between `://` and the `@`.
fn find_url_credentials(text: &str, secrets: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices("://") {
        let start = at + "://".len();
        let rest = &text[start..];
        let url = &rest[..rest.find(ends_url).unwrap_or(rest.len())];
        let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        let scheme = scheme_before(&text[..at]);
        let end = match authority.rfind('@') {
            Some(end) => Some(end),
            // A password with a bare slash: what looks like the port is no number.
            None if has_odd_port(authority) => url.rfind('@'),
            None => None,
        };
        let Some(end) = end else { continue };
        let only_user = !url[..end].contains(':');
        // The user of an ssh address is needed to understand it and is no secret.
        if only_user && (scheme.ends_with("ssh") || scheme.ends_with("git")) {
            continue;
        }
        secrets.push(start..start + end);
    }
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

fn scheme_before(text: &str) -> &str {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.rfind(|c| !is_scheme(c))
        .map_or(text, |at| &text[at + text[at..].chars().next().map_or(1, char::len_utf8)..])
}

fn has_odd_port(authority: &str) -> bool {
    !authority.starts_with('[')
        && authority
            .split_once(':')
            .is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// `NAME=value`, `name=value&…`, `"name": "value"`, and `name: value` alone on a line.
fn find_assignments(text: &str, secrets: &mut Vec<Range<usize>>) {
    for (at, sign) in text.match_indices(['=', ':']) {
        let before = &text[..at];
        let unquoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
        let is_quoted = unquoted.len() < before.len();
        let start = unquoted
            .rfind(|c| !is_name(c))
            .map_or(0, |i| i + unquoted[i..].chars().next().map_or(1, char::len_utf8));
        let name = &unquoted[start..];
        // `--secret id=…,src=…` of a build names a file.
        if name.is_empty() || name.trim_start_matches('-') == "secret" || !names_a_secret(name) {
            continue;
        }
        let after = &text[at + 1..];
        let value = match sign {
            "=" => after,
            _ => after.trim_start_matches(' '),
        };
        if sign == ":" && !is_quoted && !is_yaml_line(&text[..start], after) {
            continue;
        }
        let leads = text[..start].chars().next_back();
        // `value` is a tail of `text`.
        let from = text.len() - value.len();
        let range = value_range(value, leads);
        // References, and values that are structure or nothing, are no secrets.
        let is_harmless = value.starts_with(['$', '{', '['])
            || value[range.clone()].starts_with('$')
            || matches!(value[range.clone()].trim_end_matches(','), "null" | "true" | "false");
        if !range.is_empty() && !is_harmless {
            secrets.push(from + range.start..from + range.end);
        }
    }
}

/// A key at the start of a line, a blank, and one word until its end: not a sentence with a colon.
fn is_yaml_line(before: &str, after: &str) -> bool {
    let indent = before.rsplit('\n').next().unwrap_or("");
    let rest = after.split('\n').next().unwrap_or("");
    indent.trim_matches([' ', '-', '\t']).is_empty()
        && rest.starts_with(' ')
        && rest.split_whitespace().count() == 1
}

/// Where the value lies: inside its quotes, or up to what ends it after a name led by `leads`.
fn value_range(value: &str, leads: Option<char>) -> Range<usize> {
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        let end = value[1..].find(quote).map_or(value.len(), |end| end + 1);
        return 1..end;
    }
    let ends = |c: char| {
        let in_list =
            matches!(leads, Some(',' | '?' | '&' | ';' | '=')) && matches!(c, ',' | '&' | ';');
        c.is_whitespace() || matches!(c, '"' | '\'' | '`') || in_list
    };
    0..value.find(ends).unwrap_or(value.len())
}

/// `--password hunter2`, `ENV PASSWORD hunter2` and `Authorization: Bearer abcdef`.
fn find_after_flags_and_schemes(text: &str, secrets: &mut Vec<Range<usize>>) {
    let mut before = "";
    let mut earlier = "";
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let core = word.trim_end().trim_end_matches(['"', '\'']);
        let is_flag = before.strip_prefix("--").is_some_and(|name| {
            !matches!(name, "secret" | "secrets")
                && name.chars().all(is_name)
                && names_a_secret(name)
        });
        let is_scheme =
            before.eq_ignore_ascii_case("bearer") || before.eq_ignore_ascii_case("basic");
        let looks_random = core.len() >= 8 && core.bytes().any(|b| b.is_ascii_digit() || b == b'=');
        let is_value = !core.is_empty() && !core.starts_with(['-', '$']);
        let is_env = earlier.eq_ignore_ascii_case("env")
            && before.chars().all(is_name)
            && names_a_secret(before);
        if is_value && (is_flag || is_env || (is_scheme && looks_random)) {
            secrets.push(at..at + core.len());
        }
        if !core.is_empty() {
            earlier = before;
            before = core.trim_start_matches(['"', '\'']);
        }
        at += word.len();
    }
}

/// Prefix of a token and the least length of the whole, from the issuers' own documentation.
const TOKEN_SHAPES: [(&str, usize); 19] = [
    ("ghp_", 40),
    ("gho_", 40),
    ("ghu_", 40),
    ("ghs_", 40),
    ("ghr_", 40),
    ("github_pat_", 40),
    ("glpat-", 26),
    ("dckr_pat_", 30),
    ("hf_", 30),
    ("npm_", 40),
    ("pypi-AgE", 40),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk-", 32),
    ("sk_live_", 24),
    ("AIza", 39),
    ("AKIA", 20),
    ("ASIA", 20),
    ("eyJ", 60),
];

fn find_token_shapes(text: &str, secrets: &mut Vec<Range<usize>>) {
    for (prefix, least) in TOKEN_SHAPES {
        for (at, _) in text.match_indices(prefix) {
            let inside_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            let rest = &text[at..];
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            if !inside_word && length >= least {
                secrets.push(at..at + length);
            }
        }
    }
}

fn hide(text: &str, mut secrets: Vec<Range<usize>>) -> Cow<'_, str> {
    secrets.retain(|range| !range.is_empty() && text[range.clone()] != *MARK);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    secrets.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in secrets {
        if range.start >= done {
            out.push_str(&text[done..range.start]);
            out.push_str(MARK);
        }
        done = done.max(range.end);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(text(input), expected);
        // What is redacted once stays as it is.
        assert_eq!(text(expected), expected, "not stable");
    }

    #[test]
    fn urls_lose_their_credentials() {
        check("http://me:pw@proxy:3128", "http://***@proxy:3128");
        check("pip: https://ghp_x@github.com/a.git ok", "pip: https://***@github.com/a.git ok");
        check("git+https://u:p@h/x https://a:b@c/", "git+https://***@h/x https://***@c/");
        check("http://u:p@ss@h/", "http://***@h/");
        check("http://u:p/a@ss@h/x", "http://***@h/x");
        check("http://höst/ü http://ü:ß@höst", "http://höst/ü http://***@höst");
        check("'https://u:p@h'", "'https://***@h'");
        check(
            "https://h/p?token=abc&x=1&X-Amz-Signature=ff",
            "https://h/p?token=***&x=1&X-Amz-Signature=***",
        );
    }

    #[test]
    fn addresses_without_credentials_stay() {
        for harmless in [
            "",
            "://",
            "://@",
            "http://proxy:3128/a@b",
            "http://[::1]:80/@",
            "ssh://git@github.com/x",
            "git@github.com:org/repo",
            "docker.io/library/python:3.11@sha256:0123",
            "https://h/?a=1&b=2",
        ] {
            check(harmless, harmless);
        }
        check("ssh://git:pw@h/x", "ssh://***@h/x");
    }

    #[test]
    fn assignments_lose_their_values() {
        check("ENV API_KEY=abc X=1", "ENV API_KEY=*** X=1");
        check("PASSWORD=\"a b\" X=1", "PASSWORD=\"***\" X=1");
        check("PASSWORD='unclosed x", "PASSWORD='***");
        check("PASSWORD=a,b&c", "PASSWORD=***");
        check("--cache-to=type=gha,token=abc,mode=max", "--cache-to=type=gha,token=***,mode=max");
        check("{\"auth\": \"Zm9v\", \"n\": 1}", "{\"auth\": \"***\", \"n\": 1}");
        check("{\"auth\":\"Zm9v\"}", "{\"auth\":\"***\"}");
        check("{\"token\": null, \"auth\": {\"a\": 1}}", "{\"token\": null, \"auth\": {\"a\": 1}}");
        check("  db_password: hunter2\nx: 1", "  db_password: ***\nx: 1");
        check("TOKEN=$TOKEN PASSWORD=${P} SECRET=", "TOKEN=$TOKEN PASSWORD=${P} SECRET=");
        check(
            "failed to fetch oauth token: unexpected status: 401",
            "failed to fetch oauth token: unexpected status: 401",
        );
        check("--secret id=token,src=/run/t", "--secret id=token,src=/run/t");
        check("--mount=type=secret,id=token", "--mount=type=secret,id=token");
    }

    #[test]
    fn flags_headers_and_shapes_are_known() {
        check("docker login --password hunter2 -u me", "docker login --password *** -u me");
        check("docker login --password-stdin", "docker login --password-stdin");
        check("Authorization: Bearer abcdef123456", "Authorization: Bearer ***");
        check("ENV API_KEY hunter2", "ENV API_KEY ***");
        check("Basic understanding of things", "Basic understanding of things");
        let token = format!("ghp_{}", "a1".repeat(18));
        check(&format!("remote said {token}."), "remote said ***");
        check("hf_hub and eyJ and sk-learn", "hf_hub and eyJ and sk-learn");
    }

    #[test]
    fn names_are_judged_by_their_words() {
        let secret = [
            "API_KEY",
            "apiKey",
            "GITHUBTOKEN",
            "npm_config__authToken",
            "PGPASSWORD",
            "MYSQL_PWD",
            "DB_PASS",
            "AWS_SECRET_ACCESS_KEY",
            "DOCKER_AUTH_CONFIG",
            "client-secret",
            "HF_TOKEN",
        ];
        let harmless = [
            "",
            "PWD",
            "OLDPWD",
            "PATH",
            "BYPASS",
            "AUTHOR",
            "KEYBOARD",
            "TOKENIZERS_PARALLELISM",
            "SSH_AUTH_SOCK",
            "POSTGRES_PASSWORD_FILE",
            "PUBLIC_KEY",
            "CACHE_KEY",
            "MAX_TOKENS",
        ];
        for name in secret {
            assert!(names_a_secret(name), "{name}");
        }
        for name in harmless {
            assert!(!names_a_secret(name), "{name}");
        }
        assert_eq!(value("HF_TOKEN", "x"), MARK);
        assert_eq!(value("HF_TOKEN", ""), "");
        assert_eq!(value("UV_INDEX", "https://u:p@h/"), "https://***@h/");
    }

    #[test]
    fn no_cut_of_a_nasty_line_panics() {
        let nasty = "é://ü:ß@é?töken=é&token=é \"é\": 'é' --token é Bearer é1234567= ghp_é é=é: \"";
        let cuts = nasty.char_indices().map(|(at, _)| at);
        for from in cuts.clone() {
            for to in cuts.clone().filter(|to| *to >= from) {
                let _ = (text(&nasty[from..to]), proxy(&nasty[from..to]));
            }
        }
    }

    #[test]
    fn proxies_need_no_scheme() {
        for (input, expected) in [
            ("me:pw@proxy:3128", "***@proxy:3128"),
            ("http://me:pw@proxy:3128/", "http://***@proxy:3128/"),
            ("proxy:3128", "proxy:3128"),
            ("localhost,.corp,10.0.0.0/8", "localhost,.corp,10.0.0.0/8"),
        ] {
            assert_eq!(proxy(input), expected);
        }
    }
}
