//! Which file system a folder lies on: the row of `/proc/self/mountinfo` with its mount id.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use careen_model::Why;
use careen_model::host::{Mount, MountFoundBy};

use crate::mount_class::{self, Kernel};
use crate::{Freshness, System};

const MOUNTINFO: &str = "/proc/self/mountinfo";

/// All rows of the table, read once for all probes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

/// One row; paths are bytes, words about the file system are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    /// The folder of the file system that is mounted, `/` unless it is a bind.
    pub(crate) root: PathBuf,
    pub(crate) point: PathBuf,
    pub(crate) fs_type: String,
    pub(crate) source: String,
    /// Super block options, as printed.
    pub(crate) options: String,
}

pub(crate) fn read_table(system: &dyn System) -> Result<Table, Why> {
    system.read(Path::new(MOUNTINFO)).map(|bytes| parse(&bytes))
}

/// The mount under `folder`.
pub(crate) fn probe(
    system: &dyn System,
    table: &Table,
    kernel: Kernel,
    folder: &Path,
) -> Result<Mount, Why> {
    let status = system.folder(folder)?.status(Freshness::Cached)?;
    let by_id = status.mount_id.and_then(|id| find_by_id(table, id));
    let (row, found_by) = match by_id {
        Some(row) => (row, MountFoundBy::Id),
        None => (find_by_prefix(table, &system.canonical(folder)?)?, MountFoundBy::LongestPrefix),
    };
    Ok(describe(system, kernel, row, found_by))
}

/// Every mount that crosses to Windows: (mount point, Windows path).
pub(crate) fn windows_drives(
    system: &dyn System,
    table: &Table,
    kernel: Kernel,
) -> Vec<(PathBuf, Option<String>)> {
    let mounts = table.rows.iter().map(|row| describe(system, kernel, row, MountFoundBy::Id));
    mounts
        .filter(|mount| mount.class.is_windows())
        .map(|mount| (mount.point, mount.windows_path))
        .collect()
}

/// The row of the root folder.
pub(crate) fn root(table: &Table) -> Option<&Row> {
    // The last row of a mount point is the one on top.
    table.rows.iter().rfind(|row| row.point == Path::new("/"))
}

/// The mount point of a cgroup version 1 controller, or of version 2 for `None`.
pub(crate) fn cgroup_point<'a>(table: &'a Table, controller: Option<&str>) -> Option<&'a Row> {
    table.rows.iter().find(|row| match controller {
        Some(name) => row.fs_type == "cgroup" && row.options.split(',').any(|word| word == name),
        None => row.fs_type == "cgroup2",
    })
}

fn describe(system: &dyn System, kernel: Kernel, row: &Row, found_by: MountFoundBy) -> Mount {
    let link = mount_class::virtiofs_link(row)
        .and_then(|link| system.read_link(&link).ok())
        .map(|target| target.to_string_lossy().into_owned());
    let (class, windows_path) = mount_class::classify(row, kernel, link.as_deref());
    Mount {
        point: row.point.clone(),
        fs_type: row.fs_type.clone(),
        source: row.source.clone(),
        options: row.options.clone(),
        class,
        windows_path,
        found_by,
    }
}

fn find_by_id(table: &Table, id: u64) -> Option<&Row> {
    table.rows.iter().find(|row| row.id == id)
}

/// For kernels that give no id: the longest mount point above the path.
fn find_by_prefix<'a>(table: &'a Table, path: &Path) -> Result<&'a Row, Why> {
    let above = table.rows.iter().filter(|row| path.starts_with(&row.point));
    // Of equally long points the last one lies on top, which is what `max_by_key` returns.
    let row = above.max_by_key(|row| row.point.as_os_str().len());
    row.ok_or_else(|| Why::Unreadable {
        what: MOUNTINFO.into(),
        error: format!("no row for {}", path.display()),
    })
}

/// Reads the table; a line that makes no sense is left out (format: `proc_pid_mountinfo(5)`).
fn parse(table: &[u8]) -> Table {
    Table { rows: table.split(|&byte| byte == b'\n').filter_map(parse_row).collect() }
}

fn parse_row(line: &[u8]) -> Option<Row> {
    // An empty source leaves two blanks side by side, so blanks are counted, not collapsed.
    let mut fields = line.split(|&byte| byte == b' ');
    let id = str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let root = fields.nth(2)?;
    let point = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    Some(Row {
        id,
        root: path(root),
        point: path(point),
        fs_type: text(fields.next()?),
        source: text(&unescape(fields.next()?)),
        options: text(fields.next().unwrap_or_default()),
    })
}

fn path(field: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(unescape(field)))
}

/// The kernel writes blanks, tabs, newlines, backslashes and `#` as `\` and three octal digits.
pub(crate) fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| first == b'\\').and_then(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        out.push(octal.unwrap_or(first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    out
}

/// [`unescape`] for text.
pub(crate) fn unescape_text(text: &str) -> String {
    OsStr::from_bytes(&unescape(text.as_bytes())).to_string_lossy().into_owned()
}

#[cfg(test)]
pub(crate) fn rows_of(table: &str) -> Vec<Row> {
    parse(table.as_bytes()).rows
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::fake::{FakeFolder, FakeSystem};

    const ODD: &str = "\
22 1 8:16 / / rw shared:1 master:2 - ext4 /dev/sdc rw
81 22 0:52 / /mnt/c rw,noatime - 9p C:\\134 rw,aname=drvfs;path=C:\\;uid=0
82 22 0:53 /sub\\040dir /mnt/c\\040disk rw - ext4 /dev/x\\043y rw
83 22 0:54 / /empty rw - tmpfs  rw,size=4k
84 82 0:55 / /mnt/c\\040disk rw - tmpfs on-top rw
85 22 0:56 / /no-options rw - proc proc
broken line
86 22 0:57 / /cut
";

    fn show(row: Option<&Row>) -> String {
        row.map_or(String::new(), |row| {
            let (root, point) = (row.root.display(), row.point.display());
            format!("{root} on {point} {} {:?}", row.fs_type, row.source)
        })
    }

    #[test]
    fn the_mount_id_decides() {
        let table = parse(ODD.as_bytes());
        let check = |id, expected: Expect| expected.assert_eq(&show(find_by_id(&table, id)));
        check(81, expect![[r#"/ on /mnt/c 9p "C:\\""#]]);
        check(82, expect![[r#"/sub dir on /mnt/c disk ext4 "/dev/x#y""#]]);
        check(83, expect![[r#"/ on /empty tmpfs """#]]);
        check(85, expect![[r#"/ on /no-options proc "proc""#]]);
        check(86, expect![""]);
    }

    #[test]
    fn old_kernels_get_the_longest_prefix() {
        let table = parse(ODD.as_bytes());
        let check = |dir: &str, expected: Expect| {
            expected.assert_eq(&show(find_by_prefix(&table, Path::new(dir)).ok()));
        };
        check("/mnt/c/Users/me", expect![[r#"/ on /mnt/c 9p "C:\\""#]]);
        // A prefix of a name is not a parent.
        check("/mnt/cache", expect![[r#"/ on / ext4 "/dev/sdc""#]]);
        // Of two mounts on one point the later one lies on top.
        check("/mnt/c disk/app", expect![[r#"/ on /mnt/c disk tmpfs "on-top""#]]);
        check("relative", expect![""]);
    }

    #[test]
    fn how_the_row_was_found_is_said() {
        let found_by = |mount_id| {
            let folder = FakeFolder { mount_id, costs: [1; 3] };
            let system = FakeSystem::default().folder("/mnt/c/app", folder);
            let table = parse(ODD.as_bytes());
            let mount = probe(&system, &table, Kernel::Microsoft, Path::new("/mnt/c/app")).unwrap();
            assert_eq!(mount.windows_path.as_deref(), Some("C:\\"));
            mount.found_by
        };
        assert_eq!(found_by(81), MountFoundBy::Id);
        // An id without a row (another mount namespace) is no reason to give up.
        assert_eq!(found_by(7), MountFoundBy::LongestPrefix);
    }

    #[test]
    fn escapes_that_are_none_stay() {
        for (input, expected) in [
            ("a\\040b", "a b"),
            ("\\", "\\"),
            ("\\04", "\\04"),
            ("C:\\x", "C:\\x"),
            ("\\777", "\\777"),
        ] {
            assert_eq!(unescape_text(input), expected);
        }
        assert_eq!(unescape(b"\\377"), [0xff]);
    }
}
