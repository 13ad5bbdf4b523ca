//! `RUN --mount=…`: fields with their places, and what the mount means.

use careen_model::Span;

use super::{ast::Flag, dump::quote};

/// One `--mount` flag. Values are as written; variables are expanded with [`Mount::expanded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `bind` when no type is given; `None` when it is a variable or not a type.
    pub kind: Option<MountKind>,
    pub fields: Vec<Field>,
    /// The whole flag.
    pub span: Span,
    /// What stands after `--mount=`.
    pub value_span: Span,
}

/// One comma-separated field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Lower case, aliases as written (`dst`, `src`, `ro`).
    pub key: String,
    /// `None` without an equals sign.
    pub value: Option<String>,
    pub span: Span,
    /// The value; empty at the end of the field when there is none.
    pub value_span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountKind {
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

/// How builds that run at the same time share a cache mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Sharing {
    #[default]
    Shared,
    Private,
    Locked,
}

/// Which directory of the engine a cache mount gets. Two mounts with equal identities share it.
///
/// The id alone names the cache; a different base or different owner or mode makes the engine
/// start from another base directory, which is another cache under the same id
/// (`frontend/dockerfile/dockerfile2llb/convert_runmount.go`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheIdentity {
    /// The `id` field, or the cleaned target.
    pub id: String,
    pub from: Option<String>,
    pub source: Option<String>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mode: Option<u32>,
}

const KINDS: [(&str, MountKind); 5] = [
    ("bind", MountKind::Bind),
    ("cache", MountKind::Cache),
    ("tmpfs", MountKind::Tmpfs),
    ("secret", MountKind::Secret),
    ("ssh", MountKind::Ssh),
];

const WITH_VALUE: [&str; 15] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "size",
    "id",
    "sharing",
    "mode",
    "uid",
    "gid",
    "env",
    "required",
];

const SWITCHES: [&str; 5] = ["readonly", "ro", "readwrite", "rw", "required"];

impl MountKind {
    pub fn as_str(self) -> &'static str {
        let found = KINDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("bind", |&(name, _)| name)
    }

    fn read(text: &str) -> Option<MountKind> {
        let found = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|&(_, kind)| kind)
    }
}

impl Sharing {
    pub fn as_str(self) -> &'static str {
        match self {
            Sharing::Shared => "shared",
            Sharing::Private => "private",
            Sharing::Locked => "locked",
        }
    }

    fn read(text: &str) -> Option<Sharing> {
        [Sharing::Shared, Sharing::Private, Sharing::Locked]
            .into_iter()
            .find(|sharing| sharing.as_str().eq_ignore_ascii_case(text))
    }
}

/// Reads a flag whose value is comma-separated fields, with CSV quotes.
pub(super) fn read(flag: &Flag) -> Mount {
    let text = flag.text();
    let mut fields = Vec::new();
    let mut start = 0;
    while start <= text.len() && !text.is_empty() {
        let (field, stop) = field(flag, start);
        fields.push(field);
        start = stop + 1;
    }
    let mut mount = Mount { kind: None, fields, span: flag.span, value_span: flag.value_span };
    mount.kind = match mount.value(&["type"]) {
        None => Some(MountKind::Bind),
        Some(text) => MountKind::read(text),
    };
    mount
}

/// The field that starts at byte `start` of the value, and where it ends.
fn field(flag: &Flag, start: usize) -> (Field, usize) {
    let text = flag.text();
    let rest = &text[start..];
    let (content, begin, stop) = if let Some(quoted) = rest.strip_prefix('"') {
        let (content, length) = unquote(quoted);
        (content, start + 1, start + 1 + length)
    } else {
        let length = rest.find(',').unwrap_or(rest.len());
        (rest[..length].to_owned(), start, start + length)
    };
    let end = begin + content.len().min(text.len() - begin);
    let (key, value) = match content.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (content.as_str(), None),
    };
    let value_start = if value.is_some() { (begin + key.len() + 1).min(end) } else { end };
    let field = Field {
        key: key.to_lowercase(),
        span: flag.span_in_value(start, stop),
        value_span: flag.span_in_value(value_start, end),
        value,
    };
    (field, stop)
}

/// A CSV field after its opening quote: content, and bytes up to the comma or the end.
fn unquote(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let Some(quote) = rest.find('"') else {
            out.push_str(rest);
            return (out, text.len());
        };
        out.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        if let Some(more) = rest.strip_prefix('"') {
            out.push('"');
            rest = more;
        } else {
            let comma = rest.find(',').unwrap_or(rest.len());
            return (out, text.len() - rest.len() + comma);
        }
    }
}

impl Mount {
    /// The last field with one of these keys.
    pub fn field(&self, keys: &[&str]) -> Option<&Field> {
        self.fields.iter().rfind(|field| keys.contains(&field.key.as_str()))
    }

    fn value(&self, keys: &[&str]) -> Option<&str> {
        self.field(keys)?.value.as_deref()
    }

    pub fn target(&self) -> Option<&str> {
        self.value(&["target", "dst", "destination"])
    }

    pub fn source(&self) -> Option<&str> {
        self.value(&["source", "src"])
    }

    pub fn from(&self) -> Option<&str> {
        self.value(&["from"])
    }

    pub fn id(&self) -> Option<&str> {
        self.value(&["id"]).filter(|id| !id.is_empty())
    }

    /// What is in force; `shared` when nothing, or nothing known, is given.
    pub fn sharing(&self) -> Sharing {
        self.value(&["sharing"]).and_then(Sharing::read).unwrap_or_default()
    }

    pub fn uid(&self) -> Option<u32> {
        self.value(&["uid"])?.parse().ok()
    }

    pub fn gid(&self) -> Option<u32> {
        self.value(&["gid"])?.parse().ok()
    }

    /// Octal as written, as a number.
    pub fn mode(&self) -> Option<u32> {
        u32::from_str_radix(self.value(&["mode"])?, 8).ok()
    }

    /// Name of the environment variable that receives a secret.
    pub fn env(&self) -> Option<&str> {
        self.value(&["env"])
    }

    pub fn required(&self) -> bool {
        let field = self.field(&["required"]);
        field.is_some_and(|field| field.value.as_deref().is_none_or(|value| value == "true"))
    }

    /// As given, else: cache and tmpfs are writable, the others are not.
    pub fn read_only(&self) -> bool {
        let given = self.field(&["readonly", "ro", "readwrite", "rw"]);
        let Some(field) = given else {
            return !matches!(self.kind, Some(MountKind::Cache | MountKind::Tmpfs));
        };
        let on = field.value.as_deref().is_none_or(|value| matches!(value, "true" | "1" | "t"));
        on == field.key.starts_with("ro") || on == (field.key == "readonly")
    }

    /// Which cache the mount gets; for cache mounts only.
    pub fn cache_identity(&self) -> Option<CacheIdentity> {
        if self.kind != Some(MountKind::Cache) {
            return None;
        }
        let id = match self.id() {
            Some(id) => id.to_owned(),
            None => clean_path(self.target()?),
        };
        let own_base = self.source().is_none_or(|source| clean_path(&format!("/{source}")) == "/");
        Some(CacheIdentity {
            id,
            from: self.from().filter(|from| !from.is_empty()).map(str::to_owned),
            source: self.source().map(str::to_owned),
            uid: self.uid().filter(|_| own_base),
            gid: self.gid().filter(|_| own_base),
            mode: self.mode().filter(|_| own_base),
        })
    }

    /// The same mount with all values expanded. The spans stay.
    #[must_use]
    pub fn expanded(&self, expand: &dyn Fn(&str) -> String) -> Mount {
        let mut mount = self.clone();
        for field in &mut mount.fields {
            field.value = field.value.as_deref().map(expand);
        }
        mount.kind = match mount.value(&["type"]) {
            None => Some(MountKind::Bind),
            Some(text) => MountKind::read(text),
        };
        mount
    }

    /// Why BuildKit refuses this mount, as it words it. Values with variables are not judged.
    pub fn problem(&self) -> Option<String> {
        self.fields.iter().find_map(Field::problem).or_else(|| self.clash())
    }

    fn clash(&self) -> Option<String> {
        let kind = self.kind?;
        let text = quote(kind.as_str().as_bytes());
        let owned = matches!(kind, MountKind::Secret | MountKind::Ssh | MountKind::Cache);
        for key in ["mode", "uid", "gid"] {
            if !owned && self.field(&[key]).is_some() {
                return Some(format!("{key} not allowed for {text} type mounts"));
            }
        }
        if kind == MountKind::Secret {
            if self.from().is_some_and(|from| !from.is_empty()) {
                return Some("secret mount should not have a from".to_owned());
            }
            if self.source().is_none() && self.target().is_none() && self.id().is_none() {
                return Some("invalid secret mount. one of source, target required".to_owned());
            }
            if self.source().is_some() && self.id().is_some() {
                return Some("both source and id can't be set".to_owned());
            }
        }
        if kind != MountKind::Cache && self.field(&["sharing"]).is_some() {
            return Some(format!("invalid cache sharing set for {} mount", kind.as_str()));
        }
        None
    }
}

impl Field {
    fn problem(&self) -> Option<String> {
        let key = self.key.as_str();
        let Some(value) = &self.value else {
            if SWITCHES.contains(&key) {
                return None;
            }
            return Some(format!("invalid field '{key}' must be a key=value pair"));
        };
        if key == "from" && value.chars().zip(value.chars().skip(1)).any(|(c, _)| c == '$') {
            return Some(
                "'from' doesn't support variable expansion, define alias stage instead".to_owned(),
            );
        }
        if value.contains('$') {
            return None;
        }
        match key {
            "type" if MountKind::read(value).is_none() => {
                Some(format!("unsupported mount type {}", quote(value.as_bytes())))
            }
            "sharing" if Sharing::read(value).is_none() => {
                Some(format!("unsupported sharing value {}", quote(value.as_bytes())))
            }
            "uid" | "gid" if value.parse::<u32>().is_err() => {
                Some(format!("invalid value {value} for {key}"))
            }
            "mode" if u32::from_str_radix(value, 8).is_err() => {
                Some(format!("invalid value {value} for mode"))
            }
            _ if WITH_VALUE.contains(&key) || SWITCHES.contains(&key) => None,
            _ => Some(format!("unexpected key '{key}' in '{key}={value}'")),
        }
    }
}

/// Go's `path.Clean`: no empty, `.` or needless `..` parts, no slash at the end.
pub fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
