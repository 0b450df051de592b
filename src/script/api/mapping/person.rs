//! Personal data as each vendor matches it: normalised by its rules, and hashed where it wants a hash. What
//! is a hash already is kept; what cannot be made into what the vendor wants is left out.

use rhai::Dynamic;

use super::change::{TEXT, own};
use super::lookup;
use super::table::{Change, Given, How, Row, from, row};
use crate::script::api::namespace::Problem;
use crate::script::api::pii::{self, rules};

/// Meta, TikTok, Pinterest, Snap, LinkedIn.
pub(in crate::script::api) const EMAIL_HASH: Change =
    own("SHA-256, trimmed and in lower case", |given| {
        hashed(given, rules::email)
    });

/// Google takes the dots out of Gmail's addresses.
pub(in crate::script::api) const GOOGLE_EMAIL: Change = own(
    "SHA-256, trimmed and in lower case, without the dots before `@gmail.com` and `@googlemail.com`",
    |given| hashed(given, rules::google_email),
);

/// Those that want the address itself.
pub(in crate::script::api) const EMAIL_PLAIN: Change = own("trimmed and in lower case", |given| {
    plain(given, rules::email)
});

/// Meta, Pinterest, Snap.
const PHONE_DIGITS_HASH: Change = own(
    "SHA-256 of the digits, country code first; a national number takes its code from \
     `user_data.address.country`, without one it is left out",
    |given| phone(given, ""),
);

/// Google, TikTok.
pub(in crate::script::api) const PHONE_PLUS_HASH: Change = own(
    "SHA-256 in the form `+4915112345678`; a national number takes its code from \
     `user_data.address.country`, without one it is left out",
    |given| phone(given, "+"),
);

/// Those that want the number itself.
pub(in crate::script::api) const PHONE_PLUS_PLAIN: Change = own(
    "in the form `+4915112345678`; a national number takes its code from \
     `user_data.address.country`, without one it is left out",
    |given| {
        let text = given.text()?;
        if pii::is_hash(text.trim()) {
            return Ok(Dynamic::UNIT);
        }
        let digits = pii::phone_digits(&text, country(given).as_deref());
        Ok(optional(digits.map(|digits| format!("+{digits}"))))
    },
);

/// Meta, TikTok, Pinterest, Snap.
pub(in crate::script::api) const NAME_HASH: Change = own(
    "SHA-256, trimmed, in lower case, without punctuation",
    |given| hashed(given, rules::name),
);

/// Google.
pub(in crate::script::api) const GOOGLE_NAME: Change =
    own("SHA-256, trimmed and in lower case", |given| {
        hashed(given, rules::email)
    });

/// Meta, Pinterest, Snap.
const CITY_HASH: Change = own(
    "SHA-256, in lower case, without spaces and punctuation",
    |given| hashed(given, rules::letters),
);

/// TikTok.
pub(in crate::script::api) const CITY: Change =
    own("in lower case, without spaces and punctuation", |given| {
        plain(given, rules::letters)
    });

/// Meta, Pinterest, Snap.
const STATE_HASH: Change = CITY_HASH;

/// TikTok.
pub(in crate::script::api) const STATE: Change = CITY;

/// Meta, TikTok, Pinterest, Snap.
pub(in crate::script::api) const ZIP_HASH: Change = own(
    "SHA-256, in lower case, without spaces and dashes; of US codes the first five digits",
    |given| {
        if is_of(given, "us") {
            return hashed(given, rules::us_zip);
        }
        hashed(given, rules::letters)
    },
);

/// Meta, Pinterest, Snap.
const COUNTRY_HASH: Change = own(
    "SHA-256 of the two letters in lower case; other texts are left out",
    |given| hashed(given, rules::country),
);

/// TikTok.
pub(in crate::script::api) const COUNTRY: Change = own(
    "two letters in lower case; other texts are left out",
    |given| plain(given, rules::country),
);

/// Google, Klaviyo, LinkedIn.
pub(in crate::script::api) const COUNTRY_UPPER: Change = own(
    "two letters in upper case; other texts are left out",
    |given| plain(given, |text| rules::country(text).to_uppercase()),
);

/// Meta, Pinterest, Snap.
const GENDER: Change = own("SHA-256 of `f` or `m`; other texts are left out", |given| {
    hashed(given, rules::gender)
});

/// Meta, Pinterest.
const BIRTHDAY: Change = own("SHA-256 of `YYYYMMDD`; other texts are left out", |given| {
    hashed(given, rules::birthday)
});

/// An id of the shop's own.
pub(in crate::script::api) const ID_HASH: Change =
    own("SHA-256, trimmed and in lower case", |given| {
        hashed(given, rules::email)
    });

/// What Meta, Pinterest and Snap know people by, under the same keys: lists of hashes.
pub(in crate::script::api) const PERSON_HASHES: Row = row(
    "*",
    &[],
    How::Map(&[
        row("em", from::EMAIL, How::List(EMAIL_HASH)),
        row("ph", from::PHONE, How::List(PHONE_DIGITS_HASH)),
        row("fn", from::FIRST_NAME, How::List(NAME_HASH)),
        row("ln", from::LAST_NAME, How::List(NAME_HASH)),
        row("ge", from::GENDER, How::List(GENDER)),
        row("ct", from::CITY, How::List(CITY_HASH)),
        row("st", from::REGION, How::List(STATE_HASH)),
        row("zp", from::ZIP, How::List(ZIP_HASH)),
        row("country", from::COUNTRY, How::List(COUNTRY_HASH)),
        row("external_id", from::USER, How::List(ID_HASH)),
    ]),
);

/// Meta and Pinterest take the date of birth, too.
pub(in crate::script::api) const BIRTHDAY_HASH: Row =
    row("db", from::BIRTHDAY, How::List(BIRTHDAY));

/// Pinterest and Snap take the visitor's address and user agent together or not at all.
pub(in crate::script::api) const BROWSER: Row = row(
    "*",
    &[],
    How::Whole(&[
        row("client_ip_address", from::IP, How::Is(TEXT)),
        row("client_user_agent", from::AGENT, How::Is(TEXT)),
    ]),
);

fn hashed(given: &Given<'_>, rule: fn(&str) -> String) -> Result<Dynamic, Problem> {
    let text = given.text()?;
    Ok(optional(rules::hashed(&text, rule)))
}

fn plain(given: &Given<'_>, rule: fn(&str) -> String) -> Result<Dynamic, Problem> {
    let text = given.text()?;
    if pii::is_hash(text.trim()) {
        return Ok(Dynamic::UNIT);
    }
    Ok(optional(Some(rule(&text)).filter(|text| !text.is_empty())))
}

fn phone(given: &Given<'_>, sign: &str) -> Result<Dynamic, Problem> {
    let text = given.text()?;
    let normal = text.trim().to_lowercase();
    if pii::is_hash(&normal) {
        return Ok(optional(Some(normal)));
    }
    let digits = pii::phone_digits(&text, country(given).as_deref());
    let digits = digits.map(|digits| format!("{sign}{digits}"));
    Ok(optional(digits.map(|digits| pii::sha256(&digits))))
}

fn is_of(given: &Given<'_>, wanted: &str) -> bool {
    country(given).is_some_and(|country| country.trim().eq_ignore_ascii_case(wanted))
}

/// The person's country, as the event says it.
fn country(given: &Given<'_>) -> Option<String> {
    let country = lookup::at(given.event, "user_data.address.country")?;
    country.into_string().ok()
}

fn optional(text: Option<String>) -> Dynamic {
    text.map_or(Dynamic::UNIT, Dynamic::from)
}
