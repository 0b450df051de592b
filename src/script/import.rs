//! `import "name" as x`, confined to the folder of shared modules: Rhai's own file resolver follows
//! `../x`, absolute paths and symbolic links to anywhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::limits;

/// Resolves module names to files of one folder. A name is parts of letters, digits, `_` and `-`,
/// with `/` between them; the file is `<folder>/<name>.rhai`.
pub(super) struct SharedModules {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    loaded: BTreeMap<String, Shared<Module>>,
    loading: Vec<String>,
}

type Resolved<T> = Result<T, Box<EvalAltResult>>;

/// The longest module name.
const MAX_NAME_BYTES: usize = 200;

impl SharedModules {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn begin(&self, name: &str, position: Position) -> Resolved<Option<Shared<Module>>> {
        let mut state = self.state();
        if let Some(module) = state.loaded.get(name) {
            return Ok(Some(module.clone()));
        }
        if state.loading.iter().any(|loading| loading == name) {
            let circle = state.loading.join(" → ");
            return refuse(
                format!("modules import one another in a circle: {circle} → {name}"),
                position,
            );
        }
        state.loading.push(name.to_owned());
        Ok(None)
    }

    fn read(&self, name: &str, position: Position) -> Resolved<(String, String)> {
        let file = self.folder.join(format!("{name}.rhai"));
        let unreadable = |error: std::io::Error| {
            refuse(
                format!("cannot import \"{name}\": {}: {error}", file.display()),
                position,
            )
        };
        let real = match file.canonicalize() {
            Ok(real) => real,
            Err(error) => return unreadable(error),
        };
        let inside = self
            .folder
            .canonicalize()
            .is_ok_and(|folder| real.starts_with(folder));
        if !inside {
            return refuse(
                format!("cannot import \"{name}\": the file lies outside the shared folder"),
                position,
            );
        }
        match std::fs::metadata(&real) {
            Ok(found) if found.len() > limits::SCRIPT_BYTES => refuse(
                format!(
                    "cannot import \"{name}\": more than {} bytes",
                    limits::SCRIPT_BYTES
                ),
                position,
            ),
            Err(error) => unreadable(error),
            Ok(_) => match std::fs::read_to_string(&real) {
                Ok(source) => Ok((source, self.shown(name))),
                Err(error) => unreadable(error),
            },
        }
    }

    fn compile(&self, engine: &Engine, name: &str, position: Position) -> Resolved<AST> {
        let (source, file) = self.read(name, position)?;
        let mut ast = engine.compile(source).map_err(|error| {
            let inner = EvalAltResult::from(error);
            EvalAltResult::ErrorInFunctionCall(
                name.to_owned(),
                file.clone(),
                inner.into(),
                position,
            )
        })?;
        ast.set_source(file);
        Ok(ast)
    }

    /// How faults name a module's file: from the folder of shared modules on, as users know it.
    fn shown(&self, name: &str) -> String {
        let folder = self.folder.file_name().map(Path::new);
        let folder = folder.unwrap_or(&self.folder);
        folder.join(format!("{name}.rhai")).display().to_string()
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
        check_name(name, position)?;
        if let Some(module) = self.begin(name, position)? {
            return Ok(module);
        }
        let module = self
            .compile(engine, name, position)
            .and_then(|ast| Module::eval_ast_as_new(Scope::new(), &ast, engine));
        let mut state = self.state();
        state.loading.pop();
        let module: Shared<Module> = module?.into();
        state.loaded.insert(name.to_owned(), module.clone());
        Ok(module)
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
        format!(
            "cannot import {shown:?}: name a module of the shared folder, such as \"helpers\" for shared/helpers.rhai"
        ),
        position,
    )
}

fn refuse<T>(message: String, position: Position) -> Resolved<T> {
    Err(EvalAltResult::ErrorRuntime(message.into(), position).into())
}
