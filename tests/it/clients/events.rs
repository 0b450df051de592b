//! What a client sees of a request, and what it may return.

use serde_json::{Value, json};
use tagwerk::intake::Intake;

use super::{body, clients, events, fault, parsing, take};
use crate::support::call::Call;

#[test]
fn parse_may_return_a_map_an_array_or_nothing() {
    let cases = [
        ("#{ event_name: \"a\" }", json!([{ "event_name": "a" }])),
        (
            "[#{ event_name: \"a\" }, #{ event_name: \"b\", value: 1.5 }]",
            json!([{ "event_name": "a" }, { "event_name": "b", "value": 1.5 }]),
        ),
        ("#{ event_name: 7 }", json!([{ "event_name": 7 }])),
        ("()", json!([])),
        ("[]", json!([])),
        ("if false { 1 }", json!([])),
        (
            "#{ event_name: \"a\", coupon: (), items: [] }",
            json!([{ "event_name": "a", "items": [] }]),
        ),
        (
            "let e = #{ event_name: \"a\" }; let f = || e; f.call()",
            json!([{ "event_name": "a" }]),
        ),
    ];
    for (script, expected) in cases {
        let (intake, _) = take(&parsing(script), Call::post("/order"));
        assert_eq!(Value::from(events(&intake)), expected, "{script}");
        assert_eq!(intake.response().status, 200);
    }
}

#[test]
fn what_is_no_event_keeps_the_request() {
    let cases = [
        ("1", "it returned a whole number"),
        ("true", "it returned true or false"),
        ("[()]", "one is nothing, ()"),
        ("[[]]", "one is an array"),
        ("#{}", "must have event_name"),
        ("#{ event_name: \"\" }", "must have event_name"),
        ("#{ event_name: () }", "must have event_name"),
        ("#{ event_name: 1.5 }", "must have event_name"),
        (
            "#{ event_name: \"a\", x: 0.0 / 0.0 }",
            "x: the number NaN cannot be sent",
        ),
        (
            "let a = [#{ event_name: \"a\" }]; while a.len() < 2501 { a += a; } a",
            "returned 4096 events, the most is 2500",
        ),
        ("throw \"not mine\"", "not mine"),
    ];
    for (script, expected) in cases {
        let (intake, _) = take(&parsing(script), Call::post("/order"));
        let message = fault(&intake);
        assert!(message.contains(expected), "{script}: {message}");
    }
}

#[test]
fn event_ids_are_the_clients_or_new() {
    let long = "x".repeat(256);
    let good = [
        ("\"order-1\"", "order-1"),
        ("17", "17"),
        (&format!("\"{long}\""), long.as_str()),
    ];
    for (id, expected) in good {
        let (intake, _) = take(
            &parsing(&format!("#{{ event_name: \"a\", event_id: {id} }}")),
            Call::post("/order"),
        );
        let Intake::Accepted {
            events, response, ..
        } = intake
        else {
            panic!("{id}")
        };
        assert_eq!(&*events[0].id, expected);
        assert_eq!(
            body(&response),
            json!({ "status": "accepted", "events": [expected] })
        );
    }
    let bad = [
        "\"\"".to_owned(),
        format!("\"{long}x\""),
        "\"a\\x00b\"".to_owned(),
        "1.5".to_owned(),
        "true".to_owned(),
        "[1]".to_owned(),
    ];
    for id in bad {
        let (intake, _) = take(
            &parsing(&format!("#{{ event_name: \"a\", event_id: {id} }}")),
            Call::post("/order"),
        );
        assert!(fault(&intake).contains("event_id must be"), "{id}");
    }
    let (intake, _) = take(
        &parsing("[#{ event_name: \"a\" }, #{ event_name: \"a\", event_id: () }]"),
        Call::post("/order"),
    );
    let Intake::Accepted { events, .. } = intake else {
        panic!("no id")
    };
    assert_eq!((events[0].id.len(), events[1].id.len()), (26, 26));
    assert_ne!(events[0].id, events[1].id);
}

#[test]
fn an_event_without_an_id_has_the_senders_where_the_client_says_where_it_is() {
    let long = "x".repeat(255);
    let own = "#{ event_name: \"a\", event_id: \"own\" }";
    for (parsed, sender_id, expected) in [
        ("#{ event_name: \"a\" }", "d-7", vec!["d-7"]),
        (own, "d-7", vec!["own"]),
        (
            "[#{ event_name: \"a\" }, #{ event_name: \"b\" }]",
            "d-7",
            vec!["d-7", "d-7/1"],
        ),
        ("[#{ event_name: \"a\" }]", &long, vec![&*long]),
    ] {
        let client = format!(
            "const PATH = \"/order\"; const DEDUPE = \"header:x-delivery\"; fn parse(request) {{ {parsed} }}"
        );
        let generation = clients(&[("order", &client)]);
        let call = Call::post("/order").header("x-delivery", sender_id);
        let (intake, _) = take(&generation, call);
        let Intake::Accepted { events, repeat, .. } = intake else {
            panic!("{parsed}")
        };
        let ids: Vec<&str> = events.iter().map(|event| &*event.id).collect();
        assert_eq!(ids, expected, "{parsed}");
        assert_eq!(repeat.unwrap().sender_id.as_deref(), Some(sender_id));
    }
    let generation = clients(&[(
        "order",
        "const PATH = \"/order\"; const DEDUPE = \"header:x-delivery\"; fn parse(request) { #{ event_name: \"a\" } }",
    )]);
    let (intake, _) = take(&generation, Call::post("/order"));
    let Intake::Accepted {
        events,
        repeat: None,
        ..
    } = intake
    else {
        panic!("no id")
    };
    assert_eq!(events[0].id.len(), 26);
}

#[test]
fn the_answer_to_a_repeat_says_so() {
    for (respond, status, body) in [
        (
            "",
            200,
            json!({ "status": "accepted", "duplicate": true, "events": [] }),
        ),
        (
            "fn respond(request, events) { #{ status: 201, body: #{ received: true } } }",
            201,
            json!({ "received": true }),
        ),
    ] {
        let client = format!(
            "const PATH = \"/order\"; const DEDUPE = \"body:id\"; fn parse(request) {{ #{{ event_name: \"a\" }} }} {respond}"
        );
        let (intake, _) = take(
            &clients(&[("order", &client)]),
            Call::post("/order").body("{\"id\":7}"),
        );
        let Intake::Accepted {
            repeat: Some(repeat),
            ..
        } = intake
        else {
            panic!("{respond}")
        };
        assert_eq!(repeat.response.status, status);
        assert_eq!(repeat.response.headers["x-duplicate"], "true");
        assert_eq!(crate::clients::body(&repeat.response), body);
    }
}

#[test]
fn only_a_browser_is_the_visitor() {
    let script = |header: &str, extra: &str| {
        format!(
            "const PATH = \"/e\";\n{header}\nfn parse(request) {{ #{{ event_name: \"a\"{extra} }} }}"
        )
    };
    let cases = [
        ("", "", json!({ "event_name": "a" })),
        (
            "const SOURCE = \"server\";",
            "",
            json!({ "event_name": "a" }),
        ),
        (
            "const SOURCE = \"browser\";",
            "",
            json!({ "event_name": "a", "ip_override": "203.0.113.7", "user_agent": "Firefox" }),
        ),
        (
            "const SOURCE = \"browser\";",
            ", ip_override: \"198.51.100.1\", user_agent: ()",
            json!({ "event_name": "a", "ip_override": "198.51.100.1", "user_agent": "Firefox" }),
        ),
    ];
    for (header, extra, expected) in cases {
        let generation = clients(&[("e", &script(header, extra))]);
        let (intake, _) = take(
            &generation,
            Call::post("/e").header("user-agent", "Firefox"),
        );
        assert_eq!(events(&intake), [expected], "{header} {extra}");
    }
}

#[test]
fn a_request_has_all_that_was_sent() {
    let call = || {
        Call::post("/order?a=1&b=x%20y&a=2&empty=&flag")
            .header("content-type", "application/json")
            .header("x-twice", "one")
            .header("x-twice", "two")
            .header("cookie", "id=17; theme=\"dark\"; broken; id=18")
            .body(r#"{"id":17,"big":123456789012345678901}"#)
    };
    let cases = [
        ("request.method", json!("POST")),
        ("request.path", json!("/order")),
        ("request.ip", json!("203.0.113.7")),
        ("request.received_at", json!(1_718_973_400_000_i64)),
        (
            "request.query",
            json!({ "a": ["1", "2"], "b": "x y", "empty": "", "flag": "" }),
        ),
        ("request.headers[\"x-twice\"]", json!("one, two")),
        ("request.cookies", json!({ "id": "17", "theme": "dark" })),
        (
            "request.body",
            json!("{\"id\":17,\"big\":123456789012345678901}"),
        ),
        (
            "request.json",
            json!({ "id": 17, "big": "123456789012345678901" }),
        ),
        ("request.json.id + request.json.id", json!(34)),
        ("request.params", json!({})),
    ];
    for (expression, expected) in cases {
        let (intake, _) = take(
            &parsing(&format!("#{{ event_name: \"a\", x: {expression} }}")),
            call(),
        );
        assert_eq!(events(&intake)[0]["x"], expected, "{expression}");
    }
    let form = Call::post("/order").body("name=Anna+B&tags%5B%5D=x&tags%5B%5D=y&%C3%A4=%E2%82%AC");
    let (intake, _) = take(&parsing("#{ event_name: \"a\", x: request.form }"), form);
    assert_eq!(
        events(&intake)[0]["x"],
        json!({ "name": "Anna B", "tags[]": ["x", "y"], "ä": "€" })
    );
    let hooks = clients(&[(
        "h",
        "const PATH = \"/hooks/:shop/*\";\nfn parse(request) { #{ event_name: \"a\", x: request.params } }",
    )]);
    let (intake, _) = take(&hooks, Call::post("/hooks/a%2Fb/c/d"));
    assert_eq!(
        events(&intake)[0]["x"],
        json!({ "shop": "a/b", "*": "c/d" })
    );
}

#[test]
fn a_body_that_cannot_be_read_is_the_senders_fault() {
    let many = format!("[{}0]", "0,".repeat(10_000));
    let fields = "a&".repeat(10_001);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        (
            "json",
            b"{".to_vec(),
            "the body is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "json",
            b"".to_vec(),
            "the body is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("json", b"{\"a\":\"\xff\"}".to_vec(), "the body is not JSON"),
        ("json", many.into_bytes(), "more than 10000 array elements"),
        ("body", b"\xff\xfe".to_vec(), "the body is not UTF-8"),
        ("form", b"\xff=1".to_vec(), "the body is not UTF-8"),
        (
            "form",
            fields.into_bytes(),
            "the form has more than 9900 fields",
        ),
    ];
    for (property, sent, expected) in cases {
        let generation = parsing(&format!("#{{ event_name: \"a\", x: request.{property} }}"));
        let (intake, _) = take(&generation, Call::post("/order").body(sent));
        let Intake::Answered { response, .. } = intake else {
            panic!("{property}")
        };
        assert_eq!(response.status, 400);
        let text = body(&response)["error"].as_str().unwrap().to_owned();
        assert!(text.contains(expected), "{property}: {text}");
    }
    let (intake, _) = take(
        &parsing("try { request.json } catch { } #{ event_name: \"a\" }"),
        Call::post("/order").body("{"),
    );
    assert_eq!(events(&intake).len(), 1, "a script may live with it");
}
