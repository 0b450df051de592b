//! `discord::`: messages for Discord. Sending is the destination's.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::host::Host;
use super::mapping::{Change, Given, How, Mapping, Order, Style, own_always, row};
use super::namespace::{Namespace, Problem};
use super::{Function, Topic, argument};

pub(super) const TOPIC: Topic = Topic {
    name: "discord",
    about: "Messages for Discord.",
    functions: &[
        ORDER.function(),
        Function {
            signature: "discord::escape(text) -> text",
            about: "Puts a backslash before what Discord reads as markup, and breaks `@everyone`.",
            example: r#"discord::escape("*7*") == "\\*7\\*""#,
        },
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&ORDER];

const ORDER: Mapping = Mapping {
    signature: "discord::order(event) -> map",
    about: "An order as a message: its number, its total, what was bought. It mentions nobody.",
    example: r#"discord::order(#{ transaction_id: "7", value: 9.5, currency: "EUR" }).content == "**Order 7**: 9.50 EUR""#,
    rows: &[
        row("content", &[], How::Is(CONTENT)),
        row("allowed_mentions", &[], How::Is(NOBODY)),
    ],
    needs: &[],
};

/// A message has room for 2,000 characters.
const STYLE: Style = Style {
    escape: escaped,
    most: 1_400,
};

const CONTENT: Change = own_always(
    "`transaction_id`, `value` and `currency`, and a line for each of `items`, escaped",
    message,
);

const NOBODY: Change = own_always("always `#{ parse: [] }`", |_| {
    let nobody = Map::from([("parse".into(), Dynamic::from_array(Array::new()))]);
    Ok(Dynamic::from_map(nobody))
});

fn message(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let order = Order::of(given.event, &STYLE)?;
    Ok(order.lines("**", "**").into())
}

fn escape(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(escaped(&text).into())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            // Between the sign and the name, a space of no width: it is read, and calls nobody.
            '@' => escaped.push_str("@\u{200b}"),
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '#' | '[' | ']' | '(' | ')' | '<' | '-' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .mapping(&ORDER)
        .one("escape", escape)
        .add_to(host);
}
