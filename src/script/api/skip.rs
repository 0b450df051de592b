//! `skip`: how a tag says that it has nothing to send, and why.

use rhai::{Dynamic, FuncRegistration, ImmutableString, Map};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "",
    about: "Sending nothing, on purpose.",
    functions: &[Function {
        signature: "skip(reason) -> Skip",
        about: "What a tag returns when it has nothing to send; preview shows the reason. \
                It does not end the function: write `return skip(\"…\");`. What is added to it with \
                `+` changes nothing.",
        example: r#"type_of(skip("free order")) == "Skip""#,
    }],
    register,
};

/// What `skip` gives, and the host finds as a tag's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The script's own words.
    pub reason: ImmutableString,
}

fn register(host: &mut Host) {
    let bare = host.bare_mut();
    bare.set_custom_type::<Skip>("Skip");
    // So that `meta::event(event) + #{ … }` skips where there is nothing to add to.
    FuncRegistration::new("+").set_into_module(bare, |skip: Skip, _: Map| skip);
    Namespace::new(TOPIC.name).one("skip", skip).add_to(host);
}

fn skip(reason: Dynamic) -> Result<Skip, Problem> {
    let reason = argument::text("reason", reason)?;
    Ok(Skip { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_finds_the_reason() {
        let engine = Host::engine_with(register);
        let result: Dynamic = engine
            .eval(r#"fn tag(event) { if event.value == 0 { return skip("free order"); } event } tag(#{ value: 0 })"#)
            .unwrap();
        let skip = result.try_cast::<Skip>().unwrap();
        assert_eq!(skip.reason, "free order");
    }

    #[test]
    fn what_is_added_changes_nothing() {
        let engine = Host::engine_with(register);
        let result: Dynamic = engine.eval(r#"skip("nobody") + #{ a: 1 }"#).unwrap();
        assert_eq!(result.try_cast::<Skip>().unwrap().reason, "nobody");
    }
}
