//! Source text to a compiled script: its functions, and its header constants as literals.

use std::collections::BTreeMap;
use std::path::Path;

use rhai::{AST, Engine, EvalAltResult, Scope};

use super::import::SharedModules;
use super::value::Value;
use super::{Fault, engine, frame, limits};

/// A compiled script. Cheap to share between threads; running it changes nothing in it.
#[derive(Debug)]
pub struct Script {
    /// The file's name without `.rhai`; how users and other files call the script.
    pub name: String,
    /// The file as messages name it.
    pub file: String,
    /// The text it was compiled from, to show lines of it.
    pub source: String,
    /// Its header constants that are literals.
    pub constants: BTreeMap<String, Value>,
    /// All names that `const` declares at the top, with their lines.
    pub(super) declared: Vec<(String, usize)>,
    pub(super) ast: AST,
    pub(super) imports: bool,
}

impl Script {
    /// True if the script defines `name` with that many parameters.
    pub fn has_function(&self, name: &str, parameters: usize) -> bool {
        self.ast
            .iter_functions()
            .any(|f| f.name == name && f.params.len() == parameters)
    }

    /// The line that declares a header constant.
    pub fn line_of_constant(&self, name: &str) -> Option<usize> {
        self.declared
            .iter()
            .find(|(declared, _)| declared == name)
            .map(|(_, line)| *line)
    }

    /// The number of parameters of each function called `name`.
    pub fn parameters_of(&self, name: &str) -> Vec<usize> {
        self.ast
            .iter_functions()
            .filter(|f| f.name == name)
            .map(|f| f.params.len())
            .collect()
    }
}

/// Compiles scripts of one folder of shared modules. One per load: it keeps modules that it read.
pub struct Compiler {
    engine: Engine,
}

impl Compiler {
    /// A compiler whose scripts may `import` from `shared` and from nowhere else.
    pub fn new(shared: &Path) -> Self {
        let mut engine = engine::build();
        engine.set_module_resolver(SharedModules::new(shared));
        Self { engine }
    }

    /// Compiles one script. `file` is how messages name it.
    pub fn compile(&self, name: &str, file: &str, source: &str) -> Result<Script, Fault> {
        if source.len() as u64 > limits::SCRIPT_BYTES {
            return Err(Fault::new(
                file,
                format!(
                    "the file has {} bytes, the most is {}",
                    source.len(),
                    limits::SCRIPT_BYTES
                ),
            ));
        }
        frame::begin(0, limits::DEADLINE);
        let compiled = self
            .engine
            .compile_into_self_contained(&Scope::new(), source);
        frame::finish();
        let mut ast = compiled.map_err(|error| compile_fault(file, &error))?;
        ast.set_source(file);
        Ok(Script {
            name: name.to_owned(),
            file: file.to_owned(),
            source: source.to_owned(),
            constants: literals(&ast),
            declared: declared_constants(source),
            imports: source
                .lines()
                .any(|line| line.trim_start().starts_with("import ")),
            ast,
        })
    }
}

fn compile_fault(file: &str, error: &EvalAltResult) -> Fault {
    match error {
        EvalAltResult::ErrorParsing(kind, position) => Fault::from_parse(file, kind, *position),
        // What a module that is imported did wrong carries its own file.
        other => Fault {
            function: None,
            ..Fault::from_call(file, "import", other)
        },
    }
}

fn literals(ast: &AST) -> BTreeMap<String, Value> {
    ast.iter_literal_variables(true, false)
        .map(|(name, _, value)| (name.to_owned(), value))
        .collect()
}

/// Names after `const` at the start of a line. A constant that stands here and not among the
/// literals was computed, which headers must not be.
fn declared_constants(source: &str) -> Vec<(String, usize)> {
    let name_of = |line: &str| {
        let rest = line.strip_prefix("const ")?.trim_start();
        let name: String = rest
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect();
        (!name.is_empty()).then_some(name)
    };
    source
        .lines()
        .enumerate()
        .filter_map(|(index, line)| Some((name_of(line.trim_start())?, index + 1)))
        .collect()
}
