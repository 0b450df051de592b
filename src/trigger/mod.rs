//! The conditions under which a tag fires, as data and without running a script: event names,
//! `WHEN` and `EXCEPT`, `CONSENT`, `FROM` and `UNTIL`. Pure: an event in, a verdict out.

mod condition;
mod consent;
mod names;
mod never;

pub use condition::{Check, Condition, parse_conditions, regex_mistake};
pub use consent::{CONSENT_KINDS, ConsentCheck};
pub use names::Names;
pub use never::Never;

use crate::clock::Millis;
use crate::script::Map;

/// All conditions of one tag besides its event names, which an index answers.
#[derive(Debug, Default)]
pub struct Trigger {
    /// All must hold.
    pub when: Vec<Condition>,
    /// Any that holds blocks.
    pub except: Vec<Condition>,
    /// Kinds of consent that must be granted.
    pub consent: Vec<String>,
    /// Not before this time.
    pub from: Option<Millis>,
    /// Not from this time on.
    pub until: Option<Millis>,
}

/// Whether a trigger lets an event through, and if not, what stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The tag may run.
    Fires,
    /// A `WHEN` condition does not hold.
    Conditions,
    /// An `EXCEPT` condition holds.
    Exception,
    /// Consent is not granted.
    Consent,
    /// Outside `FROM` … `UNTIL`.
    Schedule,
}

impl Verdict {
    /// The word in traces.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Fires => "fires",
            Self::Conditions => "conditions",
            Self::Exception => "except",
            Self::Consent => "consent",
            Self::Schedule => "schedule",
        }
    }
}

/// Every condition with its actual value, for people who watch.
#[derive(Debug, Default)]
pub struct Explanation {
    /// `WHEN` and `EXCEPT`, in the order of their keys.
    pub checks: Vec<Check>,
    /// Present if the tag asks for consent.
    pub consent: Option<ConsentCheck>,
}

impl Trigger {
    /// Decides, and stops at the first condition that blocks.
    pub fn verdict(&self, event: &Map, at: Millis) -> Verdict {
        if !self.is_in_season(at) {
            return Verdict::Schedule;
        }
        if !self.when.iter().all(|condition| condition.holds(event)) {
            return Verdict::Conditions;
        }
        if self.except.iter().any(|condition| condition.holds(event)) {
            return Verdict::Exception;
        }
        if !self
            .consent
            .iter()
            .all(|kind| consent::is_granted(event, kind))
        {
            return Verdict::Consent;
        }
        Verdict::Fires
    }

    /// Looks at every condition, whatever the verdict.
    pub fn explain(&self, event: &Map) -> Explanation {
        let when = self
            .when
            .iter()
            .map(|condition| condition.check(event, false));
        let except = self
            .except
            .iter()
            .map(|condition| condition.check(event, true));
        let consent = (!self.consent.is_empty()).then(|| ConsentCheck::of(event, &self.consent));
        Explanation {
            checks: when.chain(except).collect(),
            consent,
        }
    }

    fn is_in_season(&self, at: Millis) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_json;

    fn map(json: &str) -> Map {
        parse_json(json.as_bytes()).unwrap().cast()
    }

    #[test]
    fn the_first_thing_that_blocks_is_the_reason() {
        let trigger = Trigger {
            when: parse_conditions(&map(r#"{"value":{"gte":100}}"#)).unwrap(),
            except: parse_conditions(&map(r#"{"test":true}"#)).unwrap(),
            consent: vec!["ad_storage".into()],
            from: Some(10),
            until: Some(20),
        };
        let cases = [
            (
                r#"{"value":100,"consent_state":{"ad_storage":true}}"#,
                10,
                Verdict::Fires,
            ),
            (r#"{"value":100,"x-ga-gcs":"G11-"}"#, 10, Verdict::Fires),
            (
                r#"{"value":99.9,"consent_state":{"ad_storage":true}}"#,
                10,
                Verdict::Conditions,
            ),
            (r#"{"value":"100.00","test":true}"#, 10, Verdict::Exception),
            (r#"{"value":100}"#, 10, Verdict::Consent),
            (r#"{"value":100,"x-ga-gcs":"G101"}"#, 10, Verdict::Consent),
            (r#"{"value":100}"#, 20, Verdict::Schedule),
            (r#"{"value":100}"#, 9, Verdict::Schedule),
        ];
        for (event, at, expected) in cases {
            assert_eq!(trigger.verdict(&map(event), at), expected, "{event}");
        }
        assert_eq!(trigger.explain(&map("{}")).checks.len(), 2);
    }
}
