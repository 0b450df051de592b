//! Segment's write key: the user of Basic authentication, without a password; older libraries leave out
//! the colon, or have it in the body as `writeKey`. It is no secret where web pages send.

use std::borrow::Cow;

use http::header::AUTHORIZATION;
use serde::Deserialize;

use super::Signed;
use super::credentials::basic;
use super::key::Key;
use super::why::Why;

/// The keys that are taken.
#[derive(Clone, Debug)]
pub struct WriteKey(pub(super) Vec<Key>);

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, rename = "writeKey")]
    write_key: Cow<'a, str>,
}

impl WriteKey {
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Result<(), Why> {
        let given = match signed.headers.contains_key(AUTHORIZATION) {
            true => in_header(signed)?,
            // A packed body is not looked into: who packs sends the header.
            false => serde_json::from_slice::<Body<'_>>(signed.body)
                .map(|body| body.write_key.into_owned().into_bytes())
                .map_err(|_| Why::missing(&AUTHORIZATION))?,
        };
        let keys = self.0.iter();
        match keys.fold(false, |known, key| known | key.is(&given)) {
            true => Ok(()),
            false => Err(Why::Credentials(AUTHORIZATION)),
        }
    }
}

fn in_header(signed: &Signed<'_>) -> Result<Vec<u8>, Why> {
    let mut given = basic(signed.header(&AUTHORIZATION)?)
        .ok_or_else(|| Why::malformed(&AUTHORIZATION, "is not written as this scheme wants it"))?;
    let colon = given.iter().position(|byte| *byte == b':');
    given.truncate(colon.unwrap_or(given.len()));
    Ok(given)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use http::{HeaderMap, Method};

    use super::*;
    use crate::secret::Secret;

    fn holds(header: Option<String>, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        let keys = ["abc123", "next"].map(|key| Key::text(&Secret::new(key.to_owned())));
        let signed = Signed {
            method: &Method::POST,
            path: "/v1/batch",
            query: "",
            headers: &headers,
            ip: [127, 0, 0, 1].into(),
            body: body.as_bytes(),
            public_url: "",
        };
        WriteKey(keys.into()).verify(&signed).is_ok()
    }

    #[test]
    fn the_key_is_where_some_library_has_it() {
        let basic = |text: &str| Some(format!("Basic {}", BASE64_STANDARD.encode(text)));
        for (header, body, expected) in [
            (basic("abc123:"), "", true),
            (basic("abc123"), "", true),
            (basic("next:"), "", true),
            (basic("abc123:anything"), "", true),
            (None, r#"{"batch":[],"writeKey":"abc123"}"#, true),
            (None, r#"{"writeKey":"\u0061bc123"}"#, true),
            (basic("abc12:"), r#"{"writeKey":"abc123"}"#, false),
            (basic(":abc123"), "", false),
            (basic(""), "", false),
            (Some("Bearer abc123".to_owned()), "", false),
            (Some("Basic abc123:".to_owned()), "", false),
            (None, r#"{"writeKey":"abc12"}"#, false),
            (None, r#"{"writeKey":5}"#, false),
            (None, r#"{"batch":[{"writeKey":"abc123"}]}"#, false),
            (None, r#"{"writeKey":"abc123""#, false),
            (None, "", false),
        ] {
            assert_eq!(holds(header.clone(), body), expected, "{header:?} {body}");
        }
    }
}
