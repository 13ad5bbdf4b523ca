//! Bodies made of random pieces: nothing may panic, and every place must be in the file.

use careen_shell::check;
use careen_syntax::dockerfile::{self, Given};

/// Pieces that open, close and nest things, and pieces that hold characters of several bytes.
const PIECES: [&str; 96] = [
    " ",
    "\n",
    "\t",
    ";",
    "&",
    "&&",
    "||",
    "|",
    "|&",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "((",
    "))",
    "$(",
    "`",
    "${",
    "$((",
    "<(",
    ">(",
    "'",
    "\"",
    "$'",
    "$\"",
    "\\",
    "\\\\",
    "#",
    "!",
    "=",
    "+=",
    "==",
    "=~",
    "<",
    ">",
    "<<",
    "<<-",
    "<<<",
    ">>",
    "2>&1",
    ">&",
    "&>",
    "<<EOF\n",
    "\nEOF\n",
    "EOF",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "while",
    "until",
    "case",
    "esac",
    ";;",
    "function",
    "f()",
    "select",
    "echo",
    "export",
    "local",
    "declare -a",
    "read",
    "test",
    "eval",
    "set -e",
    "sudo",
    "find",
    "xargs",
    "ls",
    "$x",
    "${x}",
    "${x:-",
    "${x//a/b}",
    "${x[@]}",
    "$@",
    "$*",
    "$#",
    "$1",
    "x=1",
    "x=(a b)",
    "*",
    "?",
    "[a-z]",
    "é",
    "\u{1F600}",
    "%s",
    "1",
];

const HEADS: [&str; 6] = [
    "FROM x\nRUN ",
    "FROM x\nSHELL [\"/bin/bash\", \"-ec\"]\nRUN ",
    "FROM x\nENV x=1\nRUN <<E\n",
    "FROM x\nRUN bash <<-\"E\"\n",
    "FROM x\nRUN <<E bash\n",
    "FROM x\nONBUILD RUN ",
];

/// xorshift: the same pieces each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }
}

fn survive(source: &str) {
    let file = dockerfile::parse(source);
    let checked = check(&file, &file.meaning(&Given::default()));
    for mistake in &checked.mistakes {
        let (start, end) = (mistake.span.start as usize, mistake.span.end as usize);
        assert!(source.get(start..end).is_some(), "{source:?}: {mistake:?}");
        for edit in mistake.fix.iter().flat_map(|fix| &fix.edits) {
            let (start, end) = (edit.span.start as usize, edit.span.end as usize);
            assert!(source.get(start..end).is_some(), "{source:?}: {mistake:?}");
        }
    }
}

/// Scripts as people write them.
const SCRIPTS: [&str; 12] = [
    "set -eux; arch=\"$(dpkg --print-architecture)\"; case \"$arch\" in 'amd64') u=a ;; *) echo >&2 \"no: '$arch'\"; exit 1 ;; esac; savedAptMark=\"$(apt-mark showmanual)\"",
    "apt-get update && apt-get install -y --no-install-recommends curl=7.* && rm -rf /var/lib/apt/lists/*",
    "for i in 1 2 3; do git clone --branch v${VERSION} https://h/x && break || sleep 60; done && cd x",
    "if [ \"$A\" == 1 -a -z $B ]; then echo -e \"a\\tb\"; else printf \"$C\\n\"; fi",
    "[[ \"$(uname -m)\" =~ ^x86.*$ ]] && export X=$(cat /a | sed 's/a/b/g') || exit 1",
    "find /usr -depth \\( -type d -a \\( -name test -o -name tests \\) \\) -exec rm -rf '{}' + > /dev/null 2>&1",
    "curl -fsSL https://h/k.gpg | gpg --dearmor > /etc/k && echo \"deb [signed-by=/etc/k] https://h $(lsb_release -cs) main\" | tee /etc/l",
    "f() { local x=${1:-$(pwd)}; echo ${x##*/} ${x//a/b} ${#x} ${x:1:2}; }; f a b >> out 2>> err",
    "while read -r a b; do echo $a $((b + 1)) `date`; done < <(ls | grep x) | xargs -n1 -I{} sh -c '{} $x'",
    "arr=(a b \"$c\"); for x in ${arr[@]}; do sudo echo $x > /f; done; unset arr[0]; eval \"$y\" &",
    "cat <<EOF > /f\n$x \\$y `z`\nEOF\ntrap \"rm $f\" EXIT; cd /a; source ./b; echo $RANDOM",
    "pip install 'a>=1' b[all] c==1.* --extra-index-url=https://u:p@h/${V%.*}/cu$(echo $V | tr -d .)",
];

/// A file of random pieces, or a script with a few random changes.
fn source(chance: &mut Chance) -> String {
    let mut source = HEADS[chance.below(HEADS.len())].to_owned();
    let in_line = !source.contains("<<");
    let mut body = String::new();
    if chance.below(2) == 0 {
        for _ in 0..=chance.below(24) {
            body.push_str(PIECES[chance.below(PIECES.len())]);
            body.push_str([" ", " ", ""][chance.below(3)]);
        }
    } else {
        body.push_str(SCRIPTS[chance.below(SCRIPTS.len())]);
        for _ in 0..=chance.below(6) {
            let places: Vec<usize> = body.char_indices().map(|(at, _)| at).collect();
            let at = places[chance.below(places.len())];
            match chance.below(4) {
                0 => drop(body.remove(at)),
                1 => body.insert_str(at, PIECES[chance.below(PIECES.len())]),
                2 => body.insert_str(at, &body[at..].chars().take(9).collect::<String>()),
                _ => body.truncate(at),
            }
            if body.is_empty() {
                break;
            }
        }
    }
    // In a RUN of one line, a line end would end it.
    source.push_str(&if in_line { body.replace('\n', " \\\n") } else { body });
    source.push_str("\nE\n");
    source
}

#[test]
fn random_bodies_are_survived() {
    // More than these few were run by hand, with other seeds: `CAREEN_SEED`, `CAREEN_COUNT`.
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count = number("CAREEN_COUNT").and_then(|count: u64| usize::try_from(count).ok());
    let mut chance = Chance(number("CAREEN_SEED").unwrap_or(0x5EED));
    for _ in 0..count.unwrap_or(400) {
        survive(&source(&mut chance));
    }
}
