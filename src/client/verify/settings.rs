//! Reads the constant `VERIFY`, with every mistake at once: what cannot be checked must not load, and
//! nothing that asks for a check runs without it.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderName;

use super::address::{self, Addresses};
use super::age::TOLERANCE;
use super::credentials::{Credentials, Kind};
use super::hubspot::Hubspot;
use super::key::{Algorithm, Encoding, Key};
use super::keyed::{Keyed, Stamp};
use super::list::{Form, PADDLE, STRIPE, SignatureList};
use super::payload::{self, Piece};
use super::standard_webhooks::{PUBLIC_PREFIX, SECRET_PREFIX, StandardWebhooks};
use super::write_key::WriteKey;
use super::{Scheme, Verify, senders};
use crate::client::Surroundings;
use crate::config::{self, parse_duration, suggest};
use crate::script::value::kind;
use crate::script::{Header, Map, Value};
use crate::secret::Secret;

const SCHEMES: [&str; 16] = [
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
    "ip",
];

/// Paddle's own libraries allow no more.
const PADDLE_TOLERANCE: Duration = Duration::from_secs(5);

/// While one secret is being replaced there are two; each costs a pass over the body.
const MAX_SECRETS: usize = 4;

const EXAMPLE: &str = "#{ scheme: \"stripe\", secret: \"STRIPE_WEBHOOK_SECRET\" }";

/// A mistake: what, and how to mend it.
type Mistake = (String, Option<String>);

/// Reads `VERIFY`. Mistakes go into `header`; then there may be fewer schemes than it says.
pub(in crate::client) fn read(
    header: &mut Header<'_>,
    surroundings: &Surroundings<'_>,
) -> Option<Verify> {
    let maps = header.maps("VERIFY")?;
    if maps.is_empty() {
        header.wrong(
            "VERIFY",
            "an empty array checks nothing",
            Some(format!("write {EXAMPLE}")),
        );
    }
    let mut schemes = Vec::new();
    for map in maps {
        let mut settings = Settings::new(map, surroundings);
        schemes.extend(settings.scheme());
        for (message, hint) in settings.finish() {
            header.wrong("VERIFY", message, hint);
        }
    }
    Some(Verify(schemes))
}

/// One map, and what was asked of it.
struct Settings<'a> {
    scheme: String,
    map: Map,
    asked: BTreeSet<&'static str>,
    mistakes: Vec<Mistake>,
    surroundings: &'a Surroundings<'a>,
}

impl<'a> Settings<'a> {
    fn new(map: Map, surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            scheme: String::new(),
            map,
            asked: BTreeSet::new(),
            mistakes: Vec::new(),
            surroundings,
        }
    }

    fn scheme(&mut self) -> Option<Scheme> {
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

    /// The secrets that `secret` names, each as its scheme wants it.
    fn keys(&mut self, key: fn(&str, &Secret) -> Result<Key, Mistake>) -> Option<Vec<Key>> {
        let Some(names) = self.texts("secret") else {
            if !self.map.contains_key("secret") {
                let hint = "write the name of an environment variable: `secret: \"SHOP_SECRET\"`";
                self.wrong("the key `secret` is missing", hint);
            }
            return None;
        };
        if names.is_empty() || names.len() > MAX_SECRETS {
            let message = format!(
                "secret: 1 to {MAX_SECRETS} names, there are {}",
                names.len()
            );
            self.mistakes.push((message, None));
            return None;
        }
        let (base, environment) = (self.surroundings.base, self.surroundings.environment);
        let mut keys = Vec::new();
        for name in &names {
            let secret =
                config::secret(name, base, environment).map_err(|(what, hint)| (what, Some(hint)));
            match secret.and_then(|secret| key(name, &secret)) {
                Ok(key) => keys.push(key),
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        (keys.len() == names.len()).then_some(keys)
    }

    fn tolerance(&mut self) -> Option<Duration> {
        let text = self.text("tolerance")?;
        let tolerance = parse_duration(&text).filter(|time| !time.is_zero());
        if tolerance.is_none() {
            self.wrong(
                format!("tolerance: \"{text}\" is not a duration"),
                "write \"30s\", \"5m\" or \"1h\"",
            );
        }
        tolerance
    }

    fn header(&mut self, name: &'static str) -> Option<HeaderName> {
        let text = self.text(name)?;
        let header = HeaderName::try_from(&text).ok();
        if header.is_none() {
            let message = format!("{name}: \"{text}\" is not a header's name");
            self.mistakes.push((message, None));
        }
        header
    }

    /// One of these words; the first if it says nothing.
    fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        if !self.map.contains_key(name) {
            self.asked.insert(name);
            return choices.first().map(|(_, value)| *value);
        }
        let text = self.text(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words = choices.iter().map(|(word, _)| *word);
            let hint = suggest(&text, words.clone())
                .unwrap_or_else(|| format!("there are {}", words.collect::<Vec<_>>().join(", ")));
            self.wrong(format!("{name}: there is no \"{text}\""), hint);
        }
        chosen.map(|(_, value)| *value)
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.insert(name);
        let value = self.map.get(name)?.clone();
        let text = value.clone().into_string().ok();
        self.or_wrong(name, &value, "a text", text)
    }

    fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.asked.insert(name);
        let value = self.map.get(name)?.clone();
        let texts = match value.clone().into_array() {
            Ok(items) => items
                .into_iter()
                .map(|item| item.into_string().ok())
                .collect(),
            Err(_) => value.clone().into_string().ok().map(|text| vec![text]),
        };
        self.or_wrong(name, &value, "a text or an array of texts", texts)
    }

    fn or_wrong<T>(
        &mut self,
        name: &str,
        value: &Value,
        wanted: &str,
        read: Option<T>,
    ) -> Option<T> {
        if read.is_none() {
            let message = format!("{name}: wants {wanted}, is {}", kind(value));
            self.mistakes.push((message, None));
        }
        read
    }

    fn wrong(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push((message.into(), Some(hint.into())));
    }

    /// Keys that nobody asked for are mistakes too; without a scheme nobody knows which those are.
    fn finish(mut self) -> Vec<Mistake> {
        if !SCHEMES.contains(&&*self.scheme) {
            return self.mistakes;
        }
        for key in self.map.keys() {
            if self.asked.contains(key.as_str()) {
                continue;
            }
            let known: Vec<&str> = self.asked.iter().copied().collect();
            let hint = suggest(key, known.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            let message = format!("the scheme {} has no key `{key}`", self.scheme);
            self.mistakes.push((message, Some(hint)));
        }
        self.mistakes
    }
}

fn text_key(_name: &str, secret: &Secret) -> Result<Key, Mistake> {
    Ok(Key::text(secret))
}

fn basic_key(secret: &Secret) -> Result<Key, Mistake> {
    match secret.expose().contains(':') {
        true => Ok(Key::text(secret)),
        false => Err((
            "secret: Basic wants user and password".to_owned(),
            Some("set the variable to \"user:password\"; either may be empty".to_owned()),
        )),
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
