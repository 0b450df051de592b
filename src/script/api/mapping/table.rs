//! What a mapping is made of: rows, and what is done to a value. Data; nothing here computes.

use std::fmt;

use rhai::{Dynamic, Map};

use crate::script::api::namespace::Problem;

/// Where one key of a payload comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::script::api) struct Row {
    /// Where it goes: `custom_data.value`. A part that ends in `[]` is an array that gets one more
    /// element; with `*` at the end each entry of the map is a key of its own.
    pub(in crate::script::api) to: &'static str,
    /// Keys of the event, dotted. The first that is there and not blank is taken.
    pub(in crate::script::api) from: &'static [&'static str],
    /// What is done to it.
    pub(in crate::script::api) how: How,
}

/// A row.
pub(in crate::script::api) const fn row(
    to: &'static str,
    from: &'static [&'static str],
    how: How,
) -> Row {
    Row { to, from, how }
}

/// What is done to a value.
#[derive(Clone, Copy, Debug)]
pub(in crate::script::api) enum How {
    /// The value, changed.
    Is(Change),
    /// An array of the value, changed; of an array each element.
    List(Change),
    /// Always this text.
    Fixed(&'static str),
    /// What the vendor calls the event.
    Named(&'static Names),
    /// A map of these rows, if any of them finds something.
    Map(&'static [Row]),
    /// A map of these rows, if all of them find something.
    Whole(&'static [Row]),
    /// An array: a map of these rows for each element of the event's array. `from` of these rows are keys of the
    /// element.
    Each(&'static [Row]),
    /// These keys of the event under their own names, if they are texts, numbers or flags.
    Same(&'static [&'static str]),
}

/// How a value is changed.
#[derive(Clone, Copy)]
pub(in crate::script::api) struct Change {
    /// In the words of the documentation, after "…": `SHA-256, trimmed and in lower case`. Empty for
    /// a value that stays as it is.
    pub(in crate::script::api) about: &'static str,
    /// Gives `()` for what is to be left out.
    pub(in crate::script::api) apply: fn(&Given<'_>) -> Result<Dynamic, Problem>,
    /// True if it is asked also where the event has none of the keys.
    pub(in crate::script::api) always: bool,
}

impl fmt::Debug for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.about)
    }
}

/// A value on its way.
#[derive(Debug)]
pub(in crate::script::api) struct Given<'a> {
    /// The key that it was found under; the first one if none was.
    pub(in crate::script::api) name: &'static str,
    /// The value; `()` if there is none.
    pub(in crate::script::api) value: Dynamic,
    /// The whole event.
    pub(in crate::script::api) event: &'a Map,
}

/// What a vendor calls events.
#[derive(Debug)]
pub(in crate::script::api) struct Names {
    /// The vendor's name, and the event names that are it.
    pub(in crate::script::api) table: &'static [(&'static str, &'static [&'static str])],
    /// What becomes of other names.
    pub(in crate::script::api) other: Change,
}

/// What a payload is good for nothing without.
#[derive(Clone, Copy, Debug)]
pub(in crate::script::api) struct Need {
    /// Keys of the payload of which one must be there.
    pub(in crate::script::api) any: &'static [&'static str],
    /// What the tag skips with if none is.
    pub(in crate::script::api) why: &'static str,
}

/// Keys of the event that many rows read.
pub(in crate::script::api) mod from {
    /// A list of keys.
    pub(in crate::script::api) type Keys = &'static [&'static str];

    pub(in crate::script::api) const NAME: Keys = &["event_name"];
    pub(in crate::script::api) const TIME: Keys =
        &["timestamp_ms", "timestamp", "timestamp_micros"];
    pub(in crate::script::api) const ID: Keys = &["event_id"];
    pub(in crate::script::api) const USER: Keys = &["user_id"];
    pub(in crate::script::api) const CLIENT: Keys = &["client_id"];
    pub(in crate::script::api) const IP: Keys = &["ip_override"];
    pub(in crate::script::api) const AGENT: Keys = &["user_agent"];
    pub(in crate::script::api) const PAGE: Keys = &["page_location"];
    pub(in crate::script::api) const REFERRER: Keys = &["page_referrer"];
    pub(in crate::script::api) const VALUE: Keys = &["value", "amount"];
    pub(in crate::script::api) const CURRENCY: Keys = &["currency"];
    pub(in crate::script::api) const ORDER: Keys = &["transaction_id"];
    pub(in crate::script::api) const ITEMS: Keys = &["items"];
    pub(in crate::script::api) const SEARCH: Keys = &["search_term"];
    pub(in crate::script::api) const EMAIL: Keys = &[
        "user_data.email_address",
        "user_data.email",
        "user_data.sha256_email_address",
    ];
    pub(in crate::script::api) const PLAIN_EMAIL: Keys =
        &["user_data.email_address", "user_data.email"];
    pub(in crate::script::api) const PHONE: Keys = &[
        "user_data.phone_number",
        "user_data.phone",
        "user_data.sha256_phone_number",
    ];
    pub(in crate::script::api) const PLAIN_PHONE: Keys =
        &["user_data.phone_number", "user_data.phone"];
    pub(in crate::script::api) const FIRST_NAME: Keys = &[
        "user_data.address.first_name",
        "user_data.address.sha256_first_name",
    ];
    pub(in crate::script::api) const LAST_NAME: Keys = &[
        "user_data.address.last_name",
        "user_data.address.sha256_last_name",
    ];
    pub(in crate::script::api) const STREET: Keys = &["user_data.address.street"];
    pub(in crate::script::api) const CITY: Keys = &["user_data.address.city"];
    pub(in crate::script::api) const REGION: Keys = &["user_data.address.region"];
    pub(in crate::script::api) const ZIP: Keys = &["user_data.address.postal_code"];
    pub(in crate::script::api) const COUNTRY: Keys = &["user_data.address.country"];
    pub(in crate::script::api) const GENDER: Keys = &["user_data.gender"];
    pub(in crate::script::api) const BIRTHDAY: Keys =
        &["user_data.date_of_birth", "user_data.birthday"];

    // Of an item.
    pub(in crate::script::api) const ITEM_ID: Keys = &["item_id", "item_name"];
    pub(in crate::script::api) const ITEM_NAME: Keys = &["item_name"];
    pub(in crate::script::api) const ITEM_PRICE: Keys = &["price"];
    pub(in crate::script::api) const ITEM_QUANTITY: Keys = &["quantity"];
    pub(in crate::script::api) const ITEM_BRAND: Keys = &["item_brand"];
    pub(in crate::script::api) const ITEM_CATEGORY: Keys = &["item_category"];
}
