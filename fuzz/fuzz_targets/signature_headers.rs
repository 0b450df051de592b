//! Headers with signatures and times, for every scheme: none of them holds. The first line is the
//! signature, the second the time, the third the id, the rest the body.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use tagwerk::client::{Client, Passed, Surroundings, load};
use tagwerk::request::Request;
use tagwerk::script::{Compiler, with_script_stack};

const SCHEMES: [&str; 15] = [
    "scheme: \"stripe\"",
    "scheme: \"paddle\"",
    "scheme: \"slack\"",
    "scheme: \"github\"",
    "scheme: \"shopify\"",
    "scheme: \"hubspot_v1\"",
    "scheme: \"hubspot_v3\"",
    "scheme: \"standard_webhooks\"",
    "scheme: \"basic\"",
    "scheme: \"bearer\"",
    "scheme: \"woocommerce\"",
    "scheme: \"hubspot_v2\"",
    "scheme: \"segment\"",
    "scheme: \"query\", parameter: \"a\"",
    "scheme: \"hmac\", header: \"x-sig\", timestamp: \"x-time\", prefix: \"v1=\"",
];

const HEADERS: [(&str, usize); 15] = [
    ("x-wc-webhook-signature", 0),
    ("x-sig", 0),
    ("x-time", 1),
    ("stripe-signature", 0),
    ("paddle-signature", 0),
    ("x-slack-signature", 0),
    ("x-slack-request-timestamp", 1),
    ("x-hub-signature-256", 0),
    ("x-shopify-hmac-sha256", 0),
    ("x-hubspot-signature", 0),
    ("x-hubspot-signature-v3", 0),
    ("x-hubspot-request-timestamp", 1),
    ("webhook-signature", 0),
    ("webhook-timestamp", 1),
    ("webhook-id", 2),
];

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let secret = ("S".to_owned(), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let login = ("LOGIN".to_owned(), "user:MfKQ9r8GKYqrTwjUPD8ILPZ".to_owned());
    let environment = BTreeMap::from([secret, login]);
    let client = |scheme: &&str| {
        let name = if scheme.contains("basic") { "LOGIN" } else { "S" };
        let source = format!(
            "const PATH = \"/x\";\nconst VERIFY = #{{ {scheme}, secret: \"{name}\" }};\nfn parse(request) {{ () }}"
        );
        let surroundings = Surroundings {
            max_body: 1024,
            base: Path::new("."),
            environment: &environment,
        };
        let script = Compiler::new(Path::new("shared")).compile("x", "x.rhai", &source);
        load(script.unwrap(), &surroundings).unwrap()
    };
    with_script_stack(|| SCHEMES.iter().map(client).collect()).unwrap()
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let lines: [&[u8]; 4] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    for (name, line) in HEADERS {
        if let Ok(value) = HeaderValue::from_bytes(lines[line]) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Ok(value) = HeaderValue::from_bytes(lines[0]) {
        headers.insert(http::header::AUTHORIZATION, value);
    }
    let request = Request {
        id: "fuzz".to_owned(),
        method: Method::POST,
        path: "/x".to_owned(),
        query: String::from_utf8_lossy(lines[0]).into_owned(),
        headers,
        ip: [127, 0, 0, 1].into(),
        body: bytes::Bytes::copy_from_slice(lines[3]),
        received_at: 1_720_602_001_000,
    };
    for client in CLIENTS.iter() {
        let verify = client.verify.as_ref().unwrap();
        // A ping of WooCommerce proves nothing, and does nothing.
        let checked = verify.check(&request, "https://tags.example.com");
        assert!(checked != Ok(Passed::Verified), "{verify:?}");
    }
});
