//! The names of ShellCheck's numbers, made while compiling.

use crate::Code;

/// Numbers have four digits.
const COUNT: usize = 10_000;

static NAMES: [[u8; 6]; COUNT] = names();

#[expect(clippy::large_stack_arrays, reason = "it runs while compiling")]
const fn names() -> [[u8; 6]; COUNT] {
    let mut all = [*b"SC0000"; COUNT];
    let mut n = 0;
    while n < COUNT {
        let mut rest = n;
        let mut at = 6;
        while at > 2 {
            at -= 1;
            all[n][at] = b"0123456789"[rest % 10];
            rest /= 10;
        }
        n += 1;
    }
    all
}

impl Code {
    /// As ShellCheck writes it: `SC2086`.
    pub fn name(self) -> &'static str {
        let name = NAMES.get(usize::from(self.0)).expect("a number has four digits");
        std::str::from_utf8(name).expect("letters and digits are ASCII")
    }

    /// The number of that name, in upper or lower case; ShellCheck need not have it.
    pub fn named(name: &str) -> Option<Code> {
        let (letters, digits) = name.split_at_checked(2)?;
        let is_it = letters.eq_ignore_ascii_case("SC")
            && digits.len() == 4
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_it { digits.parse().ok().map(Code) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_there_and_back() {
        for (n, name) in [(2086, "SC2086"), (1000, "SC1000"), (3999, "SC3999"), (7, "SC0007")] {
            assert_eq!(Code(n).name(), name);
            assert_eq!(Code::named(name), Some(Code(n)));
        }
        assert_eq!(Code::named("sc2154"), Some(Code(2154)));
        for other in ["", "SC", "SC208", "SC20866", "SC+208", "DL3008", "S\u{e9}2086"] {
            assert_eq!(Code::named(other), None, "{other}");
        }
    }
}
