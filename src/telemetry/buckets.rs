//! The bounds of histograms: where one bucket ends and the next begins. What is counted in them is
//! said in `metrics`.

/// Microseconds as what durations are counted in.
const fn us<const N: usize>(mut bounds: [u64; N]) -> [u64; N] {
    let mut at = 0;
    while at < N {
        bounds[at] *= 1_000;
        at += 1;
    }
    bounds
}

/// From an answer without a disk to a listener's longest patience.
pub(super) const ANSWER_TIMES: &[u64] = &us([
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
]);

/// From a disk with a battery behind its cache to one that is broken.
pub(super) const COMMIT_TIMES: &[u64] = &us([
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
]);

/// From a vendor next door to the longest `timeout`.
pub(super) const VENDOR_TIMES: &[u64] = &us([
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000,
]);

/// Up to what a commit gathers.
pub(super) const COMMIT_RECORDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/// Up to what the most generous vendor takes at once.
pub(super) const BATCH_DELIVERIES: &[u64] = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];
