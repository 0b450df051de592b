//! How long the oldest event has waited: it must be right whatever is settled first.

use tagwerk::delivery::State;

use super::{Fixture, START, entry, name, processed, retried, settled, soon};

#[tokio::test]
async fn the_oldest_event_that_waits_is_known() {
    for fixture in [Fixture::memory(), Fixture::sqlite()] {
        let Fixture { journal, .. } = &fixture;
        let oldest = async || {
            let counts = journal.counts().await.unwrap();
            assert!(counts.size > 0);
            counts.oldest_undelivered.map(|at| at - START)
        };
        for age in 0..4 {
            let mut entry = entry(age);
            entry.event.received_at += i64::try_from(age).unwrap() * 100;
            journal.append(vec![entry], None).await.unwrap();
        }
        assert_eq!(oldest().await, Some(0), "nothing is processed");

        // Processed, and settled, in another order than they came in.
        let mut taken = soon(journal.take_events(4)).await;
        while taken.len() < 4 {
            taken.extend(soon(journal.take_events(4)).await);
        }
        let of_third = processed(&taken[2], &["slack"]);
        journal.append_deliveries(vec![of_third]).await.unwrap();
        assert_eq!(oldest().await, Some(0));
        let to = [&["slack"][..], &[], &["crm"]];
        let made = [&taken[0], &taken[1], &taken[3]].into_iter().zip(to);
        let made = made.map(|(event, to)| processed(event, to)).collect();
        journal.append_deliveries(made).await.unwrap();
        assert_eq!(oldest().await, Some(0));

        let mut slack = soon(journal.take_deliveries(&name("slack"), 9)).await;
        while slack.len() < 2 {
            slack.extend(soon(journal.take_deliveries(&name("slack"), 9)).await);
        }
        slack.sort_by_key(|pending| pending.number);
        let again = retried(&slack[0], START + 1_000_000);
        journal.settle(vec![again]).await.unwrap();
        assert_eq!(
            oldest().await,
            Some(0),
            "it is tried again, and still the oldest"
        );
        journal
            .settle(vec![settled(&slack[0], State::Delivered)])
            .await
            .unwrap();
        assert_eq!(oldest().await, Some(200));
        let crm = soon(journal.take_deliveries(&name("crm"), 9)).await;
        journal
            .settle(vec![settled(&crm[0], State::Dead)])
            .await
            .unwrap();
        assert_eq!(oldest().await, Some(200));
        journal
            .settle(vec![settled(&slack[1], State::Delivered)])
            .await
            .unwrap();
        assert_eq!(oldest().await, None);
    }
}
