//! `slack::`: user data inside Slack messages. Sending is the destination's.

use rhai::{Dynamic, Engine, ImmutableString};

use super::argument;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "slack",
    about: "Text for Slack messages.",
    functions: &[Function {
        signature: "slack::escape(text) -> text",
        about: "Makes `&`, `<` and `>` harmless, so that a customer who calls himself \
                `<!channel>` wakes nobody. Once only: escaping twice shows `&amp;` to readers.",
        example: r#"slack::escape("Tom & <!channel>") == "Tom &amp; &lt;!channel&gt;""#,
    }],
    register,
};

fn register(engine: &mut Engine) {
    Namespace::new(TOPIC.name)
        .one("escape", escape)
        .register(engine);
}

fn escape(text: Dynamic) -> Result<ImmutableString, Problem> {
    let text = argument::text("text", text)?;
    if !text.contains(['&', '<', '>']) {
        return Ok(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    Ok(escaped.into())
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
