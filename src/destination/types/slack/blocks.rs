//! Judges the blocks of a Slack message by the limits of the Block Kit reference. Interactive
//! elements and the blocks that a tracking message never has are only checked for their type.

use serde_json::{Map, Value};

const MAX_BLOCKS: usize = 50;
const MAX_BLOCK_ID: usize = 255;
const MAX_SECTION_TEXT: usize = 3000;
const MAX_FIELDS: usize = 10;
const MAX_FIELD_TEXT: usize = 2000;
const MAX_HEADER_TEXT: usize = 150;
const MAX_CONTEXT_ELEMENTS: usize = 10;
/// The reference gives no limit for a text in a context block but that of any text object.
const MAX_CONTEXT_TEXT: usize = 3000;
const MAX_ACTIONS: usize = 25;
const MAX_IMAGE_URL: usize = 3000;
const MAX_ALT_TEXT: usize = 2000;

/// Blocks that are let through as they are.
const UNJUDGED: [&str; 8] = [
    "divider",
    "file",
    "input",
    "markdown",
    "rich_text",
    "table",
    "video",
    "call",
];

/// Everything that is wrong, each with the place of it, as Slack writes it; nothing if all is well.
pub(super) fn problems(blocks: &[Value]) -> Vec<String> {
    let mut problems = Problems::default();
    if blocks.len() > MAX_BLOCKS {
        problems.add(
            "/blocks",
            format!("no more than {MAX_BLOCKS} items allowed"),
        );
        return problems.0;
    }
    for (index, block) in blocks.iter().enumerate() {
        let place = format!("/blocks/{index}");
        match block {
            Value::Object(block) => check(block, &place, &mut problems),
            _ => problems.add(&place, "must be an object"),
        }
    }
    problems.0
}

type Block = Map<String, Value>;

fn check(block: &Block, place: &str, problems: &mut Problems) {
    if let Some(id) = block.get("block_id") {
        check_length(id, 1, MAX_BLOCK_ID, &format!("{place}/block_id"), problems);
    }
    match block.get("type").and_then(Value::as_str) {
        Some("section") => check_section(block, place, problems),
        Some("header") => {
            let place = format!("{place}/text");
            check_text(
                block.get("text"),
                &["plain_text"],
                MAX_HEADER_TEXT,
                &place,
                problems,
            );
        }
        Some("context") => check_context(block, place, problems),
        Some("image") => check_image(block, place, problems),
        Some("actions") => {
            list(block, "elements", MAX_ACTIONS, place, problems);
        }
        Some(kind) if UNJUDGED.contains(&kind) => {}
        Some(kind) => problems.add(place, format!("unsupported type: {kind}")),
        None => problems.add(place, "missing required field: type"),
    }
}

fn check_section(block: &Block, place: &str, problems: &mut Problems) {
    if block.get("text").is_none() && block.get("fields").is_none() {
        return problems.add(place, "missing required field: text or fields");
    }
    if let Some(text) = block.get("text") {
        let place = format!("{place}/text");
        check_text(
            Some(text),
            &["plain_text", "mrkdwn"],
            MAX_SECTION_TEXT,
            &place,
            problems,
        );
    }
    if block.get("fields").is_some() {
        for (index, field) in list(block, "fields", MAX_FIELDS, place, problems)
            .iter()
            .enumerate()
        {
            let place = format!("{place}/fields/{index}");
            check_text(
                Some(field),
                &["plain_text", "mrkdwn"],
                MAX_FIELD_TEXT,
                &place,
                problems,
            );
        }
    }
}

fn check_context(block: &Block, place: &str, problems: &mut Problems) {
    for (index, element) in list(block, "elements", MAX_CONTEXT_ELEMENTS, place, problems)
        .iter()
        .enumerate()
    {
        let place = format!("{place}/elements/{index}");
        match element {
            Value::Object(image) if element["type"] == "image" => {
                check_image(image, &place, problems)
            }
            _ => {
                let kinds = ["plain_text", "mrkdwn"];
                check_text(Some(element), &kinds, MAX_CONTEXT_TEXT, &place, problems);
            }
        }
    }
}

fn check_image(image: &Block, place: &str, problems: &mut Problems) {
    match image.get("alt_text") {
        None => problems.add(place, "missing required field: alt_text"),
        Some(text) => check_length(
            text,
            1,
            MAX_ALT_TEXT,
            &format!("{place}/alt_text"),
            problems,
        ),
    }
    match (image.get("image_url"), image.get("slack_file")) {
        (Some(url), _) => check_length(
            url,
            1,
            MAX_IMAGE_URL,
            &format!("{place}/image_url"),
            problems,
        ),
        (None, Some(_)) => {}
        (None, None) => problems.add(place, "missing required field: image_url or slack_file"),
    }
}

fn check_text(
    text: Option<&Value>,
    kinds: &[&str],
    most: usize,
    place: &str,
    problems: &mut Problems,
) {
    let Some(text) = text else {
        return problems.add(place, "missing required field: text");
    };
    if !kinds.iter().any(|kind| text["type"] == *kind) {
        return problems.add(place, format!("type must be {}", kinds.join(" or ")));
    }
    check_length(&text["text"], 1, most, &format!("{place}/text"), problems);
}

/// Slack counts characters, not bytes.
fn check_length(text: &Value, least: usize, most: usize, place: &str, problems: &mut Problems) {
    let Some(text) = text.as_str() else {
        return problems.add(place, "must be a string");
    };
    let length = text.chars().count();
    if length < least {
        problems.add(place, format!("must be more than {} characters", least - 1));
    }
    if length > most {
        problems.add(place, format!("must be less than {} characters", most + 1));
    }
}

/// The items of a list that must have between 1 and `most` of them; none if it has not.
fn list<'a>(
    block: &'a Block,
    field: &str,
    most: usize,
    place: &str,
    problems: &mut Problems,
) -> &'a [Value] {
    let place = format!("{place}/{field}");
    let items = match block.get(field) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => {
            problems.add(&place, "must be an array");
            return &[];
        }
    };
    if items.is_empty() {
        problems.add(&place, "no less than 1 items allowed");
    }
    if items.len() > most {
        problems.add(&place, format!("no more than {most} items allowed"));
        return &[];
    }
    items
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{what} [json-pointer:{place}]"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::problems;

    fn section(text: &str) -> Value {
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
    }

    #[test]
    fn limits_may_be_reached_and_not_passed() {
        assert_eq!(problems(&vec![json!({ "type": "divider" }); 50]), [""; 0]);
        assert_eq!(
            problems(&vec![json!({ "type": "divider" }); 51]),
            ["no more than 50 items allowed [json-pointer:/blocks]"]
        );
        assert_eq!(problems(&[section(&"é".repeat(3000))]), [""; 0]);
        assert_eq!(
            problems(&[section(&"é".repeat(3001))]),
            ["must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]
        );
        let fields = |count, length| {
            let field = json!({ "type": "mrkdwn", "text": "x".repeat(length) });
            problems(&[json!({ "type": "section", "fields": vec![field; count] })])
        };
        assert_eq!(fields(10, 2000), [""; 0]);
        assert_eq!(
            fields(11, 1),
            ["no more than 10 items allowed [json-pointer:/blocks/0/fields]"]
        );
        assert_eq!(
            fields(1, 2001),
            ["must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"]
        );
    }

    #[test]
    fn each_kind_of_block_has_its_own_rules() {
        let cases = [
            (
                json!({}),
                "missing required field: type [json-pointer:/blocks/0]",
            ),
            (
                json!({ "type": "poem" }),
                "unsupported type: poem [json-pointer:/blocks/0]",
            ),
            (
                json!({ "type": "section" }),
                "missing required field: text or fields [json-pointer:/blocks/0]",
            ),
            (
                json!({ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }),
                "type must be plain_text [json-pointer:/blocks/0/text]",
            ),
            (
                json!({ "type": "header", "text": { "type": "plain_text", "text": "x".repeat(151) } }),
                "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
            ),
            (
                json!({ "type": "context", "elements": [] }),
                "no less than 1 items allowed [json-pointer:/blocks/0/elements]",
            ),
            (
                json!({ "type": "image", "image_url": "https://example.com/a.png" }),
                "missing required field: alt_text [json-pointer:/blocks/0]",
            ),
            (
                json!({ "type": "actions" }),
                "must be an array [json-pointer:/blocks/0/elements]",
            ),
            (
                section(""),
                "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
            ),
            (
                json!("divider"),
                "must be an object [json-pointer:/blocks/0]",
            ),
        ];
        for (block, problem) in cases {
            assert_eq!(problems(&[block]), [problem]);
        }
    }
}
