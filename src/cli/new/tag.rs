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
use crate::destination::{TYPES, Type, find_type};

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

/// The function that makes a vendor's payload of an event, by the type of the destination.
const ONE_LINE: [(&str, &str); 11] = [
    ("ga4", "ga4::event"),
    ("google_ads", "google_ads::event"),
    ("klaviyo", "klaviyo::event"),
    ("linkedin", "linkedin::conversion"),
    ("meta_capi", "meta::event"),
    ("mixpanel", "mixpanel::event"),
    ("pinterest", "pinterest::event"),
    ("posthog", "posthog::capture"),
    ("segment", "segment::track"),
    ("snapchat", "snapchat::event"),
    ("tiktok", "tiktok::event"),
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
        (&script, tag(kind, &options.to, &events)),
        (&tests, test(&name, kind, events.first().unwrap_or(&"*"))),
    ] {
        write_new(Path::new(""), &path.display().to_string(), &text).map_err(Exit::bad)?;
        tell(&shown(config, path), true);
    }
    if !config.destinations.contains_key(&options.to) {
        add_table(&options.to, kind, file)?;
        add_variables(kind, config)?;
    }
    next(&[
        ("tagwerk test".to_owned(), "run its test"),
        ("tagwerk check".to_owned(), "whether all is well"),
        (
            "tagwerk trace cases/NAME/request.http".to_owned(),
            "see what would be sent",
        ),
        (
            "tagwerk test --bless".to_owned(),
            "if cases send more now, as they should",
        ),
    ]);
    Ok(())
}

fn default_name(to: &str, events: &[&str]) -> String {
    let event = match events.first() {
        Some(&"*") | None => "all".to_owned(),
        Some(event) => event.to_lowercase(),
    };
    plain(&format!("{to}_{event}"))
}

/// Letters and digits, with `_` for all else.
fn plain(name: &str) -> String {
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

/// The destination's type: what the configuration says, else what its name says.
fn kind(options: &Options, config: &Config) -> Result<&'static Type, Exit> {
    let destination = config.destinations.get(&options.to);
    let kind = destination.map_or(options.to.as_str(), |one| one.kind.as_str());
    if let Some(kind) = find_type(kind) {
        return Ok(kind);
    }
    let known = config.destinations.keys().map(String::as_str);
    let known = known.chain(TYPES.iter().map(|kind| kind.name));
    let hint = suggest(&options.to, known)
        .unwrap_or_else(|| format!("add a table [destinations.{}] first", options.to));
    Err(Exit::usage(format!(
        "there is no destination {}; {hint}",
        options.to
    )))
}

/// At the end of the file: there a table is one, whatever stands before it.
fn add_table(name: &str, kind: &Type, file: &Path) -> Result<(), Exit> {
    let mut config = OpenOptions::new().append(true).open(file)?;
    let (kind, keys) = (kind.name, kind.example.settings.trim_end());
    writeln!(
        config,
        "\n# These are examples; docs/destinations/{kind}.md says where your values are.\n\
         [destinations.{name}]\ntype = \"{kind}\"\n{keys}"
    )?;
    anstream::println!("added [destinations.{name}] to {}", file.display());
    Ok(())
}

/// Where `init` has put a list of variables, those of the table stand in it, too.
fn add_variables(kind: &Type, config: &Config) -> Result<(), Exit> {
    let file = config.base.join(".env.example");
    let Ok(listed) = std::fs::read_to_string(&file) else {
        return Ok(());
    };
    let is_listed = |name: &str| {
        let mut lines = listed.lines();
        lines.any(|line| line.split('=').next() == Some(name))
    };
    let mut list = OpenOptions::new().append(true).open(&file)?;
    let new = kind.example.variables.iter();
    for variable in new.filter(|variable| !is_listed(variable.name)) {
        writeln!(list, "{}=", variable.name)?;
    }
    Ok(())
}

fn tag(kind: &Type, to: &str, events: &[&str]) -> String {
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
        about(kind.name, to, &names),
        body(kind.name, events)
    )
}

fn about(kind: &str, to: &str, names: &str) -> String {
    match kind {
        "slack" | "telegram" | "discord" => format!("Tells {to} of each {names}."),
        _ => format!("Sends each {names} to {to}."),
    }
}

fn body(kind: &str, events: &[&str]) -> String {
    if let Some((_, function)) = ONE_LINE.iter().find(|(known, _)| *known == kind) {
        return one_line(function);
    }
    let event = events.first().copied().unwrap_or_default();
    let is_order = ["purchase", "order_created"].contains(&event);
    match kind {
        "amplitude" if is_order => one_line("amplitude::revenue"),
        "amplitude" => one_line("amplitude::event"),
        "tracify" => one_line(match event {
            "page_view" => "tracify::pageview",
            "view_item" => "tracify::productview",
            "add_to_cart" => "tracify::addtocart",
            _ if is_order => "tracify::purchase",
            _ => "tracify::conversion",
        }),
        // The name stands for an event that was defined there, with the account's number.
        "hubspot" => format!(
            "    // Put the name in that HubSpot has given your custom event.\n    \
             hubspot::event(event) + #{{ eventName: \"pe1234567_{}\" }}\n",
            plain(event)
        ),
        "slack" => message(
            "What customers typed is escaped, or a name like <!channel> would wake everybody.",
            "slack::escape",
            "#{ text: `*${what}*${value}` }",
        ),
        "telegram" => message(
            "What customers typed is escaped, so that it is no markup.",
            "telegram::escape",
            "#{ text: `<b>${what}</b>${value}`, parse_mode: \"HTML\" }",
        ),
        "discord" => message(
            "What customers typed is escaped, so that it is no markup.",
            "discord::escape",
            "#{ content: `**${what}**${value}` }",
        ),
        "http" => {
            "    // `path` is appended to the destination's URL; a body that is no text is sent as JSON.\n    \
             #{\n        body: #{\n            event: event.event_name,\n            id: event.transaction_id,\n            \
             value: num(event.value, ()),\n            currency: event.currency,\n        },\n    }\n"
                .to_owned()
        }
        "nats" => "    // `subject` and `headers` may stand beside it.\n    #{ body: event }\n".to_owned(),
        _ => "    // The whole event, as it is.\n    event\n".to_owned(),
    }
}

fn one_line(function: &str) -> String {
    let vendor = function.split("::").next().unwrap_or_default();
    format!(
        "    // `tagwerk docs {vendor}` shows where each key comes from; `+ #{{ … }}` puts your own over them.\n    \
         {function}(event)\n"
    )
}

/// What happened, and to what amount.
fn message(why: &str, escape: &str, made: &str) -> String {
    format!(
        "    // {why}\n    \
         let what = {escape}(text::trim(`${{event.event_name}} ${{event.transaction_id ?? \"\"}}`));\n    \
         let value = if event.value != () {{ `: ${{event.value}} ${{event.currency ?? \"\"}}` }} else {{ \"\" }};\n    \
         {made}\n"
    )
}

fn test(name: &str, kind: &Type, event: &str) -> String {
    let event = if event == "*" { "purchase" } else { event };
    let expected = match kind.name {
        "slack" => "assert_contains(ran.payloads[0].text, \"4711\");",
        "amplitude" => "assert_contains(ran.payloads[0], #{ user_id: \"u1\" });",
        "http" => "assert_contains(ran.payloads[0].body, #{ id: \"4711\", value: 29.35 });",
        _ => "assert_eq(ran.payloads.len(), 1);",
    };
    format!(
        "// Tests of {name}.rhai: `tagwerk test` runs each function whose name begins with test_.\n\n\
         fn test_what_is_sent() {{\n    let ran = run(#{{\n        event_name: {event:?},\n        \
         transaction_id: \"4711\",\n        value: 29.35,\n        currency: \"EUR\",\n        \
         user_id: \"u1\",\n        client_id: \"c1\",\n        \
         user_data: #{{ email_address: \"ann@example.com\" }},\n        \
         page_location: \"https://shop.example.com/thanks\",\n        \
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
        for kind in TYPES {
            let source = tag(kind, kind.name, &["purchase", "refund"]);
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
