//! Warns about keys and tokens that stand in the configuration itself, from where they get into
//! version control. What keys look like is in `shapes`.

use super::section::Section;
use super::shapes::looks_like;

/// Warns about each text of the section that looks like a real key.
pub(super) fn warn(destination: &str, section: &mut Section) {
    for (key, at, text) in section.literals() {
        let Some(kind) = looks_like(&key, &text) else {
            continue;
        };
        let variable = variable_name(destination, &key);
        let message = format!("`{}` holds what looks like {kind}", key.escape_default());
        let hint = format!("write ${{{variable}}} and set that variable, or ${{file:PATH}}");
        section.warning_at(Some(at), message, Some(hint));
    }
}

/// `CRM_AUTHORIZATION` for the header `Authorization` of the destination `crm`.
fn variable_name(destination: &str, key: &str) -> String {
    let name = format!("{destination}_{key}").to_uppercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::variable_name;

    #[test]
    fn the_hint_names_a_variable_that_can_be_set() {
        assert_eq!(variable_name("my-crm", "X-Api-Key"), "MY_CRM_X_API_KEY");
    }
}
