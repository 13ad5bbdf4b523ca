//! Which package owns a path: from the lists that package managers leave in the image.

use std::collections::HashMap;

/// Owners of paths, learned from `*.dist-info/RECORD`, `var/lib/dpkg/info/*.list` and
/// `var/lib/dpkg/status`; npm packages are known by their folder.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    owners: HashMap<Vec<u8>, usize>,
    names: Vec<Name>,
    /// Versions of Debian packages.
    versions: HashMap<String, String>,
}

#[derive(Debug, Clone)]
enum Name {
    /// `numpy-2.1.0`, as its folder is called.
    Python {
        folder: String,
    },
    Debian {
        name: String,
    },
}

impl Packages {
    /// Whether the content of this file tells who owns what.
    pub(crate) fn is_list(path: &[u8]) -> bool {
        path.ends_with(b".dist-info/RECORD")
            || path == b"var/lib/dpkg/status"
            || debian_list(path).is_some()
    }

    pub(crate) fn learn(&mut self, path: &[u8], content: &[u8]) {
        let text = String::from_utf8_lossy(content);
        if path == b"var/lib/dpkg/status" {
            self.learn_versions(&text);
        } else if let Some(name) = debian_list(path) {
            let own = self.add(Name::Debian { name });
            for line in text.lines() {
                // Folders belong to many packages; the last one to claim them says little.
                self.owners.insert(line.trim_start_matches('/').as_bytes().to_vec(), own);
            }
            self.owners.insert(path.to_vec(), own);
        } else {
            self.learn_python(path, &text);
        }
    }

    fn learn_python(&mut self, path: &[u8], text: &str) {
        let path = String::from_utf8_lossy(path);
        let Some((folder, _)) = path.rsplit_once('/') else { return };
        let (site, own_folder) = folder.rsplit_once('/').unwrap_or(("", folder));
        let folder = own_folder.trim_end_matches(".dist-info").to_owned();
        let own = self.add(Name::Python { folder });
        for line in text.lines() {
            // `path,sha256=…,size`; a path with a comma is quoted.
            let file = match line.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => line.split(',').next(),
            };
            let Some(file) = file.filter(|file| !file.is_empty()) else { continue };
            self.owners.insert(joined(site, file).into_bytes(), own);
        }
        self.owners.insert(path.into_owned().into_bytes(), own);
    }

    fn learn_versions(&mut self, text: &str) {
        let mut name = None;
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("Package: ") {
                name = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("Version: ")
                && let Some(name) = &name
            {
                self.versions.insert(name.clone(), value.to_owned());
            }
        }
    }

    fn add(&mut self, name: Name) -> usize {
        self.names.push(name);
        self.names.len() - 1
    }

    /// `numpy 2.1.0 (Python)`; nothing where no package is known to own the path.
    pub fn owner(&self, path: &[u8]) -> Option<String> {
        let own = self.owners.get(path).or_else(|| self.owners.get(&*source_of(path)?));
        match own.map(|&own| &self.names[own]) {
            Some(Name::Python { folder }) => {
                let (name, version) = folder.rsplit_once('-').unwrap_or((folder, ""));
                Some(format!("{name} {version} (Python)"))
            }
            Some(Name::Debian { name }) => {
                let plain = name.split(':').next().unwrap_or(name);
                let version = self.versions.get(plain).map_or("", String::as_str);
                Some(format!("{plain} {version} (Debian)").replace("  ", " "))
            }
            None => node_package(path),
        }
    }
}

/// The source of a compiled Python file, whose name RECORD may not have.
fn source_of(path: &[u8]) -> Option<Vec<u8>> {
    let path = std::str::from_utf8(path).ok()?;
    let (folder, file) = path.rsplit_once("/__pycache__/")?;
    let module = file.split('.').next()?;
    Some(format!("{folder}/{module}.py").into_bytes())
}

/// `var/lib/dpkg/info/libc6:amd64.list` → `libc6:amd64`.
fn debian_list(path: &[u8]) -> Option<String> {
    let file = path.strip_prefix(b"var/lib/dpkg/info/")?.strip_suffix(b".list")?;
    Some(String::from_utf8_lossy(file).into_owned())
}

fn node_package(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let (_, rest) = path.rsplit_once("node_modules/")?;
    let mut parts = rest.split('/');
    let first = parts.next().filter(|part| !part.is_empty() && !part.starts_with('.'))?;
    let name = match (first.starts_with('@'), parts.next()) {
        (true, Some(second)) => format!("{first}/{second}"),
        _ => first.to_owned(),
    };
    Some(format!("{name} (npm)"))
}

/// A path of RECORD in the folder that holds it: `../../../bin/f2py` climbs.
fn joined(site: &str, file: &str) -> String {
    if let Some(absolute) = file.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = site.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => (),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_known_by_the_lists_of_their_managers() {
        let mut packages = Packages::default();
        packages.learn(
            b"venv/lib/python3.11/site-packages/numpy-2.1.0.dist-info/RECORD",
            b"numpy/core.py,sha256=x,1\n../../../bin/f2py,,\n\"numpy/a,b.py\",,\n",
        );
        packages.learn(b"var/lib/dpkg/info/libgomp1:amd64.list", b"/.\n/usr/lib/libgomp.so.1\n");
        packages.learn(b"var/lib/dpkg/status", b"Package: libgomp1\nVersion: 12.2.0-14\n\n");
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(packages.owner(path.as_bytes()).as_deref(), expected, "{path}");
        };
        let site = "venv/lib/python3.11/site-packages";
        check(&format!("{site}/numpy/core.py"), Some("numpy 2.1.0 (Python)"));
        check(&format!("{site}/numpy/a,b.py"), Some("numpy 2.1.0 (Python)"));
        check(
            &format!("{site}/numpy/__pycache__/core.cpython-311.pyc"),
            Some("numpy 2.1.0 (Python)"),
        );
        check("venv/bin/f2py", Some("numpy 2.1.0 (Python)"));
        check("usr/lib/libgomp.so.1", Some("libgomp1 12.2.0-14 (Debian)"));
        check("app/node_modules/left-pad/index.js", Some("left-pad (npm)"));
        check("app/node_modules/a/node_modules/@b/c/index.js", Some("@b/c (npm)"));
        check("app/main.py", None);
    }
}
