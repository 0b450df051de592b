//! All host functions, made once for all engines: those with a bare name as one module, and one for each
//! namespace.
//!
//! An engine that runs scripts has no namespaces of its own: each script is given those that it uses (see
//! `ready`). Rhai goes through all modules that an engine knows for what is in none of them, and for
//! each call of a closure asks that twice: with all namespaces a tag with a closure took 8 % longer.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rhai::{Engine, Module, Shared};

use super::TOPICS;
use super::direct::Direct;

/// Host functions by namespace.
#[derive(Default)]
pub struct Host {
    bare: Module,
    namespaces: BTreeMap<&'static str, Shared<Module>>,
    /// By namespace, name and number of arguments.
    direct: BTreeMap<&'static str, BTreeMap<(String, usize), Direct>>,
}

impl Host {
    /// What all scripts have.
    pub fn of_all() -> &'static Self {
        static ALL: OnceLock<Host> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut host = Self::default();
            for topic in TOPICS {
                (topic.register)(&mut host);
            }
            host
        })
    }

    /// The functions that are called by their bare name.
    pub fn bare(&self) -> &Module {
        &self.bare
    }

    /// The functions of a namespace.
    pub fn namespace(&self, name: &str) -> Option<&Shared<Module>> {
        self.namespaces.get(name)
    }

    /// A function as compiled scripts call it. The namespace is empty for one with a bare name.
    pub fn direct(&self, namespace: &str, name: &str, takes: usize) -> Option<&Direct> {
        self.direct.get(namespace)?.get(&(name.to_owned(), takes))
    }

    /// Makes all namespaces known to an engine.
    pub fn register_namespaces(&self, engine: &mut Engine) {
        for (name, module) in &self.namespaces {
            engine.register_static_module(*name, module.clone());
        }
    }

    /// What a topic adds to.
    pub(super) fn bare_mut(&mut self) -> &mut Module {
        &mut self.bare
    }

    /// Adds functions: under a namespace, or with their bare name if that is empty.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        mut module: Module,
        direct: BTreeMap<(String, usize), Direct>,
    ) {
        self.direct.entry(name).or_default().extend(direct);
        if name.is_empty() {
            self.bare.combine(module);
            return;
        }
        module.build_index();
        self.namespaces.insert(name, module.into());
    }

    /// An engine of Rhai's own with the functions of one topic.
    #[cfg(test)]
    pub(super) fn engine_with(register: fn(&mut Self)) -> Engine {
        let mut host = Self::default();
        register(&mut host);
        let mut engine = Engine::new();
        host.register_namespaces(&mut engine);
        engine.register_global_module(host.bare.into());
        engine
    }
}
