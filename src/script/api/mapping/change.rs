//! What is done to values that are no personal data: texts, numbers, money, times.

use rhai::{Dynamic, ImmutableString, Map};

use super::lookup;
use super::table::{Change, Given};
use crate::clock::Millis;
use crate::script::api::namespace::Problem;
use crate::script::api::number::{self, Number};
use crate::script::api::{argument, keys, money, time, url};
use crate::script::frame;

/// What a rule is written as: a function of a value on its way.
type Apply = fn(&Given<'_>) -> Result<Dynamic, Problem>;

/// A change of a vendor's own.
pub(in crate::script::api) const fn own(about: &'static str, apply: Apply) -> Change {
    Change {
        about,
        apply,
        always: false,
    }
}

/// A change that has something to say also where the event has nothing.
pub(in crate::script::api) const fn own_always(about: &'static str, apply: Apply) -> Change {
    Change {
        about,
        apply,
        always: true,
    }
}

/// As it is.
pub(in crate::script::api) const AS_IS: Change = own("", |given| Ok(given.value.clone()));

/// As text.
pub(in crate::script::api) const TEXT: Change = own("as text", |given| Ok(given.text()?.into()));

/// A currency's code.
pub(in crate::script::api) const CURRENCY: Change = own("in upper case", |given| {
    Ok(given.text()?.trim().to_uppercase().into())
});

/// A number, also out of a text.
pub(in crate::script::api) const NUMBER: Change = own("as a number", |given| {
    given.number().map(Number::into_dynamic)
});

/// A whole number.
pub(in crate::script::api) const INTEGER: Change = own("as a whole number", |given| {
    let name = given.shown();
    argument::integer(&name, &given.value).map(Dynamic::from_int)
});

/// An amount as a text.
pub(in crate::script::api) const MONEY_TEXT: Change =
    own("as text with the currency's decimals", |given| {
        given.money().map(Dynamic::from)
    });

/// Unix time in seconds.
pub(in crate::script::api) const SECONDS_TIME: Change =
    own_always("in seconds; without it when the request came", |given| {
        Ok(Dynamic::from_int(given.time()?.div_euclid(1_000)))
    });

/// Unix time in milliseconds.
pub(in crate::script::api) const MILLIS_TIME: Change = own_always(
    "in milliseconds; without it when the request came",
    |given| Ok(Dynamic::from_int(given.time()?)),
);

/// Unix time in microseconds.
pub(in crate::script::api) const MICROS_TIME: Change = own_always(
    "in microseconds; without it when the request came",
    |given| Ok(Dynamic::from_int(given.time()?.saturating_mul(1_000))),
);

/// A time as RFC 3339 writes it.
pub(in crate::script::api) const ISO_TIME: Change = own_always(
    "as `2024-06-21T12:36:40.000Z`; without it when the request came",
    |given| time::iso(Dynamic::from_int(given.time()?)).map(Dynamic::from),
);

/// What Google calls a choice.
pub(in crate::script::api) const CONSENT_GRANTED: Change =
    own("`GRANTED` if it is, else `DENIED`", |given| {
        let choice = if given.is_granted() {
            "GRANTED"
        } else {
            "DENIED"
        };
        Ok(keys::text(choice))
    });

/// Everything that the event says but for who it was, when, and how the sender wrote it.
pub(in crate::script::api) const REST: Change = own_always(REST_ABOUT, |given| Ok(given.rest(&[])));

/// What [`REST`] is, for changes that leave out more.
pub(in crate::script::api) const REST_ABOUT: &str =
    "every other key, but for those that say who it was, where from and when";

/// Keys of an event that are no properties: they have fields of their own, are personal data, or are how
/// the sender wrote the event.
const NO_PROPERTIES: &[&str] = &[
    "event",
    "event_name",
    "event_id",
    "timestamp",
    "timestamp_ms",
    "timestamp_micros",
    "user_id",
    "client_id",
    "user_data",
    "user_email",
    "identity_data",
    "ip_override",
    "user_agent",
    "consent_state",
    "context",
    "integrations",
    "traits",
];

impl Given<'_> {
    /// Everything that the event says but for these keys, who it was, and when.
    pub(in crate::script::api) fn rest(&self, but: &[&str]) -> Dynamic {
        let mut rest: Map = self.event.clone();
        rest.retain(|key, value| {
            let key = key.as_str();
            !NO_PROPERTIES.contains(&key) && !but.contains(&key) && !value.is_unit()
        });
        Dynamic::from_map(rest)
    }

    /// How it is called in a problem.
    pub(in crate::script::api) fn shown(&self) -> String {
        format!("event's {}", self.name)
    }

    /// The value as text: text, or a whole number.
    pub(in crate::script::api) fn text(&self) -> Result<ImmutableString, Problem> {
        let value = self.one();
        // An id that went through floats is still that id.
        if let Some(whole) = value.as_float().ok().and_then(number::whole) {
            return Ok(whole.to_string().into());
        }
        argument::text(&self.shown(), value)
    }

    /// The value, of an array its first element.
    pub(in crate::script::api) fn one(&self) -> Dynamic {
        match self.value.as_array_ref() {
            Ok(values) => values.first().cloned().unwrap_or_default(),
            Err(_) => self.value.clone(),
        }
    }

    /// The value as a number.
    pub(in crate::script::api) fn number(&self) -> Result<Number, Problem> {
        argument::number(&self.shown(), &self.value)
    }

    /// The amount with as many decimals as the event's currency has; two if that is not known.
    pub(in crate::script::api) fn money(&self) -> Result<ImmutableString, Problem> {
        // So that a problem names the event's key.
        self.number()?;
        let currency = lookup::at(self.event, "currency");
        let currency = currency.filter(|code| {
            let code = code.as_immutable_string_ref();
            code.is_ok_and(|code| code.trim().len() == 3 && code.trim().is_ascii())
        });
        let currency = currency.unwrap_or_else(|| keys::text("EUR"));
        money::format(self.value.clone(), currency)
    }

    /// The time that the value is; the event's own without one.
    pub(in crate::script::api) fn time(&self) -> Result<Millis, Problem> {
        if self.value.is_unit() {
            return Ok(frame::now());
        }
        time::parse(self.value.clone())
            .map_err(|Problem(why)| Problem(format!("the {}: {why}", self.shown())))
    }

    /// True if the event has something under a dotted key.
    pub(in crate::script::api) fn has(&self, key: &str) -> bool {
        lookup::has(self.event, key)
    }

    /// The text that the event has under a dotted key.
    pub(in crate::script::api) fn text_at(&self, key: &str) -> Option<ImmutableString> {
        lookup::at(self.event, key)?.into_immutable_string().ok()
    }

    /// A parameter of the page's address; `()` if there is none.
    pub(in crate::script::api) fn page_parameter(&self, name: &str) -> Result<Dynamic, Problem> {
        let Some(page) = self.text_at("page_location") else {
            return Ok(Dynamic::UNIT);
        };
        let value = url::param(page.into(), keys::text(name))?;
        Ok(if lookup::is_there(&value) {
            value
        } else {
            Dynamic::UNIT
        })
    }

    /// When the event happened.
    pub(in crate::script::api) fn event_time(&self) -> Result<Millis, Problem> {
        let found = lookup::first(self.event, super::from::TIME);
        found.map_or_else(
            || Ok(frame::now()),
            |(name, value)| {
                Given {
                    name,
                    value,
                    event: self.event,
                }
                .time()
            },
        )
    }

    /// True if a choice about consent is a yes.
    pub(in crate::script::api) fn is_granted(&self) -> bool {
        if let Ok(flag) = self.value.as_bool() {
            return flag;
        }
        let text = self.value.as_immutable_string_ref();
        text.is_ok_and(|text| matches!(text.as_str(), "true" | "granted" | "GRANTED"))
    }
}
