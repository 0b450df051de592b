//! From Rhai's tree to our code. What it does not know how to do as Rhai does it, it leaves to Rhai: then
//! there is no code for that function, nor for those that call it.

mod call;
mod chain;
mod changed;
mod expression;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ImmutableString, ScriptFnMetadata, Stmt};

use super::code::{Function, Parameter, Slot};
use crate::script::{limits, outline};

/// Why there is none. Nobody needs to know more.
struct NotCovered;

type Lowered<T> = Result<T, NotCovered>;

/// A function as Rhai has it; closures are such, too.
struct Source {
    parameters: Vec<ImmutableString>,
    statements: Vec<Stmt>,
    is_public: bool,
}

/// A script, or a module that it imports, or one that such a module does.
struct Unit {
    /// By name and how many parameters they take.
    sources: BTreeMap<(ImmutableString, usize), Source>,
    /// What it calls other units.
    imports: BTreeMap<ImmutableString, usize>,
}

/// A function: the number of its unit, its name, and how many parameters it takes.
type Named = (usize, ImmutableString, usize);

/// All functions of a script and of its modules that can be compiled; the script's own first.
pub(super) fn functions(ast: &AST, module: &dyn Fn(&str) -> Option<AST>) -> Vec<Function> {
    let units = units(ast, module);
    let mut names = Vec::new();
    for (unit, sources) in units.iter().map(|unit| &unit.sources).enumerate() {
        let own = sources.keys().filter(|(name, _)| !is_closure(name));
        names.extend(own.map(|(name, takes)| (unit, name.clone(), *takes)));
    }
    loop {
        let compiled = names
            .iter()
            .map(|named| Lower::new(&units, &names, named).function());
        let compiled: Vec<Option<Function>> = compiled.map(Lowered::ok).collect();
        if compiled.iter().all(Option::is_some) {
            return compiled.into_iter().flatten().collect();
        }
        // Those that call one that is left to Rhai are left to it, too.
        let mut is_compiled = compiled.iter().map(Option::is_some);
        names.retain(|_| is_compiled.next().unwrap_or(false));
    }
}

fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}

fn units(ast: &AST, module: &dyn Fn(&str) -> Option<AST>) -> Vec<Unit> {
    let mut trees = vec![(ImmutableString::new(), ast.clone())];
    let mut units = Vec::new();
    while let Some((_, tree)) = trees.get(units.len()) {
        let tree = tree.clone();
        let mut imports = BTreeMap::new();
        for (name, alias) in outline::imports_at_the_top(&tree) {
            let known = trees.iter().position(|(known, _)| *known == name);
            let at = known.or_else(|| {
                trees.push((name.clone(), module(&name)?));
                Some(trees.len() - 1)
            });
            imports.extend(at.map(|at| (alias, at)));
        }
        let sources = sources(&tree);
        units.push(Unit { sources, imports });
    }
    units
}

fn sources(ast: &AST) -> BTreeMap<(ImmutableString, usize), Source> {
    let source = |found: ScriptFnMetadata<'_>| {
        let takes = found.params.len();
        let source = Source {
            parameters: found.params.iter().map(|name| (*name).into()).collect(),
            statements: outline::body(ast, found.name, takes),
            is_public: found.access.is_public(),
        };
        ((found.name.into(), takes), source)
    };
    ast.iter_functions().map(source).collect()
}

/// One function on its way.
struct Lower<'a> {
    units: &'a [Unit],
    /// The functions that have code: a call names one by its number.
    known: &'a [Named],
    named: &'a Named,
    /// Variables of this function that something changes.
    changed: BTreeSet<ImmutableString>,
    /// Variables in sight, the innermost last.
    names: Vec<(ImmutableString, Slot)>,
    /// How many slots are taken. None is taken twice.
    slots: usize,
}

impl<'a> Lower<'a> {
    fn new(units: &'a [Unit], known: &'a [Named], named: &'a Named) -> Self {
        Self {
            units,
            known,
            named,
            changed: BTreeSet::new(),
            names: Vec::new(),
            slots: 0,
        }
    }

    fn unit(&self) -> Lowered<&'a Unit> {
        self.units.get(self.named.0).ok_or(NotCovered)
    }

    fn function(mut self) -> Lowered<Function> {
        let (unit, name, takes) = self.named;
        let sources = &self.unit()?.sources;
        let source = sources.get(&(name.clone(), *takes)).ok_or(NotCovered)?;
        let closures = sources.iter().filter(|((name, _), _)| is_closure(name));
        let seeing = closures.map(|(_, closure)| closure).chain([source]);
        self.changed = changed::variables(seeing);
        let mut parameters = Vec::new();
        for name in &source.parameters {
            self.declare(name);
            let is_steady = self.is_steady(name);
            parameters.push(Parameter { is_steady });
        }
        let body = self.tail(&source.statements)?;
        if self.slots > limits::VARIABLES {
            return Err(NotCovered); // Rhai counts those in sight
        }
        Ok(Function {
            name: name.clone(),
            is_own: *unit == 0,
            parameters: parameters.into(),
            slots: self.slots,
            body,
        })
    }

    /// A variable that is in sight from here on.
    fn declare(&mut self, name: &ImmutableString) -> Slot {
        let slot = self.spare();
        self.names.push((name.clone(), slot));
        slot
    }

    /// A slot without a name.
    fn spare(&mut self) -> Slot {
        self.slots += 1;
        self.slots - 1
    }

    fn slot(&self, name: &str) -> Lowered<Slot> {
        let mut names = self.names.iter().rev();
        let found = names.find(|(known, _)| known.as_str() == name);
        found.map(|(_, slot)| *slot).ok_or(NotCovered)
    }

    fn is_steady(&self, name: &str) -> bool {
        !self.changed.contains(name)
    }

    /// What `inner` declares is out of sight afterwards.
    fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        let seen = self.names.len();
        let result = inner(self);
        self.names.truncate(seen);
        result
    }
}
