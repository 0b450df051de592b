//! `tagwerk check --online`: what the cases' tags make, judged by those vendors that can judge without recording
//! anything. The only thing that `check` sends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Exit, paint, trials};
use crate::case;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::destination::{Courier, Destination, Item};
use crate::error::BoxError;
use crate::generation::Generation;
use crate::script::{Worker, with_script_stack};
use crate::watched;

/// So long a vendor may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Deliveries of one destination that are asked about: a person reads the answers.
const MAX_ASKED: usize = 100;

/// Asks about what every case makes, of each destination whose vendor can be asked.
pub(super) fn run(generation: &Generation, config: &Path) -> Result<(), Exit> {
    let able: Vec<&Arc<Destination>> = generation
        .destinations
        .values()
        .filter(|destination| destination.vendor.can_rehearse())
        .collect();
    if able.is_empty() {
        anstream::println!(
            "online: no destination here is of a type that can judge without recording (ga4)"
        );
        return Ok(());
    }
    let made = deliveries(generation, config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BoxError::from)?;
    let courier = Courier::new()?;
    let mut bad = 0;
    for destination in able {
        let name = &destination.name;
        if !destination.missing.is_empty() {
            anstream::println!(
                "online: {name} waits for ${}",
                destination.missing.join(", $")
            );
            continue;
        }
        let Some(made) = made.get(name) else {
            anstream::println!("online: no case sends anything to {name}");
            continue;
        };
        for (case, delivery) in made.iter().take(MAX_ASKED) {
            let said = runtime.block_on(ask(&courier, destination, delivery));
            bad += usize::from(!said.is_empty());
            show(name, case, delivery, &said);
        }
    }
    match bad {
        0 => Ok(()),
        many => Err(Exit::bad(format!(
            "vendors would not take {many} of what the cases' tags make"
        ))),
    }
}

fn show(destination: &str, case: &str, delivery: &Delivery, said: &[String]) {
    let from = format!("online: {destination}: {case}, tag {}", delivery.tag);
    if said.is_empty() {
        return anstream::println!("{} {from}", paint::good("good:"));
    }
    for line in said {
        anstream::println!("{} {from}: {line}", paint::bad("bad:"));
    }
}

/// What the vendor has against a delivery; nothing if it would take it.
async fn ask(courier: &Courier, destination: &Destination, delivery: &Delivery) -> Vec<String> {
    let outgoing = match destination.vendor.rehearse(&Item::from(delivery)) {
        Some(Ok(outgoing)) => outgoing,
        Some(Err(refused)) => return vec![refused.why],
        None => return Vec::new(),
    };
    match courier.carry(destination, outgoing, PATIENCE).await {
        Ok(reply) => {
            let said = destination.vendor.read_rehearsal(&reply).into_iter();
            said.map(|line| destination.hide(&line)).collect()
        }
        Err(error) => vec![destination.hide(&error.to_string())],
    }
}

type Made = BTreeMap<Arc<str>, Vec<(String, Delivery)>>;

/// What the tags make of the cases beside the configuration, by destination.
fn deliveries(generation: &Generation, config: &Path) -> Result<Made, Exit> {
    let requests = trials::requests(config)?;
    let all = with_script_stack(|| {
        let mut worker = Worker::new();
        let mut made = Made::new();
        for path in &requests {
            run_case(&mut worker, generation, path, &mut made)?;
        }
        Ok::<Made, Exit>(made)
    });
    all.map_err(BoxError::from)?
}

fn run_case(
    worker: &mut Worker,
    generation: &Generation,
    path: &Path,
    made: &mut Made,
) -> Result<(), Exit> {
    let shown = path.display();
    let file = std::fs::read(path).map_err(|error| Exit::usage(format!("{shown}: {error}")))?;
    // Vendors refuse what is old.
    let now = Clock::System.now();
    let request = case::parse(&file, now).map_err(|why| Exit::bad(format!("{shown}: {why}")))?;
    let now = request.received_at;
    let record = watched::run_trusted(worker, generation, &Arc::new(request), now).record;
    let name = path
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let tags = record.events.into_iter().flat_map(|event| event.tags);
    for delivery in tags.flat_map(|tag| tag.deliveries) {
        if let Some(destination) = &delivery.destination {
            let of = made.entry(destination.name.clone()).or_default();
            of.push((name.clone().unwrap_or_default(), delivery.delivery));
        }
    }
    Ok(())
}
