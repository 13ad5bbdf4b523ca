//! Pieces of bytes as lines, whatever their size.

/// A longer line comes in several pieces, unless it is JSON.
const LONGEST: usize = 64 << 10;

/// Names and errors that wrapped lines go on with do not grow beyond this.
pub(super) const LONGEST_NAME: usize = 64 << 10;

/// JSON is of no use in pieces: the history of a whole build may be one line.
const LONGEST_JSON: usize = 64 << 20;

/// Cuts bytes at line ends; keeps what has not ended.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Vec<u8>,
    /// A piece of the line that is open was handed out.
    is_rest: bool,
}

/// One line without its end, or a part of a very long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) is_rest: bool,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if self.open.is_empty() {
                hand_out(line, std::mem::take(&mut self.is_rest), each);
                continue;
            }
            self.open.extend_from_slice(line);
            self.release(each);
            self.is_rest = false;
        }
        self.open.extend_from_slice(rest);
        let most = if self.open.first() == Some(&b'{') { LONGEST_JSON } else { LONGEST };
        if self.open.len() > most {
            self.release(each);
            self.is_rest = true;
        }
    }

    pub(super) fn finish(&mut self, each: &mut dyn FnMut(Piece<'_>)) {
        if !self.open.is_empty() {
            self.release(each);
        }
    }

    fn release(&mut self, each: &mut dyn FnMut(Piece<'_>)) {
        let line = std::mem::take(&mut self.open);
        hand_out(&line, self.is_rest, each);
        if line.capacity() <= LONGEST {
            // Kept for the next line.
            self.open = line;
            self.open.clear();
        }
    }
}

fn hand_out(line: &[u8], is_rest: bool, each: &mut dyn FnMut(Piece<'_>)) {
    let mut bytes = line;
    while let [head @ .., b'\r'] = bytes {
        bytes = head;
    }
    each(Piece { bytes, is_rest });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        let mut each = |piece: Piece<'_>| {
            out.push((String::from_utf8_lossy(piece.bytes).into_owned(), piece.is_rest));
        };
        for piece in pieces {
            lines.push(piece, &mut each);
        }
        lines.finish(&mut each);
        out
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let expected = ["a", "", "bc", "d"].map(|line| (line.to_owned(), false));
        assert_eq!(all(&[b"a\r\n\nbc\r\r\nd"]), expected);
        assert_eq!(all(&[b"a", b"\r", b"\n\n", b"b", b"c\n", b"d"]), expected);
        assert_eq!(all(&[b""]), []);
    }

    #[test]
    fn an_endless_line_comes_in_pieces() {
        let piece = vec![b'x'; LONGEST];
        let out = all(&[&piece, &piece, b"y\nz\n"]);
        assert_eq!(out.len(), 3);
        assert_eq!((out[0].0.len(), out[0].1), (2 * LONGEST, false));
        assert_eq!(out[1..], [("y".to_owned(), true), ("z".to_owned(), false)]);
    }
}
