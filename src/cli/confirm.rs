//! Asking before something that cannot be taken back. Where nobody can answer, it must be said
//! beforehand.

use std::io::{self, BufRead, IsTerminal};

use super::Exit;

/// Goes on if a person says so, or said so with `--yes`.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Exit> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Exit::usage(format!(
            "{question}\n  hint: nobody can be asked here; add `--yes`"
        )));
    }
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Exit::bad("nothing was done")),
    }
}
