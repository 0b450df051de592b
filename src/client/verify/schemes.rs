//! From the settings of a map in `VERIFY` to the scheme that they describe.

use std::time::Duration;

use super::address::{self, Addresses};
use super::age::TOLERANCE;
use super::credentials::{Credentials, Kind};
use super::hubspot::Hubspot;
use super::key::{Algorithm, Encoding, Key};
use super::keyed::{Keyed, Stamp};
use super::list::{Form, PADDLE, STRIPE, SignatureList};
use super::parameter::Parameter;
use super::payload::{self, Piece};
use super::settings::{EXAMPLE, Mistake, Settings};
use super::standard_webhooks::{PUBLIC_PREFIX, SECRET_PREFIX, StandardWebhooks};
use super::write_key::WriteKey;
use super::{Scheme, senders};
use crate::config::suggest;
use crate::script::Value;
use crate::secret::Secret;

/// Every scheme by its name.
pub(super) const SCHEMES: [&str; 17] = [
    "stripe",
    "shopify",
    "woocommerce",
    "github",
    "hubspot_v1",
    "hubspot_v2",
    "hubspot_v3",
    "standard_webhooks",
    "paddle",
    "lemonsqueezy",
    "slack",
    "hmac",
    "segment",
    "basic",
    "bearer",
    "query",
    "ip",
];

/// Paddle's own libraries allow no more.
const PADDLE_TOLERANCE: Duration = Duration::from_secs(5);

impl Settings<'_> {
    /// The scheme; nothing if anything about it is a mistake.
    pub(super) fn scheme(&mut self) -> Option<Scheme> {
        let Some(scheme) = self.text("scheme") else {
            if !self.map.contains_key("scheme") {
                self.wrong("the key `scheme` is missing", format!("write {EXAMPLE}"));
            }
            return None;
        };
        self.scheme = scheme.replace('-', "_");
        let scheme = self.scheme.clone();
        match &*scheme {
            "stripe" => self.list(STRIPE, TOLERANCE),
            "paddle" => self.list(PADDLE, PADDLE_TOLERANCE),
            "standard_webhooks" => {
                let tolerance = self.tolerance().unwrap_or(TOLERANCE);
                let keys = self.keys(|_, secret| standard_key(secret))?;
                Some(Scheme::StandardWebhooks(StandardWebhooks {
                    tolerance,
                    keys,
                }))
            }
            "hubspot_v1" | "hubspot_v2" => {
                let keys = self.keys(text_key)?;
                let signs_address = scheme == "hubspot_v2";
                Some(Scheme::Hubspot(Hubspot {
                    signs_address,
                    keys,
                }))
            }
            "hmac" => self.keyed().map(Scheme::Keyed),
            "basic" => {
                let keys = self.keys(|_, secret| basic_key(secret))?;
                Some(Scheme::Credentials(Credentials::basic(keys)))
            }
            "segment" => self.keys(text_key).map(WriteKey).map(Scheme::WriteKey),
            "bearer" => self.bearer().map(Scheme::Credentials),
            "query" => self.parameter().map(Scheme::Parameter),
            "ip" => self.addresses(),
            _ => self.known_sender(&scheme),
        }
    }

    fn known_sender(&mut self, scheme: &str) -> Option<Scheme> {
        if !SCHEMES.contains(&scheme) {
            let hint = suggest(scheme, SCHEMES)
                .unwrap_or_else(|| format!("there are {}", SCHEMES.join(", ")));
            self.wrong(format!("there is no scheme \"{scheme}\""), hint);
            return None;
        }
        let tolerance = match senders::has_time(scheme) {
            true => self.tolerance(),
            false => None,
        };
        let keys = self.keys(match scheme {
            "woocommerce" => |_: &str, secret: &Secret| {
                let kept = senders::as_wordpress_keeps_it(secret.expose());
                Ok(Key::text(&Secret::new(kept)))
            },
            _ => text_key,
        })?;
        senders::find(scheme, tolerance, keys).map(Scheme::Keyed)
    }

    fn list(&mut self, form: Form, tolerance: Duration) -> Option<Scheme> {
        let tolerance = self.tolerance().unwrap_or(tolerance);
        let keys = self.keys(text_key)?;
        Some(Scheme::List(SignatureList {
            form,
            tolerance,
            keys,
        }))
    }

    fn keyed(&mut self) -> Option<Keyed> {
        let header = self.header("header");
        if header.is_none() && !self.map.contains_key("header") {
            self.wrong(
                "the key `header` is missing: where the signature is",
                "write `header: \"x-signature\"`",
            );
        }
        let encodings = [
            ("hex", Encoding::Hex),
            ("base64", Encoding::Base64),
            ("base64url", Encoding::Base64Url),
        ];
        let algorithms = [
            ("sha256", Algorithm::Sha256),
            ("sha1", Algorithm::Sha1),
            ("sha512", Algorithm::Sha512),
        ];
        let encoding = self.choice("encoding", &encodings);
        let algorithm = self.choice("algorithm", &algorithms);
        let prefix = self.text("prefix").unwrap_or_default();
        let stamp = self.header("timestamp");
        let tolerance = match stamp {
            Some(_) => self.tolerance().unwrap_or(TOLERANCE),
            None => TOLERANCE,
        };
        let payload = self.payload(stamp.is_some());
        let keys = self.keys(text_key);
        Some(Keyed {
            headers: vec![header?],
            prefix,
            encoding: encoding?,
            algorithm: algorithm?,
            stamp: stamp.map(|header| Stamp { header, tolerance }),
            payload: payload?,
            pings: false,
            keys: keys?,
        })
    }

    fn payload(&mut self, has_time: bool) -> Option<Vec<Piece>> {
        let plain = if has_time {
            "{timestamp}.{body}"
        } else {
            "{body}"
        };
        let template = match self.map.contains_key("payload") {
            true => self.text("payload")?,
            false => plain.to_owned(),
        };
        let pieces = match payload::parse(&template) {
            Ok(pieces) => pieces,
            Err((message, hint)) => {
                self.wrong(message, hint);
                return None;
            }
        };
        match (has_time, pieces.contains(&Piece::Timestamp)) {
            (true, false) => {
                self.wrong(
                    "payload: the time is not signed, so anybody could write another",
                    "put {timestamp} into `payload`, or take `timestamp` away",
                );
                None
            }
            (false, true) => {
                self.wrong(
                    "payload: {timestamp} is in it, and no header is named that has it",
                    "add `timestamp: \"x-timestamp\"`",
                );
                None
            }
            _ => Some(pieces),
        }
    }

    fn bearer(&mut self) -> Option<Credentials> {
        let header = self.header("header");
        let prefix = self.text("prefix");
        let prefix = prefix.unwrap_or_else(|| match header {
            None => "Bearer ".to_owned(),
            Some(_) => String::new(),
        });
        let keys = self.keys(text_key)?;
        Some(Credentials {
            kind: Kind::Plain(prefix),
            header: header.unwrap_or(http::header::AUTHORIZATION),
            keys,
        })
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let name = self.text("parameter").filter(|name| !name.is_empty());
        let is_text = self.map.get("parameter").is_none_or(Value::is_string);
        if name.is_none() && is_text {
            self.wrong(
                "the key `parameter` is missing: which parameter of the query has the secret",
                "write `parameter: \"api_secret\"`",
            );
        }
        let keys = self.keys(text_key)?;
        Some(Parameter { name: name?, keys })
    }

    fn addresses(&mut self) -> Option<Scheme> {
        const HINT: &str =
            "write networks or addresses: `allow: [\"203.0.113.0/24\", \"2001:db8::1\"]`";
        let Some(texts) = self.texts("allow") else {
            if !self.map.contains_key("allow") {
                self.wrong("the key `allow` is missing", HINT);
            }
            return None;
        };
        if texts.is_empty() {
            self.wrong("allow: without a network nobody may send", HINT);
        }
        let mut networks = Vec::new();
        for text in &texts {
            match address::parse(text) {
                Some(network) => networks.push(network),
                None => self.wrong(format!("allow: \"{text}\" is not a network"), HINT),
            }
        }
        Some(Scheme::Addresses(Addresses(networks)))
    }
}

fn text_key(_name: &str, secret: &Secret) -> Result<Key, Mistake> {
    Ok(Key::text(secret))
}

fn basic_key(secret: &Secret) -> Result<Key, Mistake> {
    match secret.expose().split_once(':') {
        None | Some(("", "")) => Err((
            "secret: Basic wants user and password".to_owned(),
            Some("set the variable to \"user:password\"; one of them may be empty".to_owned()),
        )),
        Some(_) => Ok(Key::text(secret)),
    }
}

fn standard_key(secret: &Secret) -> Result<Key, Mistake> {
    let text = secret.expose();
    if text.starts_with(PUBLIC_PREFIX) {
        return Err((
            "secret: it is a public key, and signatures of such (v1a) are not read".to_owned(),
            Some("ask the sender for a secret that starts with whsec_".to_owned()),
        ));
    }
    let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
    Key::base64(encoded).ok_or_else(|| {
        (
            "secret: what is behind whsec_ is not base64".to_owned(),
            Some("copy the whole secret; it may end in =".to_owned()),
        )
    })
}
