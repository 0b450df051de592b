//! What Google's debug server says of a message of the Measurement Protocol, as a script gets it. What is
//! judged is the destination's: the two must not differ.

use rhai::{Array, Dynamic, Map};

use crate::destination::{Ga4Problem, ga4_problems};
use crate::script::api::keys::text;
use crate::script::json::map_to_json;

/// So many problems are told; whoever has more has enough to mend.
const MAX_PROBLEMS: usize = 20;

/// Everything that is wrong with a message.
pub(super) fn problems(message: &Map) -> Result<Array, String> {
    let json = map_to_json(message)?;
    let message = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let found = ga4_problems(&message);
    Ok(found.iter().take(MAX_PROBLEMS).map(told).collect())
}

fn told(problem: &Ga4Problem) -> Dynamic {
    Dynamic::from_map(Map::from([
        ("fieldPath".into(), text(&problem.path)),
        ("description".into(), text(&problem.why)),
        ("validationCode".into(), text(problem.code)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::json::parse_json;

    fn codes(json: &str) -> Vec<String> {
        let message: Map = parse_json(json.as_bytes()).unwrap().cast();
        let problems = problems(&message).unwrap().into_iter();
        let problems = problems.map(|problem| problem.cast::<Map>());
        problems
            .map(|problem| format!("{} {}", problem["fieldPath"], problem["validationCode"]))
            .collect()
    }

    #[test]
    fn problems_are_named_as_google_names_them() {
        let many = format!(
            r#"{{"client_id":"1","events":[{}]}}"#,
            [r#"{"name":"a"}"#; 26].join(",")
        );
        for (message, expected) in [
            (
                r#"{"client_id":"1.2","events":[{"name":"sign_up","params":{"method":"mail"}}]}"#,
                &[][..],
            ),
            (
                r#"{"app_instance_id":"a","events":[{"name":"a","params":{"ga_session_id":1}}]}"#,
                &[],
            ),
            ("{}", &["client_id VALUE_REQUIRED", "events VALUE_REQUIRED"]),
            (
                r#"{"client_id":"1","events":{}}"#,
                &["events VALUE_REQUIRED"],
            ),
            (
                r#"{"client_id":"1","events":[1,{"name":1},{}]}"#,
                &[
                    "events[0] VALUE_INVALID",
                    "events[1].name VALUE_REQUIRED",
                    "events[2].name VALUE_REQUIRED",
                ],
            ),
            (
                r#"{"client_id":"1","events":[{"name":"sign up"},{"name":"session_start"},{"name":"ga_x"}]}"#,
                &[
                    "events[0].name NAME_INVALID",
                    "events[1].name NAME_RESERVED",
                    "events[2].name NAME_RESERVED",
                ],
            ),
            (
                r#"{"client_id":"1","events":[{"name":"a","params":{"1x":1}},{"name":"b","params":[]}]}"#,
                &[
                    "events[0].params.1x NAME_INVALID",
                    "events[1].params VALUE_INVALID",
                ],
            ),
            (
                r#"{"client_id":"1","user_properties":[],"events":[{"name":"a"}]}"#,
                &["user_properties VALUE_INVALID"],
            ),
            (&many, &["events EXCEEDED_MAX_ENTITIES"]),
        ] {
            assert_eq!(codes(message), expected, "{message}");
        }
    }

    #[test]
    fn problems_are_bounded() {
        let events = vec!["1"; 500].join(",");
        let message = format!(r#"{{"client_id":"1","events":[{events}]}}"#);
        assert_eq!(codes(&message).len(), MAX_PROBLEMS);
    }
}
