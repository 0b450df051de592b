//! A secret that the sender writes into the address that it calls, as GA4's Measurement Protocol does
//! with `api_secret`. It proves who sends, not what was sent; and addresses get into other people's logs.

use super::Signed;
use super::key::Key;
use super::why::Why;

/// What is expected, and under which name.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(super) name: String,
    pub(super) keys: Vec<Key>,
}

impl Parameter {
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Result<(), Why> {
        let why = |what| Why::Parameter(self.name.clone(), what);
        let pairs = form_urlencoded::parse(signed.query.as_bytes());
        let mut values = pairs.filter(|(name, _)| *name == self.name);
        let Some((_, given)) = values.next() else {
            return Err(why("is missing"));
        };
        if values.next().is_some() {
            return Err(why("is there twice"));
        }
        let keys = self.keys.iter();
        match keys.fold(false, |known, key| known | key.is(given.as_bytes())) {
            true => Ok(()),
            false => Err(why("is not the secret")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::secret::Secret;

    #[test]
    fn the_secret_is_there_once_however_it_is_encoded() {
        let keys = ["s+cret", "next"].map(|key| Key::text(&Secret::new(key.to_owned())));
        let parameter = Parameter {
            name: "api_secret".to_owned(),
            keys: keys.into(),
        };
        for (query, why) in [
            ("measurement_id=G-1&api_secret=s%2Bcret", None),
            ("api_secret=%73%2bcret", None),
            ("api%5Fsecret=next&a=b", None),
            ("", Some("is missing")),
            ("api_secre=next", Some("is missing")),
            ("API_SECRET=next", Some("is missing")),
            ("api_secret=next&api_secret=next", Some("is there twice")),
            ("api_secret=next&api%5Fsecret=x", Some("is there twice")),
            ("api_secret", Some("is not the secret")),
            ("api_secret=", Some("is not the secret")),
            ("api_secret=s+cret", Some("is not the secret")),
            ("api_secret=nex", Some("is not the secret")),
            ("api_secret=next%00", Some("is not the secret")),
            ("api_secret=%ff", Some("is not the secret")),
        ] {
            let signed = Signed {
                method: &Method::POST,
                path: "/mp/collect",
                query,
                headers: &HeaderMap::new(),
                ip: [127, 0, 0, 1].into(),
                body: b"api_secret=next",
                public_url: "",
            };
            let expected = why.map_or(Ok(()), |what| {
                Err(Why::Parameter("api_secret".to_owned(), what))
            });
            assert_eq!(parameter.verify(&signed), expected, "{query}");
        }
    }
}
