//! `DEDUPE`: where a sender's own delivery id is. What has been seen before is the journal's to know.

use http::HeaderName;

use crate::config::suggest;
use crate::request::Request;
use crate::script::value::plain_text;
use crate::script::{RequestView, Value};

/// What a repeat is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dedupe {
    /// The sender's id of the request: in one place, or in several that make it up together.
    ByRequest(Vec<Place>),
    /// Each event's own `event_id`: the sender may put old ones among new ones.
    ByEvent,
}

/// Where a part of a request's id is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a header field: the first of these that is there.
    Header(Vec<HeaderName>),
    /// In the query.
    Query(String),
    /// In the JSON or form body, under these keys.
    Body(Vec<String>),
}

const PLACES: [&str; 3] = ["header", "query", "body"];

const EVENT_ID: &str = "event_id";

const HINT: &str = "write \"header:x-shopify-webhook-id\", \"body:id\", \"body:data.id\", \"query:id\" or \"event_id\"";

impl Dedupe {
    /// Reads `"header:NAME"`, `"header:NAME,OTHER NAME"`, `"query:NAME"` or `"body:KEY.KEY"`, one or more; or `"event_id"`.
    ///
    /// # Errors
    /// What is wrong with the first bad one, and how to mend that.
    pub fn parse(texts: &[String]) -> Result<Self, (String, String)> {
        if texts.is_empty() {
            return Err(("there is no place in it".to_owned(), HINT.to_owned()));
        }
        if texts.iter().any(|text| text == EVENT_ID) {
            return match texts.len() {
                1 => Ok(Self::ByEvent),
                _ => Err((
                    format!("\"{EVENT_ID}\" stands alone"),
                    "either each event has an id of its own, or the request has one".to_owned(),
                )),
            };
        }
        let places = texts.iter().map(|text| Place::parse(text));
        places.collect::<Result<_, _>>().map(Self::ByRequest)
    }

    /// The sender's id, if the request has all that make it up.
    pub fn sender_id(&self, view: &RequestView, request: &Request) -> Option<String> {
        let Self::ByRequest(places) = self else {
            return None;
        };
        let parts = places.iter().map(|place| place.part(view, request));
        let parts: Vec<String> = parts.collect::<Option<_>>()?;
        Some(parts.join("/"))
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let wrong = |why: &str| (format!("\"{text}\" {why}"), HINT.to_owned());
        let (place, name) = text
            .split_once(':')
            .ok_or_else(|| wrong("does not say where the id is"))?;
        if name.split('.').any(str::is_empty) && place != "header" {
            return Err(wrong("names nothing"));
        }
        match place {
            "header" => {
                let names = name.split(',').map(|name| name.trim().parse());
                let names = names.collect::<Result<_, _>>();
                names
                    .map(Self::Header)
                    .map_err(|_| wrong("does not name a header"))
            }
            "query" => Ok(Self::Query(name.to_owned())),
            "body" => Ok(Self::Body(name.split('.').map(str::to_owned).collect())),
            other => {
                let hint = suggest(other, PLACES).unwrap_or_else(|| HINT.to_owned());
                Err((wrong("is in none of header, query and body").0, hint))
            }
        }
    }

    /// What is there: a text that is not empty, or a whole number.
    fn part(&self, view: &RequestView, request: &Request) -> Option<String> {
        let part = match self {
            Self::Header(names) => {
                let mut values = names.iter().filter_map(|name| request.headers.get(name));
                values.next()?.to_str().ok()?.to_owned()
            }
            Self::Query(name) => form_urlencoded::parse(request.query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())?,
            Self::Body(keys) => view.body_value(keys).as_ref().and_then(whole_text)?,
        };
        Some(part).filter(|part| !part.is_empty())
    }
}

/// Fractions and booleans are no ids.
fn whole_text(value: &Value) -> Option<String> {
    plain_text(value).filter(|_| value.is_string() || value.is_int())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use http::{HeaderMap, HeaderValue, Method, header};

    use super::*;
    use crate::script::Map;

    fn id(
        place: &str,
        query: &str,
        content_type: &'static str,
        body: &'static str,
    ) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-delivery", HeaderValue::from_static("d-7"));
        headers.insert("x-empty", HeaderValue::from_static(""));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let request = Arc::new(Request {
            id: "r".to_owned(),
            method: Method::POST,
            path: "/".to_owned(),
            query: query.to_owned(),
            headers,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            body: body.into(),
            received_at: 0,
        });
        let view = RequestView::new(request.clone(), Map::new());
        let places: Vec<String> = place.split(' ').map(str::to_owned).collect();
        Dedupe::parse(&places).unwrap().sender_id(&view, &request)
    }

    #[test]
    fn an_id_is_found_where_the_client_says() {
        const JSON: &str = "application/json";
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        for (place, query, content_type, body, expected) in [
            ("header:X-Delivery", "", JSON, "{}", Some("d-7")),
            ("header:x-empty", "", JSON, "{}", None),
            ("header:x-other", "", JSON, "{}", None),
            ("header:x-other,x-delivery", "", JSON, "{}", Some("d-7")),
            ("header:x-empty,x-delivery", "", JSON, "{}", None),
            ("query:id", "a=1&id=b%20c&id=d", JSON, "{}", Some("b c")),
            ("query:id", "a=1", JSON, "{}", None),
            ("body:id", "", JSON, r#"{"id":"evt_1"}"#, Some("evt_1")),
            ("body:id", "", JSON, r#"{"id":727}"#, Some("727")),
            ("body:id", "", "text/plain", r#"{"id":727}"#, Some("727")),
            (
                "body:data.id",
                "",
                JSON,
                r#"{"data":{"id":"x"}}"#,
                Some("x"),
            ),
            ("body:data.id", "", JSON, r#"{"data":[{"id":"x"}]}"#, None),
            ("body:id", "", JSON, r#"{"id":""}"#, None),
            ("body:id", "", JSON, r#"{"id":1.5}"#, None),
            ("body:id", "", JSON, r#"{"id":{"a":1}}"#, None),
            ("body:id", "", JSON, "not json", None),
            ("body:id", "", FORM, "id=f-1&x=2", Some("f-1")),
            (
                "header:x-delivery body:id",
                "",
                JSON,
                r#"{"id":727}"#,
                Some("d-7/727"),
            ),
            ("header:x-delivery body:id", "", JSON, "{}", None),
        ] {
            let found = id(place, query, content_type, body);
            assert_eq!(found.as_deref(), expected, "{place} {body}");
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        for (text, wanted) in [
            ("id", "where the id is"),
            ("headers:x", "none of header"),
            ("body:", "names nothing"),
            ("body:a..b", "names nothing"),
            ("query:", "names nothing"),
            ("header:", "does not name a header"),
            ("header:x y", "does not name a header"),
            ("event", "where the id is"),
        ] {
            let (message, hint) = Dedupe::parse(&[text.to_owned()]).unwrap_err();
            assert!(message.contains(wanted), "{text}: {message}");
            assert!(!hint.is_empty());
        }
        assert!(Dedupe::parse(&[]).is_err());
    }

    #[test]
    fn each_event_may_have_its_own() {
        let texts = ["event_id", "body:id"].map(str::to_owned);
        assert_eq!(Dedupe::parse(&texts[..1]), Ok(Dedupe::ByEvent));
        let (message, _) = Dedupe::parse(&texts).unwrap_err();
        assert!(message.contains("stands alone"), "{message}");
    }
}
