//! The scripts that we ship, loaded as `serve` loads them: what becomes of every example request,
//! whether the vendors take what is sent, and what the scripts do with odd input.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use http::Uri;
use serde_json::{Value, json};
use tagwerk::emulator::{Emulator, Kind, serve};
use tagwerk::generation::load;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::examples::examples;
use crate::support::flow::{Flow, Processed, Sent, Taken};
use crate::support::http::post;
use crate::support::json::{assert_contains, data};
use crate::support::stand_in::kind;
use crate::support::working_set::{WorkingSet, http_destination};

/// A script that we ship is a lesson: one screen.
const MAX_LINES: usize = 60;

#[test]
fn every_script_says_first_what_it_is_and_is_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for folder in ["clients", "tags", "shared"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            let shown = path.display();
            let first = source.lines().next().unwrap_or_default();
            let about = first.strip_prefix("// ").unwrap_or_default();
            assert!(about.len() > 20 && about.ends_with('.'), "{shown}: {first}");
            assert!(source.lines().count() < MAX_LINES, "{shown}");
            assert!(
                source.lines().all(|line| line.chars().count() <= 110),
                "{shown}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 15, "found {seen} scripts");
}

/// What a fresh checkout is: no key of any vendor, and yet it starts, and says what it waits for.
#[test]
fn without_any_variable_all_loads_and_every_destination_says_what_it_waits_for() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tagwerk.toml");
    let loaded = load(&config, &BTreeMap::<String, String>::new());
    let generation = loaded.unwrap_or_else(|problems| panic!("{problems}")).live;
    let waits_for = |name: &str| generation.destinations[name].missing.join(" ");
    assert_eq!(waits_for("amplitude"), "AMPLITUDE_API_KEY");
    assert_eq!(
        waits_for("tracify"),
        "TRACIFY_TOKEN TRACIFY_CUSTOMER_SITE_ID"
    );
    assert_eq!(waits_for("slack"), "SLACK_WEBHOOK_URL");
    assert_eq!(waits_for("crm"), "CRM_TOKEN");
}

#[test]
fn every_example_goes_the_way_that_the_table_says() {
    let flow = Flow::shipped();
    let mut table = String::new();
    for (name, example) in examples() {
        table.push_str(&format!("{name}: {}\n", way(&flow.send(&example))));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scripts/examples.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &table).unwrap();
    }
    let expected = fs::read_to_string(file);
    assert_eq!(table.trim(), expected.unwrap().trim(), "\n{table}");
}

/// A request's way in a few lines: who took it, its answer, its events, what their tags did.
fn way(taken: &Taken) -> String {
    let claimed = taken.clients.iter().find(|client| client.claimed);
    let client = claimed.map_or("nobody", |client| &client.name);
    let mut way = format!("{client}, {}", taken.response.status);
    for event in &taken.events {
        way.push_str(&format!(
            "\n  {}",
            event.data["event_name"].as_str().unwrap()
        ));
        for tag in &event.tags {
            let outcome = match (&tag.fault, &tag.reason) {
                (Some(fault), _) => format!(" failed: {}", fault.message),
                (None, Some(reason)) => format!(": {reason}"),
                (None, None) => format!(" → {}", tag.destination),
            };
            way.push_str(&format!("\n    {}{outcome}", tag.name));
        }
    }
    way
}

#[tokio::test]
async fn the_vendors_take_everything_that_the_examples_send() {
    let flow = Flow::shipped();
    let examples = examples().into_iter();
    let sent: Vec<(String, Sent)> = examples
        .flat_map(|(name, example)| {
            let events = flow.send(&example).events.into_iter();
            let sent = events.flat_map(|event| event.sent);
            sent.map(move |sent| (name.clone(), sent))
        })
        .collect();
    for (kind, at_least) in [
        (kind("amplitude"), 13),
        (kind("tracify"), 5),
        (kind("slack"), 1),
    ] {
        let to_vendor: Vec<_> = sent
            .iter()
            .filter(|(_, sent)| sent.kind == kind.as_str())
            .collect();
        assert!(to_vendor.len() >= at_least, "{kind}: {}", to_vendor.len());
        judge(kind, &to_vendor).await;
    }
}

/// Posts to a stand-in what was made for its vendor.
async fn judge(kind: Kind, requests: &[&(String, Sent)]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let emulator = Emulator::new(kind);
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, emulator.clone(), stop.clone()));
    for (example, Sent { tag, request, .. }) in requests {
        let headers: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let url: Uri = request.url.parse().unwrap();
        let body = std::str::from_utf8(&request.body).unwrap();
        post(address, url.path(), &headers, body).await;
        let received = emulator.received();
        let last = received.last().unwrap();
        assert_eq!(last.refused, [""; 0], "{example}: {tag}: {body}");
        assert_eq!(last.accepted, 1, "{example}: {tag}: {body}");
    }
    stop.cancel();
    served.await.unwrap();
}

/// The page's own hashes stand for no value that one could find, so they come in with the event, as
/// from a site that hashes for itself.
#[test]
fn the_five_payloads_of_tracify_are_made_field_by_field() {
    let flow = Flow::shipped();
    let examples = examples();
    for (file, example) in [
        ("pageview", "site_page_view"),
        ("productview", "site_view_item"),
        ("addtocart", "site_add_to_cart"),
        ("purchase", "site_purchase"),
        ("conversion", "site_conversion"),
    ] {
        let expected = data(&format!("destinations/tracify/{file}.json"))["request"].clone();
        let mut event: Value = serde_json::from_str(&examples[example].body).unwrap();
        event["identity_data"] = expected["body"]["events"][0]["identity_data"].clone();
        for key in ["ip_override", "user_agent", "user_data"] {
            event.as_object_mut().unwrap().remove(key);
        }
        let taken = flow.post("/collect", &event);
        let sent = taken.events[0].sent_by(&format!("tracify_{file}"));
        assert_eq!(sent.request.method.as_str(), expected["method"], "{file}");
        assert_eq!(sent.request.url, expected["url"], "{file}");
        assert_contains(&sent.headers(), &expected["headers"]);
        assert_eq!(sent.body(), expected["body"], "{file}");
    }
}

#[test]
fn pushes_become_amplitude_events_with_their_properties() {
    let flow = Flow::shipped();
    let examples = examples();
    let common = json!({ "page_location": "https://www.yourwebsite.com/", "provider": "email" });
    for (example, event_type) in [
        ("datalayer_1_signup", "signup"),
        ("datalayer_2_login", "login"),
        ("datalayer_3_logout", "logout"),
        ("datalayer_4_trial", "trial"),
        ("datalayer_6_my_custom_event", "my custom event"),
    ] {
        let taken = flow.send(&examples[example]);
        let sent = taken.events[0].sent_by("amplitude_events").body();
        let event = &sent["events"][0];
        assert_eq!(event["event_type"], event_type);
        assert_eq!(event["user_id"], "123456789", "{event_type}");
        assert_eq!(event["ip"], "203.0.113.7", "{event_type}");
        assert_contains(&event["event_properties"], &common);
        let properties = event["event_properties"].to_string();
        assert!(
            !properties.contains("johndoe"),
            "{event_type}: {properties}"
        );
    }
    let taken = flow.send(&examples["datalayer_5_revenue"]);
    let sent = taken.events[0].sent_by("amplitude_revenue").body();
    let expected = &data("destinations/amplitude/revenue.json")["request"]["body"];
    assert_contains(&sent, expected);
}

fn only(taken: Taken) -> Processed {
    assert_eq!(taken.events.len(), 1);
    taken.events.into_iter().next().unwrap()
}

#[test]
fn an_order_of_woocommerce_has_the_common_keys() {
    let example = &examples()["woocommerce_order_created"];
    let expected = json!({
        "event_name": "order_created",
        "transaction_id": "727",
        "value": 29.35,
        "currency": "USD",
        "timestamp_ms": 1_490_210_882_000_i64,
        "page_location": "https://example.com/",
        "items": [
            { "item_id": "93", "item_name": "Woo Single #1", "price": 3, "quantity": 2 },
            {
                "item_id": "Bar3",
                "item_name": "Ship Your Idea – Color: Black, Size: M Test",
                "price": 12,
                "quantity": 1,
            },
        ],
        "user_data": {
            "email_address": "john.doe@example.com",
            "phone_number": "(555) 555-5555",
            "address": {
                "first_name": "John",
                "last_name": "Doe",
                "street": "969 Market",
                "city": "San Francisco",
                "region": "CA",
                "postal_code": "94103",
                "country": "US",
            },
        },
    });
    let event = only(Flow::shipped().send(example)).data;
    assert_contains(&event, &expected);
    // A guest has no id, and of the visitor the shop kept nothing.
    for key in ["user_id", "ip_override", "user_agent", "date_completed"] {
        assert!(event.get(key).is_none(), "{key} is {}", event[key]);
    }
}

#[test]
fn an_order_is_matched_to_its_customer_and_visitor_where_the_shop_knows_them() {
    let mut order: Value =
        serde_json::from_str(&examples()["woocommerce_order_created"].body).unwrap();
    order["customer_id"] = json!(7);
    order["customer_ip_address"] = json!("192.168.1.1");
    order["customer_user_agent"] = json!("Mozilla/5.0");
    let headers = [
        ("x-wc-webhook-topic", "order.created"),
        ("x-wc-webhook-source", "https://shop.example.com/"),
    ];
    let taken = Flow::shipped().request("POST", "/order_created", &headers, &order.to_string());
    let event = only(taken);
    let amplitude = event.sent_by("amplitude_revenue").body();
    assert_eq!(amplitude["events"][0]["user_id"], "woo-7");
    assert_eq!(amplitude["events"][0].get("device_id"), None);
    let tracify = event.sent_by("tracify_purchase").body();
    let expected = json!({
        "url": "https://shop.example.com/",
        "datetime": "2017-03-22 19:28:02",
        "data": { "order_id": "727", "amount": "29.35", "currency": "USD", "AMT2": "12" },
    });
    assert_contains(&tracify["events"][0], &expected);
}

#[test]
fn other_topics_of_woocommerce_keep_their_name() {
    let flow = Flow::shipped();
    for (topic, body, name) in [
        (
            "order.updated",
            r#"{"id":727,"total":"1.00"}"#,
            "order_updated",
        ),
        ("order.deleted", r#"{"id":727}"#, "order_deleted"),
        (
            "action.my_hook",
            r#"{"action":"my_hook","arg":5}"#,
            "action_my_hook",
        ),
    ] {
        let taken = flow.request(
            "POST",
            "/order_created",
            &[("x-wc-webhook-topic", topic)],
            body,
        );
        let event = only(taken);
        assert_eq!(event.data["event_name"], name);
        assert!(event.tags.is_empty(), "{name}: {:?}", event.tags);
    }
}

#[test]
fn an_order_that_waits_for_its_money_is_no_revenue() {
    let flow = Flow::shipped();
    let order = |status: &str, value: Value| {
        let data = json!({ "event_name": "order_created", "status": status, "value": value,
            "user_id": "123456789" });
        flow.event(&data)
    };
    assert_eq!(
        order("pending", json!(10)).reason("amplitude_revenue"),
        Some("except")
    );
    assert_eq!(
        order("completed", json!("10.00")).reason("amplitude_revenue"),
        None
    );
    for nothing in [
        json!(0),
        json!("0.00"),
        json!(-5),
        json!("n/a"),
        json!(null),
    ] {
        let reason = Some("skipped: nothing was paid");
        assert_eq!(
            order("completed", nothing).reason("amplitude_revenue"),
            reason
        );
    }
}

#[test]
fn only_a_checkout_that_is_paid_is_a_purchase() {
    let flow = Flow::shipped();
    let mut message: Value =
        serde_json::from_str(&examples()["stripe_checkout_session_completed"].body).unwrap();
    let expected = json!({
        "event_name": "purchase",
        "event_id": "evt_1PbTestCheckout000000001",
        "transaction_id": "1001",
        "value": 39.98,
        "currency": "EUR",
        "user_id": "user-123456",
        "user_data": { "email_address": "jenny.rosen@example.com" },
    });
    assert_contains(&only(flow.post("/hooks/stripe", &message)).data, &expected);

    message["data"]["object"]["payment_status"] = json!("unpaid");
    let unpaid = only(flow.post("/hooks/stripe", &message));
    assert_eq!(unpaid.data["event_name"], "checkout.session.completed");
    assert!(unpaid.tags.is_empty());

    let paid = json!({ "id": "evt_1", "type": "invoice.paid", "created": 1_720_602_000,
        "data": { "object": { "object": "invoice", "status": "paid" } } });
    assert_eq!(
        only(flow.post("/hooks/stripe", &paid)).data["event_name"],
        "invoice.paid"
    );
}

#[test]
fn a_webhook_is_named_by_its_sender_or_by_its_path() {
    let flow = Flow::shipped();
    for (body, expected) in [
        (
            json!({ "event": "a", "type": "b" }),
            json!([{ "event_name": "a" }]),
        ),
        (
            json!({ "event": { "x": 1 }, "topic": "c" }),
            json!([{ "event_name": "c" }]),
        ),
        (
            json!({ "total": "12.50", "currency": "eur", "email": "x@example.com" }),
            json!([{ "event_name": "crm", "webhook": "crm", "value": 12.5, "currency": "EUR",
                "user_data": { "email_address": "x@example.com" } }]),
        ),
        (
            json!([{ "type": "a" }, { "type": "b" }]),
            json!([{ "event_name": "a" }, { "event_name": "b" }]),
        ),
        (json!(5), json!([{ "event_name": "crm", "body": 5 }])),
        (json!([]), json!([])),
    ] {
        let events = flow.post("/hooks/crm", &body).events.into_iter();
        let events: Value = events.map(|event| event.data).collect();
        assert_contains(&events, &expected);
    }
}

#[test]
fn pages_may_send_anything_and_only_events_are_taken() {
    let flow = Flow::shipped();
    for path in ["/datalayer", "/collect"] {
        for nothing in [
            json!({}),
            json!([]),
            json!(null),
            json!("text"),
            json!([1, { "event": "", "event_name": "" }, { "event": 5, "event_name": 5 }]),
            json!({ "event": "gtm.js", "gtm.start": 1_720_602_000_123_i64 }),
            json!({ "0": "event", "1": "purchase" }),
        ] {
            let taken = flow.post(path, &nothing);
            assert_eq!(taken.response.status, 200, "{path} {nothing}");
            assert!(taken.events.is_empty(), "{path} {nothing}");
        }
        let broken = flow.request("POST", path, &[], "{");
        assert_eq!(broken.response.status, 400, "{path}");
    }
}

#[test]
fn pushes_come_several_at_once_and_with_the_order_one_level_down() {
    let order = json!({ "transaction_id": "T-1", "value": 150, "currency": "EUR",
        "items": [{ "item_name": "<!channel>", "price": 150 }] });
    let pushes = json!([
        { "event": "login", "user_id": "123456789" },
        { "user_id": "987654321" },
        { "event": "purchase", "ecommerce": order, "client_id": "1234.5678" },
    ]);
    let headers = [
        ("origin", "https://shop.example.com"),
        ("referer", "https://shop.example.com/thanks?gclid=abc"),
        ("user-agent", "Mozilla/5.0"),
    ];
    let taken = Flow::shipped().request("POST", "/datalayer", &headers, &pushes.to_string());
    let allowed = &taken.response.headers["access-control-allow-origin"];
    assert_eq!(allowed, "https://shop.example.com");
    let [login, purchase] = taken.events.as_slice() else {
        panic!("{} events", taken.events.len());
    };
    assert_eq!(login.data["user_id"], "123456789");
    let amplitude = purchase.sent_by("amplitude_revenue").body();
    assert_eq!(amplitude["events"][0]["device_id"], "1234.5678");
    assert_eq!(amplitude["events"][0]["productId"], "<!channel>");
    let tracify = purchase.sent_by("tracify_purchase").body();
    let expected = json!({
        "url": "https://shop.example.com/thanks",
        "datetime": "2024-07-10 09:00:00",
        "data": { "gclid": "abc", "order_id": "T-1", "amount": "150.00", "ITEM1": "<!channel>", "QTY1": "1" },
    });
    assert_contains(&tracify["events"][0], &expected);
    let text = "*Order T-1*: 150 EUR\n• 1 × &lt;!channel&gt;";
    assert_eq!(
        purchase.sent_by("slack_order").body(),
        json!({ "text": text })
    );
}

#[test]
fn a_tag_that_cannot_send_says_why() {
    let flow = Flow::shipped();
    let page = json!({ "event_name": "page_view", "page_location": "https://shop.example.com/" });
    let event = flow.event(&page);
    let nobody = "skipped: neither user_id, client_id nor email address";
    assert_eq!(event.reason("amplitude_events"), Some(nobody));
    let no_visitor = "skipped: Tracify needs ip_override and user_agent";
    assert_eq!(event.reason("tracify_pageview"), Some(no_visitor));

    let nowhere = json!({ "event_name": "page_view", "page_location": "/relative" });
    let no_page = "skipped: Tracify needs page_location";
    assert_eq!(
        flow.event(&nowhere).reason("tracify_pageview"),
        Some(no_page)
    );

    let free = json!({ "event_name": "conversion", "transaction_id": "1", "value": 1 });
    assert_eq!(
        flow.event(&free).reason("tracify_conversion"),
        Some("conditions")
    );
}

#[test]
fn a_fault_in_a_shared_module_names_its_file() {
    let tag = "import \"people\" as people;\nconst ON = \"signup\";\nconst TO = \"crm\";\n\
               fn tag(event) { #{ body: people::name(event.user) } }\n";
    let set = WorkingSet::new(&http_destination("crm", "127.0.0.1:9".parse().unwrap()))
        .with("shared/people.rhai", "fn name(user) { user.name }\n")
        .with("tags/signup.rhai", tag);
    let event = json!({ "event_name": "signup", "user": "no map" });
    let made = Flow::load(set.path()).event(&event);
    let fault = made.tags[0].fault.as_ref().unwrap();
    assert_eq!(fault.file, "shared/people.rhai");
    assert_eq!(fault.function.as_deref(), Some("name"));
    assert!(fault.line.is_some());
}
