//! How two file trees differ, by package and path.

use std::collections::BTreeMap;

use careen_model::{Difference, How};

use crate::tree::{Entry, Kind, Tree};
use crate::volatile::volatile;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// In order of package and path, those that no package owns last.
    pub differences: Vec<Difference>,
    /// Packages with files that differ, and how many.
    pub packages: Vec<(String, usize)>,
    /// Differences that do not count: the reason and how many.
    pub volatile: Vec<(&'static str, usize)>,
}

/// Compares two trees in time linear in their entries.
pub fn compare(before: &Tree, after: &Tree) -> Compared {
    let mut compared = Compared::default();
    let mut volatile_counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let only_after = after.entries.keys().filter(|path| !before.entries.contains_key(*path));
    for path in before.entries.keys().chain(only_after) {
        let Some(how) = how(before.entries.get(path), after.entries.get(path)) else { continue };
        if let Some(why) = volatile(path) {
            *volatile_counts.entry(why).or_default() += 1;
            continue;
        }
        let owner = before.packages.owner(path).or_else(|| after.packages.owner(path));
        compared.differences.push(Difference {
            package: owner.unwrap_or_default(),
            path: format!("/{}", String::from_utf8_lossy(path)),
            how,
        });
    }
    compared.differences.sort_by(|a, b| {
        let order = |one: &Difference| (one.package.is_empty(), one.package.clone());
        order(a).cmp(&order(b)).then_with(|| a.path.cmp(&b.path))
    });
    let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
    for one in compared.differences.iter().filter(|one| !one.package.is_empty()) {
        *packages.entry(&one.package).or_default() += 1;
    }
    compared.packages = packages.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    compared.volatile = volatile_counts.into_iter().collect();
    compared
}

fn how(before: Option<&Entry>, after: Option<&Entry>) -> Option<How> {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (Some(_), None) => return Some(How::OnlyBefore),
        (None, Some(_)) => return Some(How::OnlyAfter),
        (None, None) => return None,
    };
    match (&before.kind, &after.kind) {
        (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) => Some(How::Kind),
        (Kind::Link { target: a }, Kind::Link { target: b }) if a != b => Some(How::LinkTarget),
        (a, b) if a != b => Some(How::Content),
        _ if before.mode != after.mode => Some(How::Mode),
        _ if (before.uid, before.gid) != (after.uid, after.gid) => Some(How::Owner),
        _ if before.attributes != after.attributes => Some(How::Attributes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use tar::{Builder, EntryType, Header};

    struct Made(Builder<Vec<u8>>);

    impl Made {
        fn new() -> Made {
            Made(Builder::new(Vec::new()))
        }

        fn put(mut self, path: &str, kind: EntryType, mode: u32, content: &str) -> Made {
            let mut header = Header::new_ustar();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(0);
            header.set_gid(0);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.set_size(0);
                self.0.append_link(&mut header, path, content).unwrap();
            } else {
                header.set_size(content.len() as u64);
                self.0.append_data(&mut header, path, content.as_bytes()).unwrap();
            }
            self
        }

        fn file(self, path: &str, content: &str) -> Made {
            self.put(path, EntryType::Regular, 0o644, content)
        }

        fn tree(self) -> Tree {
            crate::read(&*self.0.into_inner().unwrap()).unwrap()
        }
    }

    fn check(before: Made, after: Made, expected: &Expect) {
        let compared = compare(&before.tree(), &after.tree());
        let rows = compared
            .differences
            .iter()
            .map(|one| format!("{}: {} [{}]\n", one.path, one.how.name(), one.package));
        let volatile = compared.volatile.iter().map(|(why, n)| format!("{n} {why}\n"));
        expected.assert_eq(&rows.chain(volatile).collect::<String>());
    }

    #[test]
    fn every_way_to_differ() {
        check(
            Made::new()
                .file("./a", "1")
                .file("b", "1")
                .put("c", EntryType::Symlink, 0o777, "a")
                .file("d", "")
                .file("e", "x")
                .file("var/log/x", "1"),
            Made::new()
                .file("a", "2")
                .put("b", EntryType::Regular, 0o755, "1")
                .put("c", EntryType::Symlink, 0o777, "b")
                .put("d", EntryType::Directory, 0o755, "")
                .file("f", "x")
                .file("var/log/x", "2"),
            &expect![[r"
                /a: another content []
                /b: other permissions []
                /c: another link target []
                /d: another kind of file []
                /e: only before []
                /f: only after []
                1 logs hold times
            "]],
        );
    }

    #[test]
    fn a_hard_link_is_its_content_and_a_missing_package_has_a_name() {
        let site = "lib/python3.11/site-packages";
        let record = format!("{site}/six-1.17.0.dist-info/RECORD");
        check(
            Made::new()
                .file("x", "1")
                .put("y", EntryType::Link, 0o644, "x")
                .file(&format!("{site}/six.py"), "1")
                .file(&record, "six.py,sha256=x,1\n"),
            Made::new().file("x", "1").file("y", "1"),
            &expect![[r"
                /lib/python3.11/site-packages/six-1.17.0.dist-info/RECORD: only before [six 1.17.0 (Python)]
                /lib/python3.11/site-packages/six.py: only before [six 1.17.0 (Python)]
            "]],
        );
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let whole = Made::new().file("x", &"1".repeat(2000)).0.into_inner().unwrap();
        assert!(crate::read(&whole[..1000]).is_err());
    }
}
