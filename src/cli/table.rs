//! Tables as people read them: columns side by side, numbers to the right.

use super::paint;

/// Draws a table, a line a row. The last column is not padded, so it may be as long as it likes, and
/// painted.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let column = |at: usize| rows.iter().filter_map(move |row| row.get(at));
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            let cells = column(at).map(|cell| cell.chars().count());
            cells.chain([head[at].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let is_number = |cell: &String| {
        cell.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b',')
    };
    let numbers: Vec<bool> = (0..head.len())
        .map(|at| !rows.is_empty() && column(at).all(is_number))
        .collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(at, cell)| {
            let width = widths[at];
            match numbers[at] {
                true => format!("{cell:>width$}"),
                false if at + 1 == cells.len() => cell.clone(),
                false => format!("{cell:width$}"),
            }
        });
        padded.collect::<Vec<_>>().join("  ")
    };
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let mut drawn = format!("{}\n", paint::strong(line(&head)));
    for row in rows {
        drawn.push_str(&line(row));
        drawn.push('\n');
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_one_another() {
        let rows = [
            ["ä", "7", "short"],
            ["long", "1,200", "as long as it likes"],
        ];
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(ToString::to_string).collect())
            .collect();
        let drawn =
            anstream::adapter::strip_str(&table(&["tag", "count", "note"], &rows)).to_string();
        let expected = "tag   count  note\n\
                        ä         7  short\n\
                        long  1,200  as long as it likes\n";
        assert_eq!(drawn, expected);
    }
}
