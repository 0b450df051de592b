//! Names that a script is for: written out, as regular expressions between slashes, or all.

use regex::Regex;

use super::regex_mistake;

/// Names of events or of tags.
#[derive(Clone, Debug)]
pub struct Names {
    any: bool,
    plain: Vec<String>,
    patterns: Vec<Regex>,
}

impl Names {
    /// All names.
    pub fn any() -> Self {
        Self {
            any: true,
            plain: Vec::new(),
            patterns: Vec::new(),
        }
    }

    /// Reads `"name"`, `"/regex/"` and `"*"`.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(names: &[String]) -> Result<Self, String> {
        let mut read = Self {
            any: false,
            ..Self::any()
        };
        if names.is_empty() {
            return Err("no name, so it is for nothing".to_owned());
        }
        for name in names {
            let pattern = name
                .strip_prefix('/')
                .and_then(|rest| rest.strip_suffix('/'));
            match pattern.filter(|pattern| !pattern.is_empty()) {
                Some(pattern) => {
                    let pattern = Regex::new(pattern).map_err(|error| {
                        format!(
                            "{name} is not a regular expression: {}",
                            regex_mistake(&error)
                        )
                    })?;
                    read.patterns.push(pattern);
                }
                None if name == "*" => read.any = true,
                None if name.is_empty() => return Err("a name is empty".to_owned()),
                None => read.plain.push(name.clone()),
            }
        }
        Ok(read)
    }

    /// True if this is one of them.
    pub fn matches(&self, name: &str) -> bool {
        self.any
            || self.plain.iter().any(|plain| plain == name)
            || self.patterns.iter().any(|pattern| pattern.is_match(name))
    }

    /// Those that are written out.
    pub fn plain(&self) -> &[String] {
        &self.plain
    }
}
