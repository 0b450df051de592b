//! `base64::`: text in base64 and back. Bytes that are no UTF-8 have no place in a script.

use ::base64::Engine as _;
use ::base64::alphabet;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "base64",
    about: "Text in base64 and back.",
    functions: &[
        Function {
            signature: "base64::encode(text) -> text",
            about: "Standard alphabet, with padding.",
            example: r#"base64::encode("key:") == "a2V5Og==""#,
        },
        Function {
            signature: "base64::encode_url(text) -> text",
            about: "The alphabet for URLs (`-` and `_`), without padding.",
            example: r#"base64::encode_url("a?>b>~") == "YT8-Yj5-""#,
        },
        Function {
            signature: "base64::decode(text) -> text",
            about: "Reads either alphabet, with or without padding or line breaks. An error if it \
                    is no base64, or what comes out is no UTF-8.",
            example: r#"base64::decode("a2V5Og==") == "key:" && base64::decode("YT8-Yj5-") == "a?>b>~""#,
        },
    ],
    register,
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .one("encode", encode)
        .one("encode_url", encode_url)
        .one("decode", decode)
        .add_to(host);
}

fn encode(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(STANDARD.encode(text.as_bytes()).into())
}

fn encode_url(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(URL_SAFE_NO_PAD.encode(text.as_bytes()).into())
}

fn decode(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    let decoded = decode_text(&text).map_err(|cause| {
        let shown = argument::quote(&text);
        Problem(format!("{shown}: {cause}"))
    })?;
    Ok(decoded.into())
}

/// The text inside, or why there is none.
pub(super) fn decode_text(text: &str) -> Result<String, String> {
    let packed: String = text.split_ascii_whitespace().collect();
    let engine = match packed.contains(['-', '_']) {
        true => LENIENT_URL,
        false => LENIENT_STANDARD,
    };
    let bytes = engine.decode(packed).map_err(|cause| cause.to_string())?;
    String::from_utf8(bytes).map_err(|_| "what is inside is no UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_common_form_is_read() {
        for form in ["aGk/aGk+", "aGk_aGk-", "aGk/\r\naGk+\n"] {
            assert_eq!(decode(form.into()).unwrap(), "hi?hi>");
        }
        for form in ["YQ==", "YQ=", "YQ"] {
            assert_eq!(decode(form.into()).unwrap(), "a");
        }
    }

    #[test]
    fn what_is_no_text_is_an_error() {
        for (form, reason) in [("%%%", "nvalid"), ("/w==", "no UTF-8"), ("a", "nvalid")] {
            let error = decode(form.into()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(text: String) {
            let standard = encode(text.clone().into()).unwrap();
            prop_assert_eq!(decode(standard.into()).unwrap(), text.as_str());
            let url = encode_url(text.clone().into()).unwrap();
            prop_assert_eq!(decode(url.into()).unwrap(), text.as_str());
        }
    }
}
