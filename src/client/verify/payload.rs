//! What is signed, as a template: `"{timestamp}.{body}"`.

use std::borrow::Cow;

use http::HeaderName;

use super::Signed;
use super::why::Why;
use crate::config::suggest;

/// One piece of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// These characters.
    Text(String),
    /// The bytes of the body as they came.
    Body,
    /// The time, as its header has it.
    Timestamp,
    /// The method, upper case.
    Method,
    /// The address that the sender called.
    Url,
    /// As `Url`, with what HubSpot decodes in it decoded.
    HubspotUrl,
    /// The path as it was sent.
    Path,
    /// A header's value.
    Header(HeaderName),
}

const NAMES: [&str; 6] = ["body", "timestamp", "method", "url", "path", "header:NAME"];

/// What HubSpot writes plainly in the address that it signs, though it calls it encoded.
const HUBSPOT_DECODES: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// Reads a template.
///
/// # Errors
/// What is wrong with it, and how to mend that.
pub(super) fn parse(template: &str) -> Result<Vec<Piece>, (String, String)> {
    let hint = || format!("there are {{{}}}", NAMES.join("}, {"));
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        push_text(&mut pieces, before);
        let Some((name, after)) = behind.split_once('}') else {
            return Err(("payload: a { is not closed by }".to_owned(), hint()));
        };
        let piece = piece(name).ok_or_else(|| {
            let hint = suggest(name, NAMES).unwrap_or_else(hint);
            (format!("payload: there is no {{{name}}}"), hint)
        })?;
        pieces.push(piece);
        rest = after;
    }
    push_text(&mut pieces, rest);
    if !pieces.contains(&Piece::Body) {
        return Err((
            "payload: without {body} anybody could send any body".to_owned(),
            "write \"{timestamp}.{body}\" or the like".to_owned(),
        ));
    }
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

fn piece(name: &str) -> Option<Piece> {
    Some(match name {
        "body" => Piece::Body,
        "timestamp" => Piece::Timestamp,
        "method" => Piece::Method,
        "url" => Piece::Url,
        "path" => Piece::Path,
        _ => Piece::Header(HeaderName::try_from(name.strip_prefix("header:")?).ok()?),
    })
}

/// The bytes of a piece in this request.
pub(super) fn bytes<'a>(
    piece: &'a Piece,
    signed: &'a Signed<'_>,
    timestamp: &'a [u8],
) -> Result<Cow<'a, [u8]>, Why> {
    Ok(match piece {
        Piece::Text(text) => Cow::Borrowed(text.as_bytes()),
        Piece::Body => Cow::Borrowed(signed.body),
        Piece::Timestamp => Cow::Borrowed(timestamp),
        Piece::Method => Cow::Borrowed(signed.method.as_str().as_bytes()),
        Piece::Path => Cow::Borrowed(signed.path.as_bytes()),
        Piece::Url => Cow::Owned(signed.url().into_bytes()),
        Piece::HubspotUrl => Cow::Owned(hubspot(&signed.url()).into_bytes()),
        Piece::Header(name) => Cow::Borrowed(signed.header(name)?),
    })
}

/// In one pass, so that what comes out is not decoded again.
fn hubspot(url: &str) -> String {
    let mut decoded = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, from_percent)) = rest.find('%').and_then(|at| rest.split_at_checked(at))
    {
        decoded.push_str(before);
        let code = from_percent.get(..3).unwrap_or_default();
        let known = HUBSPOT_DECODES
            .iter()
            .find(|(encoded, _)| encoded.eq_ignore_ascii_case(code));
        let (plain, length) = known.map_or(("%", 1), |(_, plain)| (*plain, 3));
        decoded.push_str(plain);
        rest = from_percent.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        let pieces = parse("v0:{timestamp}:{body}").unwrap();
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            pieces,
            [text("v0:"), Piece::Timestamp, text(":"), Piece::Body]
        );
        let id = HeaderName::from_static("webhook-id");
        assert_eq!(
            parse("{header:Webhook-Id}{body}").unwrap(),
            [Piece::Header(id), Piece::Body]
        );
        for (bad, why) in [
            ("", "without {body}"),
            ("{timestamp}", "without {body}"),
            ("{bdy}", "no {bdy}"),
            ("{body", "not closed"),
            ("{header:}{body}", "no {header:}"),
        ] {
            let (message, hint) = parse(bad).unwrap_err();
            assert!(
                message.contains(why) && !hint.is_empty(),
                "{bad}: {message}"
            );
        }
        assert_eq!(parse("{bdy}").unwrap_err().1, "did you mean `body`?");
    }

    #[test]
    fn hubspot_decodes_twelve_characters_once() {
        for (url, expected) in [
            ("https://a.test/x?e=a%40b%2Ec", "https://a.test/x?e=a@b%2Ec"),
            ("/%3a%2f%3F%21%24%27%28%29%2A%2C%3B", "/:/?!$'()*,;"),
            ("/%2540%20%", "/%2540%20%"),
            ("/%ü%4", "/%ü%4"),
        ] {
            assert_eq!(hubspot(url), expected);
        }
    }
}
