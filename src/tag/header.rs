//! Reads a tag's header constants; every mistake at once.

use std::sync::OnceLock;

use regex::Regex;

use super::constants::CONSTANTS;
use super::{PreviewMode, Tag};
use crate::clock::Millis;
use crate::config::suggest;
use crate::script::api::time;
use crate::script::{Fault, Header, Script};
use crate::trigger::{CONSENT_KINDS, Condition, Trigger, parse_conditions, regex_mistake};

/// What a tag listens to.
#[derive(Clone, Debug)]
pub enum On {
    /// One event name.
    Name(String),
    /// Event names that match.
    Pattern(Regex),
    /// Every event.
    Any,
}

/// The longest delay: a delivery that waits longer than retries take is a plan, not a delay.
const MAX_DELAY_DAYS: u64 = 30;

/// Shorter than one attempt may take is a slip.
const LEAST_MAX_AGE: std::time::Duration = std::time::Duration::from_secs(1);

/// Makes a tag of a compiled script.
pub fn load(script: Script) -> Result<Tag, Vec<Fault>> {
    let mut header = Header::of(&script, CONSTANTS);
    let on = read_on(&mut header);
    let to = required(&mut header, "TO", "const TO = \"amplitude\";");
    let trigger = read_trigger(&mut header);
    let priority = header.integer("PRIORITY").unwrap_or(0);
    let enabled = header.flag("ENABLED").unwrap_or(true);
    let delay = read_delay(&mut header);
    let max_age = read_max_age(&mut header);
    let preview = read_preview(&mut header);
    let mut faults = header.finish();
    faults.extend(check_functions(&script));
    faults.extend(check_trigger(&script, &on, &trigger));
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Tag {
        name: script.name.as_str().into(),
        on,
        to: to.as_str().into(),
        trigger,
        priority,
        enabled,
        delay,
        max_age,
        preview,
        has_when: script.has_function("when", 1),
        transforms: Vec::new(),
        script,
        meter: OnceLock::new(),
    })
}

fn required(header: &mut Header<'_>, name: &'static str, example: &str) -> String {
    let text = header.text(name);
    if text.is_none() && !header.has(name) {
        header.missing(name, example);
    }
    text.unwrap_or_default()
}

fn read_on(header: &mut Header<'_>) -> Vec<On> {
    let Some(names) = header.texts("ON") else {
        if !header.has("ON") {
            header.missing("ON", "const ON = \"purchase\";");
        }
        return Vec::new();
    };
    if names.is_empty() {
        header.wrong("ON", "no event name, so the tag can never fire", None);
    }
    names
        .iter()
        .filter_map(|name| read_name(header, name))
        .collect()
}

fn read_name(header: &mut Header<'_>, name: &str) -> Option<On> {
    if name == "*" {
        return Some(On::Any);
    }
    let pattern = name
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else {
        if name.is_empty() {
            header.wrong("ON", "an event name is empty", None);
        }
        return Some(On::Name(name.to_owned()));
    };
    match Regex::new(pattern) {
        Ok(pattern) => Some(On::Pattern(pattern)),
        Err(error) => {
            let why = regex_mistake(&error);
            header.wrong(
                "ON",
                format!("{name} is not a regular expression: {why}"),
                None,
            );
            None
        }
    }
}

fn read_trigger(header: &mut Header<'_>) -> Trigger {
    Trigger {
        when: read_conditions(header, "WHEN"),
        except: read_conditions(header, "EXCEPT"),
        consent: read_consent(header),
        from: read_time(header, "FROM"),
        until: read_time(header, "UNTIL"),
    }
}

/// Kinds of a shop's own are fine; one that is nearly Google's is a slip that would block forever.
fn read_consent(header: &mut Header<'_>) -> Vec<String> {
    let kinds = header.texts("CONSENT").unwrap_or_default();
    for kind in kinds
        .iter()
        .filter(|kind| !CONSENT_KINDS.contains(&kind.as_str()))
    {
        if let Some(hint) = suggest(kind, CONSENT_KINDS) {
            header.wrong("CONSENT", format!("there is no \"{kind}\""), Some(hint));
        }
    }
    kinds
}

fn read_conditions(header: &mut Header<'_>, name: &'static str) -> Vec<Condition> {
    let Some(map) = header.map(name) else {
        return Vec::new();
    };
    match parse_conditions(&map) {
        Ok(conditions) => conditions,
        Err(mistakes) => {
            for (message, hint) in mistakes {
                header.wrong(name, message, hint);
            }
            Vec::new()
        }
    }
}

fn read_time(header: &mut Header<'_>, name: &'static str) -> Option<Millis> {
    let text = header.text(name)?;
    let time = time::read(&text);
    if time.is_none() {
        let hint = "write \"2026-12-01\" or \"2026-12-01T08:00:00+01:00\"";
        header.wrong(
            name,
            format!("\"{text}\" is not a time"),
            Some(hint.to_owned()),
        );
    }
    time
}

fn read_delay(header: &mut Header<'_>) -> std::time::Duration {
    let delay = header.duration("DELAY").unwrap_or_default();
    if delay.as_secs() > MAX_DELAY_DAYS * 24 * 60 * 60 {
        header.wrong("DELAY", format!("at most {MAX_DELAY_DAYS} days"), None);
    }
    delay
}

fn read_max_age(header: &mut Header<'_>) -> Option<std::time::Duration> {
    let age = header.duration("MAX_AGE")?;
    if age < LEAST_MAX_AGE {
        let least = LEAST_MAX_AGE.as_secs();
        let hint = "leave it out to send a delivery however old it is";
        let message = format!("at least {least}s, or nothing would ever be sent");
        header.wrong("MAX_AGE", message, Some(hint.to_owned()));
    }
    Some(age)
}

fn read_preview(header: &mut Header<'_>) -> PreviewMode {
    match header.text("PREVIEW").as_deref() {
        None | Some("send") => PreviewMode::Send,
        Some("dry_run") => PreviewMode::DryRun,
        Some("skip") => PreviewMode::Skip,
        Some(other) => {
            let hint = suggest(other, ["dry_run", "send", "skip"]);
            header.wrong(
                "PREVIEW",
                format!("\"{other}\" is none of \"dry_run\", \"send\", \"skip\""),
                hint,
            );
            PreviewMode::Send
        }
    }
}

/// A trigger that no event can pass.
fn check_trigger(script: &Script, on: &[On], trigger: &Trigger) -> Option<Fault> {
    let names = on.iter().map(|on| match on {
        On::Name(name) => Some(name.as_str()),
        On::Pattern(_) | On::Any => None,
    });
    let names: Option<Vec<&str>> = names.collect();
    let never = trigger.never(names.as_deref())?;
    let fault = script.fault_in(never.constant, &never.why);
    Some(fault.with_hint(never.hint).of_kind("never-fires"))
}

fn check_functions(script: &Script) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !script.has_function("tag", 1) {
        let message = match script.parameters_of("tag").first() {
            Some(count) => format!("fn tag must take one parameter, the event; it takes {count}"),
            None => "fn tag(event) is missing".to_owned(),
        };
        let fault = script.fault_of_function("tag", message);
        faults.push(fault.or_hint("write `fn tag(event) { #{ … } }`"));
    }
    let whens = script.parameters_of("when");
    if whens.is_empty() {
        faults.extend(script.misspelt_function("when"));
    }
    if !whens.is_empty() && !whens.contains(&1) {
        let message = "fn when must take one parameter, the event";
        faults.push(script.fault_of_function("when", message));
    }
    faults
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Pattern(pattern) => write!(f, "/{pattern}/"),
            Self::Any => f.write_str("*"),
        }
    }
}
