//! `stape::`: what only Stape's Data Tag does. Its body, its aliases and its answers are the
//! script's, `clients/data.rhai`.

use std::collections::HashSet;

use rhai::{Dynamic, Map};

use super::base64::decode_text;
use super::host::Host;
use super::namespace::{Namespace, Refusal};
use super::{Function, Topic};
use crate::script::json::parse_json;
use crate::script::{RequestView, parse_query};

pub(super) const TOPIC: Topic = Topic {
    name: "stape",
    about: "What only Stape's Data Tag does.",
    functions: &[Function {
        signature: "stape::query(request) -> map",
        about: "The query, with what the Data Tag packs into a GET unpacked where it stands: `dtcd` \
                is JSON, `dtdc` the same in base64. Their keys override those before them and are \
                overridden by those after; what cannot be unpacked is left out.",
        example: r#"stape::query(request).event_name == "page_view""#,
    }],
    register,
};

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .of_request("query", query)
        .add_to(host);
}

#[allow(clippy::unnecessary_wraps)] // as all functions of a request
fn query(view: &RequestView) -> Result<Map, Refusal> {
    let request = view.request();
    let mut query = parse_query(&request.query);
    let is_packed = query.contains_key("dtcd") || query.contains_key("dtdc");
    if request.method != http::Method::GET || !is_packed {
        return Ok(query);
    }
    let mut data = Map::new();
    for name in names(&request.query) {
        let value = query.remove(name.as_ref()).unwrap_or_default();
        match name.as_ref() {
            "dtcd" => data.extend(unpack(&value, |text| Some(text.to_owned()))),
            "dtdc" => data.extend(unpack(&value, |text| decode_text(text).ok())),
            name => drop(data.insert(name.into(), value)),
        }
    }
    Ok(data)
}

/// Each name once, where it stands first.
fn names(query: &str) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let mut seen = HashSet::new();
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name)
        .filter(move |name| seen.insert(name.clone()))
}

fn unpack(value: &Dynamic, decode: fn(&str) -> Option<String>) -> Map {
    let text = value.as_immutable_string_ref().ok();
    let json = text.and_then(|text| decode(&text));
    let parsed = json.and_then(|json| parse_json(json.as_bytes()).ok());
    parsed
        .and_then(Dynamic::try_cast::<Map>)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::script::api::tests::request;
    use crate::script::json::map_to_json;

    fn queried(method: http::Method, text: &str) -> String {
        let mut request = request();
        request.method = method;
        request.query = text.to_owned();
        let view = RequestView::new(Arc::new(request), Map::new());
        let map = query(&view).unwrap();
        String::from_utf8(map_to_json(&map).unwrap()).unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked_where_it_stands() {
        for (query, expected) in [
            ("event=p&a=1&a=2", r#"{"a":["1","2"],"event":"p"}"#),
            (
                "event=p&dtcd=%7B%22event%22%3A%22q%22%2C%22k%22%3A1%7D",
                r#"{"event":"q","k":1}"#,
            ),
            (
                "dtcd=%7B%22event%22%3A%22q%22%7D&event=p",
                r#"{"event":"p"}"#,
            ),
            (
                "event=p&dtcd=%7B%22event%22%3A%22q%22%7D&event=r",
                r#"{"event":"q"}"#,
            ),
            ("e=p&dtdc=eyJrIjoxfQ%3D%3D", r#"{"e":"p","k":1}"#),
            ("e=p&dtdc=eyJrIjoxfQ", r#"{"e":"p","k":1}"#),
            ("e=p&dtdc=!!", r#"{"e":"p"}"#),
            ("e=p&dtcd=%7B&dtcd=%7B%7D", r#"{"e":"p"}"#),
            ("e=p&dtcd=5", r#"{"e":"p"}"#),
        ] {
            assert_eq!(queried(http::Method::GET, query), expected, "{query}");
        }
        let plain = queried(http::Method::POST, "dtcd=%7B%7D");
        assert_eq!(plain, r#"{"dtcd":"{}"}"#);
    }
}
