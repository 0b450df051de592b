//! No input makes a parser of what strangers send take more than linear time: sixteen times the input may
//! not take much more than sixteen times as long. What a parser works is known by how long its thread was on
//! a processor, so waiting does not count; what is quadratic takes 256 times as long, and so far apart are
//! good and bad that a busy machine does not blur them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use tagwerk::client::{Client, Surroundings, load};
use tagwerk::request::{Request, unpack};
use tagwerk::script::api::{decode_ga4, nest_form};
use tagwerk::script::{
    Compiler, parse_cookies, parse_form, parse_json, parse_query, with_script_stack,
};

/// A parser by its name.
type Parser = (&'static str, fn(&[u8]));

const PARSERS: [Parser; 9] = [
    ("form", |body| drop(parse_form(FORM, body))),
    ("nested form", |body| {
        drop(parse_form(FORM, body).map(nest_form));
    }),
    ("multipart", |body| {
        drop(parse_form(b"multipart/form-data; boundary=--b", body));
    }),
    ("query", |body| {
        drop(parse_query(&String::from_utf8_lossy(body)))
    }),
    ("cookies", |body| {
        drop(parse_cookies(&String::from_utf8_lossy(body)))
    }),
    ("json", |body| drop(parse_json(body))),
    ("ga4", |body| drop(decode_ga4(b"v=2&tid=G-1&en=a", body, 0))),
    ("gzip", |body| {
        drop(unpack(&gzip(), &Bytes::copy_from_slice(body), 1 << 20))
    }),
    ("signatures", verify),
];

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Of what bad inputs are made: what some parser takes for a beginning, an end or an escape.
const PIECES: [&str; 40] = [
    "&",
    "=",
    "a=1&",
    "a.b=1&",
    "a.0=1&",
    "a.9=1&",
    "a.b.c.d=&",
    ".",
    "[",
    "]",
    "{",
    "}",
    "{\"a\":",
    "\"a\":1,",
    "\"",
    "\\",
    "\\u00",
    "1,",
    "[],",
    "%",
    "%4",
    "%41",
    "+",
    ";",
    ",",
    "~",
    "~~",
    "pr1=id~~&",
    "k0a~v0b~",
    "ep.a=1&",
    "\n",
    "\r\n",
    "\r\n----b",
    "----b\r\n",
    "----b",
    "--",
    "Content-Disposition: form-data; name=a\r\n\r\n",
    "é",
    "v1=00,",
    "t=1,",
];

const SMALL: usize = 4 * 1024;
const TIMES: usize = 16;

/// Linear is 16, with a logarithm 20; quadratic is 256.
const MOST: u32 = 64;

/// Less is not told from what the machine does besides.
const NOTHING: Duration = Duration::from_millis(1);

fn gzip() -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))])
}

/// All schemes that take a header apart.
static SIGNED: LazyLock<Vec<(Client, HeaderName)>> = LazyLock::new(|| {
    let environment = BTreeMap::from([("S".to_owned(), "bWFkZSBmb3IgdGVzdHM=".to_owned())]);
    let client = |(scheme, header): (&str, &'static str)| {
        let source = format!(
            "const PATH = \"/x\";\nconst VERIFY = #{{ scheme: \"{scheme}\", secret: \"S\" }};\nfn parse(request) {{ () }}"
        );
        let surroundings = Surroundings {
            max_body: 1024,
            base: Path::new("."),
            environment: &environment,
        };
        let script = Compiler::new(Path::new("shared")).compile("x", "x.rhai", &source);
        let client = load(script.unwrap(), &surroundings).unwrap();
        (client, HeaderName::from_static(header))
    };
    let schemes = [
        ("stripe", "stripe-signature"),
        ("paddle", "paddle-signature"),
        ("github", "x-hub-signature-256"),
        ("shopify", "x-shopify-hmac-sha256"),
        ("hubspot_v1", "x-hubspot-signature"),
        ("standard_webhooks", "webhook-signature"),
        ("segment", "authorization"),
        ("bearer", "authorization"),
    ];
    with_script_stack(|| schemes.into_iter().map(client).collect()).unwrap()
});

/// The input is the header, and then the body.
fn verify(input: &[u8]) {
    for (client, name) in &*SIGNED {
        let Ok(value) = HeaderValue::from_bytes(input) else {
            return;
        };
        let time = HeaderValue::from_static("0");
        let request = Request {
            id: "r".to_owned(),
            method: Method::POST,
            path: "/x".to_owned(),
            query: String::new(),
            headers: HeaderMap::from_iter([
                (name.clone(), value),
                (HeaderName::from_static("webhook-id"), time.clone()),
                (HeaderName::from_static("webhook-timestamp"), time),
            ]),
            ip: [127, 0, 0, 1].into(),
            body: Bytes::copy_from_slice(input),
            received_at: 0,
        };
        let verify = client.verify.as_ref().unwrap();
        assert!(verify.check(&request, "https://tags.example.com").is_err());
    }
}

fn busy() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// The least of three: what the machine does besides only adds.
fn cost(parser: fn(&[u8]), input: &[u8]) -> Duration {
    let once = || {
        let before = busy();
        parser(input);
        busy() - before
    };
    once().min(once()).min(once())
}

fn grows(unit: &str, start: &str) -> Result<(), String> {
    let input = |bytes: usize| {
        let count = bytes / unit.len() + 1;
        format!("{start}{}", unit.repeat(count)).into_bytes()
    };
    let (small, large) = (input(SMALL), input(SMALL * TIMES));
    for (name, parser) in PARSERS {
        let (little, much) = (cost(parser, &small), cost(parser, &large));
        if much > (little * MOST).max(NOTHING * MOST) {
            return Err(format!(
                "{name}: {unit:?} after {start:?} takes {little:?}, 16 times as much {much:?}"
            ));
        }
    }
    Ok(())
}

#[test]
fn no_piece_that_is_repeated_takes_more_than_linear_time() {
    for unit in PIECES {
        for start in ["", "en=a&pr1="] {
            grows(unit, start).unwrap_or_else(|why| panic!("{why}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nor_do_several(
        unit in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..5),
        start in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..4),
    ) {
        let grown = grows(&unit.concat(), &start.concat());
        prop_assert!(grown.is_ok(), "{:?}", grown);
    }
}

/// The yardstick itself: what is quadratic is seen.
#[test]
fn what_is_quadratic_is_told_from_what_is_linear() {
    fn quadratic(input: &[u8]) {
        for end in (0..input.len()).step_by(8) {
            std::hint::black_box(input[..end].iter().filter(|byte| **byte == b'x').count());
        }
    }
    let small = vec![b'a'; SMALL];
    let large = small.repeat(TIMES);
    let (little, much) = (cost(quadratic, &small), cost(quadratic, &large));
    assert!(
        much > (little * MOST).max(NOTHING * MOST),
        "{little:?} {much:?}"
    );
}
