//! What `VERIFY` may say, and hostile headers; `senders` has the schemes one by one.

mod senders;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::*;
use crate::client::{Surroundings, load};
use crate::script::{Compiler, with_script_stack};

const NOW: Millis = 1_720_602_001_000;
const BODY: &[u8] = b"{\"id\": 1}";
const URL: &str = "https://tags.example.com";

/// The schemes that a script with this `VERIFY` gets.
fn read(verify: &str) -> Result<Verify, String> {
    let source =
        format!("const PATH = \"/x\";\nconst VERIFY = {verify};\nfn parse(request) {{ () }}");
    let environment: BTreeMap<String, String> = [
        ("NEW", "new-secret"),
        ("OLD", "old-secret"),
        ("EMPTY", ""),
        ("BLANK", " \n"),
        ("NOBODY", ":"),
        ("WOO", "a&amp;b"),
        ("USER", "shop:pa:ss"),
        ("WHSEC", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("NO_BASE64", "whsec_%%%"),
        ("PUBLIC", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let loaded = with_script_stack(|| {
        let surroundings = Surroundings {
            max_body: 1_024,
            base: Path::new("tests/data/config/valid"),
            environment: &environment,
        };
        let script = Compiler::new(Path::new("shared")).compile("x", "x.rhai", &source);
        script.and_then(|script| load(script, &surroundings))
    });
    match loaded.unwrap() {
        Ok(client) => Ok(client.verify.unwrap()),
        Err(faults) => Err(faults.iter().map(|fault| format!("{fault}\n")).collect()),
    }
}

struct Call {
    method: Method,
    headers: HeaderMap,
    path: &'static str,
    query: &'static str,
    body: Vec<u8>,
    ip: IpAddr,
}

impl Call {
    fn new(headers: &[(&'static str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        Self {
            method: Method::POST,
            headers: map,
            path: "/x",
            query: "",
            body: BODY.to_vec(),
            ip: [203, 0, 113, 7].into(),
        }
    }

    fn of(self, scheme: &str) -> Result<Passed, Why> {
        self.at(scheme, NOW)
    }

    fn at(&self, scheme: &str, now: Millis) -> Result<Passed, Why> {
        let signed = self.signed();
        let schemes = read(scheme).unwrap_or_else(|why| panic!("{why}")).0;
        let [scheme] = &*schemes else {
            panic!("one scheme")
        };
        verify(scheme, &signed, now)
    }
}

impl Call {
    fn signed(&self) -> Signed<'_> {
        Signed {
            method: &self.method,
            path: self.path,
            query: self.query,
            headers: &self.headers,
            ip: self.ip,
            body: &self.body,
            public_url: URL,
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &str, text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn sha256_mac(key: &str, text: &[u8]) -> Vec<u8> {
    mac::<Hmac<Sha256>>(key, text)
}

fn of_body(key: &str) -> Vec<u8> {
    sha256_mac(key, BODY)
}

/// A signature header of each scheme for this time, right for the key `new-secret`.
fn stripe(time: &str) -> String {
    let text = [time.as_bytes(), b".", BODY].concat();
    format!(
        "t={time},v1={}",
        hex::encode(sha256_mac("new-secret", &text))
    )
}

#[test]
fn all_schemes_of_an_array_must_hold() {
    let verify = read(
        "[#{ scheme: \"ip\", allow: \"203.0.113.7\" }, #{ scheme: \"bearer\", secret: \"${file:secrets/token}\" }]",
    );
    let verify = verify.unwrap();
    let request = |ip: [u8; 4], token: &'static str| Request {
        id: "r".to_owned(),
        method: Method::POST,
        path: "/x".to_owned(),
        query: String::new(),
        headers: HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_static(token),
        )]),
        ip: ip.into(),
        body: bytes::Bytes::new(),
        received_at: NOW,
    };
    let good = "Bearer from-a-file";
    assert_eq!(
        verify.check(&request([203, 0, 113, 7], good), URL),
        Ok(Passed::Verified)
    );
    assert!(verify.check(&request([203, 0, 113, 8], good), URL).is_err());
    assert!(
        verify
            .check(&request([203, 0, 113, 7], "Bearer x"), URL)
            .is_err()
    );
    assert_eq!(verify.challenge(), Some("Bearer"));
}

#[test]
fn what_cannot_be_checked_does_not_load() {
    for (script, what, hint) in [
        (
            "#{ scheme: \"strype\", secret: \"NEW\" }",
            "no scheme \"strype\"",
            "`stripe`",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"BLANK\" }",
            "secret: it is blank",
            "set it",
        ),
        (
            "#{ scheme: \"query\", secret: \"NEW\" }",
            "`parameter` is missing",
            "api_secret",
        ),
        (
            "#{ scheme: \"query\", secret: \"NEW\", parameter: \"\" }",
            "`parameter` is missing",
            "api_secret",
        ),
        (
            "#{ scheme: \"query\", secret: \"NEW\", parameter: 5 }",
            "parameter: wants a text",
            "",
        ),
        (
            "#{ scheme: \"magic\", secret: \"NEW\" }",
            "no scheme \"magic\"",
            "there are stripe, ",
        ),
        (
            "#{ secret: \"NEW\" }",
            "`scheme` is missing",
            "scheme: \"stripe\"",
        ),
        (
            "#{ scheme: 1, secret: \"NEW\" }",
            "scheme: wants a text",
            "",
        ),
        (
            "#{ scheme: \"stripe\" }",
            "`secret` is missing",
            "environment variable",
        ),
        (
            "#{ scheme: \"stripe\", secert: \"NEW\" }",
            "has no key `secert`",
            "`secret`",
        ),
        (
            "#{ scheme: \"github\", secret: \"NEW\", tolerance: \"5m\" }",
            "no key `tolerance`",
            "it has scheme, secret",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"NEW\", tolerance: \"soon\" }",
            "not a duration",
            "5m",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"NEW\", tolerance: \"0s\" }",
            "not a duration",
            "5m",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"UNSET\" }",
            "variable UNSET is not set",
            "set it",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"EMPTY\" }",
            "variable EMPTY is not set",
            "set it",
        ),
        (
            "#{ scheme: \"stripe\", secret: [\"NEW\", \"UNSET\"] }",
            "variable UNSET is not set",
            "set it",
        ),
        ("#{ scheme: \"stripe\", secret: [] }", "1 to 4 names", ""),
        (
            "#{ scheme: \"stripe\", secret: \"${file:none}\" }",
            "`none` cannot be read",
            "folder",
        ),
        (
            "#{ scheme: \"stripe\", secret: \"sk-live+1\" }",
            "no variable's name",
            "not the secret itself",
        ),
        (
            "#{ scheme: \"standard_webhooks\", secret: \"NO_BASE64\" }",
            "not base64",
            "whole secret",
        ),
        (
            "#{ scheme: \"standard_webhooks\", secret: \"PUBLIC\" }",
            "public key",
            "whsec_",
        ),
        (
            "#{ scheme: \"basic\", secret: \"NEW\" }",
            "user and password",
            "user:password",
        ),
        (
            "#{ scheme: \"basic\", secret: \"NOBODY\" }",
            "user and password",
            "user:password",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\" }",
            "`header` is missing",
            "x-signature",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a b\" }",
            "not a header's name",
            "",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a\", encoding: \"base46\" }",
            "no \"base46\"",
            "`base64`",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a\", algorithm: \"md5\" }",
            "no \"md5\"",
            "sha256",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a\", payload: \"{url}\" }",
            "without {body}",
            "",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a\", payload: \"{timestamp}{body}\" }",
            "no header is named",
            "timestamp:",
        ),
        (
            "#{ scheme: \"hmac\", secret: \"NEW\", header: \"a\", timestamp: \"t\", payload: \"{body}\" }",
            "the time is not signed",
            "{timestamp}",
        ),
        (
            "#{ scheme: \"ip\" }",
            "`allow` is missing",
            "203.0.113.0/24",
        ),
        ("#{ scheme: \"ip\", allow: [] }", "nobody may send", ""),
        (
            "#{ scheme: \"ip\", allow: \"here\" }",
            "\"here\" is not a network",
            "",
        ),
        ("[]", "checks nothing", "scheme"),
        ("\"stripe\"", "wants a map", ""),
        (
            "[#{ scheme: \"ip\", allow: \"::1\" }, 1]",
            "wants a map",
            "",
        ),
    ] {
        let why = read(script)
            .err()
            .unwrap_or_else(|| panic!("{script} loads"));
        assert!(why.starts_with("x.rhai:2:7: VERIFY: "), "{why}");
        assert!(why.contains(what) && why.contains(hint), "{script}\n{why}");
    }
    // What may be the secret itself is not repeated.
    let why = read("#{ scheme: \"stripe\", secret: \"whsec_abc\" }").unwrap_err();
    assert!(!why.contains("whsec_abc"), "{why}");
}

#[test]
fn a_secret_never_prints() {
    let all = read(
        "[#{ scheme: \"stripe\", secret: \"NEW\" }, #{ scheme: \"basic\", secret: \"USER\" }, #{ scheme: \"standard_webhooks\", secret: \"WHSEC\" }]",
    );
    let printed = format!("{:?}", all.unwrap());
    assert!(printed.contains("***"), "{printed}");
    for secret in ["new-secret", "pa:ss", "MfKQ"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

/// Schemes, and the headers that each reads.
static READERS: LazyLock<Vec<(Verify, Vec<&'static str>)>> = LazyLock::new(|| {
    let slack = vec!["x-slack-signature", "x-slack-request-timestamp"];
    let webhook = vec!["webhook-signature", "webhook-timestamp", "webhook-id"];
    let readers = [
        ("stripe", "NEW", vec!["stripe-signature"]),
        ("paddle", "NEW", vec!["paddle-signature"]),
        ("slack", "NEW", slack),
        ("github", "NEW", vec!["x-hub-signature-256"]),
        ("shopify", "NEW", vec!["x-shopify-hmac-sha256"]),
        ("hubspot_v1", "NEW", vec!["x-hubspot-signature"]),
        ("standard_webhooks", "WHSEC", webhook),
        ("basic", "USER", vec!["authorization"]),
    ];
    let readers = readers.into_iter().map(|(scheme, secret, headers)| {
        let script = format!("#{{ scheme: \"{scheme}\", secret: \"{secret}\" }}");
        (read(&script).unwrap(), headers)
    });
    readers.collect()
});

proptest! {
    #[test]
    fn no_header_panics_and_junk_never_holds(junk in "[tv01hs=,;. a-f0-9+/]{0,120}", time in "[0-9eE+.-]{0,20}") {
        for (schemes, headers) in READERS.iter() {
            let values = [&*junk, &*time, "1"];
            let headers: Vec<_> = headers.iter().copied().zip(values).collect();
            let call = Call::new(&headers);
            let held = verify(&schemes.0[0], &call.signed(), NOW);
            prop_assert!(held.is_err());
        }
    }
}
