//! Families of series: their labels, and how they come into a registry. No names.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use super::histogram::{Histogram, Time};

/// The labels of one series: their names, and their values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Labels<const N: usize>([(&'static str, Arc<str>); N]);

impl<const N: usize> EncodeLabelSet for Labels<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

pub(super) fn labels<const N: usize>(values: [(&'static str, &str); N]) -> Labels<N> {
    Labels(values.map(|(name, value)| (name, value.into())))
}

pub(super) type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub(super) type Histograms = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// Counters to be counted with.
pub(super) fn make<const N: usize>(registry: &mut Registry, name: &str, help: &str) -> Counters<N> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

/// Sums of time.
pub(super) fn make_time(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<Labels<1>, Time> {
    let family = Family::default();
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// Histograms of durations.
pub(super) fn make_durations(
    registry: &mut Registry,
    name: &str,
    help: &str,
    histogram: fn() -> Histogram,
) -> Histograms {
    let family = Family::new_with_constructor(histogram);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// Histograms of numbers.
pub(super) fn make_histogram(
    registry: &mut Registry,
    name: &str,
    help: &str,
    histogram: fn() -> Histogram,
) -> Histograms {
    let family = Family::new_with_constructor(histogram);
    registry.register(name, help, family.clone());
    family
}

/// One number as it is now.
pub(super) fn show(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstGauge::new(value));
}

/// A size as it is now.
pub(super) fn show_bytes(registry: &mut Registry, name: &str, help: &str, bytes: u64) {
    registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(bytes));
}

/// A time as it is now.
pub(super) fn show_seconds(registry: &mut Registry, name: &str, help: &str, seconds: f64) {
    registry.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(seconds));
}

/// Numbers as they are now.
pub(super) fn show_gauges<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels<N>, i64)>,
) {
    let family = Family::<Labels<N>, Gauge>::default();
    for (labels, value) in series {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

/// Counts that somebody else keeps.
pub(super) fn show_counters<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels<N>, u64)>,
) {
    let family = Counters::<N>::default();
    for (labels, count) in series {
        family.get_or_create(&labels).inc_by(count);
    }
    registry.register(name, help, family);
}
