//! Event data as a script made it, kept from the client that made it to the tags that read it: what
//! was just written as JSON need not be read again. Only a shortcut, and bounded: what is not here is
//! read from its JSON, and is the same.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::value::{Map, Value};

/// Events; a processor that is not overwhelmed comes for them long before.
const MOST: usize = 1_000;

/// Bytes of their JSON. As a script's values they take some five times as many.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The newest event data. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Recent(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// By the address of the JSON text, which is there as long as it is kept here.
    by_text: HashMap<usize, (Bytes, Map)>,
    /// As they came; some are gone by now.
    order: VecDeque<usize>,
    bytes: usize,
}

impl Recent {
    /// Keeps what `text` was written from.
    pub(super) fn keep(&self, text: &Bytes, data: Map) {
        if text.len() > MOST_BYTES || !data.values().all(is_plain) {
            return;
        }
        let mut kept = self.lock();
        kept.bytes += text.len();
        kept.order.push_back(address(text));
        kept.by_text.insert(address(text), (text.clone(), data));
        while kept.order.len() > MOST || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.order.pop_front() else {
                return;
            };
            kept.remove(oldest);
        }
    }

    /// What this very text was written from, if it is still here. It is not afterwards.
    pub(super) fn take(&self, text: &Bytes) -> Option<Map> {
        self.lock().remove(address(text))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, address: usize) -> Option<Map> {
        let (text, data) = self.by_text.remove(&address)?;
        self.bytes -= text.len();
        Some(data)
    }
}

fn address(text: &Bytes) -> usize {
    text.as_ptr().addr()
}

/// True for what is the same after it was written as JSON and read again. A letter would be a text,
/// and what a closure shares could still change.
fn is_plain(value: &Value) -> bool {
    if value.is_shared() || value.is_char() {
        return false;
    }
    if let Ok(map) = value.as_map_ref() {
        return map.values().all(is_plain);
    }
    match value.as_array_ref() {
        Ok(items) => items.iter().all(is_plain),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(number: i64) -> Map {
        Map::from([("n".into(), number.into())])
    }

    fn text(length: usize) -> Bytes {
        vec![b'x'; length].into()
    }

    #[test]
    fn what_is_kept_is_given_once_and_for_that_text_only() {
        let recent = Recent::default();
        let (one, same) = (text(10), text(10));
        recent.keep(&one, map(1));
        assert!(recent.take(&same).is_none(), "another text of that content");
        let taken = recent.take(&one.clone()).unwrap();
        assert_eq!(taken["n"].as_int(), Ok(1));
        assert!(recent.take(&one).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let recent = Recent::default();
        let texts: Vec<Bytes> = (0..MOST + 10).map(|_| text(1)).collect();
        for (number, text) in (0..).zip(&texts) {
            recent.keep(text, map(number));
        }
        let found = texts.iter().filter(|text| recent.take(text).is_some());
        assert_eq!(found.count(), MOST);
        assert_eq!(recent.lock().bytes, 0);
        let large: Vec<Bytes> = (0..5).map(|_| text(MOST_BYTES / 4)).collect();
        for text in &large {
            recent.keep(text, map(0));
        }
        assert!(recent.take(&large[0]).is_none() && recent.take(&large[4]).is_some());
    }

    #[test]
    fn what_json_would_change_is_not_kept() {
        let recent = Recent::default();
        let odd = [Value::from('a'), vec![Value::from('a')].into()];
        let shared = Value::from(1_i64).into_shared();
        for value in odd.into_iter().chain([shared]) {
            let text = text(3);
            recent.keep(&text, Map::from([("v".into(), value)]));
            assert!(recent.take(&text).is_none());
        }
    }
}
