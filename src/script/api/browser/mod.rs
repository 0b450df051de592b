//! `browser::`: the script that web pages load, for a client to hand out. It is `tagwerk.js` beside
//! this file, without the comments and indentation that browsers need not be sent.

use std::sync::LazyLock;

use rhai::{Blob, ImmutableString};

use super::host::Host;
use super::namespace::Namespace;
use super::{Function, Topic, hash};
use crate::request::pack;

pub(super) const TOPIC: Topic = Topic {
    name: "browser",
    about: "The script that web pages load.",
    functions: &[
        Function {
            signature: "browser::script() -> text",
            about: "What `GET /tagwerk.js` answers: it sends what a page pushes to its `dataLayer`.",
            example: r#"browser::script().contains("dataLayer")"#,
        },
        Function {
            signature: "browser::script_gzip() -> blob",
            about: "The same, packed with gzip: a third of the bytes, for browsers that take it.",
            example: "browser::script_gzip().len() * 2 < browser::script().len()",
        },
        Function {
            signature: "browser::script_tag() -> text",
            about: "A text that changes when the script does, for an `ETag`.",
            example: r#"browser::script_tag().starts_with("\"") && browser::script_tag().len() == 18"#,
        },
    ],
    register,
};

const SOURCE: &str = include_str!("tagwerk.js");

/// Lines at the top that say what it is and whose.
const TITLE_LINES: usize = 2;

static SCRIPT: LazyLock<ImmutableString> = LazyLock::new(|| shortened(SOURCE).into());

static PACKED: LazyLock<Blob> = LazyLock::new(|| pack(SCRIPT.as_bytes()));

static TAG: LazyLock<ImmutableString> = LazyLock::new(|| {
    let hash = hash::sha256_hex(&SCRIPT);
    format!("\"{}\"", hash.get(..16).unwrap_or_default()).into()
});

fn register(host: &mut Host) {
    Namespace::new(TOPIC.name)
        .zero("script", || SCRIPT.clone())
        .zero("script_gzip", || PACKED.clone())
        .zero("script_tag", || TAG.clone())
        .add_to(host);
}

/// Leaves out lines that are comments, and indentation. The script has no text over several lines.
fn shortened(source: &str) -> String {
    let lines = source.lines().map(str::trim).enumerate();
    let is_kept = |number: usize, line: &str| {
        number < TITLE_LINES || !(line.is_empty() || line.starts_with("//"))
    };
    lines
        .filter(|(number, line)| is_kept(*number, line))
        .flat_map(|(_, line)| [line, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_small_and_says_what_it_is() {
        assert!(SCRIPT.starts_with("// Tagwerk: "));
        assert!(SCRIPT.len() < 11_000, "{} bytes", SCRIPT.len());
        assert!(PACKED.len() < 4_000, "{} bytes", PACKED.len());
        assert_eq!(SCRIPT.matches("\n//").count(), TITLE_LINES - 1);
        assert!(!SOURCE.contains("/*"), "only whole lines are left out");
        assert!(SCRIPT.ends_with("})();\n"));
    }
}
