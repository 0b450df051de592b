//! Access tokens of OAuth 2.0 that a service account signs for (RFC 7523): fetched when they are
//! wanted, kept, renewed ahead of their end, and never by two at once. It knows no vendor.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::courier::Lane;
use super::encode::Outgoing;
use super::http_client::TransportError;
use super::reply::{Reply, classify};
use crate::clock::{Clock, Millis};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// A service account, and what it asks leave for.
pub struct Account {
    email: String,
    key_id: String,
    key: RsaKeyPair,
    private_key: Secret,
    token_url: String,
    scope: &'static str,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.email)
    }
}

/// How long a signature is good for; longer is not allowed.
const SIGNATURE_SECONDS: i64 = 3600;

impl Account {
    /// Reads the key file of a service account, a JSON object.
    ///
    /// # Errors
    /// If it is none, in words that repeat nothing of it.
    pub fn read(json: &str, scope: &'static str) -> Result<Self, String> {
        let file: Value = serde_json::from_str(json)
            .map_err(|_| "is no JSON: put in the whole key file, such as \"${file:key.json}\"")?;
        let text = |key: &str| match file[key].as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(format!(
                "has no `{key}`: it is no key file of a service account"
            )),
        };
        let private_key = text("private_key")?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes());
        let der = der.map_err(|_| "has a `private_key` that is no PKCS #8 key in PEM")?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der());
        Ok(Self {
            email: text("client_email")?,
            key_id: text("private_key_id")?,
            key: key.map_err(|_| "has a `private_key` that is no RSA key of 2,048 bits or more")?,
            private_key: Secret::new(private_key),
            token_url: text("token_uri")?,
            scope,
        })
    }

    /// The same with another place to get tokens from.
    pub fn with_token_url(self, token_url: String) -> Self {
        Self { token_url, ..self }
    }

    /// Where it gets its tokens from.
    pub fn token_url(&self) -> &str {
        &self.token_url
    }

    /// What must never be shown.
    pub fn secret(&self) -> &Secret {
        &self.private_key
    }

    /// The request for a token.
    pub(super) fn request(&self, now: Millis) -> Result<Outgoing, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        form.append_pair("assertion", &self.assertion(now)?);
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Ok(Outgoing {
            method: Method::POST,
            url: self.token_url.clone(),
            headers: vec![(header::CONTENT_TYPE, content_type)],
            body: form.finish().into(),
        })
    }

    /// A JSON Web Token that says who asks for what.
    fn assertion(&self, now: Millis) -> Result<String, String> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let issued = now.div_euclid(1000);
        let claims = json!({
            "iss": self.email,
            "scope": self.scope,
            "aud": self.token_url,
            "iat": issued,
            "exp": issued + SIGNATURE_SECONDS,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the request for a token cannot be signed")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn name(&self) -> String {
        [&*self.email, &*self.key_id, self.scope, &*self.token_url].join("\0")
    }
}

/// The tokens of all accounts. An account of an old configuration costs a few hundred bytes.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    accounts: Lock<HashMap<String, Arc<Mutex<Kept>>>>,
}

/// The token of an account. Who holds this is the one who renews it.
#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    /// Not to be renewed again before this: the last try failed.
    rest: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Token {
    text: Secret,
    ends: Instant,
}

/// A token is renewed when so little of it is left: enough for some tries and for requests under way.
const AHEAD: Duration = Duration::from_secs(300);

/// One that ends this soon is not sent any more.
const LAST: Duration = Duration::from_secs(10);

/// While the old token is still good, a renewal that failed is tried again after this.
const REST: Duration = Duration::from_secs(20);

/// What a token without an end is taken for.
const UNSAID: u64 = 3600;

/// No token is kept for longer, whatever is said of it: a moment beyond all time cannot be reckoned with.
const LONGEST: u64 = 86_400;

impl Tokens {
    /// Sends a request with the token of an account. One that the vendor no longer takes is thrown away
    /// and the request sent once more with a new one.
    pub(super) async fn send(
        &self,
        lane: &Lane<'_>,
        account: &Account,
        outgoing: Outgoing,
    ) -> Result<Reply, TransportError> {
        let kept = self.kept(account);
        let first = token(&kept, lane, account).await?;
        let reply = send(lane, outgoing.clone(), &first).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        forget(&kept, &first).await;
        let second = token(&kept, lane, account).await?;
        send(lane, outgoing, &second).await
    }

    fn kept(&self, account: &Account) -> Arc<Mutex<Kept>> {
        // Nothing panics while it is held.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(account.name()).or_default().clone()
    }
}

async fn send(
    lane: &Lane<'_>,
    outgoing: Outgoing,
    token: &Secret,
) -> Result<Reply, TransportError> {
    let bearer = format!("Bearer {}", token.expose());
    let mut bearer = HeaderValue::try_from(bearer).map_err(|_| {
        TransportError::new(
            "the token has characters that no header may have".to_owned(),
            false,
        )
    })?;
    bearer.set_sensitive(true);
    let outgoing = outgoing.with_header(header::AUTHORIZATION, bearer);
    let reply = lane.send(outgoing).await?;
    Ok(without(reply, token))
}

/// A reply may repeat the token, which nobody is to see.
fn without(reply: Reply, token: &Secret) -> Reply {
    let hidden = |bytes: &Bytes| {
        let text = String::from_utf8_lossy(bytes);
        let is_in = text.contains(token.expose());
        is_in.then(|| Bytes::from(text.replace(token.expose(), "***")))
    };
    Reply {
        body: hidden(&reply.body).unwrap_or_else(|| reply.body.clone()),
        shown: reply
            .shown
            .as_ref()
            .map(|shown| hidden(shown).unwrap_or_else(|| shown.clone())),
        ..reply
    }
}

/// The token of an account; who comes while it is being renewed waits for that.
async fn token(
    kept: &Mutex<Kept>,
    lane: &Lane<'_>,
    account: &Account,
) -> Result<Secret, TransportError> {
    let mut kept = kept.lock().await;
    let now = Instant::now();
    let good = kept.token.clone().filter(|token| token.ends > now + LAST);
    if let Some(token) = &good {
        let is_resting = kept.rest.is_some_and(|until| until > now);
        if token.ends > now + AHEAD || is_resting {
            return Ok(token.text.clone());
        }
    }
    match fetch(lane, account).await {
        Ok(token) => {
            let text = token.text.clone();
            *kept = Kept {
                token: Some(token),
                rest: None,
            };
            Ok(text)
        }
        Err(error) => {
            kept.rest = Some(now + REST);
            good.map(|token| token.text).ok_or(error)
        }
    }
}

async fn forget(kept: &Mutex<Kept>, refused: &Secret) {
    let mut kept = kept.lock().await;
    // Somebody else may have a newer one already.
    if kept
        .token
        .as_ref()
        .is_some_and(|token| token.text == *refused)
    {
        *kept = Kept::default();
    }
}

async fn fetch(lane: &Lane<'_>, account: &Account) -> Result<Token, TransportError> {
    let now = Clock::System.now();
    let request = account.request(now);
    let request = request.map_err(|why| TransportError::new(why, false))?;
    let asked = Instant::now();
    let reply = lane.send(request).await;
    let reply =
        reply.map_err(|error| error.before(&format!("no token from {}", account.token_url)))?;
    let answer = reply.json().unwrap_or_default();
    let text = answer["access_token"]
        .as_str()
        .filter(|text| !text.is_empty());
    let (200, Some(text)) = (reply.status, text) else {
        return Err(refused(account, &reply, &answer));
    };
    let seconds = answer["expires_in"].as_u64().unwrap_or(UNSAID);
    let seconds = seconds.min(LONGEST);
    Ok(Token {
        text: Secret::new(text),
        ends: asked + Duration::from_secs(seconds),
    })
}

/// What it means that there is no token. Nothing of the deliveries has left.
fn refused(account: &Account, reply: &Reply, answer: &Value) -> TransportError {
    let said = match answer["error"].as_str() {
        Some(error) => format!(
            "{} {error} {}",
            reply.status,
            answer["error_description"].as_str().unwrap_or_default()
        ),
        None => reply.summary(),
    };
    let text = format!("no token from {}: {}", account.token_url, said.trim_end());
    match classify(reply) {
        Outcome::Throttled { after, .. } => TransportError::throttled(text, after),
        Outcome::Retry { .. } | Outcome::Delivered => TransportError::new(text, false),
        _ => TransportError::no_leave(text),
    }
}
