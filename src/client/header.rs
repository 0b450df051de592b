//! Reads a client's header constants; every mistake at once.

use std::sync::OnceLock;

use http::{HeaderValue, Method};

use super::constants::CONSTANTS;
use super::{Client, Dedupe, Pattern, Surroundings, verify};
use crate::config::{parse_size, suggest};
use crate::script::{Fault, Header, Script};

/// Which web pages may call a client from the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// None: no CORS headers are sent.
    #[default]
    Off,
    /// All of them.
    Any,
    /// Those with one of these origins.
    Origins(Vec<HeaderValue>),
}

/// Who sends the requests of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A server, such as a shop: its address and user agent never become the visitor's.
    #[default]
    Server,
    /// The visitor's browser: address and user agent are the visitor's.
    Browser,
}

/// The largest body that a client may ask for, in bytes: four of them fill what ingress may hold.
pub const LARGEST_MAX_BODY: usize = 8 * 1024 * 1024;

/// A client that takes OPTIONS answers browsers' questions itself.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
];

/// Makes a client of a compiled script.
pub fn load(script: Script, surroundings: &Surroundings<'_>) -> Result<Client, Vec<Fault>> {
    let mut header = Header::of(&script, CONSTANTS);
    let paths = read_paths(&mut header);
    let methods = read_methods(&mut header);
    let priority = header.integer("PRIORITY").unwrap_or(0);
    let cors = read_cors(&mut header);
    let max_body = read_max_body(&mut header).unwrap_or(surroundings.max_body);
    let source = read_source(&mut header);
    let dedupe = read_dedupe(&mut header);
    let batch = read_batch(&mut header);
    let verify = verify::read(&mut header, surroundings);
    let mut faults = header.finish();
    faults.extend(check_functions(&script));
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Client {
        name: script.name.as_str().into(),
        paths,
        methods,
        priority,
        cors,
        max_body,
        source,
        dedupe,
        batch,
        verify,
        has_claims: script.has_function("claims", 1),
        has_respond: script.has_function("respond", 2),
        script,
        meter: OnceLock::new(),
    })
}

fn read_paths(header: &mut Header<'_>) -> Vec<Pattern> {
    let Some(paths) = header.texts("PATH") else {
        if !header.has("PATH") {
            header.missing("PATH", "const PATH = \"/order_created\";");
        }
        return Vec::new();
    };
    if paths.is_empty() {
        header.wrong(
            "PATH",
            "no path, so the client can never claim a request",
            None,
        );
    }
    let mut patterns = Vec::new();
    for path in &paths {
        match Pattern::parse(path) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => header.wrong("PATH", error, None),
        }
    }
    patterns
}

fn read_methods(header: &mut Header<'_>) -> Vec<Method> {
    let Some(names) = header.texts("METHODS") else {
        return vec![Method::POST];
    };
    let mut methods = Vec::new();
    for name in &names {
        match METHODS.iter().find(|method| method.as_str() == name) {
            Some(method) => methods.push(method.clone()),
            None => {
                let known = METHODS.iter().map(Method::as_str);
                let hint = suggest(name, known.clone()).unwrap_or_else(|| {
                    format!("they take {}", known.collect::<Vec<_>>().join(", "))
                });
                header.wrong(
                    "METHODS",
                    format!("\"{name}\" is not a method that clients take"),
                    Some(hint),
                );
            }
        }
    }
    if names.is_empty() {
        header.wrong(
            "METHODS",
            "no method, so the client can never claim a request",
            None,
        );
    }
    methods
}

fn read_cors(header: &mut Header<'_>) -> Cors {
    let Some(origins) = header.texts("CORS") else {
        return Cors::Off;
    };
    if origins.iter().any(|origin| origin == "*") {
        return Cors::Any;
    }
    let mut values = Vec::new();
    for origin in &origins {
        let plain = origin
            .split_once("://")
            .is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
        match HeaderValue::from_str(&origin.to_ascii_lowercase()) {
            Ok(value) if plain => values.push(value),
            _ => {
                let hint = "an origin is scheme and host, such as \"https://shop.example.com\"";
                header.wrong(
                    "CORS",
                    format!("\"{origin}\" is not an origin"),
                    Some(hint.to_owned()),
                );
            }
        }
    }
    Cors::Origins(values)
}

fn read_max_body(header: &mut Header<'_>) -> Option<u64> {
    let text = header.text("MAX_BODY")?;
    match parse_size(&text) {
        Some(size) if size <= LARGEST_MAX_BODY as u64 => Some(size),
        Some(_) => {
            header.wrong("MAX_BODY", "at most 8MiB", None);
            None
        }
        None => {
            let hint = "write \"256KiB\" or \"2MiB\"";
            header.wrong(
                "MAX_BODY",
                format!("{text:?} is not a size"),
                Some(hint.to_owned()),
            );
            None
        }
    }
}

fn read_source(header: &mut Header<'_>) -> Source {
    match header.text("SOURCE").as_deref() {
        None | Some("server") => Source::Server,
        Some("browser") => Source::Browser,
        Some(other) => {
            let hint = suggest(other, ["server", "browser"]);
            header.wrong(
                "SOURCE",
                format!("\"{other}\" is neither \"server\" nor \"browser\""),
                hint,
            );
            Source::Server
        }
    }
}

fn read_batch(header: &mut Header<'_>) -> Option<String> {
    let key = header.text("BATCH")?;
    if key.is_empty() {
        let hint = "write the name of the array in the body: \"batch\"";
        header.wrong("BATCH", "no name", Some(hint.to_owned()));
    }
    Some(key)
}

fn read_dedupe(header: &mut Header<'_>) -> Option<Dedupe> {
    let texts = header.texts("DEDUPE")?;
    match Dedupe::parse(&texts) {
        Ok(dedupe) => Some(dedupe),
        Err((message, hint)) => {
            header.wrong("DEDUPE", message, Some(hint));
            None
        }
    }
}

fn check_functions(script: &Script) -> Vec<Fault> {
    let mut faults = Vec::new();
    let wanted = [
        ("parse", 1, "fn parse(request)"),
        ("claims", 1, "fn claims(request)"),
        ("respond", 2, "fn respond(request, events)"),
    ];
    for (name, parameters, signature) in wanted {
        let found = script.parameters_of(name);
        if found.contains(&parameters) {
            continue;
        }
        match found.first() {
            Some(count) => {
                let message = format!("it must be {signature}, it has {count} parameters");
                faults.push(script.fault_of_function(name, message));
            }
            None if name == "parse" => {
                let fault = script.fault_of_function(name, "fn parse(request) is missing");
                faults.push(fault.or_hint("write `fn parse(request) { #{ event_name: \"…\" } }`"));
            }
            None => faults.extend(script.misspelt_function(name)),
        }
    }
    faults
}
