//! `import "name" as x`, confined to the folder of shared modules: Rhai's own file resolver follows
//! `../x`, absolute paths and symbolic links to anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::branches::Branches;
use super::calls::{self, Besides};
use super::outline::{self, Offer};
use super::{Fault, limits};

/// Resolves module names to files of one folder. A name is parts of letters, digits, `_` and `-`,
/// with `/` between them; the file is `<folder>/<name>.rhai`. Cheap to clone.
#[derive(Clone)]
pub(super) struct SharedModules(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    branches: Option<Branches>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    loaded: BTreeMap<String, Loaded>,
    /// Modules that are being loaded, from the outermost inwards.
    loading: Vec<String>,
}

#[derive(Clone)]
struct Loaded {
    ast: AST,
    module: Shared<Module>,
}

type Resolved<T> = Result<T, Box<EvalAltResult>>;

/// The longest module name.
const MAX_NAME_BYTES: usize = 200;

impl SharedModules {
    pub(super) fn new(folder: &Path, branches: Option<Branches>) -> Self {
        Self(Arc::new(Inner {
            folder: folder.to_owned(),
            branches,
            state: Mutex::default(),
        }))
    }

    /// Loads all that a script imports, and what that imports in turn, so that what is wrong with
    /// it is known now. At run time nothing is loaded any more.
    pub(super) fn load_imports(&self, engine: &Engine, ast: &AST) -> Resolved<Vec<Offer>> {
        let mut offers = Vec::new();
        for (count, import) in outline::imports(ast).into_iter().enumerate() {
            if count == limits::MODULES {
                let message = format!("more than {} modules are imported", limits::MODULES);
                return refuse(
                    message,
                    "put what belongs together into one",
                    import.position,
                );
            }
            let Some(name) = import.name else {
                return refuse(
                    "the name of a module must be written out",
                    "write `import \"name\" as name;`",
                    import.position,
                );
            };
            let loaded = self.load(engine, &name, import.position)?;
            offers.push(Offer {
                alias: import.alias,
                functions: outline::functions(&loaded.ast),
            });
        }
        Ok(offers)
    }

    /// A module's file, as messages name it, and its text; nothing if there is none that can be read.
    pub(super) fn source_of(&self, name: &str) -> Option<(String, String)> {
        let shown = self.shown(name);
        let source = self.read(name, &shown, Position::NONE).ok()?;
        Some((shown, source))
    }

    /// The syntax tree of a module that was loaded.
    pub(super) fn tree(&self, name: &str) -> Option<AST> {
        let state = self.state();
        state.loaded.get(name).map(|loaded| loaded.ast.clone())
    }

    /// A syntax tree and those of all modules that it imports, and that these import in turn.
    pub(super) fn with_imports(&self, ast: &AST) -> Vec<AST> {
        let state = self.state();
        let mut seen = BTreeSet::new();
        let mut trees = vec![ast.clone()];
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            let names = outline::imports(tree)
                .into_iter()
                .filter_map(|import| import.name);
            let new: Vec<_> = names.filter(|name| seen.insert(name.clone())).collect();
            let loaded = new
                .iter()
                .filter_map(|name| state.loaded.get(name.as_str()));
            trees.extend(loaded.map(|loaded| loaded.ast.clone()));
            at += 1;
        }
        trees
    }

    /// What a script may be handed by the modules that it imports.
    pub(super) fn besides(&self, ast: &AST) -> Besides<'static> {
        Besides {
            functions: Vec::new(),
            trees: self.with_imports(ast),
        }
    }

    fn load(&self, engine: &Engine, name: &str, position: Position) -> Resolved<Loaded> {
        check_name(name, position)?;
        if let Some(loaded) = self.begin(name, position)? {
            return Ok(loaded);
        }
        let file = self.shown(name);
        let loaded = self.read(name, &file, position).and_then(|source| {
            self.compile(engine, &file, &source)
                .map_err(|error| EvalAltResult::ErrorInModule(file.clone(), error, position).into())
        });
        let mut state = self.state();
        state.loading.pop();
        let loaded: Loaded = loaded?;
        state.loaded.insert(name.to_owned(), loaded.clone());
        Ok(loaded)
    }

    fn begin(&self, name: &str, position: Position) -> Resolved<Option<Loaded>> {
        let mut state = self.state();
        if let Some(loaded) = state.loaded.get(name) {
            return Ok(Some(loaded.clone()));
        }
        if state.loading.iter().any(|loading| loading == name) {
            let circle = state.loading.join(" → ");
            return refuse(
                format!("modules import one another in a circle: {circle} → {name}"),
                "move what both need into a third module",
                position,
            );
        }
        state.loading.push(name.to_owned());
        Ok(None)
    }

    fn compile(&self, engine: &Engine, file: &str, source: &str) -> Resolved<Loaded> {
        let parsed = engine.compile(source);
        let mut ast = parsed.or_else(|error| {
            let (kind, position) = (error.err_type(), error.position());
            refuse_as(Fault::from_parse(file, source, kind, position))
        })?;
        ast.set_source(file);
        let offers = self.load_imports(engine, &ast)?;
        let besides = self.besides(&ast);
        if let Some(fault) = calls::wrong_calls(engine, file, &ast, &offers, &besides)
            .into_iter()
            .next()
        {
            return refuse_as(fault);
        }
        if let Some(branches) = &self.0.branches {
            ast = engine.compile(branches.note(file, source))?;
            ast.set_source(file);
        }
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine)?;
        Ok(Loaded {
            ast,
            module: module.into(),
        })
    }

    /// The module's text. Links are followed only to where the folder itself leads: the folder may
    /// be a link (Kubernetes mounts one), and what is in it must stay in it.
    fn read(&self, name: &str, shown: &str, position: Position) -> Resolved<String> {
        let refused = |why: String| {
            let hint = "modules are files of the shared folder, such as shared/helpers.rhai for \"helpers\"";
            refuse(format!("cannot import \"{name}\": {why}"), hint, position)
        };
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => refused(format!("there is no {shown}")),
            _ => refused(format!("{shown}: {error}")),
        };
        let file = self.0.folder.join(format!("{name}.rhai"));
        let real = match file.canonicalize() {
            Ok(real) => real,
            Err(error) => return unreadable(error),
        };
        let folder = self.0.folder.canonicalize();
        if !folder.is_ok_and(|folder| real.starts_with(folder)) {
            return refused(format!("{shown} leads out of the shared folder"));
        }
        match std::fs::metadata(&real) {
            Ok(found) if found.len() > limits::SCRIPT_BYTES => {
                return refused(format!(
                    "{shown} has more than {} bytes",
                    limits::SCRIPT_BYTES
                ));
            }
            Ok(_) => {}
            Err(error) => return unreadable(error),
        }
        std::fs::read_to_string(&real).or_else(unreadable)
    }

    /// How faults name a module's file: from the folder of shared modules on, as users know it.
    fn shown(&self, name: &str) -> String {
        let folder = self.0.folder.file_name().map(Path::new);
        let folder = folder.unwrap_or(&self.0.folder);
        folder.join(format!("{name}.rhai")).display().to_string()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModuleResolver for SharedModules {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        name: &str,
        position: Position,
    ) -> Resolved<Shared<Module>> {
        self.load(engine, name, position)
            .map(|loaded| loaded.module)
    }

    /// Rhai embeds into a script what its modules import within functions only if it sees their
    /// syntax trees.
    fn resolve_ast(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        name: &str,
        position: Position,
    ) -> Option<Resolved<AST>> {
        Some(self.load(engine, name, position).map(|loaded| loaded.ast))
    }
}

fn check_name(name: &str, position: Position) -> Resolved<()> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let plain = |part: &str| !part.is_empty() && part.chars().all(letter);
    if name.len() <= MAX_NAME_BYTES && name.split('/').all(plain) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    refuse(
        format!("{shown:?} is not the name of a module"),
        "modules are files of the shared folder, such as shared/helpers.rhai for \"helpers\"",
        position,
    )
}

/// As scripts throw it, see `fault::running::thrown`.
fn refuse<T>(message: impl Into<String>, hint: &str, position: Position) -> Resolved<T> {
    let mut thrown = rhai::Map::new();
    thrown.insert("message".into(), message.into().into());
    if !hint.is_empty() {
        thrown.insert("hint".into(), hint.into());
    }
    Err(EvalAltResult::ErrorRuntime(Dynamic::from(thrown), position).into())
}

fn refuse_as<T>(fault: Fault) -> Resolved<T> {
    let narrow = |number: Option<usize>| number.and_then(|number| u16::try_from(number).ok());
    let position = match narrow(fault.line) {
        Some(line) => Position::new(line, narrow(fault.column).unwrap_or(0)),
        None => Position::NONE,
    };
    refuse(fault.message, &fault.hint.unwrap_or_default(), position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::engine;

    #[test]
    fn a_module_is_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rates.rhai"), "fn vat() { 19 }").unwrap();
        let modules = SharedModules::new(folder.path(), None);
        let engine = engine::build();
        let load = || {
            modules
                .load(&engine, "rates", Position::NONE)
                .unwrap()
                .module
        };
        assert!(Shared::ptr_eq(&load(), &load()));
    }

    #[test]
    fn a_module_that_failed_may_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let modules = SharedModules::new(folder.path(), None);
        let engine = engine::build();
        for _ in 0..2 {
            let error = modules
                .load(&engine, "rates", Position::NONE)
                .err()
                .unwrap();
            assert!(error.to_string().contains("there is no"), "{error}");
        }
    }
}
