//! Names of images: which ones a client takes, by the grammar of `distribution/reference`.

/// Whether this can be the name of an image, or why not, in the reference's words.
pub(crate) fn parse(text: &str) -> Result<(), String> {
    let is_hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if text.len() == 64 && text.chars().all(is_hexadecimal) {
        return Err(format!(
            "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        ));
    }
    let (domain, rest) = split_domain(text);
    let library = if domain == HUB && !rest.contains('/') { "library/" } else { "" };
    let rest = format!("{library}{rest}");
    let repository = rest.split(':').next().unwrap_or("");
    if repository.chars().any(char::is_uppercase) {
        return Err(format!(
            "invalid reference format: repository name ({repository}) must be lowercase"
        ));
    }
    let (name, tag, digest) = parts(&rest);
    let is_valid = is_domain(domain)
        && name.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if !is_valid {
        return Err("invalid reference format".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Err(format!("repository name must not be more than {LONGEST_NAME} characters"));
    }
    Ok(())
}

/// The name with its registry and a tag, as BuildKit asks for it.
pub(super) fn whole(text: &str) -> String {
    let (domain, rest) = split_domain(text);
    let library = if domain == HUB && !rest.contains('/') { "library/" } else { "" };
    let tag = match parts(rest) {
        (_, None, None) => ":latest",
        _ => "",
    };
    format!("{domain}/{library}{rest}{tag}")
}

const HUB: &str = "docker.io";
const LONGEST_NAME: usize = 255;

/// The registry, when the first part looks like one, and the rest.
fn split_domain(text: &str) -> (&str, &str) {
    let Some((first, rest)) = text.split_once('/') else { return (HUB, text) };
    let is_domain =
        first.contains(['.', ':']) || first == "localhost" || first.chars().any(char::is_uppercase);
    match (is_domain, first) {
        (true, "index.docker.io") => (HUB, rest),
        (true, _) => (first, rest),
        (false, _) => (HUB, text),
    }
}

/// Name, tag and digest.
fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (text, digest) = match text.split_once('@') {
        Some((text, digest)) => (text, Some(digest)),
        None => (text, None),
    };
    match text.split_once(':') {
        Some((name, tag)) => (name, Some(tag), digest),
        None => (text, None, digest),
    }
}

/// Letters and digits, joined by one of `.`, `_`, `__` or any number of dashes.
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = text;
    loop {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let gap = rest.find(is_word).unwrap_or(rest.len());
        let joins = matches!(&rest[..gap], "." | "_" | "__");
        if !joins && !rest[..gap].bytes().all(|byte| byte == b'-') {
            return false;
        }
        rest = &rest[gap..];
    }
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_label = |part: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !part.is_empty()
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => {
            !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
        }
        None => host.split('.').all(is_label),
    };
    is_host && port.is_none_or(is_port)
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=128).contains(&text.len())
        && text.starts_with(is_word)
        && text.chars().all(|c| is_word(c) || ".-".contains(c))
}

/// `sha256:…`, `sha384:…` or `sha512:…` of their full length.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, hash)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hash.len() == length && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_and_names_that_are_not() {
        let digest = format!("alpine@sha256:{}", "a".repeat(64));
        let tagged = format!("ghcr.io/a/b:1.2@sha256:{}", "0".repeat(64));
        for text in [
            "alpine",
            "a/b",
            "busybox:stable-musl",
            "localhost/a",
            "host:5000/a-b__c.d/e:T_1",
            "Host/a",
            "[::1]:5000/a",
            &digest,
            &tagged,
            "a--b",
        ] {
            assert_eq!(parse(text), Ok(()), "{text}");
        }
        let invalid = "invalid reference format";
        for text in ["", "busybox:", "busy${x}", "a//b", "a/", "-a", "a_-b", "a:b:c", "a@b", ":x"] {
            assert_eq!(parse(text).unwrap_err(), invalid, "{text}");
        }
        assert_eq!(
            parse("image-DGX-2").unwrap_err(),
            "invalid reference format: repository name (library/image-DGX-2) must be lowercase"
        );
    }
}
