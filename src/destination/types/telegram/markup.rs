//! How Telegram reads the markup of a message, for its stand-in, and in which words it refuses it. Of
//! MarkdownV2 only what must be escaped is looked at, as that is what people forget.

const TAGS: [&str; 16] = [
    "a",
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "i",
    "ins",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "tg-emoji",
    "tg-spoiler",
    "u",
];

/// The text without its tags, which must be known and closed in their order.
pub(super) fn plain_of_html(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        let at = text.len() - tag.len() - 1;
        rest = match tag.strip_prefix('/') {
            Some(tag) => end_tag(tag, at, &mut open)?,
            None => start_tag(tag, at, &mut open)?,
        };
    }
    plain.push_str(rest);
    match open.last() {
        Some(tag) => Err(format!(
            "Can't find end tag corresponding to start tag \"{tag}\""
        )),
        None => Ok(plain
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")),
    }
}

/// Opens a tag; what stands behind it.
fn start_tag<'a>(tag: &'a str, at: usize, open: &mut Vec<String>) -> Result<&'a str, String> {
    let unclosed = || format!("Unclosed start tag at byte offset {at}");
    let is_end = |letter: char| letter.is_whitespace() || letter == '>';
    let end = tag.find(is_end).ok_or_else(unclosed)?;
    let (name, rest) = tag.split_at(end);
    let name = name.to_lowercase();
    if !TAGS.contains(&name.as_str()) {
        return Err(format!(
            "Unsupported start tag \"{name}\" at byte offset {at}"
        ));
    }
    let (_, behind) = rest.split_once('>').ok_or_else(unclosed)?;
    open.push(name);
    Ok(behind)
}

/// Closes the tag that was opened last; what stands behind it.
fn end_tag<'a>(tag: &'a str, at: usize, open: &mut Vec<String>) -> Result<&'a str, String> {
    let (name, behind) = tag
        .split_once('>')
        .ok_or_else(|| format!("Unclosed end tag at byte offset {at}"))?;
    let Some(last) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {at}"));
    };
    let name = name.trim().to_lowercase();
    if name.is_empty() || name == last {
        return Ok(behind);
    }
    Err(format!(
        "Unmatched end tag at byte offset {at}, expected \"</{last}>\", found \"</{name}>\""
    ))
}

/// What stands for itself only behind a backslash, wherever it stands.
const ALWAYS_RESERVED: &str = "+-=#{}.";

/// Whether everything that has a meaning in MarkdownV2 has that, or is escaped.
pub(super) fn check_markdown(text: &str) -> Result<(), String> {
    let mut rest = text;
    let mut before = '\n';
    while let Some(letter) = rest.chars().next() {
        let (_, behind) = rest.split_at(letter.len_utf8());
        rest = match letter {
            '\\' => behind.get(1..).unwrap_or_default(), // only ASCII can be escaped
            '`' => behind_code(rest)?,
            '|' => behind.strip_prefix('|').ok_or_else(|| reserved('|'))?,
            '!' if !behind.starts_with('[') => return Err(reserved('!')),
            '>' if before != '\n' => return Err(reserved('>')),
            '(' if before == ']' => behind_link(behind)?,
            '(' | ')' => return Err(reserved(letter)),
            _ if ALWAYS_RESERVED.contains(letter) => return Err(reserved(letter)),
            _ => behind,
        };
        before = letter;
    }
    Ok(())
}

fn reserved(letter: char) -> String {
    format!("Character '{letter}' is reserved and must be escaped with the preceding '\\'")
}

/// Nothing in code is markup.
fn behind_code(text: &str) -> Result<&str, String> {
    let (fence, entity) = match text.starts_with("```") {
        true => ("```", "Pre"),
        false => ("`", "Code"),
    };
    let inside = text.strip_prefix(fence).unwrap_or_default();
    behind_unescaped(inside, fence).ok_or_else(|| format!("Can't find end of {entity} entity"))
}

fn behind_link(address: &str) -> Result<&str, String> {
    behind_unescaped(address, ")").ok_or_else(|| "Can't find end of a URL".to_owned())
}

/// What stands behind the first `end` that no backslash stands before.
fn behind_unescaped<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if !is_escaped && let Some(behind) = text.get(at..)?.strip_prefix(end) {
            return Some(behind);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_must_be_escaped_in_markdown_is() {
        for good in [
            "*bold* _it_ __u__ ~s~ ||spoiler|| [a](https://a.example/b.c?d=1)",
            "9\\.50 EUR \\(net\\)\\!",
            "`a.b!` ```rust\nfn a() {}\n```",
            ">quoted\n>more",
            "![👍](tg://emoji?id=1)",
            "\\\\ ä",
        ] {
            assert_eq!(check_markdown(good), Ok(()), "{good}");
        }
        for (bad, letter) in [
            ("9.50", '.'),
            ("a-b", '-'),
            ("#1", '#'),
            ("wow!", '!'),
            ("(x)", '('),
            ("x)", ')'),
            ("a | b", '|'),
            ("a > b", '>'),
            ("{a}", '{'),
        ] {
            assert_eq!(check_markdown(bad), Err(reserved(letter)), "{bad}");
        }
        assert!(check_markdown("`open").is_err() && check_markdown("[a](b").is_err());
    }

    #[test]
    fn tags_are_known_and_closed_in_their_order() {
        assert_eq!(
            plain_of_html("<b>1 &lt; <i>2</i></b> <a href=\"x\">y</a>").unwrap(),
            "1 < 2 y"
        );
        for (bad, why) in [
            ("a < b", "Unsupported start tag \"\" at byte offset 2"),
            ("ä<div>", "Unsupported start tag \"div\" at byte offset 2"),
            ("<b", "Unclosed start tag at byte offset 0"),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            (
                "<b>x</i>",
                "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
            ),
            (
                "<b>x",
                "Can't find end tag corresponding to start tag \"b\"",
            ),
        ] {
            assert_eq!(plain_of_html(bad).unwrap_err(), why, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), markup in "[<>/`\\\\!|()a-c\\[\\]ä]{0,20}") {
            for text in [text, markup] {
                plain_of_html(&text).ok();
                check_markdown(&text).ok();
            }
        }
    }
}
