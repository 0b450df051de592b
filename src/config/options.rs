//! The options that every destination has, whatever its type: how its deliveries are sent, not
//! where to or what. What they do to a delivery is `dispatch`'s.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::section::Section;
use super::units::{self, DURATION_HINT};

/// Shorter than 100 ms fails on a healthy connection abroad; longer than a minute holds one of
/// the destination's few places for a vendor that will not answer.
const TIMEOUT_LIMITS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

/// The largest batch that any vendor takes (Amplitude's).
const BATCH_LIMITS: RangeInclusive<u64> = 1..=2_000;

/// Longer than this, and a person who looks for an event at the vendor's believes it lost.
const BATCH_WAIT_LIMITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

/// Each place may hold a connection and a batch in memory.
const CONCURRENCY_LIMITS: RangeInclusive<u64> = 1..=256;

/// More attempts than this is an outage that a person should look at.
const MAX_WAITS: usize = 32;

/// A vendor that is asked more often than this is not being asked again, it is being flooded; one
/// that is asked less often than weekly has been given up.
const WAIT_LIMITS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(7 * 24 * 60 * 60);

/// How the deliveries of one destination are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A rehearsal: everything but the sending.
    pub dry_run: bool,
    /// Another base URL instead of the vendor's, without a slash at the end.
    pub endpoint: Option<String>,
    /// How long one attempt may take in all, 100 ms to 60 s.
    pub timeout: Duration,
    /// When a failed delivery is tried again.
    pub retry: Retry,
    /// How many requests may start in a period; `None` is the type's own limit.
    pub rate: Option<Rate>,
    /// How many deliveries go into one request, at most 2000; `None` is the type's own limit.
    pub batch: Option<usize>,
    /// How long a delivery waits for others to travel with, at most 10 s; `None` is the type's own
    /// limit.
    pub batch_wait: Option<Duration>,
    /// How many requests are under way at once, 1 to 256.
    pub concurrency: usize,
    /// What a crash in the middle of sending means.
    pub delivery: DeliveryMode,
    /// Names of hosts, such as `crm.internal` or `*.internal`, that may lead to a private address.
    pub allow_hosts: Vec<String>,
    /// Networks whose addresses may be sent to, whatever they are.
    pub allow_nets: Vec<IpNet>,
}

/// When a failed delivery is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The built-in schedule, over about three days.
    #[default]
    Default,
    /// Never: the first failure makes a dead letter.
    Off,
    /// The waits after the first, second, … attempt; after the last one it is a dead letter.
    Schedule(Vec<Duration>),
}

/// How many requests may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// As many as there are.
    Off,
    /// `count` in each `period`; the count is never zero.
    Per {
        /// How many requests.
        count: u32,
        /// In how long: a second, a minute or an hour.
        period: Duration,
    },
}

/// What happens to a delivery that was being sent when the process crashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryMode {
    /// It is sent again, perhaps for the second time.
    #[default]
    AtLeastOnce,
    /// It is not sent again, and perhaps never arrived.
    AtMostOnce,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            endpoint: None,
            timeout: Duration::from_secs(10),
            retry: Retry::Default,
            rate: None,
            batch: None,
            batch_wait: None,
            concurrency: 16,
            delivery: DeliveryMode::AtLeastOnce,
            allow_hosts: Vec::new(),
            allow_nets: Vec::new(),
        }
    }
}

impl Options {
    /// The base address: the vendor's, if no other is configured.
    pub fn host_or<'a>(&'a self, vendor: &'a str) -> &'a str {
        self.endpoint.as_deref().unwrap_or(vendor)
    }

    pub(super) fn read(section: &mut Section) -> Self {
        let default = Self::default();
        Self {
            dry_run: section.flag("dry_run").unwrap_or(default.dry_run),
            endpoint: section.base_url("endpoint"),
            timeout: section
                .duration_in("timeout", TIMEOUT_LIMITS)
                .unwrap_or(default.timeout),
            retry: retry(section).unwrap_or(default.retry),
            rate: rate(section),
            batch: count(section, "batch", BATCH_LIMITS),
            batch_wait: section.duration_in("batch_wait", BATCH_WAIT_LIMITS),
            concurrency: count(section, "concurrency", CONCURRENCY_LIMITS)
                .unwrap_or(default.concurrency),
            delivery: delivery(section).unwrap_or(default.delivery),
            allow_hosts: allow_hosts(section),
            allow_nets: allow_nets(section),
        }
    }
}

fn retry(section: &mut Section) -> Option<Retry> {
    if section.is_list("retry") {
        return schedule(section);
    }
    const HINT: &str = "write \"default\", \"off\", or waits such as [\"5s\", \"1m\", \"10m\"]";
    section.parsed("retry", "a schedule", HINT, |text| match text {
        "default" => Some(Retry::Default),
        "off" => Some(Retry::Off),
        _ => None,
    })
}

fn schedule(section: &mut Section) -> Option<Retry> {
    let parse = units::parse_duration;
    let waits = section.list_of("retry", "a duration", DURATION_HINT, parse)?;
    if waits.is_empty() {
        let hint = "write retry = \"off\" for no second attempt".to_owned();
        section.problem("retry", "`retry` has no durations", Some(hint));
    }
    if waits.len() > MAX_WAITS {
        let message = format!("`retry` has {} waits, the most is {MAX_WAITS}", waits.len());
        section.problem("retry", message, None);
    }
    for wait in waits.iter().filter(|wait| !WAIT_LIMITS.contains(wait)) {
        let wait = units::duration_text(*wait);
        let least = units::duration_text(*WAIT_LIMITS.start());
        let most = units::duration_text(*WAIT_LIMITS.end());
        let message = format!("`retry` waits {wait}, but a wait must be {least} to {most}");
        section.problem("retry", message, None);
    }
    Some(Retry::Schedule(waits))
}

fn rate(section: &mut Section) -> Option<Rate> {
    const HINT: &str = "write how many per second, minute or hour: \"50/s\", \"300/m\", or \"off\"";
    section.parsed("rate", "a rate", HINT, |text| match text {
        "off" => Some(Rate::Off),
        _ => units::parse_rate(text).map(|(count, period)| Rate::Per { count, period }),
    })
}

fn delivery(section: &mut Section) -> Option<DeliveryMode> {
    match section.one_of("delivery", &["at-least-once", "at-most-once"])? {
        "at-most-once" => Some(DeliveryMode::AtMostOnce),
        _ => Some(DeliveryMode::AtLeastOnce),
    }
}

fn allow_hosts(section: &mut Section) -> Vec<String> {
    const HINT: &str = "write names such as \"crm.internal\" or \"*.internal\"";
    let read = |text: &str| {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let bare = name.strip_prefix("*.").unwrap_or(&name);
        let is_lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        let is_name = !bare.is_empty() && bare.chars().all(is_lawful);
        is_name.then_some(name)
    };
    let found = section.list_of("allow_hosts", "the name of a host", HINT, read);
    found.unwrap_or_default()
}

fn allow_nets(section: &mut Section) -> Vec<IpNet> {
    const HINT: &str = "write networks such as \"10.0.0.0/8\", or an address";
    let read = |text: &str| {
        let one = |address: IpAddr| IpNet::from(address);
        text.parse().ok().or_else(|| text.parse().ok().map(one))
    };
    let found = section.list_of("allow_nets", "a network", HINT, read);
    found.unwrap_or_default()
}

fn count(section: &mut Section, key: &'static str, limits: RangeInclusive<u64>) -> Option<usize> {
    usize::try_from(section.number_in(key, limits)?).ok()
}
