//! The newest traces, in memory, bounded in bytes: old ones make room for new ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes of all traces together, as JSON.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Traces, however small they are.
const MAX_TRACES: usize = 1_000;

/// A bounded ring of traces, kept as the JSON that they are asked for as.
#[derive(Debug, Default)]
pub struct Ring(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    traces: VecDeque<(Arc<str>, Bytes)>,
    bytes: usize,
}

impl Ring {
    /// Keeps a trace.
    pub fn push(&self, id: &str, json: Bytes) {
        let mut kept = self.lock();
        kept.bytes += json.len();
        kept.traces.push_back((id.into(), json));
        while kept.bytes > MAX_BYTES || kept.traces.len() > MAX_TRACES {
            let Some((_, oldest)) = kept.traces.pop_front() else {
                break;
            };
            kept.bytes -= oldest.len();
        }
    }

    /// The trace of that id, if it is still there.
    pub fn get(&self, id: &str) -> Option<Bytes> {
        let kept = self.lock();
        kept.traces
            .iter()
            .find(|(known, _)| &**known == id)
            .map(|(_, json)| json.clone())
    }

    /// The ids, newest first.
    pub fn ids(&self) -> Vec<Arc<str>> {
        self.lock()
            .traces
            .iter()
            .rev()
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_traces_make_room() {
        let ring = Ring::default();
        for n in 0..20 {
            ring.push(&n.to_string(), Bytes::from(vec![b'x'; 1024 * 1024]));
        }
        assert_eq!(ring.ids().len(), 16);
        assert!(ring.get("3").is_none() && ring.get("4").is_some());
        for n in 0..2_000 {
            ring.push(&format!("small-{n}"), Bytes::from_static(b"{}"));
        }
        assert_eq!(ring.ids().len(), 1_000);
    }
}
