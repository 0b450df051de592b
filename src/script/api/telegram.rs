//! `telegram::`: messages for Telegram. Sending is the destination's.

use rhai::{Dynamic, ImmutableString};

use super::host::Host;
use super::mapping::{Change, Given, How, Mapping, Order, Style, own_always, row};
use super::namespace::{Namespace, Problem};
use super::slack::escaped;
use super::{Function, Topic, argument};

pub(super) const TOPIC: Topic = Topic {
    name: "telegram",
    about: "Messages for Telegram.",
    functions: &[
        ORDER.function(),
        Function {
            signature: "telegram::escape(text) -> text",
            about: "Makes `&`, `<` and `>` harmless in a message with `parse_mode: \"HTML\"`.",
            example: r#"telegram::escape("a < b") == "a &lt; b""#,
        },
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&ORDER];

const ORDER: Mapping = Mapping {
    signature: "telegram::order(event) -> map",
    about: "An order as a message: its number, its total, what was bought. The destination adds \
            `chat_id`.",
    example: r#"telegram::order(#{ transaction_id: "<7>", value: 9.5, currency: "EUR" }).text == "<b>Order &lt;7&gt;</b>: 9.50 EUR""#,
    rows: &[
        row("text", &[], How::Is(TEXT)),
        row("parse_mode", &[], How::Fixed("HTML")),
    ],
    needs: &[],
};

/// A message has room for 4,096 characters, counted without tags.
const STYLE: Style = Style {
    escape: escaped,
    most: 3_600,
};

const TEXT: Change = own_always(
    "`transaction_id`, `value` and `currency`, and a line for each of `items`, escaped",
    message,
);

fn message(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let order = Order::of(given.event, &STYLE)?;
    Ok(order.lines("<b>", "</b>").into())
}

fn escape(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    Ok(escaped(&text).into())
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .mapping(&ORDER)
        .one("escape", escape)
        .add_to(host);
}
