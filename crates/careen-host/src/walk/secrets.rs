//! Files that look like secrets: by name, and where a name is not enough, by how they begin.

use std::{io::Read, path::Path};

/// How sure a name makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The name is enough.
    Name(&'static str),
    /// The file must contain one of these; only then is it one.
    Content(&'static str, &'static [&'static str]),
    /// The file must contain a URL with a user in it.
    Login(&'static str),
    /// Not one.
    No,
}

/// How much of a file is read, bytes: the header of a key, the head of a configuration.
const HEAD: u64 = 16 * 1024;

const PRIVATE_KEY: &[&str] = &["PRIVATE KEY-----", "PuTTY-User-Key-File"];

/// Why the file at `path` (relative, with slashes) below `root` looks like a secret.
pub(super) fn look(root: &Path, path: &[u8], size: u64) -> Option<&'static str> {
    let text = std::str::from_utf8(path).ok()?;
    if size == 0 {
        return None;
    }
    match by_name(text) {
        Look::No => None,
        Look::Name(because) => Some(because),
        Look::Login(because) => has_login(&head(&root.join(text))?).then_some(because),
        Look::Content(because, needles) => {
            let head = head(&root.join(text))?;
            needles.iter().any(|needle| head.contains(needle)).then_some(because)
        }
    }
}

/// Whether a line holds `scheme://user@` or `scheme://user:password@`.
fn has_login(text: &str) -> bool {
    text.lines().any(|line| {
        line.split("://").skip(1).any(|rest| {
            let host = rest.split(['/', ' ', '"', '\'']).next().unwrap_or(rest);
            host.contains('@')
        })
    })
}

fn head(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(HEAD).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn by_name(path: &str) -> Look {
    let name = path.rsplit('/').next().unwrap_or(path);
    let parent = path.rsplit('/').nth(1).unwrap_or_default();
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match name {
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => Look::Name("name of a private SSH key"),
        ".netrc" | "_netrc" => Look::Name("login data for network tools"),
        ".pgpass" | ".my.cnf" => Look::Name("database password file"),
        ".git-credentials" => Look::Name("stored Git passwords"),
        ".htpasswd" => Look::Name("password hashes"),
        ".npmrc" | ".yarnrc.yml" => Look::Content(
            "registry token",
            &["_authToken=", "_auth=", "_password=", "npmAuthToken:"],
        ),
        ".pypirc" => Look::Content("package index password", &["password"]),
        "pip.conf" | "pip.ini" => Look::Login("package index with a password"),
        "credentials" if parent == ".aws" => Look::Name("AWS credentials"),
        "config" if parent == ".kube" => Look::Name("cluster credentials"),
        "kubeconfig" => Look::Name("cluster credentials"),
        "config.json" if parent == ".docker" => {
            Look::Content("registry login", &["\"auth\"", "\"identitytoken\""])
        }
        "config" if parent == ".git" => Look::Login("Git remote with a password"),
        "kaggle.json" => Look::Content("API key", &["\"key\""]),
        "application_default_credentials.json" => Look::Name("cloud credentials"),
        _ if is_environment(name) => Look::Name("environment file"),
        _ if name.ends_with(".tfstate") || name.ends_with(".tfstate.backup") => {
            Look::Name("Terraform state, which holds secrets in clear text")
        }
        _ => by_extension(name, extension, parent),
    }
}

fn by_extension(name: &str, extension: &str, parent: &str) -> Look {
    match extension {
        "pem" | "key" | "ppk" => Look::Content("header of a private key", PRIVATE_KEY),
        "p12" | "pfx" | "jks" | "keystore" => Look::Name("key store"),
        "kdbx" => Look::Name("password store"),
        "json" if is_account(name) => Look::Content(
            "service account key",
            &["\"private_key\": \"-----BEGIN", "\"private_key\":\"-----BEGIN"],
        ),
        "pub" => Look::No,
        _ if parent == ".ssh" => Look::Content("header of a private key", PRIVATE_KEY),
        _ => Look::No,
    }
}

/// Opening every JSON file of a large context would cost more than the walk.
fn is_account(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["account", "credential", "firebase", "gcp", "key", "secret", "service", "sa."];
    words.iter().any(|word| name.contains(word))
}

/// `.env` and `.env.production`, but not the templates that are meant to be shared.
fn is_environment(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(".env") else { return false };
    let is_template =
        ["example", "sample", "template", "dist", "defaults"].iter().any(|t| rest.ends_with(t));
    rest.is_empty() || rest.starts_with('.') && !is_template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_headers() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            (".env", "A=1", Some("environment file")),
            (".env.example", "A=", None),
            ("cert.pem", "-----BEGIN CERTIFICATE-----", None),
            ("tls.key", "-----BEGIN EC PRIVATE KEY-----", Some("header of a private key")),
            (".npmrc", "registry=https://r", None),
            ("id_rsa", "x", Some("name of a private SSH key")),
            ("id_rsa.pub", "ssh-rsa", None),
            ("package.json", "{\"name\": 1}", None),
            (
                "pip.conf",
                "index-url = https://u:p@host/simple",
                Some("package index with a password"),
            ),
            ("pip.ini", "index-url = https://host/@simple", None),
            ("sa.json", "{\"private_key\": \"-----BEGIN RSA", Some("service account key")),
            ("empty.key", "", None),
        ];
        for (name, text, expected) in files {
            std::fs::write(root.path().join(name), text).unwrap();
            let size = text.len() as u64;
            assert_eq!(look(root.path(), name.as_bytes(), size), expected, "{name}");
        }
    }
}
