//! `cargo xtask base`: the sample's base image where it cannot be pulled.
//!
//! The image made here is Debian's own Python in the places and with the manners of the official
//! image: `/usr/local/bin/python3`, `python`, `pip`, no `EXTERNALLY-MANAGED`, apt that works.
//! It carries the certificates that this machine has of its own, so that pip and uv work in builds
//! behind a proxy that opens TLS.

use std::collections::HashSet;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use careen_model::units;

use crate::apt;
use crate::cli::Arguments;
use crate::engine::{self, Generation};
use crate::failure::Failure;
use crate::home;
use crate::http::Address;
use crate::process::Call;

const USAGE: &str = "base [--modern|--containerd|--own]";
const NAME: &str = "python";
const TAG: &str = "3.11-slim-bookworm";
const SUITE: &str = "bookworm";

/// Marks an image as made here, and by which recipe.
const LABEL: &str = "careen.base";

/// Packages beyond the essential ones: the same commands that the official image has.
const PACKAGES: &str = "ca-certificates,netbase,python3,python3-pip,python3-venv,tzdata";

/// Folders that the official slim images leave out as well.
const UNUSED: &[&str] =
    &["/usr/share/doc", "/usr/share/info", "/usr/share/locale", "/usr/share/man"];

/// A pull that says nothing for so long will not come.
const PULL_PATIENCE: Duration = Duration::from_secs(15);

/// What runs in the new tree; `$1` is its root, `$2` a folder with certificates.
const FINISH: &str = r#"
for name in python python3 python3.11; do ln -sf /usr/bin/python3.11 "$1/usr/local/bin/$name"; done
for name in pip pip3; do ln -sf /usr/bin/pip3 "$1/usr/local/bin/$name"; done
rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
echo 'path-exclude=/usr/lib/python3*/EXTERNALLY-MANAGED' >"$1/etc/dpkg/dpkg.cfg.d/python"
cat >"$1/etc/apt/apt.conf.d/docker-clean" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
rm -f "$1"/var/cache/apt/*.bin
mkdir -p "$1/usr/local/share/ca-certificates"
cp "$2"/*.crt "$1/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$1" update-ca-certificates >/dev/null
"#;

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &["--modern", "--containerd", "--own"], &[], USAGE)?;
    let only = Generation::named(&arguments);
    let engines = if arguments.has("--own") { own_engines()? } else { engine::at_hand(only)? };
    if engines.is_empty() {
        return Err(Failure::NoEngine);
    }
    engines.iter().try_for_each(provide)
}

fn own_engines() -> Result<Vec<Address>, Failure> {
    let mut found = Vec::new();
    for one in Generation::ALL {
        found.extend(engine::at_hand(Some(one))?);
    }
    Ok(found)
}

/// Makes `FROM python:3.11-slim-bookworm` work on one engine, and says how.
pub(crate) fn provide(engine: &Address) -> Result<(), Failure> {
    let image = format!("{NAME}:{TAG}");
    match engine.image_labels(&image)? {
        Some(labels) if labels[LABEL].is_null() => {
            eprintln!("{image} is on {engine} already");
            return Ok(());
        }
        Some(labels) => {
            let recipe = Recipe::of_this_machine()?;
            if labels[LABEL] == recipe.id {
                eprintln!("{image} is on {engine} already, made here");
                return Ok(());
            }
            eprintln!("{image} on {engine} was made by an older recipe");
            return import(engine, &recipe);
        }
        None => {}
    }
    eprintln!("{engine}: pulling {image}, at most {} of silence", units::time(PULL_PATIENCE));
    match engine.pull(NAME, TAG, PULL_PATIENCE) {
        Ok(()) => {
            eprintln!("{image} is on {engine}: pulled");
            Ok(())
        }
        Err(failure) => {
            eprintln!("the pull failed: {failure}\nmaking {image} from Debian packages");
            import(engine, &Recipe::of_this_machine()?)
        }
    }
}

fn import(engine: &Address, recipe: &Recipe) -> Result<(), Failure> {
    let tarball = recipe.tree()?;
    let start = Instant::now();
    let file = File::open(&tarball).map_err(Failure::file("open", &tarball))?;
    engine.import(NAME, TAG, &recipe.changes(), file)?;
    eprintln!(
        "{NAME}:{TAG} is on {engine}: made here, not the official image; imported in {}; \
         `docker rmi {NAME}:{TAG}` removes it",
        units::time(start.elapsed())
    );
    Ok(())
}

/// Everything that decides what the image holds.
struct Recipe {
    sources: String,
    apt: Vec<String>,
    certificates: Vec<String>,
    id: String,
}

impl Recipe {
    fn of_this_machine() -> Result<Self, Failure> {
        let codename = apt::codename()?;
        let sources = apt::stanzas(&apt::sources()?, &codename, SUITE);
        let (apt, certificates) = (mirror_settings(), own_certificates()?);
        let lists = [UNUSED.concat(), apt.concat(), certificates.concat()];
        let id = home::hash([&sources, PACKAGES, FINISH, &lists.concat()].concat().as_bytes());
        Ok(Self { sources, apt, certificates, id })
    }

    /// The file tree as a tarball; made once and kept below the target folder.
    fn tree(&self) -> Result<PathBuf, Failure> {
        let folder = folder();
        let tarball = folder.join(format!("{NAME}-{TAG}-{}.tar", self.id));
        if tarball.exists() {
            return Ok(tarball);
        }
        if !apt::usable() {
            return Err(Failure::NeedsRoot { what: "making a base image" });
        }
        apt::ensure(&["mmdebstrap"], &["mmdebstrap"])?;
        let certificates = folder.join("certificates");
        home::remove(&certificates)?;
        home::create(&certificates)?;
        for (n, certificate) in self.certificates.iter().enumerate() {
            home::write(&certificates.join(format!("host-{n}.crt")), certificate)?;
        }
        let list = folder.join("debian.sources");
        home::write(&list, &self.sources)?;
        let finish = folder.join("finish.sh");
        home::write(&finish, FINISH)?;
        let partial = folder.join("partial.tar");
        let hook = format!("sh -eu {} \"$1\" {}", shell(&finish), shell(&certificates));
        let start = Instant::now();
        Call::new("mmdebstrap")
            .args(["--quiet", "--mode=root", "--variant=minbase", "--format=tar"])
            .arg(format!("--include={PACKAGES}"))
            .args(UNUSED.iter().map(|path| format!("--dpkgopt=path-exclude={path}/*")))
            .args(self.apt.iter().map(|line| format!("--aptopt={line}")))
            .arg(format!("--customize-hook={hook}"))
            .arg(SUITE)
            .arg(&partial)
            .arg(&list)
            .run_quietly()?;
        home::rename(&partial, &tarball)?;
        let size = fs::metadata(&tarball).map_or(0, |metadata| metadata.len());
        let took = units::time(start.elapsed());
        eprintln!("made {} ({}) in {took}", tarball.display(), units::size(size));
        Ok(tarball)
    }

    /// Dockerfile instructions that the import applies.
    fn changes(&self) -> Vec<String> {
        let mut changes = vec![
            "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            "ENV LANG=C.UTF-8".to_owned(),
            format!("LABEL {LABEL}={}", self.id),
            r#"CMD ["python3"]"#.to_owned(),
        ];
        if !self.certificates.is_empty() {
            for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"] {
                changes.push(format!("ENV {name}=/etc/ssl/certs/ca-certificates.crt"));
            }
        }
        for (name, value) in index_settings() {
            if value.contains('@') {
                eprintln!("warning: {name} holds credentials and stays out of the image");
                continue;
            }
            changes.push(format!("ENV {name}={value}"));
        }
        changes
    }
}

fn folder() -> PathBuf {
    home::target().join("bases")
}

/// Package indexes that this machine uses instead of the public ones.
fn index_settings() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let names = [
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
    ];
    for name in names {
        if let Ok(value) = env::var(name) {
            found.push((name.to_owned(), value));
        }
    }
    if !found.is_empty() {
        return found;
    }
    let text = Call::new("pip3").args(["config", "list"]).read().unwrap_or_default();
    parse_pip_configuration(&text)
}

/// `global.index-url='…'` lines of `pip config list`, as settings for pip and for uv.
fn parse_pip_configuration(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim_matches('\'').to_owned();
        match key.rsplit('.').next() {
            Some("index-url") => {
                found.push(("PIP_INDEX_URL".to_owned(), value.clone()));
                found.push(("UV_DEFAULT_INDEX".to_owned(), value));
            }
            Some("trusted-host") => found.push(("PIP_TRUSTED_HOST".to_owned(), value)),
            _ => {}
        }
    }
    found
}

/// What this machine's apt needs to reach its mirrors, and builds therefore need too.
fn mirror_settings() -> Vec<String> {
    let text = Call::new("apt-config").arg("dump").read().unwrap_or_default();
    text.lines().filter(|line| is_mirror_setting(line)).map(str::to_owned).collect()
}

fn is_mirror_setting(line: &str) -> bool {
    const NAMES: [&str; 3] =
        ["Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until"];
    // A proxy with credentials must not get into an image.
    let name = line.split(' ').next().unwrap_or_default();
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) && !line.contains('@')
}

/// Certificates that this machine trusts and Debian does not ship.
fn own_certificates() -> Result<Vec<String>, Failure> {
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let Ok(text) = fs::read_to_string(bundle) else { return Ok(Vec::new()) };
    let mut shipped = String::new();
    let folder = Path::new("/usr/share/ca-certificates/mozilla");
    if let Ok(entries) = fs::read_dir(folder) {
        for path in entries.flatten().map(|entry| entry.path()) {
            shipped += &fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
            shipped.push('\n');
        }
    }
    Ok(difference(&text, &shipped))
}

/// The certificates of `bundle` that are not in `shipped`.
fn difference(bundle: &str, shipped: &str) -> Vec<String> {
    let known: HashSet<String> = certificates(shipped).into_iter().collect();
    certificates(bundle).into_iter().filter(|one| !known.contains(one)).collect()
}

fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let bodies = text.split(BEGIN).skip(1).filter_map(|part| part.split(END).next());
    let one_per_line = |body: &str| body.split_whitespace().collect::<Vec<_>>().join("\n");
    bodies.map(|body| format!("{BEGIN}\n{}\n{END}\n", one_per_line(body))).collect()
}

fn shell(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn only_certificates_that_debian_does_not_ship_are_carried() {
        let bundle = [pem("AAA\nBBB"), pem("CCC"), "# text\n".to_owned(), pem("DDD")].concat();
        let shipped = [pem("CCC"), pem("AAA\r\nBBB")].concat();
        assert_eq!(difference(&bundle, &shipped), [pem("DDD")]);
        assert_eq!(difference("", &shipped), [""; 0]);
    }

    #[test]
    fn apt_settings_are_carried_without_credentials() {
        let check = |line: &str, expected: bool| assert_eq!(is_mirror_setting(line), expected);
        check(r#"Acquire::http::Proxy "http://proxy.invalid:3128";"#, true);
        check(r#"acquire::https::proxy "http://name:word@proxy.invalid";"#, false);
        check(r#"Acquire::Check-Valid-Until "false";"#, true);
        check(r#"Acquire::http::Proxy-Auto-Detect "/usr/bin/x";"#, false);
        check(r#"APT::Sandbox::User "root";"#, false);
    }

    #[test]
    fn an_index_of_pip_is_given_to_uv_too() {
        let text =
            "global.index-url='https://mirror.invalid/simple'\nglobal.cert='/x'\n:env:.no='1'\n";
        let found = parse_pip_configuration(text);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PIP_INDEX_URL", "UV_DEFAULT_INDEX"]);
        assert!(found.iter().all(|(_, value)| value == "https://mirror.invalid/simple"));
    }
}
