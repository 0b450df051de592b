//! The reference of host functions as Markdown: a section of docs/scripting.md.

use crate::script::api::Topic;

pub(super) fn reference(topics: &[&Topic]) -> String {
    let mut text = String::new();
    for topic in topics {
        let name = match topic.name {
            "" => "Everywhere".to_owned(),
            name => format!("`{name}::`"),
        };
        text.push_str(&format!("### {name}\n\n{}\n\n", topic.about));
        for function in topic.functions {
            text.push_str(&format!(
                "* **`{}`** {}\n",
                function.signature, function.about
            ));
            text.push_str(&format!("  ```\n  {}\n  ```\n", function.example.trim()));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::reference;
    use crate::config::{Environment, SystemEnvironment};
    use crate::script::api::TOPICS;

    const BEGIN: &str = "<!-- written by `BLESS=1 cargo test docs::markdown` -->\n\n";
    const END: &str = "<!-- end of what is written -->";

    #[test]
    fn the_reference_in_the_docs_is_that_of_the_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scripting.md");
        let text = std::fs::read_to_string(file).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (written, after) = rest.split_once(END).unwrap();
        let topics: Vec<_> = TOPICS.iter().collect();
        let expected = reference(&topics);
        if SystemEnvironment.variable("BLESS").is_some() {
            std::fs::write(file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
            return;
        }
        assert!(
            written == expected,
            "BLESS=1 cargo test docs::markdown writes it anew"
        );
    }
}
