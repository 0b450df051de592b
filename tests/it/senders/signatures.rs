//! Public vectors and refusals of signatures as data, `tests/data/cases` of the layer `verify`, and
//! the signatures of our own examples. Through `intake`, at the time that the case says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tagwerk::generation::{Generation, load};
use tagwerk::intake::{self, Intake};
use tagwerk::preview::ClientTrace;
use tagwerk::request::Request;
use tagwerk::script::{Worker, with_script_stack};

use crate::support::examples::examples;
use crate::support::folder::{CONFIG, Folder};
use crate::support::json::data;

/// When the examples were signed.
const SIGNED_AT: i64 = 1_720_602_001;

/// A client at `/x` with this scheme.
fn generation(scheme: &str, secret: &str) -> Generation {
    let folder = Folder::new();
    let server = "server.public_url = \"https://tags.example.com\"\n";
    folder.write("tagwerk.toml", &format!("{server}{CONFIG}"));
    folder.write(
        "clients/x.rhai",
        &format!(
            "const PATH = \"/*\";\nconst VERIFY = #{{ {scheme}, secret: \"THE_SECRET\" }};\n\
             fn parse(request) {{ #{{ event_name: \"seen\", bytes: request.body.len() }} }}"
        ),
    );
    let variables = BTreeMap::from([("THE_SECRET".to_owned(), secret.to_owned())]);
    let loaded = load(&folder.config_file(), &variables);
    loaded.unwrap_or_else(|problems| panic!("{problems}")).live
}

fn request(path: &str, headers: &Value, body: &str, now: i64) -> Arc<Request> {
    let fields = headers.as_object().unwrap().iter().map(|(name, value)| {
        let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
        (name.parse::<HeaderName>().unwrap(), value)
    });
    Arc::new(Request {
        id: "request-1".to_owned(),
        method: http::Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers: fields.collect::<HeaderMap>(),
        ip: [203, 0, 113, 7].into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        received_at: now * 1_000,
    })
}

fn take(generation: &Generation, request: &Arc<Request>) -> (Intake, Vec<ClientTrace>) {
    let run = || {
        let mut trace = Vec::new();
        let intake = intake::take(&mut Worker::new(), generation, request, Some(&mut trace));
        (intake, trace)
    };
    with_script_stack(run).unwrap()
}

/// The line that each shipped client has as a comment, without its slashes: it loads with the variable that
/// it names, and lets nobody in who shows nothing.
#[test]
fn the_line_in_each_shipped_client_holds() {
    let folder = Folder::new();
    folder.write("tagwerk.toml", CONFIG);
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    for file in fs::read_dir(house.join("shared")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        folder.write(&format!("shared/{name}"), &read(&file));
    }
    let mut variables = BTreeMap::new();
    let mut paths = Vec::new();
    for file in fs::read_dir(house.join("clients")).unwrap() {
        let file = file.unwrap().path();
        let source = read(&file);
        let Some((before, line)) = source.split_once("// const VERIFY = ") else {
            continue;
        };
        let name = file.file_name().unwrap().to_str().unwrap();
        folder.write(
            &format!("clients/{name}"),
            &format!("{before}const VERIFY = {line}"),
        );
        let variable = line.split_once("secret: \"").unwrap().1;
        let variable = variable.split_once('"').unwrap().0;
        variables.insert(variable.to_owned(), "a-secret".to_owned());
        let path = source.split_once("const PATH").unwrap().1;
        let path = path.split('"').nth(1).unwrap();
        paths.push(path.replace(":source", "any"));
    }
    let loaded = load(&folder.config_file(), &variables);
    let generation = loaded.unwrap_or_else(|problems| panic!("{problems}")).live;
    assert!(paths.len() >= 9, "{paths:?}");
    for path in paths {
        let (intake, _) = take(&generation, &request(&path, &json!({}), "{}", SIGNED_AT));
        assert_eq!(intake.response().status, 401, "{path}");
    }
}

#[test]
fn signatures_hold_or_not_as_the_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".json") else {
            continue;
        };
        let case = data(&format!("cases/{name}.json"));
        if case["layer"] != "verify" {
            continue;
        }
        let input = &case["input"];
        let text = |key: &str| input[key].as_str().unwrap();
        let scheme = format!("scheme: \"{}\"", text("scheme"));
        let generation = generation(&scheme, text("secret"));
        let now = input["now"].as_i64().unwrap_or(SIGNED_AT);
        let request = request("/x", &input["headers"], text("body_raw"), now);
        let (intake, trace) = take(&generation, &request);
        let accepted = case["expect"]["accept"].as_bool().unwrap();
        let expected = if accepted { 200 } else { 401 };
        assert_eq!(intake.response().status, expected, "{name}: {trace:?}");
        assert_eq!(
            matches!(intake, Intake::Accepted { .. }),
            accepted,
            "{name}"
        );
        seen += 1;
    }
    assert_eq!(seen, 10);
}

/// Our examples are signed with secrets that their README names, at the same second.
#[test]
fn the_examples_are_signed_as_their_senders_sign() {
    let examples = examples();
    let secrets = [
        (
            "woocommerce_order",
            "woocommerce",
            "4d4f7e2c1f0b4b9fa2a1&woo",
        ),
        ("shopify_", "shopify", "hush-shopify-client-secret"),
        ("stripe_", "stripe", "whsec_test_secret"),
        ("github_", "github", "It's a Secret to Everybody"),
        ("hubspot_", "hubspot_v3", "hubspot-client-secret"),
        ("hubspot_", "hubspot_v1", "hubspot-client-secret"),
        ("paddle_", "paddle", "pdl_ntfset_test_secret"),
        ("lemonsqueezy_", "lemonsqueezy", "lemon-test-secret"),
        (
            "webhook_",
            "hmac\", header: \"x-signature",
            "webhook-test-secret",
        ),
    ];
    let readme = data_readme();
    let mut seen = 0;
    for (start, scheme, secret) in secrets {
        assert!(readme.contains(&format!("`{secret}`")), "{secret}");
        let generation = generation(&format!("scheme: \"{scheme}\""), secret);
        for (name, example) in examples.iter().filter(|(name, _)| name.starts_with(start)) {
            let request = request(
                example.path(),
                &json!(example.headers),
                &example.body,
                SIGNED_AT,
            );
            let (intake, trace) = take(&generation, &request);
            assert_eq!(intake.response().status, 200, "{name}: {trace:?}");
            assert!(trace[0].reason.ends_with("; verified"), "{trace:?}");
            let mut changed = example.body.clone();
            changed.push(' ');
            let request = request_of(example.path(), &json!(example.headers), &changed);
            assert_eq!(
                take(&generation, &request).0.response().status,
                401,
                "{name}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 15, "only {seen}");
}

fn request_of(path: &str, headers: &Value, body: &str) -> Arc<Request> {
    request(path, headers, body, SIGNED_AT)
}

fn data_readme() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/requests");
    fs::read_to_string(folder.join("README.md")).unwrap()
}
