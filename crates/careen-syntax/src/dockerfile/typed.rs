//! What an instruction says: one view for each keyword, built from words and flags on demand.
//!
//! A view is read leniently: what BuildKit would refuse is among the file's problems, and the
//! view holds what could be understood.

use careen_model::Span;

use super::{
    ast::{Flag, Form, Heredoc, Instruction, Keyword, Word},
    heredoc,
    mount::{self, Mount},
};

/// An instruction, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed<'a> {
    From(From<'a>),
    Run(Run<'a>),
    /// COPY or ADD.
    Transfer(Transfer<'a>),
    Env(Vec<Pair<'a>>),
    Label(Vec<Pair<'a>>),
    Arg(Vec<Argument>),
    User(&'a Word),
    Workdir(&'a Word),
    /// The program and its arguments.
    Shell(&'a [Word]),
    Expose(&'a [Word]),
    Volume(&'a [Word]),
    Healthcheck(Healthcheck<'a>),
    Onbuild(&'a Instruction),
    Cmd(Command<'a>),
    Entrypoint(Command<'a>),
    Stopsignal(&'a Word),
    Maintainer(&'a Word),
}

/// `FROM [--platform=…] image [AS name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From<'a> {
    pub image: &'a Word,
    /// The word `AS` as written.
    pub as_keyword: Option<&'a Word>,
    pub name: Option<&'a Word>,
    pub platform: Option<&'a Flag>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<'a> {
    pub mounts: Vec<Mount>,
    pub network: Option<&'a Flag>,
    pub security: Option<&'a Flag>,
    pub devices: Vec<&'a Flag>,
    pub command: Command<'a>,
}

/// What RUN, CMD, ENTRYPOINT and HEALTHCHECK CMD start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing was given.
    Empty,
    /// Given to the shell in force; with heredocs, these follow on its input or are the script.
    Shell(&'a Word),
    /// A JSON array: a program and its arguments.
    Exec(&'a [Word]),
}

/// COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer<'a> {
    pub kind: TransferKind,
    /// Paths, patterns and addresses; not heredocs.
    pub sources: Vec<&'a Word>,
    /// Heredocs among the sources, with the word that names each.
    pub inline: Vec<(&'a Word, &'a Heredoc)>,
    pub destination: Option<&'a Word>,
    pub from: Option<&'a Flag>,
    pub chown: Option<&'a Flag>,
    pub chmod: Option<&'a Flag>,
    pub link: bool,
    pub parents: bool,
    pub excludes: Vec<&'a Flag>,
    pub checksum: Option<&'a Flag>,
    pub keep_git_dir: bool,
    /// `--unpack`, when given.
    pub unpack: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransferKind {
    Copy,
    Add,
}

/// One name and value of ENV or LABEL; quotes and variables as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'a> {
    pub name: &'a Word,
    pub value: &'a Word,
    /// From the name to the end of the value.
    pub span: Span,
}

/// One name of ARG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    /// The default as written, quotes included.
    pub default: Option<String>,
    /// Name and default.
    pub span: Span,
    pub name_span: Span,
    /// The default; empty after the name when there is none.
    pub default_span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck<'a> {
    /// `HEALTHCHECK NONE`.
    pub none: bool,
    pub command: Command<'a>,
    pub interval: Option<&'a Flag>,
    pub timeout: Option<&'a Flag>,
    pub start_period: Option<&'a Flag>,
    pub start_interval: Option<&'a Flag>,
    pub retries: Option<&'a Flag>,
}

impl Instruction {
    /// The typed view; `None` for an unknown keyword or when a needed word is missing.
    pub fn typed(&self) -> Option<Typed<'_>> {
        Some(match self.keyword {
            Keyword::From => Typed::From(self.from_view()?),
            Keyword::Run => Typed::Run(self.run()?),
            Keyword::Copy | Keyword::Add => Typed::Transfer(self.transfer()?),
            Keyword::Env => Typed::Env(self.pairs()),
            Keyword::Label => Typed::Label(self.pairs()),
            Keyword::Arg => Typed::Arg(self.declared()),
            Keyword::User => Typed::User(self.words.first()?),
            Keyword::Workdir => Typed::Workdir(self.words.first()?),
            Keyword::Shell => Typed::Shell(&self.words),
            Keyword::Expose => Typed::Expose(&self.words),
            Keyword::Volume => Typed::Volume(&self.words),
            Keyword::Healthcheck => Typed::Healthcheck(self.healthcheck()?),
            Keyword::Onbuild => Typed::Onbuild(self.trigger.as_deref()?),
            Keyword::Cmd => Typed::Cmd(self.command()),
            Keyword::Entrypoint => Typed::Entrypoint(self.command()),
            Keyword::Stopsignal => Typed::Stopsignal(self.words.first()?),
            Keyword::Maintainer => Typed::Maintainer(self.words.first()?),
            Keyword::Unknown => return None,
        })
    }

    /// FROM, with at least an image.
    pub fn from_view(&self) -> Option<From<'_>> {
        if self.keyword != Keyword::From {
            return None;
        }
        let as_keyword = self.words.get(1).filter(|word| word.text.eq_ignore_ascii_case("as"));
        Some(From {
            image: self.words.first()?,
            as_keyword,
            name: as_keyword.and(self.words.get(2)),
            platform: self.flag("platform"),
        })
    }

    pub fn run(&self) -> Option<Run<'_>> {
        if self.keyword != Keyword::Run {
            return None;
        }
        Some(Run {
            mounts: self.flags_named("mount").map(mount::read).collect(),
            network: self.flag("network"),
            security: self.flag("security"),
            devices: self.flags_named("device").collect(),
            command: self.command(),
        })
    }

    /// What RUN, CMD or ENTRYPOINT starts; `Empty` for other keywords.
    pub fn command(&self) -> Command<'_> {
        match self.keyword {
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => command(&self.words, self.form),
            _ => Command::Empty,
        }
    }

    /// COPY or ADD.
    pub fn transfer(&self) -> Option<Transfer<'_>> {
        let kind = match self.keyword {
            Keyword::Copy => TransferKind::Copy,
            Keyword::Add => TransferKind::Add,
            _ => return None,
        };
        let (sources, destination) = match self.words.as_slice() {
            [] => (&[][..], None),
            [only] => (std::slice::from_ref(only), None),
            [sources @ .., destination] => (sources, Some(destination)),
        };
        let mut paths = Vec::new();
        let mut inline = Vec::new();
        for word in sources {
            match self.heredoc_of(word) {
                Some(heredoc) => inline.push((word, heredoc)),
                None => paths.push(word),
            }
        }
        Some(Transfer {
            kind,
            sources: paths,
            inline,
            destination,
            from: self.flag("from"),
            chown: self.flag("chown"),
            chmod: self.flag("chmod"),
            link: self.switch("link").unwrap_or(false),
            parents: self.switch("parents").unwrap_or(false),
            excludes: self.flags_named("exclude").collect(),
            checksum: self.flag("checksum"),
            keep_git_dir: self.switch("keep-git-dir").unwrap_or(false),
            unpack: self.switch("unpack"),
        })
    }

    fn heredoc_of(&self, word: &Word) -> Option<&Heredoc> {
        if self.heredocs.is_empty() || !word.text.contains("<<") {
            return None;
        }
        let opening = heredoc::read_opening(&word.text).ok()??;
        self.heredocs.iter().rfind(|heredoc| heredoc.name == opening.name)
    }

    fn switch(&self, name: &str) -> Option<bool> {
        let flag = self.flag(name)?;
        Some(!flag.text().eq_ignore_ascii_case("false"))
    }

    /// Names and values of ENV or LABEL; empty for other keywords.
    pub fn pairs(&self) -> Vec<Pair<'_>> {
        if !matches!(self.keyword, Keyword::Env | Keyword::Label) {
            return Vec::new();
        }
        self.words.chunks_exact(2).map(|words| pair(&words[0], &words[1])).collect()
    }

    /// Names of ARG; empty for other keywords.
    pub fn declared(&self) -> Vec<Argument> {
        if self.keyword != Keyword::Arg {
            return Vec::new();
        }
        self.words.iter().map(|word| self.argument(word)).collect()
    }

    fn argument(&self, word: &Word) -> Argument {
        let (start, end) = (word.range.0 as usize, word.range.1 as usize);
        let text = &self.logical.text()[start..end];
        let equals = text.iter().position(|&byte| byte == b'=');
        let name_end = equals.map_or(end, |n| start + n);
        let default_start = equals.map_or(end, |n| start + n + 1);
        let (name, default) = match word.text.split_once('=') {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (word.text.clone(), None),
        };
        Argument {
            name,
            default,
            span: word.span,
            name_span: self.logical.span(start..name_end),
            default_span: self.logical.span(default_start..end),
        }
    }

    pub fn healthcheck(&self) -> Option<Healthcheck<'_>> {
        if self.keyword != Keyword::Healthcheck {
            return None;
        }
        let kind = self.words.first()?;
        Some(Healthcheck {
            none: kind.text.eq_ignore_ascii_case("none"),
            command: command(&self.words[1..], self.form),
            interval: self.flag("interval"),
            timeout: self.flag("timeout"),
            start_period: self.flag("start-period"),
            start_interval: self.flag("start-interval"),
            retries: self.flag("retries"),
        })
    }
}

fn pair<'a>(name: &'a Word, value: &'a Word) -> Pair<'a> {
    Pair { name, value, span: Span { start: name.span.start, end: value.span.end } }
}

fn command(words: &[Word], form: Form) -> Command<'_> {
    match (form, words) {
        (Form::Json, words) => Command::Exec(words),
        (_, [word, ..]) => Command::Shell(word),
        (_, []) => Command::Empty,
    }
}
