//! Making host functions. A host function is a plain Rust function from
//! [`Dynamic`] arguments to a value or a [`Problem`]; its name and the place of the call are put
//! into the error here, since Rhai leaves them out of errors from namespaced functions.

use std::collections::BTreeMap;
use std::fmt;

use rhai::{Dynamic, EvalAltResult, FuncRegistration, Module, NativeCallContext};

use super::argument::wrong;
use super::direct::{self, Direct};
use super::host::Host;
use super::mapping::Mapping;
use crate::script::request_view::{RequestView, bad_body};

/// What is wrong with a call, for whoever wrote the script. The function's name is added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem(pub(super) String);

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Problem {
    #[cold]
    fn of(self, name: &str, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
        let message = format!("{name}: {}", self.0);
        EvalAltResult::ErrorRuntime(message.into(), context.call_position()).into()
    }
}

/// Why a sender's request cannot be read, for the sender.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

/// The functions of one topic on their way to scripts.
pub(super) struct Namespace {
    /// Empty for functions that are called by their bare name.
    name: &'static str,
    module: Module,
    /// The same again for compiled scripts, by name and number of arguments.
    direct: BTreeMap<(String, usize), Direct>,
}

impl Namespace {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            module: Module::new(),
            direct: BTreeMap::new(),
        }
    }

    /// Adds a function of no argument. All that it can read is the call's frame, so the optimizer
    /// may not call it beforehand.
    pub(super) fn zero<R: Clone + Send + Sync + 'static>(
        mut self,
        name: &str,
        function: fn() -> R,
    ) -> Self {
        FuncRegistration::new(name)
            .with_volatility(true)
            .set_into_module(&mut self.module, function);
        self.directly(name, 0, direct::zero(function))
    }

    /// Adds a function that is called for what it does and cannot fail.
    pub(super) fn effect(
        mut self,
        name: &str,
        function: impl Fn(Dynamic) + Copy + Send + Sync + 'static,
    ) -> Self {
        FuncRegistration::new(name)
            .with_volatility(true)
            .set_into_module(&mut self.module, function);
        self.directly(
            name,
            1,
            direct::one(move |a| {
                function(a);
                Some(())
            }),
        )
    }

    /// Adds a function of one argument.
    pub(super) fn one<R: Clone + Send + Sync + 'static>(
        mut self,
        name: &str,
        function: fn(Dynamic) -> Result<R, Problem>,
    ) -> Self {
        let full = self.qualified(name);
        self.module
            .set_native_fn(name, move |context: NativeCallContext<'_>, a: Dynamic| {
                function(a).map_err(|problem| problem.of(&full, &context))
            });
        self.directly(name, 1, direct::one(move |a| function(a).ok()))
    }

    /// Adds a function of an event that a table describes.
    pub(super) fn mapping(mut self, mapping: &'static Mapping) -> Self {
        let full = self.qualified(mapping.name());
        self.module.set_native_fn(
            mapping.name(),
            move |context: NativeCallContext<'_>, event: Dynamic| {
                let payload = mapping.apply(event);
                payload.map_err(|problem| problem.of(&full, &context))
            },
        );
        self.directly(
            mapping.name(),
            1,
            direct::one(move |event| mapping.apply(event).ok()),
        )
    }

    /// Adds a function of the request. What it does not like is the sender's mistake, and answered 400.
    pub(super) fn of_request<R: Clone + Send + Sync + 'static>(
        mut self,
        name: &str,
        function: fn(&RequestView) -> Result<R, Refusal>,
    ) -> Self {
        let full = self.qualified(name);
        self.module
            .set_native_fn(name, move |context: NativeCallContext<'_>, a: Dynamic| {
                let Some(view) = a.read_lock::<RequestView>() else {
                    return Err(wrong("request", &a, "a request").of(&full, &context));
                };
                function(&view).map_err(|refusal| bad_body(refusal.0))
            });
        let read = move |a: Dynamic| function(&*a.read_lock::<RequestView>()?).ok();
        self.directly(name, 1, direct::one(read))
    }

    /// Adds a function of two arguments.
    pub(super) fn two<R: Clone + Send + Sync + 'static>(
        mut self,
        name: &str,
        function: fn(Dynamic, Dynamic) -> Result<R, Problem>,
    ) -> Self {
        let full = self.qualified(name);
        self.module.set_native_fn(
            name,
            move |context: NativeCallContext<'_>, a: Dynamic, b: Dynamic| {
                function(a, b).map_err(|problem| problem.of(&full, &context))
            },
        );
        self.directly(name, 2, direct::two(move |a, b| function(a, b).ok()))
    }

    /// Adds a function of three arguments.
    pub(super) fn three<R: Clone + Send + Sync + 'static>(
        mut self,
        name: &str,
        function: fn(Dynamic, Dynamic, Dynamic) -> Result<R, Problem>,
    ) -> Self {
        let full = self.qualified(name);
        self.module.set_native_fn(
            name,
            move |context: NativeCallContext<'_>, a: Dynamic, b: Dynamic, c: Dynamic| {
                function(a, b, c).map_err(|problem| problem.of(&full, &context))
            },
        );
        self.directly(
            name,
            3,
            direct::three(move |a, b, c| function(a, b, c).ok()),
        )
    }

    /// Adds them to what scripts may call.
    pub(super) fn add_to(self, host: &mut Host) {
        host.add(self.name, self.module, self.direct);
    }

    fn directly(mut self, name: &str, takes: usize, function: Direct) -> Self {
        self.direct.insert((name.to_owned(), takes), function);
        self
    }

    fn qualified(&self, name: &str) -> String {
        match self.name {
            "" => name.to_owned(),
            namespace => format!("{namespace}::{name}"),
        }
    }
}
