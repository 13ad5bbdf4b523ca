//! Platforms as containerd reads them: `linux`, `arm64`, `linux/arm/v7`, `windows(10.0.17763)/amd64`.

use careen_syntax::dockerfile::quote;

/// A platform with the names that BuildKit uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) arch: String,
    pub(crate) variant: String,
}

const SYSTEMS: [&str; 17] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const ARCHITECTURES: [&str; 25] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
    "i386",
];

const COMPONENT: &str = "^[A-Za-z0-9_.-]+$";
const SYSTEM: &str = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)((?:\+[A-Za-z0-9_.-]+)*)\))?$";

impl Platform {
    /// Reads a platform on a machine of `host`; the error is containerd's.
    pub(crate) fn read(text: &str, host: &str) -> Result<Platform, String> {
        let whole = quote(text.as_bytes());
        if text.contains('*') {
            return Err(format!("{whole}: wildcards not yet supported: invalid argument"));
        }
        let parts: Vec<&str> = text.splitn(4, '/').collect();
        let Some(system) = system(parts[0]) else {
            let part = quote(parts[0].as_bytes());
            return Err(format!(
                "{part} is an invalid OS component of {whole}: OSAndVersion specifier component \
                 must match {}: invalid argument",
                quote(SYSTEM.as_bytes())
            ));
        };
        if let Some(part) = parts[1..].iter().find(|part| !is_component(part)) {
            return Err(format!(
                "{} is an invalid component of {whole}: platform specifier component must match \
                 {}: invalid argument",
                quote(part.as_bytes()),
                quote(COMPONENT.as_bytes())
            ));
        }
        match parts.as_slice() {
            [_] if SYSTEMS.contains(&system.as_str()) => {
                let (arch, variant) = normal(host.split('/').nth(1).unwrap_or("amd64"), "");
                Ok(Platform { os: system, arch, variant })
            }
            [only] => {
                let (arch, variant) = normal(only, "");
                if ARCHITECTURES.contains(&arch.as_str()) {
                    let os = host.split('/').next().unwrap_or("linux").to_owned();
                    return Ok(Platform { os, arch, variant });
                }
                Err(format!("{whole}: unknown operating system or architecture: invalid argument"))
            }
            [_, arch] => {
                let (arch, variant) = normal(arch, "");
                Ok(Platform { os: system, arch, variant })
            }
            [_, arch, variant] => {
                let (arch, variant) = normal(arch, variant);
                Ok(Platform { os: system, arch, variant })
            }
            _ => Err(format!("{whole}: cannot parse platform specifier: invalid argument")),
        }
    }

    /// `os/arch`, with the variant when it is not the usual one.
    pub(crate) fn name(&self) -> String {
        let Platform { os, arch, variant } = self;
        match variant.as_str() {
            "" => format!("{os}/{arch}"),
            variant => format!("{os}/{arch}/{variant}"),
        }
    }

    /// The same with the variant of `arm` that is the usual one, as BuildKit's checks write it.
    pub(crate) fn full_name(&self) -> String {
        match (self.arch.as_str(), self.variant.as_str()) {
            ("arm", "") => format!("{}/v7", self.name()),
            _ => self.name(),
        }
    }
}

/// Why a platform cannot be read, in containerd's words.
pub fn platform_problem(text: &str) -> Option<String> {
    Platform::read(text, "linux/amd64").err()
}

fn is_component(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The name of the operating system in the first part.
fn system(part: &str) -> Option<String> {
    let (name, version) = part.split_once('(').unwrap_or((part, ")"));
    let inner = version.strip_suffix(')')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let is_version = inner.chars().all(|c| is_name(c) || ".+".contains(c));
    if name.is_empty() || !name.chars().all(is_name) || !is_version {
        return None;
    }
    Some(match name.to_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    })
}

fn normal(arch: &str, variant: &str) -> (String, String) {
    let (arch, variant) = (arch.to_lowercase(), variant.to_lowercase());
    let (arch, variant) = match (arch.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64" | "arm64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "" | "7" | "v7") => ("arm", ""),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (arch, variant) => (arch, variant),
    };
    (arch.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_as_containerd_does() {
        let check = |text: &str, expected: &str| {
            let read = Platform::read(text, "linux/amd64");
            assert_eq!(read.map_or_else(|err| err, |platform| platform.name()), expected, "{text}");
        };
        check("linux", "linux/amd64");
        check("aarch64", "linux/arm64");
        check("linux/x86_64", "linux/amd64");
        check("linux/arm/v7", "linux/arm");
        check("linux/arm/v6", "linux/arm/v6");
        check("windows(10.0.17763)/amd64", "windows/amd64");
        check("foo", "\"foo\": unknown operating system or architecture: invalid argument");
        check(
            "linux/",
            "\"\" is an invalid component of \"linux/\": platform specifier component must match \
             \"^[A-Za-z0-9_.-]+$\": invalid argument",
        );
        check("a/b/c/d", "\"a/b/c/d\": cannot parse platform specifier: invalid argument");
    }
}
