//! `ga4::`: what GA4's web tag sends to `/g/collect`, as the event data that Google's server
//! container makes of it. Whether a request is such a hit, and what is answered, is the script's. And
//! the other way: an event as the Measurement Protocol wants it.
//!
//! Decoding takes one pass over the query and the body and makes at most [`MAX_PARTS`] keys, so that
//! a small hit cannot become a large event.

mod check;
mod consent;
mod event;
mod hit;
mod item;
mod parameter;

use rhai::{Array, Dynamic, Map};

use super::argument;
use super::host::Host;
use super::mapping::Mapping;
use super::namespace::{Namespace, Problem, Refusal};
use super::{Function, Topic};
use crate::clock::Millis;
use crate::script::RequestView;
use crate::script::frame::{self, Level};
use hit::Hit;

pub(super) const TOPIC: Topic = Topic {
    name: "ga4",
    about: "Google Analytics 4: hits of gtag.js and of the Measurement Protocol, and events for it.",
    functions: &[
        event::EVENT.function(),
        Function {
            signature: "ga4::events(request) -> array",
            about: "The events of a hit: one for each line of the body, which adds to the query; \
                    without a body one of the query alone. A line without an event name (`en`) is \
                    left out and logged. At most 100 lines, and 9,000 keys together.",
            example: r#"ga4::events(request)[0].event_name == "page_view""#,
        },
        Function {
            signature: "ga4::consent(gcd) -> map",
            about: "What a `gcd` code says of each kind of consent: `default`, `update`, and \
                    `effective`, which is the update where there is one. Each is `\"granted\"`, \
                    `\"denied\"` or `\"unset\"`.",
            example: r#"ga4::consent("13r3r1t1r5l1").ad_storage == #{ "default": "denied", update: "granted", effective: "granted" }"#,
        },
        Function {
            signature: "ga4::check(message) -> array",
            about: "What Google's debug server would say of a message of the Measurement Protocol: \
                    maps with `fieldPath`, `description` and `validationCode`; none if it is good.",
            example: r#"ga4::check(#{ client_id: "1.2", events: [#{ name: "sign up" }] })[0].validationCode == "NAME_INVALID""#,
        },
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&event::EVENT];

/// The most lines of one hit. gtag.js sends 20 at most.
const MAX_LINES: usize = 100;

/// The most parameters, item codes and brands of one hit together, those of the query counted with
/// each line: what fits into the map that a script may hold.
const MAX_PARTS: usize = 9_000;

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .of_request("events", events)
        .one("consent", consent)
        .one("check", check)
        .mapping(&event::EVENT)
        .add_to(host);
}

fn events(view: &RequestView) -> Result<Array, Refusal> {
    let request = view.request();
    decode(request.query.as_bytes(), view.bytes(), request.received_at).map_err(Refusal)
}

/// The events of a hit.
///
/// # Errors
/// Of what it has too much.
pub fn decode(query: &[u8], body: &[u8], received_at: Millis) -> Result<Array, String> {
    let mut common = Hit::default();
    common.read(query);
    let lines: Vec<&[u8]> = lines(body).take(MAX_LINES + 1).collect();
    if lines.len() > MAX_LINES {
        return Err(format!("the hit has more than {MAX_LINES} lines"));
    }
    let mut left = MAX_PARTS;
    let mut add = |hit: Hit, events: &mut Array| {
        left = left
            .checked_sub(hit.parts())
            .ok_or_else(|| format!("the hit has more than {MAX_PARTS} parameters"))?;
        match hit.finish(received_at) {
            Some(event) => events.push(Dynamic::from_map(event)),
            None => frame::log(
                Level::Warn,
                "a line without an event name (en) was left out",
            ),
        }
        Ok::<(), String>(())
    };
    let mut events = Array::with_capacity(lines.len().max(1));
    if lines.is_empty() {
        add(common, &mut events)?;
        return Ok(events);
    }
    for line in lines {
        let mut hit = common.clone();
        hit.read(line);
        add(hit, &mut events)?;
    }
    Ok(events)
}

/// The lines of a body, ended by LF or CRLF, without blank ones.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
}

fn consent(gcd: Dynamic) -> Result<Map, Problem> {
    let code = argument::text("gcd", gcd)?;
    Ok(consent::decoded(&code))
}

fn check(message: Dynamic) -> Result<Array, Problem> {
    let message = argument::map("message", message)?;
    check::problems(&message).map_err(Problem)
}

#[cfg(test)]
mod tests;
