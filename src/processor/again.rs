//! Events whose job broke off. A panic is a defect of ours, and takes down the whole job: the events
//! beside it, and all tags. So each event runs again by itself, and one that breaks off once more
//! runs tag by tag. A tag that breaks off even then is a dead letter that says so: whatever was
//! acknowledged is processed, or seen.

use std::sync::Arc;

use tracing::error;

use super::{Context, Watch, process, process_one};
use crate::clock::{Clock, Millis};
use crate::delivery::{ErrorClass, State};
use crate::event::Event;
use crate::generation::Generation;
use crate::journal::{Made, NewDelivery, Processed, TakenEvent};
use crate::script::{Pool, Worker};
use crate::tag::Tag;

/// How an event is run; passed in, so that a test can break it.
#[derive(Clone, Copy)]
struct Ways {
    by_itself: fn(&mut Worker, &Generation, &Event, Millis) -> Made,
    one_tag: fn(&mut Worker, &Generation, &Event, &str, Millis) -> Result<Made, String>,
}

const WAYS: Ways = Ways {
    by_itself: |worker, generation, event, now| {
        process(worker, generation, event, now, Watch::Off).made
    },
    one_tag: process_one,
};

/// Why a dead letter is one, for a person.
const BROKE_OFF: &str =
    "running this tag broke off twice, which is a defect of ours: please report it";

/// Processes events whose job broke off.
pub(super) async fn one_by_one(
    pool: &Pool,
    generation: &Arc<Generation>,
    events: &[TakenEvent],
    clock: Clock,
) -> Vec<Processed> {
    run_all(WAYS, pool, generation, events, clock).await
}

async fn run_all(
    ways: Ways,
    pool: &Pool,
    generation: &Arc<Generation>,
    events: &[TakenEvent],
    clock: Clock,
) -> Vec<Processed> {
    let mut processed = Vec::with_capacity(events.len());
    for TakenEvent { number, event } in events {
        let (of, taken) = (generation.clone(), event.clone());
        let job = pool.run(move |worker| (ways.by_itself)(worker, &of, &taken, clock.steady()));
        let made = match job.await {
            Some(made) => made,
            None => tag_by_tag(ways, pool, generation, event, clock).await,
        };
        processed.push(Processed {
            number: *number,
            made,
        });
    }
    processed
}

async fn tag_by_tag(
    ways: Ways,
    pool: &Pool,
    generation: &Arc<Generation>,
    event: &Event,
    clock: Clock,
) -> Made {
    let mut all = Made::default();
    for tag in &generation.tags {
        let (of, taken, name) = (generation.clone(), event.clone(), tag.name.clone());
        let job =
            pool.run(move |worker| (ways.one_tag)(worker, &of, &taken, &name, clock.steady()));
        match job.await {
            Some(Ok(made)) => {
                all.deliveries.extend(made.deliveries);
                all.filtered.extend(made.filtered);
            }
            Some(Err(_)) => {} // it would not have been handed the event
            None => all
                .deliveries
                .push(dead_letter(generation, event, tag, clock.steady())),
        }
    }
    all
}

fn dead_letter(generation: &Generation, event: &Event, tag: &Tag, now: Millis) -> NewDelivery {
    error!(tag = %tag.name, event = %event.id, "{BROKE_OFF}");
    let context = Context {
        generation,
        event,
        tag,
        now,
        watch: Watch::Off,
    };
    NewDelivery {
        delivery: context.delivery(0, Vec::new(), State::Dead),
        class: Some(ErrorClass::Script),
        note: Some(BROKE_OFF.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::delivery::State::{Dead, Pending};
    use crate::generation;

    fn three_tags() -> Arc<Generation> {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir(at("clients")).unwrap();
        fs::create_dir(at("tags")).unwrap();
        let config = "[destinations.crm]\ntype = \"http\"\nurl = \"http://crm.test\"\n";
        fs::write(at("tagwerk.toml"), config).unwrap();
        for name in ["a", "b", "c"] {
            let tag = "const ON = \"*\";\nconst TO = \"crm\";\nfn tag(event) { #{} }\n";
            fs::write(at(&format!("tags/{name}.rhai")), tag).unwrap();
        }
        let nothing: BTreeMap<String, String> = BTreeMap::new();
        let loaded = generation::load(&at("tagwerk.toml"), &nothing);
        Arc::new(loaded.unwrap().live)
    }

    fn event(number: u64, name: &str) -> TakenEvent {
        let data = format!("{{\"event_name\":\"{name}\"}}");
        TakenEvent {
            number,
            event: Event {
                id: name.into(),
                received_at: 0,
                data: data.into(),
            },
        }
    }

    /// Breaks off at tag `b` of the event `bad`.
    const BREAKING: Ways = Ways {
        by_itself: |worker, generation, event, now| {
            assert_ne!(&*event.id, "bad", "a defect");
            (WAYS.by_itself)(worker, generation, event, now)
        },
        one_tag: |worker, generation, event, tag, now| {
            assert_ne!((&*event.id, tag), ("bad", "b"), "a defect");
            (WAYS.one_tag)(worker, generation, event, tag, now)
        },
    };

    #[tokio::test]
    async fn an_event_that_breaks_off_again_is_a_dead_letter_and_holds_up_nothing() {
        let (pool, generation) = (Pool::start(1).unwrap(), three_tags());
        let events = [event(7, "bad"), event(8, "good")];
        let clock = Clock::tokio(0);
        let processed = run_all(BREAKING, &pool, &generation, &events, clock).await;
        let found: Vec<(u64, Vec<_>)> = processed
            .iter()
            .map(|one| {
                let made = one.made.deliveries.iter();
                let made = made.map(|new| (&*new.delivery.tag, new.delivery.state, new.class));
                (one.number, made.collect())
            })
            .collect();
        let sent = |tag| (tag, Pending, None);
        let dead = ("b", Dead, Some(ErrorClass::Script));
        assert_eq!(
            found,
            [
                (7, vec![sent("a"), dead, sent("c")]),
                (8, vec![sent("a"), sent("b"), sent("c")])
            ]
        );
        let note = &processed[0].made.deliveries[1].note;
        assert_eq!(note.as_deref(), Some(BROKE_OFF));
    }
}
