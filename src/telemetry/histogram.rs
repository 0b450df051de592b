//! A histogram of whole numbers that many threads may fill without waiting for one another: two
//! atomic additions a value. (The crate's own takes a lock.)

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Counts of values by size. A clone fills the same one.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The largest value of each bucket but the last, which has none.
    bounds: &'static [u64],
    /// Of these make one of the unit that is shown.
    per_unit: f64,
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

const NANOSECONDS: f64 = 1e9;

impl Histogram {
    /// Of durations, shown in seconds; the bounds are nanoseconds, ascending.
    pub(super) fn of_durations(bounds: &'static [u64]) -> Self {
        Self::new(bounds, NANOSECONDS)
    }

    /// Of numbers; the bounds ascend.
    pub(super) fn of_numbers(bounds: &'static [u64]) -> Self {
        Self::new(bounds, 1.0)
    }

    fn new(bounds: &'static [u64], per_unit: f64) -> Self {
        Self(Arc::new(Inner {
            bounds,
            per_unit,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }))
    }

    /// Adds a number.
    pub(super) fn add(&self, value: u64) {
        let place = self.0.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.0.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Adds a duration.
    pub(super) fn add_duration(&self, took: Duration) {
        self.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The value, in the unit that is shown, that a share (0 to 1) of all stays below; as exact as
    /// the buckets are. None if there are no values. What is above the last bound counts as it.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.buckets().quantile(share)
    }

    /// What has been counted so far.
    pub fn buckets(&self) -> Buckets {
        Buckets {
            bounds: self.0.bounds,
            per_unit: self.0.per_unit,
            counts: self.counts(),
        }
    }

    fn counts(&self) -> Vec<u64> {
        let counts = self.0.counts.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// Counts of values by size, at one moment.
#[derive(Clone, Debug)]
pub struct Buckets {
    bounds: &'static [u64],
    per_unit: f64,
    counts: Vec<u64>,
}

impl Buckets {
    /// The same with what another histogram of the same bounds has counted.
    pub fn with(mut self, other: &Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What has been counted since an earlier moment.
    pub fn since(mut self, earlier: &Self) -> Self {
        for (count, before) in self.counts.iter_mut().zip(&earlier.counts) {
            *count = count.saturating_sub(*before);
        }
        self
    }

    /// As [`Histogram::quantile`].
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let counts = &self.counts;
        let all: u64 = counts.iter().sum();
        if all == 0 {
            return None;
        }
        let rank = share * all as f64;
        let mut below = 0_u64;
        let mut lower = 0.0;
        for (bound, count) in self.bounds.iter().zip(counts) {
            let upper = *bound as f64;
            if *count > 0 && (below + count) as f64 >= rank {
                let within = (rank - below as f64) / *count as f64;
                return Some((lower + (upper - lower) * within) / self.per_unit);
            }
            below += count;
            lower = upper;
        }
        Some(lower / self.per_unit)
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.counts();
        let bounds = self.0.bounds.iter();
        let bounds = bounds.map(|bound| *bound as f64 / self.0.per_unit);
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
        let sum = self.0.sum.load(Ordering::Relaxed) as f64 / self.0.per_unit;
        // What is added meanwhile is in the next page; the buckets and their count agree.
        encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

/// Time that went by in all, shown in seconds. A clone adds to the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Time(Arc<AtomicU64>);

impl Time {
    pub(super) fn add(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl EncodeMetric for Time {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let seconds = self.0.load(Ordering::Relaxed) as f64 / NANOSECONDS;
        encoder.encode_counter::<NoLabelSet, _, f64>(&seconds, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Time {
    const TYPE: MetricType = MetricType::Counter;
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[u64] = &[10, 20, 40];

    #[test]
    fn a_value_is_counted_once_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::of_numbers(BOUNDS);
        for value in [0, 10, 11, 40, 41, u64::MAX / 2] {
            histogram.add(value);
        }
        assert_eq!(histogram.counts(), [2, 1, 1, 2]);
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let histogram = Histogram::of_numbers(BOUNDS);
        assert_eq!(histogram.quantile(0.5), None);
        for value in 1..=20 {
            histogram.add(value);
        }
        assert_eq!(histogram.quantile(0.5), Some(10.0));
        assert_eq!(histogram.quantile(0.75), Some(15.0));
        assert_eq!(histogram.quantile(1.0), Some(20.0));
        histogram.add(1_000_000);
        assert_eq!(histogram.quantile(1.0), Some(40.0));
    }

    #[test]
    fn threads_lose_no_value() {
        let histogram = Histogram::of_durations(BOUNDS);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| histogram.add_duration(Duration::ZERO)));
            }
        });
        assert_eq!(histogram.counts().iter().sum::<u64>(), 40_000);
    }
}
