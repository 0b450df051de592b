//! The reference of host functions, and the tables of header constants, as Markdown: they stand in
//! docs/scripting.md.

use crate::script::Constants;
use crate::script::api::Topic;

pub(super) fn table(constants: &[Constants]) -> String {
    let mut text = "| constant | default | meaning |\n|---|---|---|\n".to_owned();
    for row in constants {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        text.push_str(&format!("| {names} | {} | {} |\n", row.default, row.about));
    }
    text
}

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
    use super::{reference, table};
    use crate::cli::docs::KINDS;
    use crate::client::{self, Surroundings};
    use crate::config::{Environment, SystemEnvironment};
    use crate::script::api::TOPICS;
    use crate::script::{Compiler, Constants, Fault, Script};
    use crate::{tag, transform};

    const BEGIN: &str = "<!-- written by `BLESS=1 cargo test docs::markdown` -->\n\n";
    const WRITTEN: &str = "written by `BLESS=1 cargo test docs::markdown`";
    const END: &str = "<!-- end of what is written -->";

    #[test]
    fn the_reference_in_the_docs_is_that_of_the_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scripting.md");
        let text = std::fs::read_to_string(file).unwrap();
        let topics: Vec<_> = TOPICS.iter().collect();
        let mut expected = with(&text, BEGIN, &reference(&topics), END);
        for (kind, _, constants) in KINDS {
            let begin = format!("<!-- {kind} constants, {WRITTEN} -->\n\n");
            let table = format!("{}\n", table(constants));
            expected = with(&expected, &begin, &table, "<!-- end of the constants -->");
        }
        if SystemEnvironment.variable("BLESS").is_some() {
            std::fs::write(file, expected).unwrap();
            return;
        }
        assert!(
            text == expected,
            "BLESS=1 cargo test docs::markdown writes it anew"
        );
    }

    /// A text with other words between two marks.
    fn with(text: &str, begin: &str, between: &str, end: &str) -> String {
        let (before, rest) = text.split_once(begin).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        format!("{before}{begin}{between}{end}{after}")
    }

    /// What is said of a constant that has this value.
    fn faults(load: &dyn Fn(Script) -> Vec<Fault>, name: &str, value: &str) -> Vec<Fault> {
        let source = format!("const {name} = {value};\nfn f() {{ }}\n");
        let script = Compiler::new("shared".as_ref()).compile("a", "a.rhai", &source);
        load(script.unwrap())
    }

    #[test]
    fn each_constant_in_the_tables_is_read() {
        let environment = SystemEnvironment;
        let surroundings = Surroundings {
            max_body: 1,
            base: "".as_ref(),
            environment: &environment,
        };
        let client = |script| {
            client::load(script, &surroundings)
                .err()
                .unwrap_or_default()
        };
        let tag = |script| tag::load(script).err().unwrap_or_default();
        let transform = |script| transform::load(script).err().unwrap_or_default();
        let loads: [&dyn Fn(Script) -> Vec<Fault>; 3] = [&client, &tag, &transform];
        for (load, (kind, _, constants)) in loads.into_iter().zip(KINDS) {
            let names = constants.iter().flat_map(|row: &Constants| row.names);
            for name in names {
                // None of them takes both of these.
                let both = ["#{ surely_unknown: 1 }", "1.5"];
                let wrong = both.iter().any(|value| {
                    let faults = faults(load, name, value);
                    faults
                        .iter()
                        .any(|fault| fault.message.starts_with(&format!("{name}: ")))
                });
                assert!(wrong, "nobody reads {name} of a {kind}");
            }
        }
    }
}
