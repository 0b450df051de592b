//! An order in words, for messages that people read. What customers and shops typed goes through the vendor's
//! escape, and what does not fit is counted instead of cut in half. Who bought is not in it: a chat is no place
//! for personal data.

use rhai::{Dynamic, Map};

use super::lookup;
use super::table::Given;
use crate::script::api::namespace::Problem;
use crate::script::value::plain_text;

/// How a vendor's messages are written.
#[derive(Debug)]
pub(in crate::script::api) struct Style {
    /// Makes text harmless.
    pub(in crate::script::api) escape: fn(&str) -> String,
    /// The most characters that the lines of the items may have together.
    pub(in crate::script::api) most: usize,
}

/// So much of an item's name is shown, in characters.
const MAX_NAME: usize = 150;

/// An order, escaped.
#[derive(Debug)]
pub(in crate::script::api) struct Order {
    /// `Order 727`.
    pub(in crate::script::api) title: String,
    /// `29.35 USD`, if it is known.
    pub(in crate::script::api) total: Option<String>,
    /// A line for each item: `• 2 × Shirt`. Blank if there are none.
    pub(in crate::script::api) items: String,
    /// `3 items`; blank if there are none.
    pub(in crate::script::api) count: String,
}

impl Order {
    /// The order that an event is about.
    pub(in crate::script::api) fn of(event: &Map, style: &Style) -> Result<Self, Problem> {
        let number = lookup::at(event, "transaction_id").and_then(|id| plain_text(&id));
        let word = match lookup::at(event, "event_name").and_then(|name| plain_text(&name)) {
            Some(name) if name.contains("refund") => "Refund",
            _ => "Order",
        };
        let title = match number {
            Some(number) => format!("{word} {}", (style.escape)(&short(&number))),
            None => word.to_owned(),
        };
        let (items, count) = items(event, style);
        Ok(Self {
            title,
            total: total(event, style)?,
            items,
            count,
        })
    }

    /// The headline, its title between these marks, and a line for each item.
    pub(in crate::script::api) fn lines(&self, open: &str, close: &str) -> String {
        let mut text = format!("{open}{}{close}", self.title);
        if let Some(total) = &self.total {
            text.push_str(": ");
            text.push_str(total);
        }
        if !self.items.is_empty() {
            text.push('\n');
            text.push_str(&self.items);
        }
        text
    }

    /// `Order 727: 29.35 USD`.
    pub(in crate::script::api) fn headline(&self) -> String {
        match &self.total {
            Some(total) => format!("{}: {total}", self.title),
            None => self.title.clone(),
        }
    }
}

fn total(event: &Map, style: &Style) -> Result<Option<String>, Problem> {
    let Some((name, value)) = lookup::first(event, super::from::VALUE) else {
        return Ok(None);
    };
    let amount = Given { name, value, event }.money()?;
    let currency = lookup::at(event, "currency").and_then(|code| plain_text(&code));
    Ok(Some(match currency {
        Some(code) => format!("{amount} {}", (style.escape)(&short(&code.to_uppercase()))),
        None => amount.to_string(),
    }))
}

fn items(event: &Map, style: &Style) -> (String, String) {
    let items = lookup::at(event, "items").unwrap_or_default();
    let items = items.into_array().unwrap_or_default();
    let maps: Vec<Map> = items.into_iter().filter_map(Dynamic::try_cast).collect();
    let mut lines = String::new();
    let mut room = style.most;
    for (place, item) in maps.iter().enumerate() {
        let line = line(item, style);
        // Room for the line that says how many there are besides.
        let needs = line.chars().count() + 1;
        if needs + 24 > room {
            lines.push_str(&format!("… and {} more", maps.len() - place));
            break;
        }
        room -= needs;
        lines.push_str(&line);
        lines.push('\n');
    }
    let count = match maps.len() {
        0 => String::new(),
        1 => "1 item".to_owned(),
        many => format!("{many} items"),
    };
    (lines.trim_end().to_owned(), count)
}

fn line(item: &Map, style: &Style) -> String {
    let named = |keys: &[&'static str]| {
        let (_, value) = lookup::first(item, keys)?;
        plain_text(&value)
    };
    let name = named(&["item_name", "item_id"]).unwrap_or_else(|| "?".to_owned());
    let quantity = named(&["quantity"]).unwrap_or_else(|| "1".to_owned());
    let escape = style.escape;
    format!(
        "• {} × {}",
        escape(&short(&quantity)),
        escape(&short(&name))
    )
}

/// A text without line breaks, cut if it is long.
fn short(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", flat.get(..end).unwrap_or_default()),
        None => flat,
    }
}
