//! Whether a type's stand-in takes a payload, without a socket and without the user's keys: the
//! request is made with the settings of the type's example.

use http::{HeaderMap, HeaderValue, Uri, header};

use super::docs::example;
use super::encode::{Item, Outgoing};
use super::judge::{Answer, Asked, StandIn};
use super::kind::Type;
use super::token::Account;
use crate::clock::Millis;
use crate::delivery::Delivery;

/// Why the vendor would refuse a delivery's payload, for a person; nothing if it would take it, or if
/// there is nobody to stand in for it.
pub fn refusals(kind: &'static Type, delivery: &Delivery) -> Vec<String> {
    let Some(stand_in) = kind.stand_in else {
        return Vec::new();
    };
    match judged(kind, stand_in, delivery) {
        Ok(answer) => answer.refused,
        Err(why) => vec![why],
    }
}

fn judged(kind: &'static Type, stand_in: StandIn, delivery: &Delivery) -> Result<Answer, String> {
    let destination = example(kind)?;
    let encoded = destination.vendor.encode(&[Item::from(delivery)]);
    let mut outgoing = encoded.map_err(|refused| refused.why)?;
    if let Some(account) = destination.vendor.account() {
        let token = token(stand_in, account, delivery.received_at)?;
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let value = value.map_err(|_| "the token cannot be sent")?;
        outgoing = outgoing.with_header(header::AUTHORIZATION, value);
    }
    // A case is of any time, and old by tomorrow.
    let at = match destination.vendor.account() {
        Some(_) => delivery.received_at,
        None => 0,
    };
    ask(stand_in, &outgoing, at)
}

fn token(stand_in: StandIn, account: &Account, at: Millis) -> Result<String, String> {
    let mut outgoing = account.request(at)?;
    outgoing.url = "http://stand-in/token".to_owned();
    let answer = ask(stand_in, &outgoing, at)?;
    let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let token = answer["access_token"].as_str();
    token
        .map(str::to_owned)
        .ok_or_else(|| "the stand-in gives no token".to_owned())
}

fn ask(stand_in: StandIn, outgoing: &Outgoing, at: Millis) -> Result<Answer, String> {
    let url = Uri::try_from(&outgoing.url).map_err(|_| "the address cannot be read")?;
    let headers: HeaderMap = outgoing.headers.iter().cloned().collect();
    Ok((stand_in.judge)(&Asked {
        method: &outgoing.method,
        path: url.path(),
        query: url.query().unwrap_or_default(),
        headers: &headers,
        body: &outgoing.body,
        at,
    }))
}
