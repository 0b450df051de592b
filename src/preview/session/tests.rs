//! Sessions by themselves, with time that is passed in.

use super::*;
use crate::preview::guess::MAX_GUESSES;

const MINUTE: Duration = Duration::from_secs(60);

fn wish() -> Wish {
    Wish {
        ttl: MINUTE,
        send: false,
        capture: None,
        limit: None,
    }
}

fn capture(limit: u64) -> Wish {
    Wish {
        capture: Some(Capture::default()),
        limit: Some(limit),
        ..wish()
    }
}

const SIGHT: Sight<'_> = Sight {
    path: "/order",
    client: None,
    events: &[],
};

const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn headers(name: HeaderName, token: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, token.parse().unwrap())])
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_until_it_expires() {
    let sessions = Sessions::new(Clock::tokio(0));
    let opened = sessions.open(wish()).unwrap();
    let token = opened.token.unwrap();
    for name in PREVIEW_HEADERS {
        let found = sessions.of(&headers(name, token.expose()), SENDER);
        let found = found.unwrap();
        assert_eq!(found.id, opened.session.id);
    }
    for wrong in ["", "x", &"a".repeat(300), &token.expose().to_uppercase()] {
        let same = wrong == token.expose();
        let [name, _] = PREVIEW_HEADERS;
        let found = sessions.of(&headers(name, wrong), SENDER);
        assert_eq!(found.is_some(), same, "{wrong}");
    }
    tokio::time::advance(MINUTE).await;
    let found = sessions.of(&headers(PREVIEW_HEADERS[0].clone(), token.expose()), SENDER);
    assert_eq!(found, None);
}

#[tokio::test(start_paused = true)]
async fn who_guesses_is_not_heard_for_a_minute_who_is_late_is() {
    let sessions = Sessions::new(Clock::tokio(0));
    let open = || sessions.open(wish()).unwrap();
    let (late, good) = (open(), open());
    let by = |token: &Secret| headers(PREVIEW_HEADERS[0].clone(), token.expose());
    let (late_token, good_token) = (by(&late.token.unwrap()), by(&good.token.unwrap()));
    assert!(sessions.close(&late.session.id));
    let find = |headers: &HeaderMap| sessions.of(headers, SENDER).map(|found| found.id);
    for _ in 0..100 {
        assert_eq!(find(&late_token), None);
    }
    assert_eq!(find(&good_token), Some(good.session.id.clone()));
    for number in 0..MAX_GUESSES {
        assert_eq!(
            find(&headers(
                PREVIEW_HEADERS[0].clone(),
                &format!("guess{number}")
            )),
            None
        );
    }
    assert_eq!(find(&good_token), None);
    let elsewhere = sessions.of(&good_token, IpAddr::from([192, 0, 2, 1]));
    assert!(elsewhere.is_some());
    let again = open();
    tokio::time::advance(MINUTE).await;
    let (_, ended, _) = sessions.since(0);
    assert_eq!(ended.len(), 3, "{again:?}");
    assert!(
        open()
            .token
            .is_some_and(|token| find(&by(&token)).is_some())
    );
}

#[test]
fn five_may_be_open() {
    let sessions = Sessions::new(Clock::System);
    let open = || sessions.open(wish());
    let ids: Vec<_> = (0..5).map(|_| open().unwrap().session.id).collect();
    assert!(open().is_err());
    assert!(sessions.close(&ids[0]) && !sessions.close(&ids[0]));
    assert!(open().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_capture_session_ends_at_its_limit_and_at_its_time() {
    let sessions = Sessions::new(Clock::tokio(0));
    assert!(!sessions.may_capture("/order"));
    let opened = sessions.open(capture(2)).unwrap();
    assert!(opened.token.is_none());
    assert!(sessions.may_capture("/order"));
    for _ in 0..2 {
        assert_eq!(sessions.capture(&SIGHT), Some(opened.session.id.clone()));
    }
    assert!(!sessions.may_capture("/order"));
    assert_eq!(sessions.capture(&SIGHT), None);
    let (open, ended, change) = sessions.since(0);
    assert_eq!((open.len(), ended.len()), (0, 1));
    assert_eq!((ended[0].why, ended[0].session.seen), (End::Limit, 2));
    sessions.open(capture(2)).unwrap();
    assert_eq!(sessions.next_end(), Some(MINUTE));
    tokio::time::advance(MINUTE).await;
    assert!(!sessions.may_capture("/order"));
    let (_, ended, _) = sessions.since(change);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].why, End::Time);
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_fast_is_counted_and_passed_over() {
    let sessions = Sessions::new(Clock::tokio(0));
    sessions.open(capture(10_000)).unwrap();
    let seen = (0..1_000)
        .filter(|_| sessions.capture(&SIGHT).is_some())
        .count();
    let session = &sessions.list()[0];
    assert_eq!(session.seen, seen as u64);
    assert_eq!(session.seen + session.passed_over, 1_000);
    assert!(session.passed_over > 500);
}
