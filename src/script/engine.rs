//! Builds the Rhai engine: chosen packages, our limits, nothing that reaches outside the script.
//!
//! There is one engine per script thread, because one that is shared does not scale (85k against
//! 147k tags a second on two threads).

use std::sync::OnceLock;

use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, Module, Shared};

use super::api::Host;
use super::frame::{self, Level};
use super::{builtins, closures, limits, request_view};

/// An engine that knows everything that a script may use: to compile and to judge scripts.
pub(super) fn build() -> Engine {
    let mut engine = build_to_run();
    Host::of_all().register_namespaces(&mut engine);
    engine
}

/// An engine to run scripts that bring the namespaces which they use. There is no way to load modules:
/// imports were resolved when the script was compiled.
pub(super) fn build_to_run() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(packages());
    engine.set_module_resolver(rhai::module_resolvers::DummyModuleResolver::new());
    set_limits(&mut engine);
    disable_what_escapes(&mut engine);
    builtins::replace(&mut engine);
    closures::replace(&mut engine);
    request_view::register(&mut engine);
    engine
}

/// Rhai's packages and our own functions with a bare name in one module, as a function is looked for in
/// one module after the other. Made once: it is most of what an engine takes, and the same for all.
fn packages() -> Shared<Module> {
    static PACKAGES: OnceLock<Shared<Module>> = OnceLock::new();
    let packages = PACKAGES.get_or_init(|| {
        let mut all = Module::new();
        CorePackage::init(&mut all);
        LogicPackage::init(&mut all);
        BasicMathPackage::init(&mut all);
        BasicArrayPackage::init(&mut all);
        BasicMapPackage::init(&mut all);
        MoreStringPackage::init(&mut all);
        all.merge(Host::of_all().bare());
        // Rhai would look through a list of them for each function that a call needs, hashing
        // every one: with this a script costs less than half.
        all.register_lazy_functions();
        all.build_index();
        all.into()
    });
    packages.clone()
}

fn set_limits(engine: &mut Engine) {
    engine
        .set_strict_variables(true)
        // The way to the function that the host calls counts for two more.
        .set_max_call_levels(limits::CALL_LEVELS + 2)
        .set_max_string_size(limits::STRING_BYTES)
        .set_max_array_size(limits::ARRAY_ITEMS)
        .set_max_map_size(limits::MAP_KEYS)
        .set_max_variables(limits::VARIABLES)
        .set_max_functions(limits::FUNCTIONS)
        .set_max_modules(limits::MODULES)
        .set_max_expr_depths(limits::EXPRESSION_DEPTH, limits::EXPRESSION_DEPTH);
    // Called before every operation, inside callbacks too; Rhai's own count of operations is not.
    engine.on_progress(|_| frame::step().map(Dynamic::from));
    engine.on_print(|text| frame::log(Level::Info, text));
    engine.on_debug(|text, _, _| frame::log(Level::Debug, text));
}

/// `eval` makes code that nobody read; `curry` lets a value of a few bytes grow to gigabytes.
fn disable_what_escapes(engine: &mut Engine) {
    engine.disable_symbol("eval").disable_symbol("curry");
}
