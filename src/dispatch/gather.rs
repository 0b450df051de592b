//! Gathers deliveries into requests: by number, by weight, and by how long the first may wait for
//! the others. It does not know where they come from.

use std::collections::VecDeque;
use std::future::{Future, ready};

use tokio::time::{Instant, sleep_until};

use super::pace::Pace;
use crate::destination::Limits;
use crate::journal::Pending;

/// So many are company enough to leave at once: waiting for more saves next to nothing, and what is
/// settled before it is on disk is written there once instead of twice (2 µs an event at saturation).
const COMPANY: usize = 50;

/// What goes into one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub deliveries: Vec<Pending>,
    /// In the journal they are dead until they are answered: nothing may arrive twice.
    pub is_marked: bool,
}

/// Deliveries in the worker's hands. They stay here while the settings they would be sent with
/// change, or nothing may leave.
#[derive(Default)]
pub(super) struct Gather {
    /// Whole requests, to be sent before anything else.
    parts: VecDeque<Batch>,
    taken: Vec<Pending>,
    /// Of the payloads of what was taken.
    bytes: usize,
    /// When the first of them was taken.
    since: Option<Instant>,
}

impl Gather {
    /// What was sent, and must be sent again at once in this form.
    pub(super) fn put_back(&mut self, parts: Vec<Batch>) {
        self.parts.extend(parts);
    }

    /// What is dead in the journal and was not answered.
    pub(super) fn into_marked(self) -> impl Iterator<Item = Pending> {
        let marked = self.parts.into_iter().filter(|batch| batch.is_marked);
        marked.flat_map(|batch| batch.deliveries)
    }

    /// The deliveries of the next request, 1 to `limits.items`, once it may leave. `take` waits for
    /// deliveries, 1 to as many as it is asked for. May be given up at any point.
    pub(super) async fn next<F>(
        &mut self,
        limits: &Limits,
        pace: Option<&mut Pace>,
        take: impl Fn(usize) -> F,
    ) -> Batch
    where
        F: Future<Output = Vec<Pending>>,
    {
        if self.parts.is_empty() {
            if self.taken.is_empty() {
                self.add(take(limits.items).await);
            }
            if let Some(since) = self.since.filter(|_| !limits.wait.is_zero()) {
                let company = Limits {
                    items: limits.items.min(COMPANY),
                    ..*limits
                };
                self.fill(&company, &take, sleep_until(since + limits.wait))
                    .await;
            }
        }
        if let Some(pace) = pace {
            pace.leave(limits.rate).await;
        }
        // Meanwhile more may have come. From here on nothing waits, so nothing can be given up.
        if self.parts.is_empty() {
            self.fill(limits, &take, ready(())).await;
        }
        self.cut(limits)
    }

    /// Takes until it is enough for one request, or `end`.
    async fn fill<F>(
        &mut self,
        limits: &Limits,
        take: impl Fn(usize) -> F,
        end: impl Future<Output = ()>,
    ) where
        F: Future<Output = Vec<Pending>>,
    {
        let mut end = std::pin::pin!(end);
        while self.taken.len() < limits.items && self.bytes < limits.bytes {
            tokio::select! {
                biased;
                more = take(limits.items - self.taken.len()) => self.add(more),
                () = &mut end => return,
            }
        }
    }

    fn add(&mut self, mut more: Vec<Pending>) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes = self.bytes.saturating_add(weight(&more));
        match self.taken.is_empty() {
            true => self.taken = more,
            false => self.taken.append(&mut more),
        }
    }

    fn cut(&mut self, limits: &Limits) -> Batch {
        if let Some(mut part) = self.parts.pop_front() {
            if part.deliveries.len() > limits.items {
                // It was made for other settings.
                let deliveries = part.deliveries.split_off(limits.items);
                let is_marked = part.is_marked;
                self.parts.push_front(Batch {
                    deliveries,
                    is_marked,
                });
            }
            return part;
        }
        let rest = self.taken.split_off(fitting(&self.taken, limits));
        self.bytes = weight(&rest);
        if rest.is_empty() {
            self.since = None;
        }
        Batch {
            deliveries: std::mem::replace(&mut self.taken, rest),
            is_marked: false,
        }
    }
}

/// How many of these go into one request; at least one, if there is one.
fn fitting(taken: &[Pending], limits: &Limits) -> usize {
    let mut bytes = 0_usize;
    let fits = taken.iter().take_while(|pending| {
        bytes = bytes.saturating_add(pending.delivery.payload.len());
        bytes <= limits.bytes
    });
    fits.count().max(1).min(limits.items).min(taken.len())
}

fn weight(deliveries: &[Pending]) -> usize {
    let weights = deliveries.iter().map(|one| one.delivery.payload.len());
    weights.sum()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::config::Rate;
    use crate::delivery::{Delivery, DeliveryId, State};

    const LIMITS: Limits = Limits {
        items: 4,
        bytes: 100,
        wait: Duration::from_millis(100),
        rate: Rate::Off,
    };

    fn pending(number: u64, bytes: usize) -> Pending {
        Pending {
            number,
            attempts: 0,
            delivery: Delivery {
                id: DeliveryId([0; 16]),
                event_id: "e".into(),
                received_at: 0,
                tag: "t".into(),
                destination: "d".into(),
                payload: vec![b'x'; bytes].into(),
                due: 0,
                expires: None,
                state: State::Pending,
            },
        }
    }

    /// Deliveries that come after so many milliseconds.
    struct Source(RefCell<VecDeque<(u64, Pending)>>, Instant);

    impl Source {
        /// Of `(milliseconds, bytes)`; they are numbered from 0.
        fn new(comes: &[(u64, usize)]) -> Self {
            let numbered = (0..).zip(comes);
            let comes = numbered.map(|(number, (at, bytes))| (*at, pending(number, *bytes)));
            Self(RefCell::new(comes.collect()), Instant::now())
        }

        async fn take(&self, most: usize) -> Vec<Pending> {
            let first = self.0.borrow().front().map(|(at, _)| *at);
            let Some(first) = first else {
                return std::future::pending().await;
            };
            sleep_until(self.1 + Duration::from_millis(first)).await;
            let now = self.elapsed();
            let mut comes = self.0.borrow_mut();
            let ready = comes.iter().take_while(|(at, _)| *at <= now).count();
            comes.drain(..ready.min(most)).map(|(_, one)| one).collect()
        }

        fn elapsed(&self) -> u64 {
            u64::try_from(self.1.elapsed().as_millis()).unwrap()
        }
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        batch.deliveries.iter().map(|one| one.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_leaves_when_it_is_full_or_has_waited() {
        let light = |times: &[u64]| -> Vec<_> { times.iter().map(|at| (*at, 1)).collect() };
        // What comes when, and which requests leave when.
        let cases: [(_, &[(_, &[_])]); 6] = [
            (light(&[5]), &[(105, &[0])]),
            (light(&[0, 0, 0, 0]), &[(0, &[0, 1, 2, 3])]),
            (
                light(&[0, 10, 20, 30, 40]),
                &[(30, &[0, 1, 2, 3]), (140, &[4])],
            ),
            (light(&[0, 99, 101]), &[(100, &[0, 1]), (201, &[2])]),
            (
                vec![(0, 60), (10, 60), (20, 60)],
                &[(10, &[0]), (20, &[1]), (100, &[2])],
            ),
            (vec![(0, 500), (0, 500)], &[(0, &[0]), (0, &[1])]),
        ];
        for (comes, expected) in cases {
            let (source, mut gather) = (Source::new(&comes), Gather::default());
            for (at, leaves) in expected {
                let batch = gather.next(&LIMITS, None, |most| source.take(most)).await;
                assert_eq!(
                    (source.elapsed(), &numbers(&batch)[..]),
                    (*at, *leaves),
                    "{comes:?}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn in_company_it_leaves_at_once_with_all_there_is() {
        let limits = Limits {
            items: 1_000,
            bytes: 10_000,
            ..LIMITS
        };
        let few = vec![(0, 1); COMPANY - 1];
        let many = vec![(7, 1); COMPANY + 20];
        let all: Vec<_> = few.iter().chain(&many).copied().collect();
        for (comes, at, count) in [(few, 100, COMPANY - 1), (all, 7, 2 * COMPANY + 19)] {
            let (source, mut gather) = (Source::new(&comes), Gather::default());
            let batch = gather.next(&limits, None, |most| source.take(most)).await;
            assert_eq!((source.elapsed(), numbers(&batch).len()), (at, count));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_wait_it_takes_what_there_is() {
        let limits = Limits {
            wait: Duration::ZERO,
            ..LIMITS
        };
        let (source, mut gather) = (Source::new(&[(0, 1), (0, 1), (9, 1)]), Gather::default());
        for (at, leaves) in [(0, vec![0, 1]), (9, vec![2])] {
            let batch = gather.next(&limits, None, |most| source.take(most)).await;
            assert_eq!((source.elapsed(), numbers(&batch)), (at, leaves));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_keeps_what_came_and_does_not_begin_anew() {
        let (source, mut gather) = (Source::new(&[(0, 1), (50, 1)]), Gather::default());
        for _ in 0..3 {
            let given_up = gather.next(&LIMITS, None, |most| source.take(most));
            let soon = Duration::from_millis(30);
            assert!(timeout(soon, given_up).await.is_err());
        }
        let batch = gather.next(&LIMITS, None, |most| source.take(most)).await;
        assert_eq!((source.elapsed(), numbers(&batch)), (100, vec![0, 1]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_the_rate_holds_it_back_travels_along() {
        let limits = Limits {
            rate: Rate::Per {
                count: 1,
                period: Duration::from_secs(1),
            },
            ..LIMITS
        };
        let comes = [(0, 1), (150, 1), (900, 1), (999, 1), (1_001, 1)];
        let (source, mut gather, mut pace) = (Source::new(&comes), Gather::default(), Pace::new());
        for (at, leaves) in [(100, vec![0]), (1_100, vec![1, 2, 3, 4])] {
            let take = |most| source.take(most);
            let batch = gather.next(&limits, Some(&mut pace), take).await;
            assert_eq!((source.elapsed(), numbers(&batch)), (at, leaves));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn parts_leave_first_and_as_they_are() {
        let (source, mut gather) = (Source::new(&[(0, 1)]), Gather::default());
        let part = |numbers: std::ops::Range<u64>, is_marked| Batch {
            deliveries: numbers.map(|number| pending(number, 90)).collect(),
            is_marked,
        };
        gather.put_back(vec![part(10..12, false), part(20..26, true)]);
        for expected in [vec![10, 11], vec![20, 21, 22, 23]] {
            let batch = gather.next(&LIMITS, None, |most| source.take(most)).await;
            assert_eq!(numbers(&batch), expected);
        }
        let marked: Vec<_> = gather.into_marked().map(|one| one.number).collect();
        assert_eq!(marked, [24, 25]);
    }
}
