//! What callers may ask for, read from queries and bodies: moments, filters, pages. A value that
//! makes no sense is refused with what it could be.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;
use crate::clock::{Millis, parse_rfc3339};
use crate::config::parse_duration;
use crate::delivery::{DeliveryId, ErrorClass, State};
use crate::journal::{Filter, Page, RequestFilter};
use crate::rerun::{MOST_PER_PAGE, Reasons};

/// Ids of one call: as many as a page has.
const MOST_IDS: usize = MOST_PER_PAGE;

/// Which dead letters or deliveries are meant. Of failed requests, `client` and the times.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FilterAsked {
    pub tag: Option<String>,
    pub destination: Option<String>,
    pub class: Option<String>,
    pub client: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
}

/// What `retry` and `discard` are told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ActAsked {
    ids: Vec<String>,
    filter: FilterAsked,
    all: bool,
    pub as_sent: bool,
    after: u64,
    limit: Option<usize>,
}

/// The page that one call does, or all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    pub first: Page,
    /// True if the caller asks for no page, and so for all.
    pub all: bool,
}

/// A body, or why there is none.
pub(super) fn body<T>(asked: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    match asked {
        Ok(Json(asked)) => Ok(asked),
        Err(rejection) => Err(Refusal(
            rejection.status(),
            in_our_words(&rejection.body_text()),
        )),
    }
}

/// A query, or why there is none.
pub(super) fn query<T>(asked: Result<Query<T>, QueryRejection>) -> Result<T, Refusal> {
    match asked {
        Ok(Query(asked)) => Ok(asked),
        Err(rejection) => Err(Refusal::bad(in_our_words(&rejection.body_text()))),
    }
}

/// What axum and serde say of a query or a body, in the words of the rest of the API.
fn in_our_words(text: &str) -> String {
    if text.starts_with("Expected request with `Content-Type") {
        return "send JSON, and say so: `content-type: application/json`".to_owned();
    }
    if let Some(why) = text.strip_prefix("Failed to parse the request body as JSON: ") {
        return format!("the body is not JSON: {why}");
    }
    let ways = [
        "Failed to deserialize query string: ",
        "Failed to deserialize the JSON body into the target type: ",
    ];
    let why = ways.iter().find_map(|way| text.strip_prefix(way));
    let why = why.unwrap_or(text);
    let Some((_, key)) = why.split_once("unknown field ") else {
        return why.to_owned();
    };
    let key = key.replacen(", expected one of ", "; there are ", 1);
    format!(
        "there is no key {}",
        key.replacen(", expected ", "; there is ", 1)
    )
}

/// A moment: a duration means that long ago.
pub(super) fn moment(key: &str, text: &str, now: Millis) -> Result<Millis, Refusal> {
    if let Some(ago) = parse_duration(text) {
        let ago = Millis::try_from(ago.as_millis()).unwrap_or(Millis::MAX);
        return Ok(now.saturating_sub(ago));
    }
    parse_rfc3339(text).ok_or_else(|| {
        Refusal::bad(format!(
            "{key} is no time: write a duration such as \"2h\", which means that long ago, or a time such as \"2026-11-21T00:19:31Z\""
        ))
    })
}

/// [`moment`], if there is one.
pub(super) fn maybe_moment(
    key: &str,
    text: Option<&str>,
    now: Millis,
) -> Result<Option<Millis>, Refusal> {
    text.map(|text| moment(key, text, now)).transpose()
}

/// A page of `limit` things. 0 is allowed: it gives the counts.
pub(super) fn page(after: u64, limit: usize) -> Result<Page, Refusal> {
    if limit > MOST_PER_PAGE {
        return Err(Refusal::bad(format!(
            "limit is at most {MOST_PER_PAGE}; `next` says where to go on"
        )));
    }
    Ok(Page { after, limit })
}

/// A page, or all of them if no limit is set.
pub(super) fn pages(after: u64, limit: Option<usize>) -> Result<Pages, Refusal> {
    Ok(Pages {
        first: page(after, limit.unwrap_or(MOST_PER_PAGE))?,
        all: limit.is_none(),
    })
}

/// The state of that name.
pub(super) fn state(name: &str) -> Result<State, Refusal> {
    let names = State::ALL.map(State::as_str);
    State::of(name).ok_or_else(|| unknown("state", name, &names))
}

fn class(name: &str) -> Result<ErrorClass, Refusal> {
    let names = ErrorClass::ALL.map(ErrorClass::as_str);
    ErrorClass::of(name).ok_or_else(|| unknown("class", name, &names))
}

fn unknown(key: &str, name: &str, known: &[&str]) -> Refusal {
    Refusal::bad(format!(
        "there is no {key} `{name}`; there are {}",
        known.join(", ")
    ))
}

impl FilterAsked {
    fn is_empty(&self) -> bool {
        let texts = [
            &self.tag,
            &self.destination,
            &self.class,
            &self.client,
            &self.since,
            &self.until,
        ];
        texts.iter().all(|text| text.is_none())
    }

    /// Of deliveries.
    pub(super) fn of_deliveries(self, now: Millis) -> Result<Filter, Refusal> {
        if self.client.is_some() {
            return Err(Refusal::bad(
                "deliveries have no client; failed requests have one, under /api/requests",
            ));
        }
        Ok(Filter {
            class: self.class.as_deref().map(class).transpose()?,
            since: maybe_moment("since", self.since.as_deref(), now)?,
            until: maybe_moment("until", self.until.as_deref(), now)?,
            tag: self.tag,
            destination: self.destination,
            ..Filter::default()
        })
    }

    /// Of failed requests.
    pub(super) fn of_requests(self, now: Millis) -> Result<RequestFilter, Refusal> {
        if self.tag.is_some() || self.destination.is_some() || self.class.is_some() {
            return Err(Refusal::bad(
                "failed requests have no tag, destination or class; filter them by client, since and until",
            ));
        }
        Ok(RequestFilter {
            ids: Vec::new(),
            since: maybe_moment("since", self.since.as_deref(), now)?,
            until: maybe_moment("until", self.until.as_deref(), now)?,
            client: self.client,
        })
    }
}

impl ActAsked {
    /// Which deliveries, and how many of them.
    pub(super) fn of_deliveries(self, now: Millis) -> Result<(Filter, Pages), Refusal> {
        self.check()?;
        let pages = pages(self.after, self.limit)?;
        let ids = self.ids.iter().map(|id| delivery_id(id));
        let ids = ids.collect::<Result<_, _>>()?;
        let filter = self.filter.of_deliveries(now)?;
        Ok((Filter { ids, ..filter }, pages))
    }

    /// Which failed requests, and how many of them.
    pub(super) fn of_requests(self, now: Millis) -> Result<(RequestFilter, Pages), Refusal> {
        self.check()?;
        if self.as_sent {
            return Err(Refusal::bad(
                "a failed request was never sent, so it cannot be sent as it was",
            ));
        }
        let pages = pages(self.after, self.limit)?;
        let filter = self.filter.of_requests(now)?;
        let ids = self.ids;
        Ok((RequestFilter { ids, ..filter }, pages))
    }

    /// Exactly one of ids, a filter, and the word that all are meant.
    fn check(&self) -> Result<(), Refusal> {
        let ways = [!self.ids.is_empty(), !self.filter.is_empty(), self.all];
        match ways.iter().filter(|way| **way).count() {
            1 if self.ids.len() <= MOST_IDS => Ok(()),
            1 => Err(Refusal::bad(format!("name at most {MOST_IDS} ids at once"))),
            0 => Err(Refusal::bad(
                "say which: \"ids\", or a \"filter\"; \"all\": true means all of them",
            )),
            _ => Err(Refusal::bad(
                "say \"ids\", or a \"filter\", or \"all\": true, and only one of them",
            )),
        }
    }
}

/// An id of a delivery.
pub(super) fn delivery_id(text: &str) -> Result<DeliveryId, Refusal> {
    DeliveryId::parse(text).ok_or_else(|| {
        Refusal::bad(format!(
            "`{text}` is no id of a delivery, which has 32 hexadecimal digits"
        ))
    })
}

/// Reasons with their counts.
pub(super) fn reasons(reasons: &Reasons) -> Vec<Value> {
    let one = |(why, count)| serde_json::json!({ "why": why, "count": count });
    reasons.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_718_973_400_000;

    fn act(json: &str) -> Result<(Filter, Pages), String> {
        let asked: ActAsked = serde_json::from_str(json).unwrap();
        asked.of_deliveries(NOW).map_err(|refusal| refusal.1)
    }

    #[test]
    fn a_filter_is_read() {
        let json = r#"{"filter":{"tag":"t","class":"script","since":"2h","until":"2024-06-21T12:36:40Z"},"limit":5,"after":7}"#;
        let (filter, pages) = act(json).unwrap();
        let expected = Filter {
            tag: Some("t".to_owned()),
            class: Some(ErrorClass::Script),
            since: Some(NOW - 7_200_000),
            until: Some(NOW),
            ..Filter::default()
        };
        assert_eq!(filter, expected);
        assert_eq!(
            (pages.first, pages.all),
            (Page { after: 7, limit: 5 }, false)
        );
        assert!(act(r#"{"all":true}"#).unwrap().1.all);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_does() {
        let many = format!(r#"{{"ids":["{}"]}}"#, vec!["a"; MOST_IDS + 1].join("\",\""));
        for (json, expected) in [
            ("{}", "all of them"),
            (r#"{"filter":{}}"#, "all of them"),
            (r#"{"ids":["0"],"all":true}"#, "only one of them"),
            (r#"{"ids":["0"]}"#, "32 hexadecimal digits"),
            (&*many, "at most 1000 ids"),
            (
                r#"{"filter":{"class":"scirpt"}}"#,
                "there are script, invalid",
            ),
            (r#"{"filter":{"since":"soon"}}"#, "since is no time"),
            (r#"{"filter":{"until":"2024-06-21"}}"#, "until is no time"),
            (r#"{"filter":{"client":"c"}}"#, "/api/requests"),
            (r#"{"all":true,"limit":1001}"#, "at most 1000"),
        ] {
            let why = act(json).unwrap_err();
            assert!(why.contains(expected), "{json}: {why}");
        }
        let asked: ActAsked = serde_json::from_str(r#"{"filter":{"tag":"t"}}"#).unwrap();
        assert!(asked.of_requests(NOW).is_err());
    }
}
