//! What a stand-in has received, within bounds, and which items it has seen before. It does not
//! judge: that is the vendors' files.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

use super::{Incoming, Received};
use crate::clock::Millis;
use crate::destination::Answer;

/// Enough for any test; a stand-in that runs for weeks forgets its oldest requests.
const MAX_REQUESTS: usize = 10_000;

/// Bodies may be 20 MB each, so the number of requests alone bounds nothing. Counted are bodies,
/// answers and reasons; heads are small, hyper sees to that.
const MAX_BYTES: usize = 64 << 20;

/// A body can be wrong in a million places, and nobody reads so many reasons.
const MAX_REASONS: usize = 100;

/// How many ids are known at once. Vendors forget by time (Amplitude after 7 days); a stand-in
/// does not live that long, and 16 bytes each make this 3 MB at most.
const MAX_SEEN: usize = 100_000;

#[derive(Default)]
pub(super) struct Ledger {
    requests: VecDeque<Received>,
    bytes: usize,
    seen: Seen,
}

impl Ledger {
    /// The latest request.
    pub(super) fn newest(&self) -> Option<&Received> {
        self.requests.back()
    }

    /// Keeps the request with its answer, and says how many of the accepted items are new.
    pub(super) fn enter(&mut self, at: Millis, request: Incoming, answer: &Answer) -> usize {
        let items = &answer.accepted;
        let new = items.iter().filter(|item| self.seen.is_new(item)).count();
        let reasons = answer.refused.iter().take(MAX_REASONS);
        let received = Received {
            at,
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body.unwrap_or_default(),
            status: answer.status,
            answer: answer.body.clone(),
            accepted: new,
            duplicates: items.len() - new,
            refused: reasons.cloned().collect(),
        };
        self.bytes += weight(&received);
        self.requests.push_back(received);
        self.forget();
        new
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.requests.iter().cloned().collect()
    }

    fn forget(&mut self) {
        while self.requests.len() > MAX_REQUESTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                return;
            };
            self.bytes -= weight(&oldest);
        }
    }
}

fn weight(request: &Received) -> usize {
    let reasons = request.refused.iter().map(String::len).sum::<usize>();
    request.body.len() + request.answer.len() + reasons
}

/// Ids seen before, as the first half of their SHA-256, so that a long id costs no more.
#[derive(Default)]
struct Seen {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Seen {
    fn is_new(&mut self, item: &Option<String>) -> bool {
        let Some(name) = item else {
            return true;
        };
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(name)[..16]);
        if !self.known.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::{Ledger, MAX_BYTES, MAX_REASONS, MAX_REQUESTS, MAX_SEEN, Seen};
    use crate::destination::Answer;
    use crate::emulator::Incoming;

    fn request(body: Bytes) -> Incoming {
        Incoming {
            method: http::Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: Some(body),
        }
    }

    #[test]
    fn a_repeat_is_counted_apart_and_an_item_without_a_name_is_always_new() {
        let mut ledger = Ledger::default();
        let items = vec![Some("a".to_owned()), Some("a".to_owned()), None, None];
        let answer = Answer::json(200, &json!({})).accepting(items);
        assert_eq!(ledger.enter(0, request(Bytes::new()), &answer), 3);
        assert_eq!(ledger.enter(0, request(Bytes::new()), &answer), 2);
        let counts: Vec<_> = ledger
            .requests()
            .iter()
            .map(|request| (request.accepted, request.duplicates))
            .collect();
        assert_eq!(counts, [(3, 1), (2, 2)]);
    }

    #[test]
    fn the_oldest_requests_are_forgotten_by_number_and_by_size() {
        let mut ledger = Ledger::default();
        let answer = Answer::json(200, &json!({}));
        for _ in 0..=MAX_REQUESTS {
            ledger.enter(0, request(Bytes::from_static(b"x")), &answer);
        }
        assert_eq!(ledger.requests().len(), MAX_REQUESTS);
        let large = request(Bytes::from(vec![0; MAX_BYTES - answer.body.len()]));
        ledger.enter(0, large, &answer);
        assert_eq!(ledger.requests().len(), 1);
        assert_eq!(ledger.bytes, MAX_BYTES);
    }

    #[test]
    fn of_many_reasons_the_first_are_kept() {
        let mut ledger = Ledger::default();
        let mut answer = Answer::json(400, &json!({}));
        answer.refused = (0..=MAX_REASONS).map(|number| number.to_string()).collect();
        ledger.enter(0, request(Bytes::new()), &answer);
        assert_eq!(ledger.requests()[0].refused, answer.refused[..MAX_REASONS]);
    }

    #[test]
    fn ids_are_forgotten_in_the_order_in_which_they_came() {
        let mut seen = Seen::default();
        for id in 0..=MAX_SEEN {
            assert!(seen.is_new(&Some(id.to_string())));
        }
        assert!(!seen.is_new(&Some("1".to_owned())));
        assert!(seen.is_new(&Some("0".to_owned())));
        assert_eq!(seen.known.len(), MAX_SEEN);
    }
}
