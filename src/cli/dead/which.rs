//! Which dead letters are meant: ids or filters as a person writes them, as what the API is told.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::Exit;
use crate::clock::{Clock, Millis, rfc3339};
use crate::config::parse_duration;

/// What both kinds, or one of them, can be filtered by.
#[derive(Debug, Default, Args)]
pub(super) struct Filters {
    /// Deliveries that this tag made
    #[arg(long)]
    tag: Option<String>,
    /// Deliveries for this destination
    #[arg(long)]
    destination: Option<String>,
    /// Deliveries that died of this: script, invalid, rejected, redirected, exhausted, expired,
    /// unconfirmed
    #[arg(long)]
    class: Option<String>,
    /// Requests that this client failed on
    #[arg(long)]
    client: Option<String>,
    /// What died since then: `2h` (that long ago) or `2026-11-21T00:19:31Z`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// What died before then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// What to act on.
#[derive(Debug, Default, Args)]
pub(super) struct Which {
    /// Ids, as `dead list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// All dead letters of both kinds
    #[arg(long)]
    all: bool,
}

/// The kinds of dead letters, and the paths of the API that they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Delivery,
    Request,
}

/// Dead letters of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub kind: Kind,
    /// `ids`, `filter` or `all`.
    pub body: Value,
    /// How many there are, if they were named.
    pub named: Option<u64>,
}

/// Keys and values of a filter, as the API has them.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// Ids of one call.
const IDS_PER_CALL: usize = 200;

impl Kind {
    /// Where the API has them.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Delivery => "/api/deliveries",
            Self::Request => "/api/requests",
        }
    }

    /// The list's key, and what they are called.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Delivery => "deliveries",
            Self::Request => "requests",
        }
    }

    /// What one and many are called.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Delivery => ("dead delivery", "dead deliveries"),
            Self::Request => ("failed request", "failed requests"),
        }
    }

    /// Deliveries have 32 digits, requests fewer.
    pub(super) fn of_id(id: &str) -> Self {
        match id.len() {
            32 => Self::Delivery,
            _ => Self::Request,
        }
    }
}

impl Filters {
    /// The kinds that these filters can mean, each with the keys and values of its filter.
    pub(super) fn targets(&self) -> Result<Vec<(Kind, Pairs)>, Exit> {
        let now = Clock::System.now();
        let times = [("since", &self.since), ("until", &self.until)];
        let times = set(times).map(|(key, value)| (key, moment(&value, now)));
        let times: Vec<_> = times.collect();
        let of_deliveries = [
            ("tag", &self.tag),
            ("destination", &self.destination),
            ("class", &self.class),
        ];
        let of_deliveries: Vec<_> = set(of_deliveries).collect();
        let of_requests: Vec<_> = set([("client", &self.client)]).collect();
        let with_times = |own: Vec<_>| own.into_iter().chain(times.clone()).collect();
        match (of_deliveries.is_empty(), of_requests.is_empty()) {
            (false, false) => Err(Exit::usage(
                "requests have a client, deliveries have a tag, a destination and a class: filter by one kind at a time",
            )),
            (false, true) => Ok(vec![(Kind::Delivery, with_times(of_deliveries))]),
            (true, false) => Ok(vec![(Kind::Request, with_times(of_requests))]),
            (true, true) => Ok(vec![
                (Kind::Delivery, times.clone()),
                (Kind::Request, times),
            ]),
        }
    }

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
}

impl Which {
    /// What to act on, kind by kind.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Exit> {
        let ways = [!self.ids.is_empty(), !self.filters.is_empty(), self.all];
        match ways.iter().filter(|way| **way).count() {
            1 => {}
            0 => {
                return Err(Exit::usage(
                    "say which: ids, filters such as `--tag NAME`, or `--all`",
                ));
            }
            _ => {
                return Err(Exit::usage(
                    "say ids, or filters, or `--all`, and only one of them",
                ));
            }
        }
        if !self.ids.is_empty() {
            return Ok(named(&self.ids));
        }
        let target = |(kind, filter): (Kind, Pairs)| {
            let filter = filter.into_iter();
            let filter: Map<String, Value> = filter
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect();
            let body = match self.all {
                true => json!({ "all": true }),
                false => json!({ "filter": filter }),
            };
            Target {
                kind,
                body,
                named: None,
            }
        };
        Ok(self.filters.targets()?.into_iter().map(target).collect())
    }

    /// What the list of the same dead letters is asked for.
    pub(super) fn filters(&self) -> &Filters {
        &self.filters
    }
}

fn named(ids: &[String]) -> Vec<Target> {
    let mut targets = Vec::new();
    for kind in [Kind::Delivery, Kind::Request] {
        let of_kind: Vec<&String> = ids.iter().filter(|id| Kind::of_id(id) == kind).collect();
        targets.extend(of_kind.chunks(IDS_PER_CALL).map(|ids| Target {
            kind,
            body: json!({ "ids": ids }),
            named: Some(ids.len() as u64),
        }));
    }
    targets
}

fn set<'a, const N: usize>(
    pairs: [(&'static str, &'a Option<String>); N],
) -> impl Iterator<Item = (&'static str, String)> + use<'a, N> {
    let pairs = pairs.into_iter();
    pairs.filter_map(|(key, value)| Some((key, value.clone()?)))
}

/// A duration means that long before `now`, and the same on every page. All else is the server's to
/// judge.
pub(in crate::cli) fn moment(text: &str, now: Millis) -> String {
    let Some(ago) = parse_duration(text) else {
        return text.to_owned();
    };
    let ago = Millis::try_from(ago.as_millis()).unwrap_or(Millis::MAX);
    rfc3339(now.saturating_sub(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(tag: Option<&str>, client: Option<&str>) -> Filters {
        Filters {
            tag: tag.map(str::to_owned),
            client: client.map(str::to_owned),
            ..Filters::default()
        }
    }

    #[test]
    fn filters_choose_the_kind() {
        let kinds = |tag, client| {
            let targets = filters(tag, client).targets();
            targets.map(|targets| targets.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
        };
        assert_eq!(kinds(None, None).unwrap(), [Kind::Delivery, Kind::Request]);
        assert_eq!(kinds(Some("t"), None).unwrap(), [Kind::Delivery]);
        assert_eq!(kinds(None, Some("c")).unwrap(), [Kind::Request]);
        assert!(kinds(Some("t"), Some("c")).is_err());
    }

    #[test]
    fn ids_go_to_their_kind_in_pages() {
        let mut ids = vec!["f".repeat(32); 201];
        ids.push("a155ace41657dccf".to_owned());
        let which = Which {
            ids,
            ..Which::default()
        };
        let targets = which.targets().unwrap();
        let counts: Vec<_> = targets
            .iter()
            .map(|target| (target.kind, target.named.unwrap()))
            .collect();
        let expected = [
            (Kind::Delivery, 200),
            (Kind::Delivery, 1),
            (Kind::Request, 1),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn what_is_meant_must_be_said_once() {
        assert!(Which::default().targets().is_err());
        let both = Which {
            all: true,
            filters: filters(Some("t"), None),
            ..Which::default()
        };
        assert!(both.targets().is_err());
        let all = Which {
            all: true,
            ..Which::default()
        };
        assert_eq!(all.targets().unwrap().len(), 2);
    }

    #[test]
    fn a_duration_is_that_long_ago() {
        assert_eq!(moment("2h", 7_200_000), "1970-01-01T00:00:00.000Z");
        assert_eq!(moment("soon", 0), "soon");
    }
}
