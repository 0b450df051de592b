//! One event of a hit, built up parameter by parameter.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use rhai::{Array, Dynamic, Map};

use super::consent;
use super::item;
use super::parameter::{self, Kind};
use crate::clock::Millis;
use crate::script::api::keys::text;
use crate::script::api::number::{self, Number};

/// What the parameters said so far; later ones override earlier ones of the same name.
#[derive(Clone, Default)]
pub(super) struct Hit {
    data: Map,
    items: BTreeMap<u32, Dynamic>,
    user_properties: Map,
    system: Map,
    server_side: Map,
    hints: Map,
    parts: usize,
}

impl Hit {
    /// Reads a query, or one line of a body.
    pub(super) fn read(&mut self, query: &[u8]) {
        for (name, value) in form_urlencoded::parse(query) {
            self.parts += 1;
            self.add(&name, &value);
        }
    }

    /// How many keys it may become.
    pub(super) fn parts(&self) -> usize {
        self.parts
    }

    fn add(&mut self, name: &str, value: &str) {
        if let Some((key, kind)) = parameter::known(name) {
            self.data.insert(key.into(), read(kind, value));
            return;
        }
        if let Some((family, rest)) = name.split_once('.')
            && self.add_to_family(family, rest, value)
        {
            return;
        }
        if let Some(key) = parameter::hint(name) {
            let hint = self.hint(key, value);
            self.hints.insert(key.into(), hint);
            return;
        }
        if let Some(place) = place_of_item(name) {
            let (item, parts) = item::read(value);
            self.parts += parts;
            self.items.insert(place, item);
            return;
        }
        if let Some(rest) = name.strip_prefix('_') {
            self.system.insert(rest.into(), system(rest, value));
            return;
        }
        if !name.is_empty() {
            let key = format!("x-ga-mp2-{name}");
            self.data.insert(key.into(), text(value));
        }
    }

    /// Event parameters, user properties, and what the server container itself is told.
    fn add_to_family(&mut self, family: &str, name: &str, value: &str) -> bool {
        let (map, kind) = match family {
            // The event's name is `en`, whatever the page calls a parameter.
            "ep" | "epn" if name == "event_name" => return true,
            "ep" => (&mut self.data, Kind::Text),
            "epn" => (&mut self.data, Kind::Number),
            "up" => (&mut self.user_properties, Kind::Text),
            "upn" => (&mut self.user_properties, Kind::Number),
            "sst" => (&mut self.server_side, Kind::Text),
            _ => return false,
        };
        map.insert(name.into(), read(kind, value));
        true
    }

    fn hint(&mut self, key: &str, value: &str) -> Dynamic {
        match key {
            "mobile" | "wow64" => Dynamic::from_bool(value == "1"),
            "full_version_list" => {
                let brands: Array = value.split('|').filter_map(brand).collect();
                self.parts += 2 * brands.len();
                Dynamic::from_array(brands)
            }
            _ => text(value),
        }
    }

    /// The event data; none if the hit names no event.
    pub(super) fn finish(mut self, received_at: Millis) -> Option<Map> {
        let name = self.data.get("event_name")?;
        if name
            .as_immutable_string_ref()
            .is_ok_and(|name| name.is_empty())
        {
            return None;
        }
        let granted = consent::granted(&self.data);
        self.server_side.insert(
            "request_start_time_ms".into(),
            Dynamic::from_int(received_at),
        );
        let maps = [
            ("x-ga-mp2-user_properties", self.user_properties),
            ("x-ga-system_properties", self.system),
            ("x-sst-system_properties", self.server_side),
            ("client_hints", self.hints),
            ("consent_state", granted),
        ];
        for (key, map) in maps.into_iter().filter(|(_, map)| !map.is_empty()) {
            self.data.insert(key.into(), Dynamic::from_map(map));
        }
        if !self.items.is_empty() {
            let items = self.items.into_values().collect();
            self.data.insert("items".into(), Dynamic::from_array(items));
        }
        Some(self.data)
    }
}

fn read(kind: Kind, value: &str) -> Dynamic {
    match kind {
        Kind::Number => number::parse(value).map_or_else(|| text(value), Number::into_dynamic),
        Kind::Text => text(value),
    }
}

/// `_ee` is the one that the server container was seen to make a boolean of.
fn system(name: &str, value: &str) -> Dynamic {
    match name {
        "ee" => Dynamic::from_bool(value == "1"),
        _ => text(value),
    }
}

/// `pr1` to `pr200` and beyond.
fn place_of_item(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("pr")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// `Not%2FA)Brand;99.0.0.0`: a brand is encoded once more than the rest.
fn brand(pair: &str) -> Option<Dynamic> {
    let (brand, version) = pair.split_once(';')?;
    let brand = percent_decode_str(brand).decode_utf8_lossy();
    Some(Dynamic::from_map(Map::from([
        ("brand".into(), text(&brand)),
        ("version".into(), text(version)),
    ])))
}
