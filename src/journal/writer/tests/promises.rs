//! What those are told who give something twice, or change something, while the store fails.

use super::{Fate, PATIENCE, broken, entry, healed, made_of, moody, settings, soon};
use crate::delivery::State;
use crate::journal::error::Error;
use crate::journal::record::{DedupeKey, Entry};
use crate::journal::writer::Settings;

fn key() -> Option<DedupeKey> {
    Some(DedupeKey::of("shop", "order-1"))
}

#[tokio::test]
async fn nothing_is_called_a_repeat_of_what_is_not_on_disk() {
    for (fate, expected, then) in [
        (Fate::Works, Ok(()), Err(Error::Duplicate)),
        (Fate::Fails, Err(broken()), Ok(())),
        (Fate::FailsAndHappens, Err(broken()), Err(Error::Duplicate)),
    ] {
        let (journal, plan) = moody(settings());
        // The question whether the first is known is a call too; that of the second is not.
        plan.next_are(&[Fate::Works, fate]);
        let (first, repeat) = tokio::join!(
            journal.append(vec![entry(0)], key()),
            journal.append(vec![entry(0)], key()),
        );
        assert_eq!(first, expected, "{fate:?}");
        let of_repeat = expected.and(Err(Error::Duplicate));
        assert_eq!(repeat, of_repeat, "{fate:?}: as good as the first");
        healed(&journal).await;
        let again = journal.append(vec![entry(0)], key()).await;
        assert_eq!(again, then, "{fate:?}");
        assert_eq!(journal.counts().await.unwrap().newest_event, 1);
    }
}

#[tokio::test]
async fn who_came_before_a_question_that_failed_is_not_left_waiting() {
    let (journal, plan) = moody(Settings {
        pause: PATIENCE * 10,
        ..settings()
    });
    plan.next_are(&[Fate::Fails]);
    let (first, keyed) = soon(async {
        tokio::join!(
            journal.append(vec![entry(0)], None),
            journal.append(vec![entry(1)], key()),
        )
    })
    .await;
    // The plan's failure is the commit's or the question's: which, the two threads decide.
    assert_eq!(keyed, Err(broken()));
    assert!(first == Ok(()) || first == Err(broken()), "{first:?}");
    assert!(!journal.is_healthy());
}

#[tokio::test]
async fn a_change_that_failed_is_not_made_later() {
    for (fate, state) in [
        (Fate::Fails, State::Dead),
        (Fate::FailsAndHappens, State::Pending),
    ] {
        let (journal, plan) = moody(settings());
        let mut dead = made_of(&entry(0).event);
        dead.deliveries[0].delivery.state = State::Dead;
        let came_processed = Entry {
            made: Some(dead),
            ..entry(0)
        };
        journal.append(vec![came_processed], None).await.unwrap();
        plan.next_are(&[Fate::Works, fate]);
        assert_eq!(journal.send_again(vec![1 << 16]).await, Err(broken()));
        healed(&journal).await;
        assert_eq!(journal.counts().await.unwrap().total(state), 1, "{fate:?}");
        if state == State::Pending {
            let sent = soon(journal.take_deliveries(&"slack".into(), 9)).await;
            assert_eq!(sent.len(), 1, "it is handed out though nobody was told");
        }
    }
}
