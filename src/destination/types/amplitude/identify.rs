//! Stands in for Amplitude's Identify and Group Identify APIs: a form with `api_key` and
//! `identification`, which is one JSON object or a list of them.

use http::Method;
use serde_json::{Map, Value};

use super::event;
use super::judge::{bad, missing, too_large};
use crate::destination::judge::{Answer, Asked};

/// Whose properties are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    User,
    Group,
}

impl About {
    /// Which API has this path.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/identify" => Some(Self::User),
            "/groupidentify" => Some(Self::Group),
            _ => None,
        }
    }
}

/// "1024 per request" and "1 MB", which the page of groups says; for users nothing else is known.
const MAX_ITEMS: usize = 1_024;
const MAX_BODY_BYTES: usize = 1_000_000;

pub(super) fn judge(asked: &Asked<'_>, about: About) -> Answer {
    if asked.method != Method::POST {
        return bad("Invalid request path").refusing("use POST");
    }
    if asked.body.len() > MAX_BODY_BYTES {
        return too_large(format!("body has {} bytes", asked.body.len()));
    }
    if !asked.is_form() {
        return bad("Missing request body").refusing("content-type is not that of a form");
    }
    let field = |name: &str| {
        let mut pairs = form_urlencoded::parse(asked.body);
        let found = pairs.find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.into_owned())
    };
    if field("api_key").is_none() {
        return missing("api_key");
    }
    let Some(identification) = field("identification") else {
        return missing("identification");
    };
    let items = match serde_json::from_str(&identification) {
        Ok(Value::Array(items)) if !items.is_empty() => items,
        Ok(one @ Value::Object(_)) => vec![one],
        _ => {
            return bad("Invalid JSON request body")
                .refusing("identification is no object or list");
        }
    };
    if items.len() > MAX_ITEMS {
        return too_large(format!(
            "{} identifications, at most {MAX_ITEMS}",
            items.len()
        ));
    }
    let wrong: Vec<String> = items
        .iter()
        .enumerate()
        .flat_map(|(index, item)| {
            let found = match item.as_object() {
                Some(item) => wrong(item, about),
                None => vec!["is no object".to_owned()],
            };
            found
                .into_iter()
                .map(move |why| format!("identification[{index}].{why}"))
        })
        .collect();
    if !wrong.is_empty() {
        return bad("Invalid field values on some events").refusing_all(wrong);
    }
    Answer::word(200, "success").accepting(vec![None; items.len()])
}

fn wrong(item: &Map<String, Value>, about: About) -> Vec<String> {
    let text = |key: &str| {
        item.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut wrong = Vec::new();
    let properties = match about {
        About::User => {
            if text("user_id").is_none() && text("device_id").is_none() {
                wrong.push("user_id: this or device_id is needed".to_owned());
            }
            ("user_properties", "$identify")
        }
        About::Group => {
            for key in ["group_type", "group_value"] {
                if text(key).is_none() {
                    wrong.push(format!("{key}: is missing"));
                }
            }
            ("group_properties", "$groupidentify")
        }
    };
    let (key, as_event) = properties;
    match item.get(key) {
        Some(Value::Object(properties)) if !properties.is_empty() => {}
        _ => wrong.push(format!("{key}: is no object with properties")),
    }
    wrong.extend(event::wrong_properties(item, key, as_event));
    wrong
}
