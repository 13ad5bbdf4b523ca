//! Debian packages: this machine's sources, installing what is missing, and private downloads.
//!
//! Mirrors and their protocol come from the machine's own configuration, never from here.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::home;
use crate::process::{Call, exists};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One entry of the package sources that belongs to Debian itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) uris: Vec<String>,
    pub(crate) suites: Vec<String>,
    pub(crate) components: Vec<String>,
}

/// Whether this process is root on a Debian with apt.
pub(crate) fn usable() -> bool {
    rustix::process::geteuid().is_root() && exists("apt-get") && Path::new(KEYRING).exists()
}

/// Installs packages on the machine unless every one of `programs` is there already.
pub(crate) fn ensure(programs: &[&str], packages: &[&str]) -> Result<(), Failure> {
    if programs.iter().all(|program| exists(program)) {
        return Ok(());
    }
    if !usable() {
        return Err(Failure::NeedsRoot { what: "installing missing programs" });
    }
    install(packages)
}

/// Installs packages on the machine, with fresh lists.
pub(crate) fn install(packages: &[&str]) -> Result<(), Failure> {
    let apt = || Call::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
    apt().arg("update").run_quietly()?;
    apt().args(["install", "-y", "--no-install-recommends"]).args(packages).run_quietly()
}

/// The code name of this Debian, for example `bookworm`.
pub(crate) fn codename() -> Result<String, Failure> {
    let path = "/etc/os-release";
    let text = fs::read_to_string(path).map_err(Failure::file("read", path))?;
    let value = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    match value {
        Some(name) => Ok(name.trim_matches('"').to_owned()),
        None => Err(Failure::NoSources { why: format!("{path} has no VERSION_CODENAME") }),
    }
}

/// Debian's own sources of this machine, told apart from others by suite and keyring.
pub(crate) fn sources() -> Result<Vec<Source>, Failure> {
    let codename = codename()?;
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => found.extend(parse_stanzas(&text)),
            Some("list") => found.extend(parse_lines(&text)),
            _ => {}
        }
    }
    found.retain(|source| source.suites.iter().any(|suite| suite.starts_with(&codename)));
    if found.is_empty() {
        Err(Failure::NoSources { why: format!("none of them is for {codename}") })
    } else {
        Ok(found)
    }
}

/// `sources` with another code name, as a deb822 file.
pub(crate) fn stanzas(sources: &[Source], from: &str, to: &str) -> String {
    let mut text = Vec::new();
    for source in sources {
        let suites: Vec<String> = source.suites.iter().map(|s| s.replacen(from, to, 1)).collect();
        text.push(format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\nSigned-By: {KEYRING}\n\n",
            source.uris.join(" "),
            suites.join(" "),
            source.components.join(" ")
        ));
    }
    text.concat()
}

/// Only the source that carries `codename` itself: newer suites have it before updates and
/// security.
pub(crate) fn main_only(sources: &[Source], codename: &str) -> Vec<Source> {
    let carries = sources.iter().find(|source| source.suites.iter().any(|s| s == codename));
    carries
        .map(|source| Source { suites: vec![codename.to_owned()], ..source.clone() })
        .into_iter()
        .collect()
}

fn parse_stanzas(text: &str) -> Vec<Source> {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    kept.join(
        "
",
    )
    .split(
        "

",
    )
    .filter_map(parse_stanza)
    .collect()
}

fn parse_stanza(stanza: &str) -> Option<Source> {
    let field = |name: &str| -> Vec<String> {
        let prefix = format!("{name}:");
        let mut words = Vec::new();
        let mut inside = false;
        for line in stanza.lines() {
            inside = line.starts_with(&prefix) || (inside && line.starts_with([' ', '\t']));
            if inside {
                let value = line.strip_prefix(&prefix).unwrap_or(line);
                words.extend(value.split_whitespace().map(str::to_owned));
            }
        }
        words
    };
    let is_off = field("Enabled").first().is_some_and(|value| value == "no");
    let foreign = field("Signed-By").iter().any(|key| !key.contains("debian-archive"));
    if is_off || foreign || !field("Types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Source { uris: field("URIs"), suites: field("Suites"), components: field("Components") })
}

fn parse_lines(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.split('#').next().unwrap_or("").trim().strip_prefix("deb ") else {
            continue;
        };
        let (options, rest) = match rest.trim().strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((options, rest)) => (options, rest),
            None => ("", rest),
        };
        let signed = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by="));
        let mut words = rest.split_whitespace().map(str::to_owned);
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else { continue };
        if signed.is_none_or(|key| key.contains("debian-archive")) {
            found.push(Source {
                uris: vec![uri],
                suites: vec![suite],
                components: words.collect(),
            });
        }
    }
    found
}

/// A place with its own lists and cache, so that nothing on the machine changes.
#[derive(Debug)]
pub(crate) struct Private {
    folder: PathBuf,
    configuration: PathBuf,
}

impl Private {
    /// Prepares `folder` for `suite` and fetches its lists; `status` is a dpkg status file.
    pub(crate) fn new(folder: &Path, suite: &str, status: &Path) -> Result<Self, Failure> {
        let codename = codename()?;
        let sources =
            if suite == codename { sources()? } else { main_only(&sources()?, &codename) };
        home::create(&folder.join("lists/partial"))?;
        home::create(&folder.join("cache/archives/partial"))?;
        let list = folder.join("debian.sources");
        home::write(&list, &stanzas(&sources, &codename, suite))?;
        let configuration = folder.join("apt.conf");
        let set = |name: &str, value: &Path| format!("{name} \"{}\";\n", value.display());
        let settings = [
            "quiet \"2\";\n".to_owned(),
            "APT::Sandbox::User \"root\";\n".to_owned(),
            "Acquire::Languages \"none\";\n".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n".to_owned(),
            "Dir::Etc::sourceparts \"/dev/null\";\n".to_owned(),
            "Dir::Etc::preferencesparts \"/dev/null\";\n".to_owned(),
            set("Dir::Etc::sourcelist", &list),
            set("Dir::State", folder),
            set("Dir::State::Lists", &folder.join("lists")),
            set("Dir::State::status", status),
            set("Dir::Cache", &folder.join("cache")),
        ];
        home::write(&configuration, &settings.concat())?;
        let private = Self { folder: folder.to_path_buf(), configuration };
        private.apt().arg("update").run_quietly()?;
        Ok(private)
    }

    /// Downloads exactly these packages.
    pub(crate) fn download(&self, packages: &[&str]) -> Result<(), Failure> {
        let archives = self.folder.join("cache/archives");
        self.apt().folder(&archives).arg("download").args(packages).run_quietly()
    }

    /// Downloads these packages, and of their dependencies what the machine does not have.
    pub(crate) fn download_with_dependencies(&self, packages: &[&str]) -> Result<(), Failure> {
        self.apt()
            .args(["install", "-y", "--download-only", "--reinstall", "--no-install-recommends"])
            .args(packages)
            .run_quietly()
    }

    /// Unpacks everything downloaded so far.
    pub(crate) fn unpack(&self, into: &Path) -> Result<(), Failure> {
        home::create(into)?;
        let archives = self.folder.join("cache/archives");
        let entries = fs::read_dir(&archives).map_err(Failure::file("list", &archives))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "deb") {
                Call::new("dpkg-deb").arg("-x").arg(&path).arg(into).read()?;
            }
        }
        Ok(())
    }

    fn apt(&self) -> Call {
        let apt = Call::new("apt-get").arg("--config-file").arg(&self.configuration);
        apt.env("DEBIAN_FRONTEND", "noninteractive")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(uri: &str, suites: &[&str], components: &[&str]) -> Source {
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Source { uris: vec![uri.to_owned()], suites: own(suites), components: own(components) }
    }

    #[test]
    fn stanzas_of_others_and_disabled_ones_are_left_out() {
        let text = "\
Types: deb
# http://elsewhere.invalid/old
URIs: http://mirror.invalid/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.invalid/more
Suites: bookworm-backports
Components: main contrib
Enabled: no

Types: deb
URIs: https://vendor.invalid/apt
Suites: bookworm
Components: stable
Signed-By: /usr/share/keyrings/vendor.gpg
";
        let main =
            source("http://mirror.invalid/debian", &["bookworm", "bookworm-updates"], &["main"]);
        assert_eq!(parse_stanzas(text), [main]);
    }

    #[test]
    fn one_line_sources_are_read_with_their_options() {
        let text = "\
# deb http://off.invalid x main
deb http://mirror.invalid/debian bookworm main contrib # note
deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.invalid y main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.invalid z-security main
deb-src http://mirror.invalid/debian bookworm main
";
        let expected = [
            source("http://mirror.invalid/debian", &["bookworm"], &["main", "contrib"]),
            source("http://mirror.invalid", &["z-security"], &["main"]),
        ];
        assert_eq!(parse_lines(text), expected);
    }

    #[test]
    fn another_suite_comes_from_the_same_mirror() {
        let sources = [
            source("http://s.invalid", &["bookworm-security"], &["main"]),
            source("http://m.invalid", &["bookworm", "bookworm-updates"], &["main"]),
        ];
        let text = stanzas(&main_only(&sources, "bookworm"), "bookworm", "forky");
        expect_test::expect![[r"
            Types: deb
            URIs: http://m.invalid
            Suites: forky
            Components: main
            Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

        "]]
        .assert_eq(&text);
    }
}
