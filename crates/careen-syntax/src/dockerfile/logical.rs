//! One instruction as BuildKit sees it: continued lines joined, each byte knowing its source place.

use std::ops::Range;

use careen_model::Span;

/// The joined text of one instruction and where each part of it came from.
///
/// Invariant: `pieces` is sorted by `at`, its first `at` is 0, and no piece is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logical {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// Offset in `text`.
    at: u32,
    /// Offset of the same byte in the source.
    source: u32,
}

impl Logical {
    pub(super) fn push(&mut self, source: &[u8], range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.pieces.push(Piece { at: offset(self.text.len()), source: offset(range.start) });
        self.text.extend_from_slice(&source[range]);
    }

    /// The joined text, without line ends, continuation characters and comments inside.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The source bytes from the first to the last byte of `range` of the joined text, grown to
    /// whole characters.
    ///
    /// An empty range gives the empty span right after the byte before it.
    pub fn span(&self, range: Range<usize>) -> Span {
        if range.is_empty() {
            let place = match range.start {
                0 => self.source_of(0),
                n => self.source_of(n - 1) + 1,
            };
            return Span { start: place, end: place };
        }
        // BuildKit ends flags at bytes, even inside a character; a span never does.
        let inside = |at: usize| matches!(self.text.get(at), Some(0x80..=0xBF));
        let start = (0..=3).find(|&n| n >= range.start || !inside(range.start - n)).unwrap_or(0);
        let end = (0..=3).find(|&n| !inside(range.end + n)).unwrap_or(0);
        Span {
            start: self.source_of(range.start - start),
            end: self.source_of(range.end + end - 1) + 1,
        }
    }

    pub(super) fn source_of(&self, at: usize) -> u32 {
        let at = offset(at);
        let after = self.pieces.partition_point(|piece| piece.at <= at);
        match after.checked_sub(1) {
            Some(i) => self.pieces[i].source + (at - self.pieces[i].at),
            None => 0,
        }
    }
}

/// Spans are 32 bit: a Dockerfile over 4 GiB keeps its text but not its exact places.
pub(super) fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
