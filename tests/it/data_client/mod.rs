//! `clients/data.rhai` against what Stape's Data Client was observed to do, over real sockets: a
//! running server, preview to see the events, and the answer as it comes over the wire.

mod differences;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::json::data;
use crate::support::raw::{Answer, Raw, request};
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

/// Where we differ on purpose: the vector, what differs, and why.
const DEVIATIONS: [(&str, &str); 4] = [
    (
        "empty_array_no_clientid",
        "(a) no events are answered too, with []; Stape's client never answers",
    ),
    (
        "form_no_equals",
        "(b) a field without = is blank; Stape's client fails",
    ),
    (
        "form_simple",
        "(f) a whole number beyond 64 bits keeps its digits, as a text",
    ),
    ("items_zero_value", "(i) a value of 0 stays"),
];

/// What is expected instead.
fn expected(vector: &Value) -> Value {
    let mut observed = vector["observed"].clone();
    match vector["name"].as_str().unwrap() {
        "empty_array_no_clientid" => {
            observed["headers"]["content-type"] = "application/json".into();
            observed["body"] = "[]".into();
        }
        "form_no_equals" => {
            let like = all().remove("form_repeat_key").unwrap();
            observed = like["observed"].clone();
            let event = observed["events"][0].as_object_mut().unwrap();
            event.remove("tag");
            event.insert("flag".to_owned(), "".into());
        }
        "form_simple" => observed["events"][0]["big"] = "12345678901234567890".into(),
        "items_zero_value" => observed["events"][0]["value"] = 0.into(),
        _ => {}
    }
    observed
}

fn all() -> BTreeMap<String, Value> {
    let vectors = data("stape/data_client_vectors.json");
    let vectors = vectors.as_array().unwrap().iter();
    vectors
        .map(|vector| (vector["name"].as_str().unwrap().to_owned(), vector.clone()))
        .collect()
}

/// The shipped client with these settings, at these paths.
fn client(paths: &Value, settings: &Map<String, Value>) -> String {
    let mut script = include_str!("../../../clients/data.rhai").to_owned();
    let path = "const PATH = \"/data\";";
    assert!(script.contains(path));
    script = script.replace(path, &format!("const PATH = {paths};"));
    for (name, value) in settings {
        let line = script
            .lines()
            .find(|line| line.trim().starts_with(&format!("{name}: ")));
        let line = line
            .unwrap_or_else(|| panic!("no setting {name}"))
            .to_owned();
        script = script.replace(&line, &format!("{name}: {value},"));
    }
    script
}

/// A working set with one client for each set of settings, told apart by the beginning of the path.
struct Clients {
    set: WorkingSet,
    settings: Vec<Map<String, Value>>,
}

impl Clients {
    fn new() -> Self {
        let mut set = WorkingSet::new("server.trusted_proxies = [\"127.0.0.1\"]\n");
        for module in ["answer", "body", "cookies", "event", "items", "user"] {
            let file = format!("shared/data_{module}.rhai");
            let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR")));
            set = set.with(&file, &text.unwrap());
        }
        let paths = json!(["/data", "/order_created", "/stripe"]);
        let set = set.with("clients/data.rhai", &client(&paths, &Map::new()));
        Self {
            set,
            settings: Vec::new(),
        }
    }

    /// What to put before the path for a client with these settings.
    fn with(&mut self, settings: &Value) -> String {
        let settings: Map<String, Value> = settings.as_object().cloned().unwrap_or_default();
        let settings: Map<_, _> = settings
            .into_iter()
            .filter(|(name, _)| name != "path")
            .collect();
        if settings.is_empty() {
            return String::new();
        }
        let known = self.settings.iter().position(|known| *known == settings);
        let at = known.unwrap_or_else(|| {
            let at = self.settings.len();
            let script = client(&json!([format!("/{at}/data")]), &settings);
            self.set.write(&format!("clients/data_{at}.rhai"), script);
            self.settings.push(settings);
            at
        });
        format!("/{at}")
    }
}

/// A request and all that came of it.
struct Seen {
    answer: Answer,
    events: Vec<Value>,
}

/// Sends a request, and looks at what became of it.
async fn send(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> Seen {
    let mut lines = vec![
        format!("X-Gtm-Server-Preview: {token}"),
        "X-Forwarded-For: 198.51.100.7".to_owned(),
    ];
    lines.extend_from_slice(headers);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut raw = Raw::connect(server.address).await;
    raw.send(request(method, path, &lines, body)).await;
    let answer = match method {
        "HEAD" => raw.answer_without_body().await,
        _ => raw.answer().await,
    }
    .unwrap();
    let trace = answer
        .header("x-preview-trace")
        .expect("it was not watched");
    let trace = server
        .call("GET", &format!("/api/traces/{trace}"), "")
        .await
        .json();
    let events = trace["events"].as_array().unwrap().iter();
    let events = events.map(|event| event["data"].clone()).collect();
    Seen { answer, events }
}

#[tokio::test]
async fn what_was_observed_is_what_we_do() {
    let vectors = all();
    assert!(vectors.len() >= 30);
    for (name, why) in DEVIATIONS {
        assert!(vectors.contains_key(name) && why.starts_with('('), "{name}");
    }
    let mut clients = Clients::new();
    let prefixes: Vec<String> = vectors
        .values()
        .map(|vector| clients.with(&vector["request"]["data"]))
        .collect();
    let server = Server::start(&clients.set).await;
    let token = server.open_session("{}").await;
    for ((name, vector), prefix) in vectors.iter().zip(prefixes) {
        let sent = &vector["request"];
        let path = format!("{prefix}{}", sent["path"].as_str().unwrap());
        let body = sent["body"].as_str().unwrap_or_default();
        let headers = header_lines(sent);
        let seen = send(
            &server,
            &token,
            sent["method"].as_str().unwrap(),
            &path,
            &headers,
            body,
        )
        .await;
        let expected = expected(vector);
        let differs = expected != vector["observed"];
        let listed = DEVIATIONS.iter().any(|(listed, _)| listed == name);
        assert_eq!(differs, listed, "{name} must be in the table of deviations");
        check(
            name,
            &seen,
            &expected,
            sent["headers"]["host"].as_str().unwrap(),
        );
    }
}

fn header_lines(sent: &Value) -> Vec<String> {
    let headers = sent["headers"].as_object().unwrap().iter();
    let mut lines: Vec<String> = headers
        .map(|(name, value)| match name.as_str() {
            "host" => format!("Host: {}", value.as_str().unwrap()),
            name => format!("{name}: {}", value.as_str().unwrap()),
        })
        .collect();
    if let Some(cookies) = sent["cookies"].as_object() {
        let pairs = cookies.iter().map(|(name, value)| {
            let encoded: String =
                form_urlencoded::byte_serialize(value.as_str().unwrap().as_bytes()).collect();
            format!("{name}={encoded}")
        });
        lines.push(format!("Cookie: {}", pairs.collect::<Vec<_>>().join("; ")));
    }
    lines
}

fn check(name: &str, seen: &Seen, expected: &Value, host: &str) {
    let times = seen.events.first().map(|event| event["timestamp"].clone());
    let mut events = Value::from(seen.events.clone());
    normalise(&mut events, times.as_ref());
    assert_eq!(events, expected["events"], "{name}");
    let answer = &seen.answer;
    assert_eq!(Value::from(answer.status), expected["status"], "{name}");
    for (header, value) in expected["headers"].as_object().unwrap() {
        assert_eq!(answer.header(header), value.as_str(), "{name}: {header}");
    }
    let ours = [
        "date",
        "vary",
        "x-request-id",
        "x-preview-trace",
        "content-length",
        "cache-control",
        "pragma",
        "expires",
        "set-cookie",
    ];
    for (header, _) in &answer.headers {
        let known = ours.contains(&header.as_str()) || expected["headers"].get(header).is_some();
        assert!(known, "{name}: {header} is one too many");
    }
    if expected["pixel"] == true {
        assert_eq!(answer.header("content-length"), Some("43"), "{name}");
        assert!(
            answer.body.is_empty() || answer.body.starts_with("GIF89a"),
            "{name}"
        );
    } else {
        let mut body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        normalise(&mut body, times.as_ref());
        let wanted = expected["body"].as_str().unwrap_or("null");
        assert_eq!(
            body,
            serde_json::from_str::<Value>(wanted).unwrap(),
            "{name}"
        );
    }
    assert_eq!(
        cookies(answer),
        wanted_cookies(&expected["cookies"], host),
        "{name}"
    );
}

/// What is new with every request becomes what it was when the vectors were made.
fn normalise(value: &mut Value, timestamp: Option<&Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| normalise(item, timestamp)),
        Value::Object(map) => {
            if let Some(time) = map
                .get_mut("timestamp")
                .filter(|time| Some(&**time) == timestamp)
            {
                assert!(time.as_i64().unwrap() > 1_700_000_000);
                *time = 1_747_945_830.into();
            }
            for key in ["unique_event_id", "client_id"] {
                if let Some(Value::String(id)) = map.get_mut(key) {
                    *id = normalised_id(id);
                }
            }
        }
        _ => {}
    }
}

fn normalised_id(id: &str) -> String {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match id.split(['_', '.']).collect::<Vec<_>>()[..] {
        [time, random] if digits(time, 13) && digits(random, 9) => {
            "1747945830456_123456789".to_owned()
        }
        ["dcid", "1", time, random] if digits(time, 13) && digits(random, 9) => {
            "dcid.1.1747945830456.123456789".to_owned()
        }
        _ => id.to_owned(),
    }
}

/// Name to value and options, in the order of the vectors' words.
fn cookies(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let lines = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    lines
        .map(|(_, line)| {
            let (name, rest) = line.split_once('=').unwrap();
            let mut parts: Vec<String> = rest.split("; ").map(str::to_owned).collect();
            parts[0] = normalised_id(&parts[0]);
            parts[1..].sort();
            (name.to_owned(), parts)
        })
        .collect()
}

fn wanted_cookies(cookies: &Value, host: &str) -> BTreeMap<String, Vec<String>> {
    let wanted = cookies.as_array().unwrap().iter().map(|cookie| {
        let (name, value, options) = (&cookie[0], cookie[1].as_str().unwrap(), &cookie[2]);
        let encoded = match value {
            r#"{"a":1}"# => "%7B%22a%22%3A1%7D",
            plain => plain,
        };
        let mut parts = vec![
            format!("Max-Age={}", options["max-age"]),
            "Path=/".to_owned(),
            format!("SameSite={}", options["samesite"].as_str().unwrap()),
            "Secure".to_owned(),
        ];
        // "auto" is the widest domain that the host may have.
        if let Some((_, domain)) = host.split_once('.') {
            parts.push(format!("Domain={domain}"));
        }
        if options["httpOnly"] == true {
            parts.push("HttpOnly".to_owned());
        }
        parts.sort();
        parts.insert(0, encoded.to_owned());
        (name.as_str().unwrap().to_owned(), parts)
    });
    wanted.collect()
}
