//! `slack::`: messages for Slack, and user data inside them. Sending is the destination's.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::host::Host;
use super::keys::text;
use super::mapping::{Change, Given, How, Mapping, Order, Style, own_always, row};
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};
use super::{argument, url};

pub(super) const TOPIC: Topic = Topic {
    name: "slack",
    about: "Messages for Slack, and text for them.",
    functions: &[
        ORDER.function(),
        Function {
            signature: "slack::escape(text) -> text",
            about: "Makes `&`, `<` and `>` harmless, so that a customer who calls himself \
                    `<!channel>` wakes nobody. Once only: escaping twice shows `&amp;` to readers.",
            example: r#"slack::escape("Tom & <!channel>") == "Tom &amp; &lt;!channel&gt;""#,
        },
    ],
    register,
};

pub(super) const MAPPINGS: &[&Mapping] = &[&ORDER];

const ORDER: Mapping = Mapping {
    signature: "slack::order(event) -> map",
    about: "An order in Block Kit: its number and total as the heading, what was bought, and which \
            shop. `text` is what notifications show.",
    example: r#"slack::order(#{ transaction_id: "<7>", value: 9.5, currency: "EUR" }).text == "Order &lt;7&gt;: 9.50 EUR""#,
    rows: &[
        row("text", &[], How::Is(TEXT)),
        row("blocks", &[], How::Is(BLOCKS)),
    ],
    needs: &[],
};

/// Slack takes 3,000 characters in a section.
const STYLE: Style = Style {
    escape: escaped,
    most: 2_900,
};

/// Plain text is shown as it is: nothing in it is markup.
const PLAIN: Style = Style {
    escape: str::to_owned,
    most: 0,
};

/// Slack takes 150 characters in a header.
const MAX_HEADER: usize = 150;

const TEXT: Change = own_always(
    "`transaction_id`, `value` and `currency`, escaped",
    |given| Ok(Order::of(given.event, &STYLE)?.headline().into()),
);

const BLOCKS: Change = own_always(
    "a header of `transaction_id`, `value` and `currency`; a section with a line for each of `items`, \
     escaped; below it how many there are, and the host of `page_location`",
    blocks,
);

fn blocks(given: &Given<'_>) -> Result<Dynamic, Problem> {
    let header: String = Order::of(given.event, &PLAIN)?
        .headline()
        .chars()
        .take(MAX_HEADER)
        .collect();
    let mut blocks = vec![block("header", "text", words("plain_text", &header))];
    let order = Order::of(given.event, &STYLE)?;
    if !order.items.is_empty() {
        blocks.push(block("section", "text", words("mrkdwn", &order.items)));
    }
    let mut about = Vec::new();
    if !order.count.is_empty() {
        about.push(order.count);
    }
    if let Some(page) = given.text_at("page_location") {
        let host = url::host(page.into())?;
        if let Ok(host) = host.into_immutable_string() {
            about.push(escaped(&host));
        }
    }
    if !about.is_empty() {
        let elements: Array = vec![words("mrkdwn", &about.join(" · "))];
        blocks.push(block("context", "elements", Dynamic::from_array(elements)));
    }
    Ok(Dynamic::from_array(blocks))
}

fn block(kind: &str, key: &str, value: Dynamic) -> Dynamic {
    Dynamic::from_map(Map::from([
        ("type".into(), text(kind)),
        (key.into(), value),
    ]))
}

fn words(kind: &str, words: &str) -> Dynamic {
    block(kind, "text", text(words))
}

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .mapping(&ORDER)
        .one("escape", escape)
        .add_to(host);
}

fn escape(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    if !text.contains(['&', '<', '>']) {
        return Ok(text);
    }
    Ok(escaped(&text).into())
}

/// Slack's three characters; Telegram's HTML has the same.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slack's rule, "escape & < > in this order, once", worked out by hand.
    const VECTORS: &[(&str, &str)] = &[
        ("a & b <!channel> *c*", "a &amp; b &lt;!channel&gt; *c*"),
        ("Tom & Jerry <b>", "Tom &amp; Jerry &lt;b&gt;"),
        ("&amp;", "&amp;amp;"),
        ("plain ünï", "plain ünï"),
        ("", ""),
    ];

    #[test]
    fn each_character_is_escaped_once() {
        for (text, expected) in VECTORS {
            assert_eq!(escape((*text).into()).unwrap(), *expected);
        }
    }
}
