//! Whether the vendors would take what comes of a case's request: each delivery is judged by the
//! stand-in of its destination's type. Nothing is sent and no key is needed.

use std::fmt;
use std::sync::Arc;

use super::http_file;
use super::run::{ARRIVALS, run_once};
use crate::destination::{find_type, refusals};
use crate::generation::Generation;
use crate::preview::{DeliveryRecord, Record};
use crate::script::Worker;

/// A delivery that its vendor would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The tag that made it.
    pub tag: String,
    /// What the vendor calls itself.
    pub vendor: &'static str,
    /// Why.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, vendor, why } = self;
        write!(f, "{vendor} would refuse what {tag} makes of it: {why}")
    }
}

/// Runs the request of a case and has its deliveries judged.
///
/// # Errors
/// What is wrong with the request, for a person.
pub fn trial(
    worker: &mut Worker,
    generation: &Generation,
    request: &[u8],
) -> Result<Vec<Refusal>, String> {
    let request = Arc::new(http_file::parse(request, ARRIVALS[0])?);
    let record = run_once(worker, generation, &request);
    Ok(deliveries(&record).flat_map(of_delivery).collect())
}

fn deliveries(record: &Record) -> impl Iterator<Item = &DeliveryRecord> {
    let tags = record.events.iter().flat_map(|event| &event.tags);
    tags.flat_map(|tag| &tag.deliveries)
}

fn of_delivery(record: &DeliveryRecord) -> Vec<Refusal> {
    let kind = record
        .destination
        .as_ref()
        .and_then(|one| find_type(one.kind));
    let Some(kind) = kind else {
        return Vec::new();
    };
    // A tag that failed left nothing to judge, and was told of elsewhere.
    if record.delivery.payload.is_empty() {
        return Vec::new();
    }
    let whys = refusals(kind, &record.delivery).into_iter();
    whys.map(|why| Refusal {
        tag: record.delivery.tag.to_string(),
        vendor: kind.title,
        why,
    })
    .collect()
}
