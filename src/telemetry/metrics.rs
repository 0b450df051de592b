//! Every metric: its name, help and labels, and nothing of them anywhere else; the bounds of
//! histograms are in `buckets`. What is made is counted as things happen, what is shown is asked for
//! when the page is.
//!
//! Labels are configured names (client, tag, destination) and the fixed `words`, never what a sender
//! sends: no traffic can add a series. docs/operations.md has the table of what stands here; a test
//! compares the two.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::buckets::{ANSWER_TIMES, BATCH_DELIVERIES, COMMIT_RECORDS, COMMIT_TIMES, VENDOR_TIMES};
use super::exposition::Exposition;
use super::families::{
    Counters, Histograms, Labels, labels, make, make_durations, make_histogram, make_time, show,
    show_bytes, show_counters, show_gauges, show_seconds,
};
use super::histogram::{Histogram, Time};
use super::meters::{
    AnswerMeter, ByWord, ClientMeter, Commits, DestinationMeter, JournalMeter, LastFault, TagMeter,
};
use super::named::Named;
use super::process::Process;
use super::snapshot::{Books, Snapshot};
use super::words::{DestinationState, Killed, Refused};

/// Where everything is counted. Cheap to clone; made once, and handed to whoever counts.
#[derive(Clone)]
pub struct Metrics(pub(super) Arc<Inner>);

pub(super) struct Inner {
    /// When counting began.
    start: SystemTime,
    counted: Registry,
    client: ClientFamilies,
    tag: TagFamilies,
    destination: DestinationFamilies,
    pub(super) clients: Named<ClientMeter>,
    tags: Named<TagMeter>,
    pub(super) destinations: Named<DestinationMeter>,
    unclaimed: AnswerMeter,
    refused: ByWord<Refused>,
    killed: ByWord<Killed>,
    unknown_tokens: Counter,
    journal: JournalMeter,
}

impl Metrics {
    /// Nothing is counted yet.
    pub fn new() -> Self {
        let mut counted = Registry::with_prefix("tagwerk");
        let client = ClientFamilies::make(&mut counted);
        Self(Arc::new(Inner {
            start: SystemTime::now(),
            unclaimed: client.answers(""),
            client,
            tag: TagFamilies::make(&mut counted),
            destination: DestinationFamilies::make(&mut counted),
            refused: make_refused(&mut counted),
            killed: make_killed(&mut counted),
            unknown_tokens: make_unknown_tokens(&mut counted),
            journal: make_journal(&mut counted),
            clients: Named::default(),
            tags: Named::default(),
            destinations: Named::default(),
            counted,
        }))
    }

    /// Counts for a client. To be kept: this is a search.
    pub fn client(&self, name: &str) -> Arc<ClientMeter> {
        let make = |name: &Arc<str>| self.0.client.meter(name);
        self.0.clients.of(name, make)
    }

    /// Counts of answers to what no client took.
    pub fn unclaimed(&self) -> &AnswerMeter {
        &self.0.unclaimed
    }

    /// Counts for a tag. To be kept: this is a search.
    pub fn tag(&self, name: &str) -> Arc<TagMeter> {
        let make = |name: &Arc<str>| self.0.tag.meter(name);
        self.0.tags.of(name, make)
    }

    /// Counts for a destination. To be kept: this is a search.
    pub fn destination(&self, name: &str) -> Arc<DestinationMeter> {
        let make = |name: &Arc<str>| self.0.destination.meter(name);
        self.0.destinations.of(name, make)
    }

    /// Counts for the journal.
    pub fn journal(&self) -> &JournalMeter {
        &self.0.journal
    }

    /// A request, or a connection, was not taken.
    pub fn refused(&self, why: Refused) {
        self.0.refused.add(why, 1);
    }

    /// A call of a script was stopped.
    pub fn killed(&self, why: Killed) {
        self.0.killed.add(why, 1);
    }

    /// A preview token opened no session, so the request was live traffic.
    pub fn unknown_token(&self) {
        self.0.unknown_tokens.inc();
    }

    /// Everything that was counted, and how things are now.
    ///
    /// # Errors
    /// None that is known: a text can be written.
    pub fn page(&self, now: &Snapshot, form: Exposition) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.0.counted)?;
        let mut shown = Registry::with_prefix("tagwerk");
        show_health(&mut shown, now);
        show_destinations(&mut shown, now);
        if let Some(books) = &now.books {
            show_books(&mut shown, books, now);
        }
        encode_registry(&mut text, &shown)?;
        let mut process = Registry::with_prefix("process");
        show_process(&mut process, self.0.start);
        encode(&mut text, &process)?;
        Ok(form.write(text))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

struct ClientFamilies {
    requests: Counters<2>,
    duration: Histograms,
    events: Counters<1>,
    duplicates: Counters<1>,
    kept: Counters<1>,
    unverified: Counters<1>,
    runs: Counters<2>,
    run_time: Family<Labels<1>, Time>,
}

impl ClientFamilies {
    fn make(registry: &mut Registry) -> Self {
        Self {
            requests: make(
                registry,
                "requests",
                "Requests that were answered, by the client that took them (empty: none did) and the hundred of the status; without health checks and what the listener refuses",
            ),
            duration: make_durations(
                registry,
                "request_duration",
                "From the last byte of a request to its answer, which waits for the disk",
                || Histogram::of_durations(ANSWER_TIMES),
            ),
            events: make(
                registry,
                "events_acknowledged",
                "Events that are on disk and were acknowledged",
            ),
            duplicates: make(
                registry,
                "duplicates_suppressed",
                "Requests that were recognised as repeats and not run again",
            ),
            kept: make(
                registry,
                "requests_kept",
                "Requests that were kept because their client failed",
            ),
            unverified: make(
                registry,
                "requests_unverified",
                "Requests that were answered 401 because VERIFY did not hold: no script has seen them",
            ),
            runs: make(
                registry,
                "client_runs",
                "Requests that a client has read, by what came of it: ok, refused (the sender's fault), failed (the script's)",
            ),
            run_time: make_time(
                registry,
                "client_run",
                "Time that a client's script took to read requests",
            ),
        }
    }

    fn answers(&self, client: &str) -> AnswerMeter {
        AnswerMeter {
            requests: ByWord::new(&self.requests, |word| {
                labels([("client", client), ("status", word)])
            }),
            duration: self
                .duration
                .get_or_create_owned(&labels([("client", client)])),
        }
    }

    fn meter(&self, client: &str) -> ClientMeter {
        let own = labels([("client", client)]);
        ClientMeter {
            answers: self.answers(client),
            events: self.events.get_or_create_owned(&own),
            duplicates: self.duplicates.get_or_create_owned(&own),
            kept: self.kept.get_or_create_owned(&own),
            unverified: self.unverified.get_or_create_owned(&own),
            runs: ByWord::new(&self.runs, |word| {
                labels([("client", client), ("result", word)])
            }),
            run_time: self.run_time.get_or_create_owned(&own),
            last_fault: LastFault::default(),
        }
    }
}

struct TagFamilies {
    runs: Counters<2>,
    run_time: Family<Labels<1>, Time>,
}

impl TagFamilies {
    fn make(registry: &mut Registry) -> Self {
        Self {
            runs: make(
                registry,
                "tag_runs",
                "Events that a tag was handed, by what it made of them: fired, filtered (nothing to send), failed",
            ),
            run_time: make_time(
                registry,
                "tag_run",
                "Time that a tag's script took; events that its trigger blocked take none",
            ),
        }
    }

    fn meter(&self, tag: &str) -> TagMeter {
        TagMeter {
            runs: ByWord::new(&self.runs, |word| labels([("tag", tag), ("result", word)])),
            run_time: self.run_time.get_or_create_owned(&labels([("tag", tag)])),
            timed: AtomicU64::new(0),
            last_fault: LastFault::default(),
        }
    }
}

struct DestinationFamilies {
    requests: Counters<2>,
    duration: Histograms,
    batch: Histograms,
    attempts: Counters<2>,
}

impl DestinationFamilies {
    fn make(registry: &mut Registry) -> Self {
        Self {
            requests: make(
                registry,
                "destination_requests",
                "Requests to a vendor, by what came of them: answered, failed, timed_out, throttled, refused (a key, most often), gone",
            ),
            duration: make_durations(
                registry,
                "destination_request_duration",
                "How long a vendor took to answer, or we gave it",
                || Histogram::of_durations(VENDOR_TIMES),
            ),
            batch: make_histogram(
                registry,
                "destination_batch_deliveries",
                "Deliveries of one request to a vendor",
                || Histogram::of_numbers(BATCH_DELIVERIES),
            ),
            attempts: make(
                registry,
                "delivery_attempts",
                "Attempts to deliver, by what came of them: delivered, retried, dead",
            ),
        }
    }

    fn meter(&self, destination: &str) -> DestinationMeter {
        let own = labels([("destination", destination)]);
        DestinationMeter {
            requests: ByWord::new(&self.requests, |word| {
                labels([("destination", destination), ("outcome", word)])
            }),
            duration: self.duration.get_or_create_owned(&own),
            batch: self.batch.get_or_create_owned(&own),
            attempts: ByWord::new(&self.attempts, |word| {
                labels([("destination", destination), ("result", word)])
            }),
        }
    }
}

fn make_refused(registry: &mut Registry) -> ByWord<Refused> {
    let family = make(
        registry,
        "requests_refused",
        "Requests and connections that were refused because of HTTP, a limit or the journal",
    );
    ByWord::new(&family, |word| labels([("reason", word)]))
}

fn make_killed(registry: &mut Registry) -> ByWord<Killed> {
    let family = make(
        registry,
        "script_killed",
        "Calls of scripts that were stopped at a limit",
    );
    ByWord::new(&family, |word| labels([("reason", word)]))
}

fn make_unknown_tokens(registry: &mut Registry) -> Counter {
    let counter = Counter::default();
    registry.register(
        "preview_tokens_unknown",
        "Requests whose X-Preview opened no session, and which were live traffic",
        counter.clone(),
    );
    counter
}

fn make_journal(registry: &mut Registry) -> JournalMeter {
    let duration = Histogram::of_durations(COMMIT_TIMES);
    let records = Histogram::of_numbers(COMMIT_RECORDS);
    registry.register_with_unit(
        "journal_commit_duration",
        "How long the journal took to make a commit durable, the fsync above all",
        Unit::Seconds,
        duration.clone(),
    );
    registry.register(
        "journal_commit_records",
        "Events, deliveries, marks and requests of one commit",
        records.clone(),
    );
    JournalMeter(Arc::new(Commits { duration, records }))
}

fn show_health(registry: &mut Registry, now: &Snapshot) {
    let [live, refused] = now.reloads;
    show(
        registry,
        "journal_healthy",
        "1 if the journal can be written",
        u64::from(now.journal_healthy),
    );
    show(
        registry,
        "config_ok",
        "1 if the files as they are now are what is live",
        u64::from(now.config_ok),
    );
    let reloads = [("live", live), ("refused", refused)];
    let reloads = reloads.map(|(word, count)| (labels([("result", word)]), count));
    show_counters(
        registry,
        "reloads",
        "Changed sets of files, by whether they went live or were refused",
        reloads,
    );
    show_seconds(
        registry,
        "generation_live_timestamp",
        "When the live generation went live, since 1970",
        now.live_since as f64 / 1e3,
    );
    let generation = vec![("generation", now.generation.clone())];
    registry.register("generation", "The live generation", Info::new(generation));
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "The program", Info::new(version));
}

fn show_destinations(registry: &mut Registry, now: &Snapshot) {
    let states = now.destinations.iter().flat_map(|(destination, is)| {
        DestinationState::ALL.map(|state| {
            let series = labels([("destination", destination), ("state", state.as_str())]);
            (series, i64::from(state == *is))
        })
    });
    show_gauges(
        registry,
        "destination_state",
        "1 for the state that a destination is in: ready, throttled, open (its breaker), paused, disabled, not_configured, removed",
        states,
    );
}

fn show_books(registry: &mut Registry, books: &Books, now: &Snapshot) {
    let deliveries = books.deliveries.iter().map(|of| {
        let series = [
            ("tag", &*of.tag),
            ("destination", &of.destination),
            ("state", of.state),
        ];
        (labels(series), i64::try_from(of.count).unwrap_or(i64::MAX))
    });
    show_gauges(
        registry,
        "deliveries",
        "Deliveries that are kept, by where they stand",
        deliveries,
    );
    let gaps = books.gaps.iter();
    show_gauges(
        registry,
        "invariant_gap_events",
        "Events that a tag was handed and did not filter, and of which there are no deliveries; anything but 0 is a defect",
        gaps.map(|(tag, gap)| (labels([("tag", tag)]), *gap)),
    );
    registry.register(
        "journal_events",
        "Events ever acknowledged, over all starts",
        ConstCounter::new(books.events),
    );
    let help = "Events that no processor has finished";
    show(
        registry,
        "journal_unprocessed_events",
        help,
        books.unprocessed,
    );
    let help = "Requests that are kept because their client failed";
    let kept = books.failed_requests;
    show(registry, "journal_failed_requests", help, kept);
    let help = "Bytes of the journal in use";
    show_bytes(registry, "journal_size", help, books.size);
    let help = "Bytes at which new events are refused";
    show_bytes(registry, "journal_max_size", help, now.max_size);
    show_seconds(
        registry,
        "journal_oldest_undelivered",
        "How long the oldest event has waited that is not settled everywhere; 0 if there is none",
        books.oldest_seconds(now.now),
    );
}

/// The names that every client library uses.
fn show_process(registry: &mut Registry, start: SystemTime) {
    let process = Process::now();
    if let Some(bytes) = process.resident {
        show_bytes(registry, "resident_memory", "Resident memory", bytes);
    }
    if let Some(files) = process.open_files {
        show(registry, "open_fds", "Open files and sockets", files);
    }
    let since = start.duration_since(UNIX_EPOCH).unwrap_or_default();
    show_seconds(
        registry,
        "start_time",
        "When the process started, since 1970",
        since.as_secs_f64(),
    );
    registry.register_with_unit(
        "cpu",
        "Time on the processors",
        Unit::Seconds,
        ConstCounter::new(process.cpu.as_secs_f64()),
    );
}
