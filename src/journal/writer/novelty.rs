//! Whether an append, or an event of it, came before. The writer alone decides that: it knows what is
//! on disk, and what will be with the next commit.

use std::collections::HashSet;

use super::{Append, Writer};
use crate::journal::error::Error;
use crate::journal::record::{DedupeKey, Entry, Known};

/// What an append is.
pub(super) enum Novelty {
    New,
    /// It came before, and there is something left to do.
    Repeat,
    /// It came before and that is on disk, or what it is to replace is gone.
    Gone,
}

/// Where a key was met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Nowhere,
    InThisBatch,
    OnDisk,
}

impl Writer {
    /// Takes out the events that came before, and notes the keys of what is new.
    pub(super) fn novelty(&mut self, append: &mut Append) -> Result<Novelty, Error> {
        if let Some(request) = append.instead_of
            && (self.pending.forgets(request) || self.store.kept_requests(&[request])?.is_empty())
        {
            return Ok(Novelty::Gone);
        }
        let met = match &append.known {
            Known::Not => return Ok(Novelty::New),
            Known::By(key) => {
                let key = *key;
                let met = self.met(key, append)?;
                if met == Met::Nowhere {
                    self.pending.add_key(key, append.at);
                }
                met
            }
            Known::ByEvent(client) => {
                let client = client.clone();
                self.keep_new_events(&client, append)?
            }
        };
        Ok(match met {
            Met::Nowhere => Novelty::New,
            Met::InThisBatch => Novelty::Repeat,
            Met::OnDisk if append.instead_of.is_some() => Novelty::Repeat,
            Met::OnDisk => Novelty::Gone,
        })
    }

    /// Where the events were met, if there is no new one among them. Keys are noted only when the
    /// last one has been looked up: a look that fails must not make the first ones known.
    fn keep_new_events(&mut self, client: &str, append: &mut Append) -> Result<Met, Error> {
        let mut new: Vec<(Entry, DedupeKey)> = Vec::with_capacity(append.entries.len());
        let mut where_met = Met::OnDisk;
        let entries = std::mem::take(&mut append.entries);
        if entries.is_empty() {
            return Ok(Met::Nowhere);
        }
        let mut keys = HashSet::new();
        for entry in entries {
            let key = DedupeKey::of(client, &entry.event.id);
            match self.met(key, append)? {
                Met::Nowhere if keys.insert(key) => new.push((entry, key)),
                Met::Nowhere | Met::OnDisk => {}
                Met::InThisBatch => where_met = Met::InThisBatch,
            }
        }
        if new.is_empty() {
            return Ok(where_met);
        }
        for (entry, key) in new {
            self.pending.add_key(key, append.at);
            append.entries.push(entry);
        }
        Ok(Met::Nowhere)
    }

    fn met(&mut self, key: DedupeKey, append: &Append) -> Result<Met, Error> {
        if self.pending.has_key(key) {
            return Ok(Met::InThisBatch);
        }
        let since = append.at.saturating_sub(DedupeKey::WINDOW);
        Ok(match self.store.has_seen(key, since)? {
            true => Met::OnDisk,
            false => Met::Nowhere,
        })
    }
}
