//! Pieces of Dockerfiles put together by chance, always the same chance.

#[path = "invariants/dockerfile.rs"]
mod invariants;

use invariants::check_dockerfile;

const PIECES: [&str; 68] = [
    "FROM x\n",
    "FROM x AS a\n",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "LABEL ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "CMD ",
    "SHELL ",
    "USER ",
    "WORKDIR ",
    "EXPOSE ",
    "VOLUME ",
    "run",
    "a",
    "b ",
    "/c",
    "a=b",
    "\\\n",
    "\\\r\n",
    "\\ \t\n",
    "`\n",
    "\n",
    "\r\n",
    "# c\n",
    "  # c\n",
    "\n\n",
    "\t",
    " ",
    "\u{a0}",
    "é",
    "\u{feff}",
    "# escape=`\n",
    "# syntax=x\n",
    "#!/bin/sh\n",
    "<<A",
    "<<-'A' ",
    "A\n",
    "\tA\n",
    "A",
    "[\"a\", \"b\"]",
    "[\"\\u00e9\"]",
    "[",
    "\"",
    "'",
    "$a",
    "${a:-b}",
    "${",
    "}",
    "$(",
    ")",
    "(",
    "{",
    "--mount=type=cache,target=/a ",
    "--from=a ",
    "--link ",
    "--",
    "=",
    ",",
    ";",
    " && ",
    "||",
    "|",
    "if ",
    "fi",
];

/// A small generator of numbers that depend on the seed only.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap_or(1)).unwrap_or(0)
    }
}

#[test]
fn files_made_of_pieces_hold_the_invariants() {
    let mut chance = Chance(0x5EED_CAFE);
    for _ in 0..20_000 {
        let mut source = String::new();
        if chance.below(4) > 0 {
            source.push_str("FROM x\n");
        }
        for _ in 0..chance.below(14) {
            source.push_str(PIECES[chance.below(PIECES.len())]);
        }
        let caught = std::panic::catch_unwind(|| check_dockerfile(source.as_bytes()));
        assert!(caught.is_ok(), "broken by {source:?}");
    }
}
