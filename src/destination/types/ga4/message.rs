//! What Google documents as limits of a message of the Measurement Protocol, in the words of its debug
//! server. It does not know which events a property wants.

use serde_json::{Map, Value};

/// What is wrong with a message.
#[derive(Debug)]
pub struct Problem {
    /// Where: `events[0].name`.
    pub path: String,
    /// Google's word for it.
    pub code: &'static str,
    /// For a person.
    pub why: String,
}

const MAX_EVENTS: usize = 25;
const MAX_PARAMETERS: usize = 25;
const MAX_NAME: usize = 40;
const MAX_VALUE: usize = 100;
const MAX_USER_PROPERTIES: usize = 25;
const MAX_PROPERTY_NAME: usize = 24;
const MAX_PROPERTY_VALUE: usize = 36;
const MAX_ITEMS: usize = 200;

/// Addresses may be longer than other texts.
const LONG: [(&str, usize); 3] = [
    ("page_location", 1_000),
    ("page_referrer", 420),
    ("page_title", 300),
];

/// Events that only Google's own tags may send.
const RESERVED_EVENTS: [&str; 12] = [
    "ad_activeview",
    "ad_click",
    "ad_exposure",
    "ad_query",
    "ad_reward",
    "adunit_exposure",
    "app_remove",
    "app_update",
    "error",
    "first_open",
    "first_visit",
    "session_start",
];

const RESERVED_BEGINNINGS: [&str; 3] = ["google_", "ga_", "firebase_"];

/// Everything that is wrong with a message, in Google's order.
pub fn problems(message: &Map<String, Value>) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    let has = |key: &str| {
        message
            .get(key)
            .and_then(Value::as_str)
            .is_some_and(|id| !id.is_empty())
    };
    if !has("client_id") && !has("app_instance_id") {
        found.add(
            "client_id",
            "VALUE_REQUIRED",
            "client_id, a text, is missing",
        );
    }
    if given(message, "user_id").is_some_and(|id| !id.is_string()) {
        found.add("user_id", "VALUE_INVALID", "user_id must be a text");
    }
    if given(message, "timestamp_micros").is_some_and(|at| !is_micros(at)) {
        let why = "timestamp_micros must be in microseconds";
        found.add("timestamp_micros", "VALUE_INVALID", why);
    }
    found.consent(message);
    found.user_properties(message);
    match message.get("events").and_then(Value::as_array) {
        Some(events) if !events.is_empty() => {
            if events.len() > MAX_EVENTS {
                found.too_many("events", events.len(), MAX_EVENTS);
            }
            for (place, event) in events.iter().enumerate() {
                found.event(&format!("events[{place}]"), event);
            }
        }
        _ => found.add(
            "events",
            "VALUE_REQUIRED",
            "there must be at least one event",
        ),
    }
    found.0
}

/// What stands under a key; `null` is nothing.
fn given<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// After 2001, in microseconds; a time in milliseconds would be of 1970.
fn is_micros(at: &Value) -> bool {
    let number = at.as_i64().or_else(|| at.as_str()?.parse().ok());
    number.is_some_and(|at| at > 1_000_000_000_000_000)
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, path: &str, code: &'static str, why: &str) {
        self.0.push(Problem {
            path: path.to_owned(),
            code,
            why: why.to_owned(),
        });
    }

    fn too_many(&mut self, path: &str, count: usize, most: usize) {
        let why = format!("there are {count}, the most is {most}");
        self.add(path, "EXCEEDED_MAX_ENTITIES", &why);
    }

    fn consent(&mut self, message: &Map<String, Value>) {
        let Some(consent) = given(message, "consent") else {
            return;
        };
        for key in ["ad_user_data", "ad_personalization"] {
            let value = &consent[key];
            if !value.is_null() && value != "GRANTED" && value != "DENIED" {
                let path = format!("consent.{key}");
                self.add(&path, "VALUE_INVALID", "must be GRANTED or DENIED");
            }
        }
    }

    fn user_properties(&mut self, message: &Map<String, Value>) {
        let Some(properties) = given(message, "user_properties") else {
            return;
        };
        let Some(properties) = properties.as_object() else {
            return self.add("user_properties", "VALUE_INVALID", "must be a map");
        };
        if properties.len() > MAX_USER_PROPERTIES {
            self.too_many("user_properties", properties.len(), MAX_USER_PROPERTIES);
        }
        for (name, property) in properties {
            let path = format!("user_properties.{name}");
            self.name(&path, name, MAX_PROPERTY_NAME);
            match property.get("value") {
                Some(value) => self.length(&path, value, MAX_PROPERTY_VALUE),
                None => self.add(&path, "VALUE_INVALID", "must be a map with `value`"),
            }
        }
    }

    fn event(&mut self, path: &str, event: &Value) {
        let Some(event) = event.as_object() else {
            return self.add(path, "VALUE_INVALID", "an event must be a map");
        };
        let Some(name) = event.get("name").and_then(Value::as_str) else {
            let path = format!("{path}.name");
            return self.add(&path, "VALUE_REQUIRED", "an event must have a name");
        };
        let at = format!("{path}.name");
        self.name(&at, name, MAX_NAME);
        if RESERVED_EVENTS.contains(&name) {
            self.add(
                &at,
                "NAME_RESERVED",
                &format!("the event name {name} is reserved"),
            );
        }
        let Some(parameters) = given(event, "params") else {
            return;
        };
        let path = format!("{path}.params");
        let Some(parameters) = parameters.as_object() else {
            return self.add(&path, "VALUE_INVALID", "params must be a map");
        };
        self.parameters(&path, parameters);
        if given(parameters, "value").is_some() && !parameters.contains_key("currency") {
            let path = format!("{path}.currency");
            self.add(&path, "VALUE_REQUIRED", "currency is required with value");
        }
    }

    fn parameters(&mut self, path: &str, parameters: &Map<String, Value>) {
        if parameters.len() > MAX_PARAMETERS {
            self.too_many(path, parameters.len(), MAX_PARAMETERS);
        }
        for (name, value) in parameters {
            let path = format!("{path}.{name}");
            self.name(&path, name, MAX_NAME);
            if name == "items" {
                self.items(&path, value);
                continue;
            }
            let long = LONG.iter().find(|(long, _)| long == name);
            self.length(&path, value, long.map_or(MAX_VALUE, |(_, most)| *most));
        }
    }

    fn items(&mut self, path: &str, items: &Value) {
        let Some(items) = items.as_array() else {
            return self.add(path, "VALUE_INVALID", "items must be a list");
        };
        if items.len() > MAX_ITEMS {
            self.too_many(path, items.len(), MAX_ITEMS);
        }
        let is_named = |item: &Value| {
            ["item_id", "item_name"]
                .iter()
                .any(|key| !item[*key].is_null())
        };
        if let Some(place) = items.iter().position(|item| !is_named(item)) {
            let path = format!("{path}[{place}]");
            self.add(&path, "VALUE_REQUIRED", "item_id or item_name is required");
        }
    }

    fn length(&mut self, path: &str, value: &Value, most: usize) {
        let count = value.as_str().map_or(0, |text| text.chars().count());
        if count > most {
            let why = format!("the value has {count} characters, the most is {most}");
            self.add(path, "VALUE_OUT_OF_BOUNDS", &why);
        }
        if value.is_array() || value.is_object() {
            self.add(path, "VALUE_INVALID", "must be a text or a number");
        }
    }

    fn name(&mut self, path: &str, name: &str, longest: usize) {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let sessions = ["ga_session_id", "ga_session_number"].contains(&name);
        if !begins || !name.chars().all(letters) {
            let why = "a name begins with a letter and has only letters, digits and _";
            self.add(path, "NAME_INVALID", why);
        } else if name.len() > longest {
            let why = format!("the name is longer than {longest} characters");
            self.add(path, "NAME_INVALID", &why);
        } else if !sessions
            && RESERVED_BEGINNINGS
                .iter()
                .any(|start| name.starts_with(start))
        {
            let why = "names that begin with google_, ga_ or firebase_ are reserved";
            self.add(path, "NAME_RESERVED", why);
        }
    }
}
