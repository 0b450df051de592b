//! `tagwerk dead list`.

use std::io::{self, IsTerminal};

use serde_json::Value;

use super::which::{Filters, Kind};
use crate::cli::numbers::counted;
use crate::cli::remote::Remote;
use crate::cli::table::table;
use crate::cli::{Exit, paint};
use crate::clock::utc_text;

/// Dead letters of one call when all of them are wanted.
const PAGE: u64 = 1_000;

/// How much of a note is shown on a terminal: the rest of the line is full of ids.
const NOTE_CHARACTERS: usize = 60;

const HEAD: [&str; 7] = ["kind", "id", "UTC", "of", "class", "tries", "note"];

/// Prints a table of the oldest of each kind.
pub(super) async fn print(remote: &Remote, filters: &Filters, limit: u64) -> Result<(), Exit> {
    let short = io::stdout().is_terminal();
    let (mut rows, mut totals, mut more) = (Vec::new(), Vec::new(), false);
    for (kind, filter) in filters.targets()? {
        let answer = page(remote, kind, &filter, 0, limit).await?;
        let listed = answer[kind.key()].as_array();
        let listed = listed.into_iter().flatten();
        rows.extend(listed.map(|letter| row(kind, letter, short)));
        let (one, many) = kind.words();
        totals.push(counted(answer["total"].as_u64().unwrap_or(0), one, many));
        more |= !answer["next"].is_null();
    }
    if rows.is_empty() {
        anstream::println!("{} no dead letters", paint::good("good:"));
        return Ok(());
    }
    anstream::print!("{}", table(&HEAD, &rows));
    let shown = if more {
        format!("; the oldest {limit} of each kind are shown, `--json` prints all")
    } else {
        String::new()
    };
    anstream::println!("\n{}{shown}", totals.join(", "));
    Ok(())
}

/// Prints all of them, one a line.
pub(super) async fn print_json(remote: &Remote, filters: &Filters) -> Result<(), Exit> {
    for (kind, filter) in filters.targets()? {
        let mut after = 0;
        loop {
            let mut answer = page(remote, kind, &filter, after, PAGE).await?;
            let listed = answer[kind.key()].as_array_mut().map(std::mem::take);
            for mut letter in listed.unwrap_or_default() {
                let (name, key) = names(kind);
                letter["id"] = letter[key].clone();
                letter["kind"] = name.into();
                anstream::println!("{letter}");
            }
            match answer["next"].as_u64() {
                Some(next) => after = next,
                None => break,
            }
        }
    }
    Ok(())
}

/// How many of a kind there are.
pub(super) async fn total(
    remote: &Remote,
    kind: Kind,
    filter: &[(&'static str, String)],
) -> Result<u64, Exit> {
    let answer = page(remote, kind, filter, 0, 0).await?;
    Ok(answer["total"].as_u64().unwrap_or(0))
}

async fn page(
    remote: &Remote,
    kind: Kind,
    filter: &[(&'static str, String)],
    after: u64,
    limit: u64,
) -> Result<Value, Exit> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if kind == Kind::Delivery {
        query.append_pair("state", "dead");
    }
    query.extend_pairs(filter);
    query.append_pair("after", &after.to_string());
    query.append_pair("limit", &limit.to_string());
    remote
        .get(&format!("{}?{}", kind.path(), query.finish()))
        .await
}

/// The kind's name, and the key of its ids.
fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Delivery => ("delivery", "delivery_id"),
        Kind::Request => ("request", "request_id"),
    }
}

fn row(kind: Kind, letter: &Value, short: bool) -> Vec<String> {
    let text = |key: &str| letter[key].as_str().unwrap_or_default();
    let time = |key: &str| utc_text(letter[key].as_i64().unwrap_or_default());
    let (name, id) = names(kind);
    let (at, of, class, tries, note) = match kind {
        Kind::Delivery => (
            time("due"),
            format!("{} → {}", text("tag"), text("destination")),
            text("class"),
            letter["attempts"].to_string(),
            text("note"),
        ),
        Kind::Request => (
            time("received_at"),
            text("client").to_owned(),
            "client",
            "–".to_owned(),
            text("fault"),
        ),
    };
    vec![
        name.to_owned(),
        text(id).to_owned(),
        at,
        of,
        class.to_owned(),
        tries,
        one_line(note, short),
    ]
}

fn one_line(note: &str, short: bool) -> String {
    let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
    match note.char_indices().nth(NOTE_CHARACTERS) {
        Some((end, _)) if short => format!("{}…", note.get(..end).unwrap_or_default()),
        _ => note,
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_note_is_one_line() {
        assert_eq!(one_line("a\n  hint: b", true), "a hint: b");
        let long = "ä".repeat(100);
        assert_eq!(one_line(&long, true).chars().count(), 61);
        assert_eq!(one_line(&long, false), long);
    }
}
