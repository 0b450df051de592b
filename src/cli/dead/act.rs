//! `tagwerk dead retry` and `discard`: page by page, so that a progress bar moves and no call takes
//! long.

use serde_json::Value;

use super::list::total;
use super::which::{Kind, Target, Which};
use crate::cli::confirm::confirm;
use crate::cli::numbers::counted;
use crate::cli::progress::Progress;
use crate::cli::remote::{PAGE, Remote};
use crate::cli::{Exit, paint};

pub(super) async fn retry(remote: &Remote, which: &Which, as_sent: bool) -> Result<(), Exit> {
    let mut targets = which.targets()?;
    if as_sent {
        targets.retain(|target| target.kind == Kind::Delivery);
        if targets.is_empty() {
            return Err(Exit::usage(
                "a failed request was never sent; retry it without `--as-sent`",
            ));
        }
    }
    let (mut found, mut unfinished) = (0, 0);
    for target in &mut targets {
        if as_sent {
            target.body["as_sent"] = true.into();
        }
        let done = act(remote, which, target, "retry").await?;
        if done.found == 0 && target.named.is_none() {
            continue;
        }
        found += done.found;
        unfinished += done.dead + done.left + missing(target, done.found);
        report(target.kind, &done);
    }
    if found == 0 && unfinished == 0 {
        anstream::println!("no dead letters match");
    }
    match unfinished {
        0 => Ok(()),
        _ => Err(Exit::bad(
            "not all of it is on its way; `tagwerk dead list` shows what is left",
        )),
    }
}

pub(super) async fn discard(remote: &Remote, which: &Which, yes: bool) -> Result<(), Exit> {
    let targets = which.targets()?;
    let mut meant = Vec::new();
    for target in &targets {
        match how_many(remote, which, target).await? {
            0 => {}
            number => meant.push(words(target.kind, number)),
        }
    }
    if meant.is_empty() {
        anstream::println!("no dead letters match");
        return Ok(());
    }
    confirm(&format!("discard {} for good?", meant.join(" and ")), yes)?;
    let mut unknown = 0;
    for target in &targets {
        let done = act(remote, which, target, "discard").await?;
        if done.discarded > 0 {
            anstream::println!("discarded {}", words(target.kind, done.discarded));
        }
        unknown += missing(target, done.discarded);
    }
    match unknown {
        0 => Ok(()),
        _ => Err(Exit::bad("some ids are not among the dead letters")),
    }
}

/// What pages of one kind came to.
#[derive(Default)]
struct Done {
    found: u64,
    to_send: u64,
    dead: u64,
    skipped: u64,
    left: u64,
    repaired: u64,
    events: u64,
    discarded: u64,
    reasons: Vec<(String, u64)>,
}

impl Done {
    fn add(&mut self, answer: &Value) {
        for (sum, key) in [
            (&mut self.found, "found"),
            (&mut self.to_send, "to_send"),
            (&mut self.dead, "dead"),
            (&mut self.skipped, "skipped"),
            (&mut self.left, "left"),
            (&mut self.repaired, "repaired"),
            (&mut self.events, "events"),
            (&mut self.discarded, "discarded"),
        ] {
            *sum += answer[key].as_u64().unwrap_or(0);
        }
        for reason in answer["reasons"].as_array().into_iter().flatten() {
            let why = reason["why"].as_str().unwrap_or_default();
            let number = reason["count"].as_u64().unwrap_or(0);
            match self.reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, known)) => *known += number,
                None => self.reasons.push((why.to_owned(), number)),
            }
        }
    }
}

async fn act(remote: &Remote, which: &Which, target: &Target, verb: &str) -> Result<Done, Exit> {
    let total = how_many(remote, which, target).await?;
    if total == 0 {
        return Ok(Done::default());
    }
    let path = format!("{}/{verb}", target.kind.path());
    let progress = Progress::new(total, target.kind.words().1);
    let mut body = target.body.clone();
    body["limit"] = PAGE.into();
    let mut done = Done::default();
    loop {
        let answer = remote.work(&path, &body).await?;
        let before = done.found + done.discarded;
        done.add(&answer);
        progress.advance(done.found + done.discarded - before);
        match answer["next"].as_u64() {
            Some(next) => body["after"] = next.into(),
            None => return Ok(done),
        }
    }
}

async fn how_many(remote: &Remote, which: &Which, target: &Target) -> Result<u64, Exit> {
    if let Some(named) = target.named {
        return Ok(named);
    }
    let filters = which.filters().targets()?;
    let filter = filters.into_iter().find(|(kind, _)| *kind == target.kind);
    let filter = filter.map(|(_, filter)| filter).unwrap_or_default();
    total(remote, target.kind, &filter).await
}

/// Of those that were named, how many were not there.
fn missing(target: &Target, found: u64) -> u64 {
    target.named.unwrap_or(found).saturating_sub(found)
}

fn words(kind: Kind, number: u64) -> String {
    let (one, many) = kind.words();
    counted(number, one, many)
}

fn report(kind: Kind, done: &Done) {
    let events = counted(done.events, "event", "events");
    let parts = match kind {
        Kind::Delivery => vec![
            (done.to_send, format!("{} will be sent", done.to_send)),
            (done.dead, format!("{} dead again", done.dead)),
            (
                done.skipped,
                format!("{} skipped: nothing is made of it any more", done.skipped),
            ),
            (done.left, format!("{} left as it is", done.left)),
        ],
        Kind::Request => vec![
            (
                done.repaired,
                format!("{} taken, which made {events}", done.repaired),
            ),
            (done.left, format!("{} left as it is", done.left)),
        ],
    };
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(_, part)| part).collect();
    let mark = match done.dead + done.left {
        0 => paint::good("retried"),
        _ => paint::odd("retried"),
    };
    let what = match parts.is_empty() {
        true => "nothing changed".to_owned(),
        false => parts.join(", "),
    };
    anstream::println!("{mark} {}: {what}", words(kind, done.found));
    for (why, number) in &done.reasons {
        let why = why.replace('\n', "\n     ");
        anstream::println!("  {} {why}", paint::bad(format!("{number} ×")));
    }
}
