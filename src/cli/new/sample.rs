//! A client that is written from a request that came: its path, and the common keys of event data where
//! the body has what they mean. A beginning to be read and changed, not more.

use serde_json::{Map, Value};

use crate::request::Request;

/// What is known of a sender by one of its requests.
pub(super) struct Sample {
    name: String,
    path: String,
    method: String,
    body: Body,
}

enum Body {
    Json(Map<String, Value>),
    List,
    Form,
    Other,
}

/// Keys of event data, and where senders have what they mean, the likeliest first.
const MEANT: [(&str, &[&str]); 4] = [
    (
        "transaction_id",
        &[
            "order_id",
            "transaction_id",
            "order_number",
            "number",
            "invoice_id",
            "reference",
        ],
    ),
    (
        "value",
        &[
            "total",
            "value",
            "amount",
            "total_price",
            "price",
            "revenue",
            "grand_total",
        ],
    ),
    ("currency", &["currency", "currency_code"]),
    ("user_id", &["user_id", "customer_id", "userId"]),
];

const EMAILS: [&str; 5] = [
    "email",
    "email_address",
    "customer_email",
    "user_email",
    "contact_email",
];

/// Where senders say what happened.
const NAMES: [&str; 5] = ["event", "event_name", "type", "topic", "action"];

impl Sample {
    pub(super) fn of(name: &str, path: &str, request: &Request) -> Self {
        let content_type = request.headers.get(http::header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let body = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => Body::Json(body),
            Ok(Value::Array(_)) => Body::List,
            _ if content_type.contains("form") => Body::Form,
            _ => Body::Other,
        };
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            method: request.method.to_string(),
            body,
        }
    }

    /// What its event is called if the sender does not say.
    pub(super) fn event_name(&self) -> String {
        match &self.body {
            Body::Json(body) => {
                let named = find(body, &NAMES).and_then(|(_, value)| value.as_str());
                named.unwrap_or(&self.name).to_owned()
            }
            _ => self.name.clone(),
        }
    }

    pub(super) fn script(&self) -> String {
        let mut script = format!(
            "// {}: what it posts to {} becomes an event.\n//\n// Made from one request. Look through the keys: `tagwerk trace cases/{}/request.http`.\nconst PATH = {:?};\n",
            title(&self.name),
            self.path,
            self.name,
            self.path
        );
        if self.method != "POST" {
            script.push_str(&format!("const METHODS = [{:?}];\n", self.method));
        }
        script.push_str(
            "// Without this line, whoever knows the address can send events: docs/verify.md\n",
        );
        let variable = self.name.to_uppercase().replace('-', "_");
        script.push_str(&format!("// const VERIFY = #{{ scheme: \"hmac\", secret: \"{variable}_SECRET\", header: \"x-signature\", encoding: \"hex\" }};\n\n"));
        script.push_str("fn parse(request) {\n");
        match &self.body {
            Body::Json(body) => self.add_json(&mut script, body),
            Body::List => script.push_str(&format!(
                "    let events = [];\n    for one in request.json {{\n        events.push(one + #{{ event_name: {:?} }});\n    }}\n    events\n",
                self.name
            )),
            Body::Form => script.push_str(&format!("    request.form + #{{ event_name: {:?} }}\n", self.name)),
            Body::Other => script.push_str(&format!(
                "    request.query + #{{ event_name: {:?}, body: request.body }}\n",
                self.name
            )),
        }
        script.push_str("}\n");
        script
    }

    fn add_json(&self, script: &mut String, body: &Map<String, Value>) {
        script.push_str("    let body = request.json;\n\n    // What was sent keeps its own keys; added are those that every tag understands.\n    body + #{\n");
        let name = match find(body, &NAMES) {
            Some((key, Value::String(_))) => format!("body{} ?? {:?}", access(key), self.name),
            _ => format!("{:?}", self.name),
        };
        script.push_str(&format!("        event_name: {name},\n"));
        if let Some((key, _)) = find(body, &["id", "event_id", "uuid"]) {
            let id = format!(
                "        event_id: `{}-${{body{}}}`, // the sender's own: the same thing has the same id\n",
                self.name,
                access(key)
            );
            script.push_str(&id);
        }
        for (key, places) in MEANT {
            let Some((place, value)) = find(body, places) else {
                continue;
            };
            if place == key && !(key == "value" && value.is_string()) {
                continue; // it is called so already
            }
            script.push_str(&match key {
                "value" => format!("        value: num(body{}, ()),\n", access(place)),
                _ => format!("        {key}: body{},\n", access(place)),
            });
        }
        if let Some((place, _)) = find(body, &EMAILS) {
            script.push_str(&format!(
                "        user_data: #{{ email_address: body{} }},\n",
                access(place)
            ));
        } else if let Some((person, place)) = nested_email(body) {
            let (person, place) = (access(&person), access(place));
            script.push_str(&format!(
                "        user_data: #{{ email_address: body{person}?{place} }},\n"
            ));
        }
        script.push_str("    }\n");
    }
}

/// An empty client.
pub(super) fn empty(name: &str, path: &str) -> String {
    format!(
        "// {}: what it posts to {path} becomes an event.\nconst PATH = {path:?};\n\nfn parse(request) {{\n    let body = request.json;\n\n    #{{\n        event_name: {name:?},\n        transaction_id: body.id,\n        value: num(body.total, ()),\n        currency: body.currency,\n    }}\n}}\n",
        title(name)
    )
}

/// A name for a script, from the last part of a path.
pub(super) fn name_of(path: &str) -> String {
    let parts = path.rsplit('/');
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut names = parts.map(|part| {
        part.chars()
            .filter(|letter| plain(*letter))
            .collect::<String>()
    });
    let name = names
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "webhook".to_owned());
    name.to_lowercase()
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn find<'a>(body: &'a Map<String, Value>, keys: &[&'a str]) -> Option<(&'a str, &'a Value)> {
    let found = keys.iter().filter_map(|key| Some((*key, body.get(*key)?)));
    let mut plain =
        found.filter(|(_, value)| !value.is_null() && !value.is_object() && !value.is_array());
    plain.next()
}

fn nested_email(body: &Map<String, Value>) -> Option<(String, &'static str)> {
    let people = body
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_object()?)));
    let mut found =
        people.filter_map(|(key, person)| Some((key.clone(), find(person, &EMAILS)?.0)));
    let (person, place) = found.next()?;
    EMAILS
        .iter()
        .find(|email| **email == place)
        .map(|email| (person, *email))
}

/// `.total`, or `["x-total"]`.
fn access(key: &str) -> String {
    let plain = key
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !key.starts_with(|letter: char| letter.is_ascii_digit());
    match plain {
        true => format!(".{key}"),
        false => format!("[{key:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(body: &str) -> String {
        let message =
            format!("POST /hooks/Booking%20x HTTP/1.1\ncontent-type: application/json\n\n{body}");
        let request = Request::from_message("x", 0, message.as_bytes()).unwrap();
        Sample::of("booking", &request.path, &request).script()
    }

    #[test]
    fn common_keys_are_found() {
        let script = script(
            r#"{"id":7,"total":"12.50","currency":"EUR","guest":{"email":"a@b.c"},"type":"booking.paid"}"#,
        );
        for line in [
            "const PATH = \"/hooks/Booking%20x\";",
            "event_name: body.type ?? \"booking\",",
            "event_id: `booking-${body.id}`,",
            "value: num(body.total, ()),",
            "user_data: #{ email_address: body.guest?.email },",
        ] {
            assert!(script.contains(line), "{line} in\n{script}");
        }
        assert!(
            !script.contains("currency:"),
            "it is called so already\n{script}"
        );
    }

    #[test]
    fn every_body_makes_a_script_that_compiles() {
        let compiler = crate::script::Compiler::new("shared".as_ref());
        for body in ["{}", "[1]", "a=b", "", r#"{"odd key":1,"total":null}"#] {
            let source = script(body);
            let compiled = compiler.compile("booking", "clients/booking.rhai", &source);
            assert!(compiled.is_ok(), "{compiled:?}\n{source}");
        }
        let source = empty("booking", "/hooks/booking");
        assert!(
            compiler
                .compile("booking", "clients/booking.rhai", &source)
                .is_ok()
        );
    }

    #[test]
    fn names_come_from_paths() {
        for (path, name) in [
            ("/hooks/Booking", "booking"),
            ("/", "webhook"),
            ("/a/%20/", "20"),
            ("/order_created", "order_created"),
        ] {
            assert_eq!(name_of(path), name);
        }
    }
}
