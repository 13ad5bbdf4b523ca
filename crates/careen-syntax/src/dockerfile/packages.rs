//! Package managers in RUN: which manager, which verb, which options and which packages.

use careen_model::Span;

use super::{
    meaning::Meaning,
    shell::{Script, ShellWord, SimpleCommand, program_name},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// apt-get, apt, aptitude
    Apt,
    Apk,
    /// dnf, dnf5, microdnf
    Dnf,
    Yum,
    Zypper,
    /// pip, pip3, `python -m pip`
    Pip,
    Uv,
    /// conda, mamba, micromamba
    Conda,
    Npm,
    Yarn,
    Pnpm,
    Go,
    Cargo,
    Gem,
    Composer,
}

/// One call of a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageCommand {
    pub manager: Manager,
    /// The program as called: `apt-get`, `pip3`, …
    pub program: String,
    /// What it is told to do: `install`, `pip install`, `mod download`; empty when nothing.
    pub verb: String,
    /// The words of the verb; empty after the program when there are none.
    pub verb_span: Span,
    pub options: Vec<CommandOption>,
    /// What stands after the verb and is no option: packages, files, addresses.
    pub packages: Vec<Package>,
    /// The whole simple command, with assignments, wrappers and redirections.
    pub span: Span,
    /// From the program to the last of its words.
    pub program_span: Span,
    /// Index in [`Script::commands`].
    pub command: usize,
}

/// `--name`, `--name=value`, `-n value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOption {
    /// With its dashes, without the value: `--no-cache-dir`, `-y`.
    pub name: String,
    pub value: Option<String>,
    /// Name and value.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// As it stands, quotes removed.
    pub text: String,
    /// Without version, extras and release.
    pub name: String,
    /// What stands after the name to choose a version, with its operator: `=1.2*`, `>=2`, `@3`.
    pub version: Option<String>,
    pub span: Span,
    /// It holds a variable or a substitution.
    pub dynamic: bool,
}

/// How a manager's words are to be read.
struct Grammar {
    manager: Manager,
    programs: &'static [&'static str],
    /// Options that take the next word as their value, `-t` and `--target-release` alike.
    valued: &'static [&'static str],
    /// First words of a verb of two words.
    groups: &'static [&'static str],
    /// Characters that begin a version.
    version: &'static [char],
}

const NODE_VALUED: &[&str] =
    &["--prefix", "--registry", "-C", "--cwd", "--cache", "--filter", "-w"];
const RPM_VALUED: &[&str] =
    &["-c", "--config", "--enablerepo", "--disablerepo", "--repo", "--setopt", "-x", "--exclude"];

const GRAMMARS: [Grammar; 15] = [
    Grammar {
        manager: Manager::Apt,
        programs: &["apt-get", "apt", "aptitude"],
        valued: &["-t", "--target-release", "--default-release", "-o", "--option", "-c", "-a"],
        groups: &[],
        version: &['=', '/'],
    },
    Grammar {
        manager: Manager::Apk,
        programs: &["apk"],
        valued: &[
            "-t",
            "--virtual",
            "-X",
            "--repository",
            "-p",
            "--root",
            "--arch",
            "--keys-dir",
            "--repositories-file",
            "--cache-dir",
        ],
        groups: &[],
        version: &['=', '<', '>', '~', '@'],
    },
    Grammar {
        manager: Manager::Dnf,
        programs: &["dnf", "dnf5", "microdnf"],
        valued: RPM_VALUED,
        groups: &["module", "group", "config-manager"],
        version: &[],
    },
    Grammar {
        manager: Manager::Yum,
        programs: &["yum"],
        valued: RPM_VALUED,
        groups: &["module", "group"],
        version: &[],
    },
    Grammar {
        manager: Manager::Zypper,
        programs: &["zypper"],
        valued: &["-R", "--root", "-r", "--repo", "-t", "--type", "--from", "-D", "--reposd-dir"],
        groups: &[],
        version: &['=', '<', '>'],
    },
    Grammar {
        manager: Manager::Pip,
        programs: &["pip", "pip2", "pip3"],
        valued: &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-e",
            "--editable",
            "-t",
            "--target",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "--trusted-host",
            "--prefix",
            "--root",
            "--cache-dir",
            "--timeout",
            "--retries",
            "--platform",
            "--python-version",
            "--implementation",
            "--abi",
            "--only-binary",
            "--no-binary",
            "--global-option",
            "--install-option",
            "--proxy",
            "--cert",
            "--progress-bar",
            "--config-settings",
            "--src",
            "-d",
            "--dest",
            "-w",
            "--wheel-dir",
            "--python",
        ],
        groups: &["cache", "config"],
        version: &['=', '<', '>', '~', '!', '[', '@', ';'],
    },
    Grammar {
        manager: Manager::Uv,
        programs: &["uv"],
        valued: &[
            "-r",
            "--requirement",
            "--requirements",
            "-c",
            "--constraint",
            "--constraints",
            "-e",
            "--editable",
            "--target",
            "--prefix",
            "-p",
            "--python",
            "-i",
            "--index-url",
            "--extra-index-url",
            "--index",
            "--default-index",
            "-f",
            "--find-links",
            "--cache-dir",
            "--group",
            "--only-group",
            "--no-group",
            "--extra",
            "--no-extra",
            "--package",
            "--project",
            "--directory",
            "--link-mode",
            "--index-strategy",
            "--no-install-package",
            "--only-binary",
            "--no-binary",
            "--torch-backend",
            "--from",
            "--with",
            "-P",
            "--upgrade-package",
            "--config-file",
        ],
        groups: &["pip", "tool", "python", "cache", "self"],
        version: &['=', '<', '>', '~', '!', '[', '@', ';'],
    },
    Grammar {
        manager: Manager::Conda,
        programs: &["conda", "mamba", "micromamba"],
        valued: &[
            "-n",
            "--name",
            "-p",
            "--prefix",
            "-c",
            "--channel",
            "-f",
            "--file",
            "--solver",
            "--override-channels-file",
            "-r",
            "--root-prefix",
            "--set",
            "--append",
        ],
        groups: &["env", "config"],
        version: &['=', '<', '>', '!'],
    },
    Grammar {
        manager: Manager::Npm,
        programs: &["npm"],
        valued: NODE_VALUED,
        groups: &["cache", "config"],
        version: &['@'],
    },
    Grammar {
        manager: Manager::Yarn,
        programs: &["yarn", "yarnpkg"],
        valued: &["--cwd", "--registry", "--cache-folder", "--network-timeout", "--mutex"],
        groups: &["cache", "global", "config", "workspace", "workspaces"],
        version: &['@'],
    },
    Grammar {
        manager: Manager::Pnpm,
        programs: &["pnpm"],
        valued: &["-C", "--dir", "--filter", "-F", "--store-dir", "--registry"],
        groups: &["store", "config"],
        version: &['@'],
    },
    Grammar {
        manager: Manager::Go,
        programs: &["go"],
        valued: &["-o", "-C", "-ldflags", "-tags", "-gcflags", "-mod", "-p", "-asmflags"],
        groups: &["mod", "work", "env"],
        version: &['@'],
    },
    Grammar {
        manager: Manager::Cargo,
        programs: &["cargo"],
        valued: &[
            "--version",
            "--vers",
            "--git",
            "--branch",
            "--tag",
            "--rev",
            "--path",
            "--root",
            "--features",
            "-F",
            "--target",
            "--target-dir",
            "--profile",
            "--manifest-path",
            "-p",
            "--package",
            "--bin",
            "-j",
            "--jobs",
            "--config",
            "--example",
            "--index",
            "--registry",
            "--exclude",
        ],
        groups: &[],
        version: &['@'],
    },
    Grammar {
        manager: Manager::Gem,
        programs: &["gem"],
        valued: &["-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source"],
        groups: &[],
        version: &[':'],
    },
    Grammar {
        manager: Manager::Composer,
        programs: &["composer", "composer.phar"],
        valued: &["-d", "--working-dir", "--repository"],
        groups: &["global"],
        version: &[':', '='],
    },
];

/// Programs that start another one, with the options of theirs that take a value.
const WRAPPERS: [(&str, &[&str]); 10] = [
    ("sudo", &["-u", "-g", "-C", "-h", "-p", "-U"]),
    ("env", &["-u", "-C", "-S"]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("eatmydata", &[]),
    ("timeout", &["-k", "-s"]),
    ("corepack", &[]),
];

impl Manager {
    /// The usual name of its program.
    pub fn as_str(self) -> &'static str {
        let found = GRAMMARS.iter().find(|grammar| grammar.manager == self);
        found.map_or("", |grammar| grammar.programs[0])
    }
}

impl PackageCommand {
    /// The first option with one of these names.
    pub fn option(&self, names: &[&str]) -> Option<&CommandOption> {
        self.options.iter().find(|option| names.contains(&option.name.as_str()))
    }

    /// All options with one of these names.
    pub fn options_named<'a>(
        &'a self,
        names: &'a [&'a str],
    ) -> impl Iterator<Item = &'a CommandOption> {
        self.options.iter().filter(move |option| names.contains(&option.name.as_str()))
    }

    /// One of these letters is given as a short option, alone or among others (`-qy`).
    pub fn has_short(&self, letter: char) -> bool {
        self.options.iter().any(|option| {
            option.name.starts_with('-')
                && !option.name.starts_with("--")
                && option.name.contains(letter)
        })
    }
}

impl Meaning<'_> {
    /// The package manager calls of the RUN at `item`.
    pub fn packages_at(&self, item: usize) -> Vec<PackageCommand> {
        read(&self.script_at(item))
    }
}

/// The package manager calls of a script, in order.
pub fn read(script: &Script) -> Vec<PackageCommand> {
    let commands = script.commands.iter().enumerate();
    commands.filter_map(|(index, command)| read_command(index, command)).collect()
}

fn read_command(index: usize, command: &SimpleCommand) -> Option<PackageCommand> {
    let words = unwrapped(&command.words);
    let first = words.first()?;
    let (grammar, words) = grammar_of(words)?;
    let last = words.last().map_or(first.span, |word| word.span);
    let mut found = PackageCommand {
        manager: grammar.manager,
        program: first.text.clone(),
        verb: String::new(),
        verb_span: Span { start: first.span.end, end: first.span.end },
        options: Vec::new(),
        packages: Vec::new(),
        span: command.span,
        program_span: Span { start: first.span.start, end: last.end },
        command: index,
    };
    fill(&mut found, grammar, words);
    Some(found)
}

/// The words from the program on, without `sudo` and the like.
fn unwrapped(words: &[ShellWord]) -> &[ShellWord] {
    let mut words = words;
    loop {
        let Some(first) = words.first() else { return words };
        let name = program_name(&first.text);
        let Some((_, valued)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) else {
            return words;
        };
        let mut skip = 1;
        while let Some(word) = words.get(skip) {
            let text = word.text.as_str();
            let duration = name == "timeout" && text.starts_with(|c: char| c.is_ascii_digit());
            let assignment = text.contains('=') && !text.starts_with(['-', '/']);
            if valued.contains(&text) {
                skip += 2;
            } else if text.starts_with('-') || assignment || duration {
                skip += 1;
            } else {
                break;
            }
        }
        words = words.get(skip..).unwrap_or(&[]);
    }
}

/// The grammar for a program and the words after it (after `-m pip` for Python).
fn grammar_of(words: &[ShellWord]) -> Option<(&'static Grammar, &[ShellWord])> {
    let name = program_name(&words.first()?.text);
    let of = |manager: Manager| GRAMMARS.iter().find(|grammar| grammar.manager == manager);
    let versioned = |base: &str| {
        let rest = name.strip_prefix(base);
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    if versioned("pip") {
        return Some((of(Manager::Pip)?, &words[1..]));
    }
    if versioned("python") || name == "pypy3" {
        let module = words.iter().position(|word| word.text == "-m")?;
        let manager = match words.get(module + 1)?.text.as_str() {
            "pip" => Manager::Pip,
            "uv" => Manager::Uv,
            _ => return None,
        };
        let only_flags = words[1..module].iter().all(|word| word.text.starts_with('-'));
        return only_flags.then_some((of(manager)?, &words[module + 2..]));
    }
    if name == "php" && words.get(1).is_some_and(|word| word.text.ends_with("composer.phar")) {
        return Some((of(Manager::Composer)?, &words[2..]));
    }
    let found = GRAMMARS.iter().find(|grammar| grammar.programs.contains(&name.as_str()))?;
    Some((found, &words[1..]))
}

fn fill(found: &mut PackageCommand, grammar: &Grammar, words: &[ShellWord]) {
    let mut verbs: Vec<&ShellWord> = Vec::new();
    let mut wanted = 1;
    let mut only_words = false;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if !only_words && text == "--" {
            only_words = true;
        } else if !only_words && text.starts_with('-') && text.len() > 1 {
            found.options.push(option(word, grammar, &mut rest));
        } else if verbs.len() < wanted && !word.dynamic {
            // cargo +nightly build: the toolchain is no verb.
            if grammar.manager == Manager::Cargo && text.starts_with('+') {
                continue;
            }
            if verbs.is_empty() && grammar.groups.contains(&text) {
                wanted = 2;
            }
            verbs.push(word);
        } else {
            found.packages.push(package(word, grammar));
        }
    }
    if let (Some(first), Some(last)) = (verbs.first(), verbs.last()) {
        found.verb_span = Span { start: first.span.start, end: last.span.end };
        let texts: Vec<&str> = verbs.iter().map(|word| word.text.as_str()).collect();
        found.verb = texts.join(" ");
    }
}

fn option(
    word: &ShellWord,
    grammar: &Grammar,
    rest: &mut std::slice::Iter<'_, ShellWord>,
) -> CommandOption {
    let text = word.text.as_str();
    if let Some((name, value)) = text.split_once('=') {
        let value = Some(value.to_owned());
        return CommandOption { name: name.to_owned(), value, span: word.span };
    }
    let joined = grammar.valued.iter().find(|name| {
        name.len() == 2 && !name.starts_with("--") && text.len() > 2 && text.starts_with(**name)
    });
    if let Some(name) = joined
        && takes_joined_value(grammar.manager)
    {
        let value = Some(text[2..].to_owned());
        return CommandOption { name: (*name).to_owned(), value, span: word.span };
    }
    if grammar.valued.contains(&text)
        && let Some(value) = rest.next()
    {
        let span = Span { start: word.span.start, end: value.span.end };
        return CommandOption { name: text.to_owned(), value: Some(value.text.clone()), span };
    }
    CommandOption { name: text.to_owned(), value: None, span: word.span }
}

/// `-rfile` and `-tname`: short options of these managers take their value without a space.
fn takes_joined_value(manager: Manager) -> bool {
    matches!(manager, Manager::Pip | Manager::Uv | Manager::Conda | Manager::Apk)
}

fn package(word: &ShellWord, grammar: &Grammar) -> Package {
    let text = &word.text;
    let is_path = text.starts_with(['.', '/', '$']) || text.contains("://");
    // The first character may be the scope of a Node package.
    let skip = text.chars().next().map_or(0, char::len_utf8);
    let cut = if is_path { None } else { text[skip..].find(grammar.version) };
    let (name, version) = match cut {
        Some(at) => (&text[..at + skip], Some(text[at + skip..].to_owned())),
        None => (text.as_str(), None),
    };
    Package {
        name: name.trim_end().to_owned(),
        version: version.and_then(without_extras),
        text: text.clone(),
        span: word.span,
        dynamic: word.dynamic,
    }
}

/// `[extra]>=2; marker` is `>=2`; nothing left is no version.
fn without_extras(text: String) -> Option<String> {
    let text = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(_, after)| after).to_owned(),
        None => text,
    };
    let text = text.split(';').next().unwrap_or("").trim();
    (!text.is_empty()).then(|| text.to_owned())
}
