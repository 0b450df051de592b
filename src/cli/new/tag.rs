//! `tagwerk new tag`: a tag for a destination, a test beside it, and the destination's table if the
//! configuration lacks it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use clap::Args;

use super::{check_name, next, shown, tell};
use crate::case::TEST_ENDING;
use crate::cli::Exit;
use crate::cli::working_set::write_new;
use crate::config::{Config, suggest};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The tag's name; DESTINATION_EVENT, if not given
    name: Option<String>,
    /// The destination, as tagwerk.toml names it
    #[arg(long, value_name = "DESTINATION")]
    to: String,
    /// The event, or several with commas between them
    #[arg(long, value_name = "EVENT", value_delimiter = ',', required = true)]
    on: Vec<String>,
}

/// The tables of destinations that a configuration may lack.
const TABLES: [(&str, &str); 4] = [
    (
        "amplitude",
        "type = \"amplitude\"\napi_key = \"${AMPLITUDE_API_KEY}\"\n",
    ),
    (
        "slack",
        "type = \"slack\"\nwebhook_url = \"${SLACK_WEBHOOK_URL}\"\n",
    ),
    (
        "tracify",
        "type = \"tracify\"\ntoken = \"${TRACIFY_TOKEN}\"\ncustomer_site_id = \"${TRACIFY_CUSTOMER_SITE_ID}\"\n",
    ),
    (
        "http",
        "type = \"http\"\nurl = \"https://api.example.com/events\"\n",
    ),
];

pub(super) fn run(options: &Options, config: &Config, file: &Path) -> Result<(), Exit> {
    let events: Vec<&str> = options.on.iter().map(|event| event.trim()).collect();
    let name = match &options.name {
        Some(name) => name.clone(),
        None => default_name(&options.to, &events),
    };
    check_name(&name)?;
    let kind = kind(options, config)?;
    let script = config.scripts.tags.join(format!("{name}.rhai"));
    let tests = config.scripts.tags.join(format!("{name}{TEST_ENDING}"));
    for (path, text) in [
        (&script, tag(&kind, &options.to, &events)),
        (&tests, test(&name, &kind, events.first().unwrap_or(&"*"))),
    ] {
        write_new(Path::new(""), &path.display().to_string(), &text).map_err(Exit::bad)?;
        tell(&shown(config, path), true);
    }
    if !config.destinations.contains_key(&options.to) {
        add_table(&options.to, &kind, file)?;
    }
    next(&[
        ("tagwerk test".to_owned(), "run its test"),
        ("tagwerk check".to_owned(), "whether all is well"),
        (
            "tagwerk trace cases/NAME/request.http".to_owned(),
            "see what would be sent",
        ),
    ]);
    Ok(())
}

fn default_name(to: &str, events: &[&str]) -> String {
    let event = match events.first() {
        Some(&"*") | None => "all".to_owned(),
        Some(event) => event.to_lowercase(),
    };
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    let name: String = format!("{to}_{event}").chars().map(plain).collect();
    name.split('_')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// The destination's type: what the configuration says, else what its name says.
fn kind(options: &Options, config: &Config) -> Result<String, Exit> {
    if let Some(destination) = config.destinations.get(&options.to) {
        return Ok(destination.kind.clone());
    }
    if TABLES.iter().any(|(kind, _)| *kind == options.to) {
        return Ok(options.to.clone());
    }
    let known = config.destinations.keys().map(String::as_str);
    let known = known.chain(TABLES.iter().map(|(kind, _)| *kind));
    let hint = suggest(&options.to, known)
        .unwrap_or_else(|| format!("add a table [destinations.{}] first", options.to));
    Err(Exit::usage(format!(
        "there is no destination {}; {hint}",
        options.to
    )))
}

/// At the end of the file: there a table is one, whatever stands before it.
fn add_table(name: &str, kind: &str, file: &Path) -> Result<(), Exit> {
    let Some((_, keys)) = TABLES.iter().find(|(known, _)| *known == kind) else {
        return Ok(());
    };
    let mut config = OpenOptions::new().append(true).open(file)?;
    write!(config, "\n[destinations.{name}]\n{keys}")?;
    anstream::println!("added [destinations.{name}] to {}", file.display());
    Ok(())
}

fn tag(kind: &str, to: &str, events: &[&str]) -> String {
    let on = match events {
        [one] => format!("{one:?}"),
        all => format!(
            "[{}]",
            all.iter()
                .map(|event| format!("{event:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let names = events.join(", ");
    format!(
        "// {}\nconst ON = {on};\nconst TO = {to:?};\n\nfn tag(event) {{\n{}}}\n",
        about(kind, to, &names),
        body(kind)
    )
}

fn about(kind: &str, to: &str, names: &str) -> String {
    match kind {
        "slack" => format!("Tells {to} of each {names}."),
        _ => format!("Sends each {names} to {to}."),
    }
}

fn body(kind: &str) -> &'static str {
    match kind {
        "slack" => {
            "    // What customers typed is escaped, or a name like <!channel> would wake everybody.\n    \
             let what = slack::escape(`${event.event_name} ${event.transaction_id ?? \"\"}`);\n    \
             let value = if event.value != () { `: ${event.value} ${event.currency ?? \"\"}` } else { \"\" };\n    \
             #{ text: `*${text::trim(what)}*${value}` }\n"
        }
        "amplitude" => {
            "    // Amplitude wants to know who it was, by user_id or device_id.\n    \
             let user = event.user_id ?? event.user_data?.email_address;\n    \
             let device = event.client_id;\n    \
             if user == () && device == () { return skip(\"neither user_id, client_id nor email address\"); }\n\n    \
             #{\n        user_id: if user != () { `${user}` },\n        device_id: if user == () { `${device}` },\n        \
             event_type: event.event_name,\n        revenue: num(event.value, ()),\n        \
             event_properties: #{ currency: event.currency, order_id: event.transaction_id },\n    }\n"
        }
        "tracify" => {
            "    let page = event.page_location ?? \"\";\n    \
             if url::origin(page) == () { return skip(\"Tracify needs page_location\"); }\n    \
             if event.ip_override == () || event.user_agent == () { return skip(\"Tracify needs ip_override and user_agent\"); }\n\n    \
             #{\n        url: url::origin(page) + url::path(page),\n        type: \"pageview\",\n        \
             identity_data: tracify::identity(#{\n            email: event.user_data?.email_address,\n            \
             ip: event.ip_override,\n            user_agent: event.user_agent,\n        }),\n        \
             data: #{ origin: url::origin(page) },\n    }\n"
        }
        "http" => {
            "    // `path` is appended to the destination's URL; a body that is no text is sent as JSON.\n    \
             #{\n        body: #{\n            event: event.event_name,\n            id: event.transaction_id,\n            \
             value: num(event.value, ()),\n            currency: event.currency,\n        },\n    }\n"
        }
        _ => "    // One event object, in the vendor's own field names.\n    event\n",
    }
}

fn test(name: &str, kind: &str, event: &str) -> String {
    let event = if event == "*" { "purchase" } else { event };
    let expected = match kind {
        "slack" => "assert_contains(ran.payloads[0].text, \"4711\");",
        "amplitude" => "assert_contains(ran.payloads[0], #{ user_id: \"u1\", revenue: 29.35 });",
        "http" => "assert_contains(ran.payloads[0].body, #{ id: \"4711\", value: 29.35 });",
        _ => "assert_eq(ran.payloads.len(), 1);",
    };
    format!(
        "// Tests of {name}.rhai: `tagwerk test` runs each function whose name begins with test_.\n\n\
         fn test_what_is_sent() {{\n    let ran = run(#{{\n        event_name: {event:?},\n        \
         transaction_id: \"4711\",\n        value: 29.35,\n        currency: \"EUR\",\n        \
         user_id: \"u1\",\n        page_location: \"https://shop.example.com/thanks\",\n        \
         ip_override: \"203.0.113.7\",\n        user_agent: \"Mozilla/5.0\",\n    }});\n    \
         assert(ran.fired, ran.reason);\n    {expected}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_tag_that_compiles() {
        let compiler = crate::script::Compiler::new("shared".as_ref());
        for kind in TABLES.map(|(kind, _)| kind).into_iter().chain(["other"]) {
            let source = tag(kind, kind, &["purchase", "refund"]);
            let script = compiler.compile("x", "tags/x.rhai", &source);
            let script = script.unwrap_or_else(|faults| panic!("{faults:?}\n{source}"));
            assert!(crate::tag::load(script).is_ok(), "{source}");
        }
    }

    #[test]
    fn names_are_those_of_files() {
        for (events, name) in [
            (&["purchase"][..], "slack_purchase"),
            (&["*"], "slack_all"),
            (&["/^cart_/"], "slack_cart"),
            (&["My Event"], "slack_my_event"),
        ] {
            assert_eq!(default_name("slack", events), name);
        }
    }
}
