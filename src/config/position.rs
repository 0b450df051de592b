//! From byte offsets, which the TOML parser gives, to lines and columns, which people read.

/// A place in a text file; both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Where the lines of a text begin, found once so that each look-up is a binary search.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// The place of the byte at `offset`; an offset past the end counts as the end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Position {
            line,
            column: before.chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Position};

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let lines = Lines::new("a = 1\nä = 2\n");
        for (offset, line, column) in [(0, 1, 1), (5, 1, 6), (6, 2, 1), (8, 2, 2), (999, 3, 1)] {
            let expected = Position { line, column };
            assert_eq!(lines.position(offset), expected, "offset {offset}");
        }
    }
}
