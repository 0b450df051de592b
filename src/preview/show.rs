//! From a record to its trace, when somebody asks.

use std::time::{Duration, Instant};

use super::curl;
use super::provenance::Sources;
use super::record::{DeliveryRecord, EventRecord, Fate, Record, TagRecord};
use super::row::outcome;
use super::trace::{
    DeliveryTrace, EventTrace, RequestTrace, ResponseTrace, SentTrace, StepTrace, TagTrace, Trace,
    UnaskedTrace,
};

impl Record {
    /// The trace. `public_url` is what senders call.
    pub fn trace(&self, seq: Option<u64>, public_url: &str) -> Trace {
        let request = RequestTrace::of(&self.request).hiding(&self.secret_names);
        let sources = Sources::of(self);
        let events = self.events.iter();
        Trace {
            trace_id: self.request.id.clone(),
            seq,
            generation: self.generation.to_string(),
            mode: self.mode,
            session: self.session.as_deref().map(str::to_owned),
            replay_of: self.replay_of.clone(),
            received_at: self.request.received_at,
            outcome: outcome(self),
            duration_us: self.duration_us(),
            curl: curl::of_request(&self.request, &request, &self.secret_names, public_url),
            request,
            unasked: self
                .unasked
                .as_ref()
                .map(|unasked| UnaskedTrace::of(unasked, &self.secret_names)),
            clients: self.clients.clone(),
            response: ResponseTrace::from(&self.response),
            events: events.map(|event| event.trace(&sources)).collect(),
            steps: self.steps(),
        }
    }

    /// From the whole request to its answer, or as far as is known.
    pub(super) fn duration_us(&self) -> u64 {
        let end = self.times.answered.unwrap_or(self.times.made);
        micros(self.times.until(end))
    }

    fn steps(&self) -> Vec<StepTrace> {
        let times = &self.times;
        let step = |kind, name: &str, from: Duration, took_us| StepTrace {
            kind,
            name: name.to_owned(),
            event: None,
            delivery_id: None,
            from_us: micros(from),
            took_us,
        };
        let mut steps = Vec::new();
        if let Some(client) = self.client() {
            let took = times.made.saturating_duration_since(times.taken);
            steps.push(step(
                "client",
                client,
                times.until(times.taken),
                micros(took),
            ));
        }
        let is_kept = self.mode != super::Mode::DryRun && !self.events.is_empty();
        if let Some(answered) = times.answered.filter(|_| is_kept) {
            let took = answered.saturating_duration_since(times.made);
            steps.push(step(
                "commit",
                "journal",
                times.until(times.made),
                micros(took),
            ));
        }
        for (at, event) in self.events.iter().enumerate() {
            self.tag_steps(at, event, &mut steps);
        }
        steps.sort_by_key(|step| step.from_us);
        steps
    }

    fn tag_steps(&self, at: usize, event: &EventRecord, steps: &mut Vec<StepTrace>) {
        let Some(begun) = event.begun else { return };
        let mut from = self.times.until(begun);
        for tag in &event.tags {
            let took = Duration::from_micros(tag.trace.duration_us);
            steps.push(StepTrace {
                kind: "tag",
                name: tag.trace.name.clone(),
                event: Some(at),
                delivery_id: None,
                from_us: micros(from),
                took_us: tag.trace.duration_us,
            });
            from += took;
            for one in &tag.deliveries {
                let attempts = one.attempts.iter().map(|attempt| StepTrace {
                    kind: "attempt",
                    name: tag.trace.destination.clone(),
                    event: Some(at),
                    delivery_id: Some(one.delivery.id.to_string()),
                    from_us: self.offset(attempt.begun),
                    took_us: attempt.duration_us,
                });
                steps.extend(attempts);
            }
        }
    }

    fn offset(&self, moment: Instant) -> u64 {
        micros(self.times.until(moment))
    }
}

impl EventRecord {
    fn trace(&self, sources: &Sources) -> EventTrace {
        let data = serde_json::from_slice(&self.event.data).unwrap_or_default();
        EventTrace {
            event_id: self.event.id.to_string(),
            state: self.fate.as_str(),
            processed: self.fate == Fate::Processed,
            provenance: sources.explain(self, &data),
            data,
            tags: self.tags.iter().map(TagRecord::trace).collect(),
        }
    }
}

impl Fate {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Processed => "processed",
            Self::Repeat => "repeat",
            Self::Unkept => "not_kept",
        }
    }
}

impl TagRecord {
    fn trace(&self) -> TagTrace {
        TagTrace {
            deliveries: self.deliveries.iter().map(DeliveryRecord::trace).collect(),
            ..self.trace.clone()
        }
    }
}

impl DeliveryRecord {
    /// The request that it is, or why there can be none.
    pub fn request(&self) -> Result<SentTrace, String> {
        match &self.destination {
            Some(destination) => SentTrace::by(destination, &self.delivery),
            None => Err(format!(
                "there is no destination {}",
                self.delivery.destination
            )),
        }
    }

    fn trace(&self) -> DeliveryTrace {
        let (request, refused) = match self.request() {
            Ok(request) => (Some(request), None),
            Err(why) => (None, Some(why)),
        };
        DeliveryTrace {
            delivery_id: self.delivery.id.to_string(),
            state: self.state.as_str(),
            class: self.class.map(|class| class.as_str()),
            note: self.note.clone(),
            next_try_at: self.next_try_at,
            curl: request.as_ref().map(curl::of_sent),
            request,
            refused,
            attempts: self.attempts.clone(),
        }
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
