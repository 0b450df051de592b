//! What Google's debug server says of a message of the Measurement Protocol, in its words. It checks
//! what Google documents as limits; it does not know which events a property wants.

use rhai::{Array, Dynamic, Map};

use crate::script::api::keys::{is_filled, text};

/// Google's limits of one message.
const MAX_EVENTS: usize = 25;
const MAX_PARAMETERS: usize = 25;
const MAX_NAME: usize = 40;
const MAX_USER_PROPERTIES: usize = 25;
const MAX_PROPERTY_NAME: usize = 24;

/// So many problems are told; whoever has more has enough to mend.
const MAX_PROBLEMS: usize = 20;

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

struct Found(Array);

/// Everything that is wrong with a message.
pub(super) fn problems(message: &Map) -> Array {
    let mut found = Found(Array::new());
    let has = |key: &str| message.get(key).is_some_and(is_filled);
    if !has("client_id") && !has("app_instance_id") {
        found.add(
            "client_id",
            "VALUE_REQUIRED",
            "client_id or app_instance_id is missing",
        );
    }
    found.user_properties(message);
    match message.get("events").map(Dynamic::as_array_ref) {
        Some(Ok(events)) if !events.is_empty() => {
            if events.len() > MAX_EVENTS {
                found.too_many("events", events.len(), MAX_EVENTS);
            }
            for (at, event) in events.iter().enumerate() {
                found.event(at, event);
            }
        }
        _ => found.add(
            "events",
            "VALUE_REQUIRED",
            "events must be an array with at least one event",
        ),
    }
    found.0
}

impl Found {
    fn add(&mut self, path: &str, code: &'static str, why: &str) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Dynamic::from_map(Map::from([
                ("fieldPath".into(), text(path)),
                ("description".into(), text(why)),
                ("validationCode".into(), text(code)),
            ])));
        }
    }

    fn too_many(&mut self, path: &str, count: usize, most: usize) {
        let why = format!("there are {count}, the most is {most}");
        self.add(path, "EXCEEDED_MAX_ENTITIES", &why);
    }

    fn user_properties(&mut self, message: &Map) {
        let Some(properties) = message
            .get("user_properties")
            .filter(|value| !value.is_unit())
        else {
            return;
        };
        let Ok(properties) = properties.as_map_ref() else {
            return self.add(
                "user_properties",
                "VALUE_INVALID",
                "user_properties must be an object",
            );
        };
        if properties.len() > MAX_USER_PROPERTIES {
            self.too_many("user_properties", properties.len(), MAX_USER_PROPERTIES);
        }
        for name in properties.keys() {
            self.name(&format!("user_properties.{name}"), name, MAX_PROPERTY_NAME);
        }
    }

    fn event(&mut self, at: usize, event: &Dynamic) {
        let path = format!("events[{at}]");
        let Ok(event) = event.as_map_ref() else {
            return self.add(&path, "VALUE_INVALID", "an event must be an object");
        };
        match event.get("name").map(Dynamic::as_immutable_string_ref) {
            Some(Ok(name)) => {
                let path = format!("{path}.name");
                self.name(&path, &name, MAX_NAME);
                if RESERVED_EVENTS.contains(&name.as_str()) {
                    self.add(
                        &path,
                        "NAME_RESERVED",
                        &format!("the event name {} is reserved", *name),
                    );
                }
            }
            _ => self.add(
                &format!("{path}.name"),
                "VALUE_REQUIRED",
                "an event must have a name",
            ),
        }
        match event.get("params").map(Dynamic::as_map_ref) {
            Some(Ok(parameters)) => self.parameters(&format!("{path}.params"), &parameters),
            Some(Err(_)) => self.add(
                &format!("{path}.params"),
                "VALUE_INVALID",
                "params must be an object",
            ),
            None => {}
        }
    }

    fn parameters(&mut self, path: &str, parameters: &Map) {
        if parameters.len() > MAX_PARAMETERS {
            self.too_many(path, parameters.len(), MAX_PARAMETERS);
        }
        for name in parameters.keys() {
            self.name(&format!("{path}.{name}"), name, MAX_NAME);
        }
    }

    fn name(&mut self, path: &str, name: &str, longest: usize) {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if !begins || !name.chars().all(letters) {
            let why = "a name begins with a letter and has only letters, digits and _";
            self.add(path, "NAME_INVALID", why);
        } else if name.len() > longest {
            let why = format!("the name is longer than {longest} characters");
            self.add(path, "NAME_INVALID", &why);
        } else if RESERVED_BEGINNINGS
            .iter()
            .any(|start| name.starts_with(start))
            && name != "ga_session_id"
            && name != "ga_session_number"
        {
            let why = "names that begin with google_, ga_ or firebase_ are reserved";
            self.add(path, "NAME_RESERVED", why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::json::parse_json;

    fn codes(json: &str) -> Vec<String> {
        let message: Map = parse_json(json.as_bytes()).unwrap().cast();
        let problems = problems(&message).into_iter();
        let problems = problems.map(|problem| problem.cast::<Map>());
        problems
            .map(|problem| format!("{} {}", problem["fieldPath"], problem["validationCode"]))
            .collect()
    }

    #[test]
    fn problems_are_named_as_google_names_them() {
        let many = format!(
            r#"{{"client_id":"1","events":[{}]}}"#,
            [r#"{"name":"a"}"#; 26].join(",")
        );
        for (message, expected) in [
            (
                r#"{"client_id":"1.2","events":[{"name":"sign_up","params":{"method":"mail"}}]}"#,
                &[][..],
            ),
            (
                r#"{"app_instance_id":"a","events":[{"name":"a","params":{"ga_session_id":1}}]}"#,
                &[],
            ),
            ("{}", &["client_id VALUE_REQUIRED", "events VALUE_REQUIRED"]),
            (
                r#"{"client_id":"1","events":{}}"#,
                &["events VALUE_REQUIRED"],
            ),
            (
                r#"{"client_id":"1","events":[1,{"name":1},{}]}"#,
                &[
                    "events[0] VALUE_INVALID",
                    "events[1].name VALUE_REQUIRED",
                    "events[2].name VALUE_REQUIRED",
                ],
            ),
            (
                r#"{"client_id":"1","events":[{"name":"sign up"},{"name":"session_start"},{"name":"ga_x"}]}"#,
                &[
                    "events[0].name NAME_INVALID",
                    "events[1].name NAME_RESERVED",
                    "events[2].name NAME_RESERVED",
                ],
            ),
            (
                r#"{"client_id":"1","events":[{"name":"a","params":{"1x":1}},{"name":"b","params":[]}]}"#,
                &[
                    "events[0].params.1x NAME_INVALID",
                    "events[1].params VALUE_INVALID",
                ],
            ),
            (
                r#"{"client_id":"1","user_properties":[],"events":[{"name":"a"}]}"#,
                &["user_properties VALUE_INVALID"],
            ),
            (&many, &["events EXCEEDED_MAX_ENTITIES"]),
        ] {
            assert_eq!(codes(message), expected, "{message}");
        }
    }

    #[test]
    fn problems_are_bounded() {
        let events = vec!["1"; 500].join(",");
        let message = format!(r#"{{"client_id":"1","events":[{events}]}}"#);
        assert_eq!(codes(&message).len(), MAX_PROBLEMS);
    }
}
