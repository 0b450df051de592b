//! What is answered: by `fn respond`, and to pages of other origins.

use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tagwerk::generation::Generation;

use super::{admit, body, clients, events, take};
use crate::support::call::Call;

fn responding(body: &str) -> Generation {
    clients(&[(
        "order",
        &format!(
            "const PATH = \"/order\";\nfn parse(request) {{ [#{{ event_name: \"a\", event_id: \"1\" }}, #{{ event_name: \"b\", event_id: \"2\" }}] }}\nfn respond(request, events) {{ {body} }}"
        ),
    )])
}

#[test]
fn respond_shapes_the_answer() {
    let cases = [
        ("#{}", 200, "", json!({})),
        (
            "#{ status: 201, body: \"ok\" }",
            201,
            "ok",
            json!({ "content-type": "text/plain; charset=utf-8" }),
        ),
        (
            "#{ body: #{ ids: events.map(|e| e.event_id) } }",
            200,
            "{\"ids\":[\"1\",\"2\"]}",
            json!({ "content-type": "application/json" }),
        ),
        (
            "#{ body: \"<p>\", headers: #{ \"Content-Type\": \"text/html\", \"X-Count\": events.len() } }",
            200,
            "<p>",
            json!({ "content-type": "text/html", "x-count": "2" }),
        ),
        (
            "#{ status: 204, body: (), cookies: #{ id: \"17\" } }",
            204,
            "",
            json!({ "set-cookie": "id=17; Path=/; Secure; SameSite=Lax" }),
        ),
        (
            "#{ status: 302, headers: #{ location: \"https://example.com/\" } }",
            302,
            "",
            json!({ "location": "https://example.com/" }),
        ),
    ];
    for (script, status, text, headers) in cases {
        let (intake, _) = take(&responding(script), Call::post("/order"));
        let response = intake.response();
        assert_eq!(
            (response.status, &*response.body),
            (status, text.as_bytes()),
            "{script}"
        );
        assert_eq!(shown(&response.headers), headers, "{script}");
    }
}

fn shown(headers: &HeaderMap) -> Value {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The events are safe, so the sender must not hear of a mistake in the answer's script.
#[test]
fn a_respond_that_fails_gives_the_default_answer() {
    for script in [
        "5",
        "()",
        "#{ code: 200 }",
        "#{ status: 199 }",
        "#{ status: 600 }",
        "#{ status: \"ok\" }",
        "#{ status: 204, body: \"text\" }",
        "#{ headers: [] }",
        "#{ headers: #{ \"x y\": \"1\" } }",
        "#{ headers: #{ x: \"a\\r\\nset-cookie: b=c\" } }",
        "#{ headers: #{ x: #{} } }",
        "#{ headers: #{ x: () } }",
        "#{ headers: #{ \"Content-Length\": \"5\" } }",
        "#{ headers: #{ \"transfer-encoding\": \"chunked\" } }",
        "#{ headers: #{ connection: \"close\" } }",
        "#{ cookies: #{ id: \"a; Domain=evil.example\" } }",
        "#{ cookies: [\"a=b\"] }",
        "#{ body: |x| x }",
        "throw \"no\"",
        "loop { }",
    ] {
        let (intake, _) = take(&responding(script), Call::post("/order"));
        assert_eq!(events(&intake).len(), 2, "{script}");
        assert_eq!(
            body(intake.response()),
            json!({ "status": "accepted", "events": ["1", "2"] }),
            "{script}"
        );
    }
}

#[test]
fn pages_may_call_where_cors_lets_them() {
    let script = |cors: &str| {
        format!(
            "const PATH = \"/e\";\nconst METHODS = [\"POST\", \"PUT\"];\n{cors}\nfn parse(request) {{ #{{ event_name: \"a\" }} }}"
        )
    };
    let (shop, other) = ("https://shop.example.com", "https://evil.example");
    let cases = [
        ("", shop, false),
        ("const CORS = \"*\";", other, true),
        ("const CORS = \"https://shop.example.com\";", shop, true),
        ("const CORS = [\"https://SHOP.example.com\"];", shop, true),
        ("const CORS = [\"https://shop.example.com\"];", other, false),
        (
            "const CORS = [\"https://shop.example.com\"];",
            "http://shop.example.com",
            false,
        ),
        (
            "const CORS = [\"https://shop.example.com\"];",
            "null",
            false,
        ),
    ];
    for (cors, origin, allowed) in cases {
        let generation = clients(&[("e", &script(cors))]);
        let (intake, _) = take(&generation, Call::post("/e").header("origin", origin));
        let headers = &intake.response().headers;
        let echoed = headers
            .get("access-control-allow-origin")
            .map(|value| value.to_str().unwrap());
        assert_eq!(echoed, allowed.then_some(origin), "{cors} {origin}");
        assert_eq!(
            headers.contains_key("access-control-allow-credentials"),
            allowed
        );
        assert_eq!(headers.contains_key("vary"), !cors.is_empty(), "{cors}");

        let preflight = Call::new(Method::OPTIONS, "/e")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type");
        let answer = admit(&generation, &preflight.build()).unwrap_err();
        assert_eq!(
            answer.status,
            if allowed { 204 } else { 403 },
            "{cors} {origin}"
        );
        if allowed {
            assert_eq!(answer.headers["access-control-allow-methods"], "POST, PUT");
            assert_eq!(
                answer.headers["access-control-allow-headers"],
                "content-type"
            );
            assert_eq!(answer.headers["access-control-allow-origin"], origin);
        }
    }
    let plain = admit(
        &clients(&[("e", &script("const CORS = \"*\";"))]),
        &Call::new(Method::OPTIONS, "/e").build(),
    );
    assert_eq!(plain.unwrap_err().status, 405);
}

/// A page must be able to read that its request was refused, and that it was kept.
#[test]
fn pages_read_failures_too() {
    let generation = clients(&[(
        "e",
        "const PATH = \"/e\";\nconst CORS = \"*\";\nfn parse(request) { #{ event_name: request.json.name.to_upper() } }",
    )]);
    for (sent, status) in [("{", 400), ("{}", 202)] {
        let (intake, _) = take(
            &generation,
            Call::post("/e")
                .header("origin", "https://a.example")
                .body(sent),
        );
        assert_eq!(intake.response().status, status);
        assert!(
            intake
                .response()
                .headers
                .contains_key("access-control-allow-origin")
        );
    }
}
