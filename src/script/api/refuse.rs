//! `refuse`: how a client says that what it was sent is wrong, and why.

use rhai::{Dynamic, ImmutableString};

use super::argument;
use super::host::Host;
use super::namespace::{Namespace, Problem};
use super::{Function, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "",
    about: "Refusing a request, on purpose.",
    functions: &[Function {
        signature: "refuse(reason) -> Refuse",
        about: "What `parse` returns when the request is wrong: it is answered 400 with the reason \
                and nothing is kept, so its sender must mend it. It does not end the function: \
                write `return refuse(\"…\");`.",
        example: r#"type_of(refuse("a batch has at most 500 events")) == "Refuse""#,
    }],
    register,
};

/// What `refuse` gives, and the host finds as what a client made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// The script's own words, for the sender.
    pub reason: ImmutableString,
}

fn register(host: &mut Host) {
    host.bare_mut().set_custom_type::<Refuse>("Refuse");
    Namespace::new(TOPIC.name)
        .one("refuse", refuse)
        .add_to(host);
}

fn refuse(reason: Dynamic) -> Result<Refuse, Problem> {
    let reason = argument::text("reason", reason)?;
    Ok(Refuse { reason })
}
