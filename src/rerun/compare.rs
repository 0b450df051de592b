//! What tags make of an event now beside what was made of it before: by the tags of then, as it is in
//! the journal, or by those of another set. Both are written as requests
//! by the destination as it is now, so what is compared is what the tag makes. Pure.

use std::collections::HashMap;
use std::ops::AddAssign;

use serde::Serialize;

use crate::delivery::{Delivery, DeliveryId, State};
use crate::destination::{Destinations, Item, Outgoing, Shown};
use crate::journal::NewDelivery;
use crate::preview::SentTrace;

/// One delivery that is not what it was.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The event's id.
    pub event_id: String,
    /// Its number.
    pub event_number: u64,
    /// The delivery's id: the same for the same tag, event and ordinal.
    pub delivery_id: String,
    /// The tag.
    pub tag: String,
    /// Where it goes now; where it went, if it goes nowhere.
    pub destination: String,
    /// What happened to it.
    pub kind: Kind,
    /// The request of what is in the journal; nothing if there is none, or if it cannot be written
    /// any more.
    pub before: Option<SentTrace>,
    /// The request that would be sent.
    pub after: Option<SentTrace>,
    /// Why there is none, if the tag failed or made what cannot be sent.
    pub fault: Option<String>,
}

/// What happened to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It would be sent as another request.
    Changed,
    /// It was not made before.
    New,
    /// It is not made any more.
    Gone,
    /// Its tag fails, or makes what cannot be sent.
    Fault,
}

/// How many deliveries compare how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The request would be the same.
    pub same: u64,
    /// See [`Kind::Changed`].
    pub changed: u64,
    /// See [`Kind::New`].
    pub new: u64,
    /// See [`Kind::Gone`].
    pub gone: u64,
    /// See [`Kind::Fault`].
    pub faults: u64,
}

/// How one event's deliveries compare.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    pub compared: Compared,
    pub differences: Vec<Difference>,
    /// Bytes of the requests in `differences`.
    pub shown: usize,
}

/// Compares what tags made of an event now with what was made of it before.
pub(super) fn compare(
    destinations: &Destinations,
    event_number: u64,
    made: &[NewDelivery],
    made_before: &[&Delivery],
) -> Comparison {
    let mut desk = Desk {
        destinations,
        event_number,
        comparison: Comparison::default(),
    };
    let sent = made_before
        .iter()
        .filter(|delivery| was_to_be_sent(delivery));
    let mut before: HashMap<DeliveryId, &Delivery> =
        sent.map(|delivery| (delivery.id, *delivery)).collect();
    for new in made {
        let now = &new.delivery;
        let was = before.remove(&now.id);
        if now.state != State::Dead {
            desk.still_made(was, now);
            continue;
        }
        // The tag failed, and with it everything that it made before.
        before.retain(|_, was| was.tag != now.tag);
        let why = new.note.clone().unwrap_or_default();
        desk.add(Kind::Fault, was, now, None, Some(why));
    }
    for was in made_before
        .iter()
        .filter(|was| before.contains_key(&was.id))
    {
        desk.add(Kind::Gone, Some(was), was, None, None);
    }
    desk.comparison
}

/// A tag that failed made nothing to send, and what was discarded was not sent.
fn was_to_be_sent(delivery: &Delivery) -> bool {
    !delivery.payload.is_empty() && delivery.state != State::Skipped
}

struct Desk<'a> {
    destinations: &'a Destinations,
    event_number: u64,
    comparison: Comparison,
}

impl Desk<'_> {
    fn still_made(&mut self, was: Option<&Delivery>, now: &Delivery) {
        let after = match self.encode(now) {
            Ok(after) => after,
            Err(why) => return self.add(Kind::Fault, was, now, None, Some(why)),
        };
        let Some(was) = was else {
            return self.add(Kind::New, None, now, Some(&after), None);
        };
        if was.destination == now.destination && self.encode(was).as_ref() == Ok(&after) {
            self.comparison.compared.same += 1;
            return;
        }
        self.add(Kind::Changed, Some(was), now, Some(&after), None);
    }

    fn encode(&self, delivery: &Delivery) -> Result<Outgoing, String> {
        let name = &delivery.destination;
        let destination = self.destinations.get(name);
        let destination = destination.ok_or_else(|| format!("there is no destination {name}"))?;
        let encoded = destination.vendor.encode(&[Item::from(delivery)]);
        encoded.map_err(|refused| refused.why)
    }

    fn add(
        &mut self,
        kind: Kind,
        was: Option<&Delivery>,
        now: &Delivery,
        after: Option<&Outgoing>,
        fault: Option<String>,
    ) {
        let before = was.and_then(|was| self.show(was, &self.encode(was).ok()?));
        let after = after.and_then(|after| self.show(now, after));
        let shown = [&before, &after].into_iter().flatten();
        self.comparison.shown += shown.map(|shown| shown.body.len()).sum::<usize>();
        let compared = &mut self.comparison.compared;
        *match kind {
            Kind::Changed => &mut compared.changed,
            Kind::New => &mut compared.new,
            Kind::Gone => &mut compared.gone,
            Kind::Fault => &mut compared.faults,
        } += 1;
        self.comparison.differences.push(Difference {
            event_id: now.event_id.to_string(),
            event_number: self.event_number,
            delivery_id: now.id.to_string(),
            tag: now.tag.to_string(),
            destination: now.destination.to_string(),
            kind,
            before: before.map(SentTrace::from),
            after: after.map(SentTrace::from),
            fault,
        });
    }

    fn show(&self, delivery: &Delivery, outgoing: &Outgoing) -> Option<Shown> {
        let destination = self.destinations.get(&delivery.destination)?;
        Some(destination.show(outgoing))
    }
}

impl AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.same += other.same;
        self.changed += other.changed;
        self.new += other.new;
        self.gone += other.gone;
        self.faults += other.faults;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::config;
    use crate::delivery::ErrorClass;
    use crate::destination;
    use crate::journal::Record;

    const CONFIG: &str = "
[destinations.crm]
type = \"http\"
url = \"https://crm.test/\"
headers = { Authorization = \"Bearer secret-key\" }
";

    fn destinations() -> Destinations {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tagwerk.toml");
        std::fs::write(&file, CONFIG).unwrap();
        let nothing: BTreeMap<String, String> = BTreeMap::new();
        destination::load_all(&config::load(&file, &nothing).unwrap()).unwrap()
    }

    /// The `ordinal`-th delivery of a tag that made `body`.
    fn delivery(tag: &str, ordinal: usize, body: Option<&Value>, state: State) -> Delivery {
        let payload = body.map(|body| json!({ "body": body }).to_string());
        Delivery {
            id: DeliveryId::of("event", tag, ordinal),
            event_id: "event".into(),
            received_at: 0,
            tag: tag.into(),
            destination: "crm".into(),
            payload: payload.unwrap_or_default().into(),
            due: 0,
            expires: None,
            state,
        }
    }

    fn made(tag: &str, ordinal: usize, body: Value) -> NewDelivery {
        delivery(tag, ordinal, Some(&body), State::Pending).into()
    }

    fn failed(tag: &str) -> NewDelivery {
        NewDelivery {
            delivery: delivery(tag, 0, None, State::Dead),
            class: Some(ErrorClass::Script),
            note: Some("tags/a.rhai:1: it broke".to_owned()),
        }
    }

    fn record(delivery: Delivery) -> Record {
        Record {
            event: 7,
            data: "{}".into(),
            attempts: 1,
            number: 7 << 16,
            delivery,
            class: None,
            note: None,
        }
    }

    fn kept(tag: &str, ordinal: usize, body: &Value) -> Record {
        record(delivery(tag, ordinal, Some(body), State::Delivered))
    }

    fn run(made: &[NewDelivery], records: &[Record]) -> Comparison {
        let before: Vec<&Delivery> = records.iter().map(|record| &record.delivery).collect();
        compare(&destinations(), 7, made, &before)
    }

    fn kinds(comparison: &Comparison) -> Vec<(&str, Kind)> {
        let differences = comparison.differences.iter();
        differences.map(|one| (&*one.tag, one.kind)).collect()
    }

    #[test]
    fn each_kind_is_told_from_the_others() {
        let now = [
            made("same", 0, json!(1)),
            made("changed", 0, json!(2)),
            made("new", 0, json!(1)),
            made("longer", 0, json!(1)),
            made("longer", 1, json!(1)),
            failed("fails"),
        ];
        let before = [
            kept("same", 0, &json!(1)),
            kept("changed", 0, &json!(1)),
            kept("longer", 0, &json!(1)),
            kept("fails", 0, &json!(1)),
            kept("fails", 1, &json!(1)),
            kept("gone", 0, &json!(1)),
        ];
        let comparison = run(&now, &before);
        assert_eq!(
            kinds(&comparison),
            [
                ("changed", Kind::Changed),
                ("new", Kind::New),
                ("longer", Kind::New),
                ("fails", Kind::Fault),
                ("gone", Kind::Gone)
            ]
        );
        let expected = Compared {
            same: 2,
            changed: 1,
            new: 2,
            gone: 1,
            faults: 1,
        };
        assert_eq!(comparison.compared, expected);
        assert!(comparison.shown > 0);
    }

    #[test]
    fn requests_are_shown_without_secrets() {
        let comparison = run(
            &[made("tag", 0, json!({ "a": 2 }))],
            &[kept("tag", 0, &json!({ "a": 1 }))],
        );
        let [difference] = &comparison.differences[..] else {
            panic!("{comparison:?}");
        };
        let bodies =
            [&difference.before, &difference.after].map(|sent| sent.as_ref().unwrap().body.clone());
        assert_eq!(bodies, [json!({ "a": 1 }), json!({ "a": 2 })]);
        let text = serde_json::to_string(difference).unwrap();
        assert!(text.contains("***") && !text.contains("secret-key"));
    }

    #[test]
    fn what_was_never_to_be_sent_is_new() {
        let before = [
            record(delivery("failed", 0, None, State::Dead)),
            record(delivery("skipped", 0, Some(&json!(1)), State::Skipped)),
        ];
        let now = [made("failed", 0, json!(1)), made("skipped", 0, json!(1))];
        let new = [("failed", Kind::New), ("skipped", Kind::New)];
        assert_eq!(kinds(&run(&now, &before)), new);
        assert_eq!(kinds(&run(&[], &before)), []);
    }

    #[test]
    fn what_cannot_be_sent_is_a_fault() {
        let mut nowhere = made("nowhere", 0, json!(1));
        nowhere.delivery.destination = Arc::from("moon");
        let mut refused = made("refused", 0, json!(1));
        refused.delivery.payload = r#"{"bdoy":1}"#.into();
        let comparison = run(&[nowhere, refused], &[]);
        let faults = comparison.differences.iter();
        let faults: Vec<&str> = faults.filter_map(|one| one.fault.as_deref()).collect();
        assert_eq!(faults.len(), 2);
        assert!(faults[0].contains("no destination moon"), "{faults:?}");
        assert!(faults[1].contains("bdoy"), "{faults:?}");
    }
}
