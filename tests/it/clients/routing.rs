//! Which request reaches which client.

use http::Method;
use serde_json::json;
use tagwerk::generation::Generation;
use tagwerk::intake::Intake;

use super::{admit, body, clients, events, take};
use crate::support::call::Call;

#[test]
fn the_first_client_that_claims_takes_the_request() {
    let script = |header: &str, claims: &str, name: &str| {
        format!("{header}\n{claims}\nfn parse(request) {{ #{{ event_name: \"{name}\" }} }}")
    };
    let scripts = [
        (
            "any",
            script("const PATH = \"/shop/*\";\nconst PRIORITY = -1;", "", "any"),
        ),
        (
            "b_topic",
            script(
                "const PATH = \"/shop/:topic\";",
                "fn claims(request) { request.params.topic == \"refund\" }",
                "b_topic",
            ),
        ),
        (
            "c_exact",
            script("const PATH = [\"/shop/order\", \"/order\"];", "", "c_exact"),
        ),
        (
            "d_exact",
            script("const PATH = \"/shop/order\";", "", "d_exact"),
        ),
        (
            "get",
            script(
                "const PATH = \"/shop/order\";\nconst METHODS = [\"GET\", \"PUT\"];\nconst PRIORITY = 9;",
                "",
                "get",
            ),
        ),
        (
            "vip",
            script(
                "const PATH = \"/shop/order\";\nconst PRIORITY = 5;",
                "fn claims(request) { request.headers[\"x-vip\"] == \"1\" }",
                "vip",
            ),
        ),
    ];
    let scripts: Vec<(&str, &str)> = scripts
        .iter()
        .map(|(name, script)| (*name, script.as_str()))
        .collect();
    let generation = clients(&scripts);
    let cases = [
        (Call::post("/shop/order"), "c_exact"),
        (Call::post("/shop/order").header("x-vip", "1"), "vip"),
        (Call::new(Method::GET, "/shop/order"), "get"),
        (Call::post("/order"), "c_exact"),
        (Call::post("/shop/refund"), "b_topic"),
        (Call::post("/shop/other"), "any"),
        (Call::post("/shop/a/b/c"), "any"),
        (Call::post("/shop"), "404"),
        (Call::post("/shop/"), "404"),
        (Call::post("/Shop/order"), "404"),
        (Call::post("/"), "404"),
        (Call::new(Method::PUT, "/order"), "405"),
        (Call::new(Method::DELETE, "/shop/order"), "405"),
    ];
    for (call, expected) in cases {
        let name = call.to_string();
        assert_eq!(taker(&generation, call), expected, "{name}");
    }
}

#[test]
fn who_was_asked_is_in_the_trace() {
    let generation = clients(&[
        (
            "a",
            "const PATH = \"/order\";\nconst METHODS = [\"GET\"];\nfn parse(request) { () }",
        ),
        (
            "b",
            "const PATH = \"/:x\";\nfn claims(request) { log::info(\"no\"); false }\nfn parse(request) { () }",
        ),
        (
            "c",
            "const PATH = \"/*\";\nfn parse(request) { log::info(\"yes\"); () }",
        ),
        ("d", "const PATH = \"/order\";\nfn parse(request) { () }"),
    ]);
    let (_, trace) = take(&generation, Call::post("/order"));
    let seen: Vec<_> = trace
        .iter()
        .map(|client| (client.name.as_str(), client.claimed, client.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", false, "takes no POST"),
            ("b", false, "claims() returned false"),
            ("c", true, "path /*")
        ]
    );
    assert_eq!(trace[2].log.len(), 1);
}

#[test]
fn refusals_say_what_there_is() {
    let generation = clients(&[
        (
            "a",
            "const PATH = \"/order\";\nconst METHODS = [\"PUT\", \"GET\"];\nfn parse(request) { () }",
        ),
        (
            "b",
            "const PATH = \"/order\";\nconst MAX_BODY = \"2MiB\";\nfn parse(request) { () }",
        ),
    ]);
    let refused = admit(&generation, &Call::new(Method::DELETE, "/order").build()).unwrap_err();
    assert_eq!(
        (refused.status, &refused.headers["allow"]),
        (405, &"GET, POST, PUT".parse().unwrap())
    );
    assert_eq!(
        body(&refused),
        json!({ "error": "/order takes GET, POST, PUT", "request_id": "request-1" })
    );
    let refused = admit(&generation, &Call::post("/none").build()).unwrap_err();
    assert_eq!(
        body(&refused),
        json!({ "error": "no client claims POST /none", "request_id": "request-1" })
    );
    assert_eq!(
        admit(&generation, &Call::post("/order").build()).ok(),
        Some(2 << 20)
    );
    assert_eq!(
        admit(&generation, &Call::new(Method::GET, "/order").build()).ok(),
        Some(1 << 20)
    );
}

/// Which client took the request: the name is in the event.
fn taker(generation: &Generation, call: Call) -> String {
    match take(generation, call).0 {
        Intake::Answered { response, .. } => response.status.to_string(),
        intake => events(&intake)[0]["event_name"]
            .as_str()
            .unwrap()
            .to_owned(),
    }
}
