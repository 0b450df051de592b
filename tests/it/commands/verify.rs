//! `tagwerk verify`, with and without a running server.

use crate::support::command::run;
use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

#[tokio::test]
async fn the_books_add_up_with_and_without_a_server() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    for _ in 0..3 {
        assert_eq!(server.post("/order", r#"{"id":1}"#).await.status, 200);
    }
    operator.wait_for("crm", "delivered", 3).await;
    let by_api = server.call("POST", "/api/verify", "").await;
    assert_eq!(by_api.status, 200, "{}", by_api.body);
    let by_api = by_api.json();
    assert_eq!(by_api["ok"], true, "{by_api}");
    let tag = &by_api["tags"][0];
    assert_eq!(
        [&tag["handed"], &tag["settled"], &tag["pending"]],
        [3, 3, 0]
    );
    operator.expect(0, &["verify"]).await;
    server.stop().await;

    let told = run(set.path(), &["verify"]).await;
    assert_eq!(told.code, 0, "{}", told.stderr);
    for expected in ["3 events acknowledged", "order", "everything adds up"] {
        assert!(
            told.stdout.contains(expected),
            "{expected}: {}",
            told.stdout
        );
    }
    let json = run(set.path(), &["verify", "--json"]).await.json();
    assert_eq!(
        [&json["ok"], &json["tags"]],
        [&by_api["ok"], &by_api["tags"]]
    );
}
