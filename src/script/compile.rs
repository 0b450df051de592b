//! Source text to a compiled script: its functions, and its header constants as literals.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rhai::{AST, Engine, Module, Position, Scope, Stmt};

use super::branches::Branches;
use super::calls::{self, Besides};
use super::compiled::Program;
use super::import::SharedModules;
use super::made::EventNames;
use super::outline::{self, Constant, Offer};
use super::pace::Pace;
use super::tables::Tables;
use super::testing::{self, TestScript};
use super::value::Value;
use super::variables::{self, Variables};
use super::{Fault, engine, frame, limits, returned};

/// The namespaces of the host functions that need something besides the event.
const VARIABLE: &str = "variable";
const TABLE: &str = "table";

/// A compiled script. Cheap to share between threads; running it changes nothing in it.
#[derive(Debug)]
pub struct Script {
    /// The file's name without `.rhai`; how users and other files call the script.
    pub name: String,
    /// The file as messages name it.
    pub file: String,
    /// The text it was compiled from, to show lines of it.
    pub source: Arc<str>,
    /// How quick it is, perhaps together with others.
    pub pace: Arc<Pace>,
    /// What it looks things up in, if it does.
    pub(super) tables: Option<Arc<Tables>>,
    /// Where its variables are, if it asks for some.
    pub(super) variables: Option<Arc<Script>>,
    /// What events it makes, if it is a client.
    pub event_names: EventNames,
    pub(super) constants: Vec<Constant>,
    /// The namespaces that it, or what it imports, names: the host's among them are handed to it when it runs.
    pub(super) namespaces: BTreeSet<String>,
    /// Tells it from every other script that is compiled while this one is in use.
    pub(super) identity: Arc<()>,
    /// The functions, and of the statements the imports only.
    pub(super) ast: AST,
    /// The functions that need not be run by Rhai.
    pub(super) compiled: Program,
}

impl Script {
    /// The value of a header constant, if it is a literal.
    pub fn constant(&self, name: &str) -> Option<&Value> {
        self.declared(name)?.value.as_ref()
    }

    /// True if the script defines `name` with that many parameters.
    pub fn has_function(&self, name: &str, parameters: usize) -> bool {
        self.functions().contains(&(name, parameters))
    }

    /// The number of parameters of each function called `name`.
    pub fn parameters_of(&self, name: &str) -> Vec<usize> {
        let functions = self.functions().into_iter();
        let named = functions.filter(|(known, _)| *known == name);
        named.map(|(_, parameters)| parameters).collect()
    }

    /// The keys that stand in the maps that a function returns, as far as one sees without running it.
    pub fn returned_keys(&self, function: &str) -> Vec<returned::Key> {
        returned::keys(&self.ast, function)
    }

    /// The functions and how many parameters they take.
    pub(super) fn functions(&self) -> Vec<(&str, usize)> {
        let functions = self.ast.iter_functions();
        functions
            .map(|found| (found.name, found.params.len()))
            .collect()
    }

    /// A mistake in a header constant, at its place if the script has it.
    pub fn fault_in(&self, constant: &str, message: &str) -> Fault {
        let fault = Fault::new(&self.file, format!("{constant}: {message}"));
        let fault = fault.of_kind("wrong-constant");
        match self.declared(constant) {
            Some(declared) => fault.at(declared.position),
            None => fault,
        }
    }

    /// A mistake in what functions it has: at the place of `function`, or of one that is nearly called
    /// so.
    pub fn fault_of_function(&self, function: &str, message: impl Into<String>) -> Fault {
        let fault = Fault::new(&self.file, message).of_kind("missing-function");
        let known = self.functions().into_iter().map(|(name, _)| name);
        let near = known.min_by_key(|known| strsim::damerau_levenshtein(known, function));
        let near = near.filter(|near| strsim::damerau_levenshtein(near, function) <= 2);
        let Some((near, position)) = near.and_then(|near| Some((near, self.place_of(near)?)))
        else {
            return fault;
        };
        match near == function {
            true => fault.at(position),
            false => fault
                .at(position)
                .with_hint(format!("did you mean `fn {function}`?")),
        }
    }

    /// A function that nobody calls and that is called nearly as one that the host would.
    pub fn misspelt_function(&self, function: &str) -> Option<Fault> {
        let known = self.functions().into_iter().map(|(name, _)| name);
        let mut near = known.filter(|known| strsim::damerau_levenshtein(known, function) == 1);
        let near = near.find(|near| !outline::names(&self.ast, near))?;
        let fault = Fault::new(&self.file, format!("fn {near} is never called"));
        let fault = fault.of_kind("missing-function");
        let fault = fault.with_hint(format!("did you mean `fn {function}`?"));
        Some(match self.place_of(near) {
            Some(position) => fault.at(position),
            None => fault,
        })
    }

    fn place_of(&self, function: &str) -> Option<Position> {
        let begins = format!("fn {function}");
        let mut lines = self.source.lines().enumerate();
        let (line, at) = lines.find_map(|(line, text)| {
            let at = text.find(&begins)?;
            let behind = text.get(at + begins.len()..)?.trim_start();
            behind.starts_with('(').then_some((line, at))
        })?;
        let narrow = |number: usize| u16::try_from(number + 1).ok();
        Some(Position::new(narrow(line)?, narrow(at)?))
    }

    pub(super) fn declared(&self, name: &str) -> Option<&Constant> {
        self.constants.iter().find(|constant| constant.name == name)
    }
}

/// Compiles scripts of one folder of shared modules. One per load: each module is compiled once.
///
/// Compiling runs what stands at the top of modules and recurses as deep as a script is nested, so
/// it belongs on a thread with [`limits::STACK_BYTES`] of stack, see [`super::with_script_stack`].
pub struct Compiler {
    engine: Engine,
    modules: SharedModules,
    tables: Arc<Tables>,
    variables: OnceCell<Option<Arc<Script>>>,
    branches: Option<Branches>,
}

impl Compiler {
    /// A compiler whose scripts may `import` from `shared` and from nowhere else.
    pub fn new(shared: &Path) -> Self {
        Self::noting(shared, None)
    }

    /// The same, whose scripts note the branches that run, if these are given.
    pub fn noting(shared: &Path, branches: Option<&Branches>) -> Self {
        let modules = SharedModules::new(shared, branches.cloned());
        let mut engine = engine::build();
        engine.set_module_resolver(modules.clone());
        Self {
            engine,
            modules,
            tables: Arc::default(),
            variables: OnceCell::new(),
            branches: branches.cloned(),
        }
    }

    /// The same, whose scripts look things up in these tables.
    pub fn with_tables(self, tables: Arc<Tables>) -> Self {
        Self { tables, ..self }
    }

    /// Compiles one script. `file` is how messages name it.
    ///
    /// # Errors
    /// Everything that is wrong; only the first thing if the script does not parse.
    pub fn compile(&self, name: &str, file: &str, source: &str) -> Result<Script, Vec<Fault>> {
        let ast = self.parse(file, source).map_err(|fault| vec![fault])?;
        let mut faults = outline::statements_that_never_run(file, &ast);
        frame::use_tables(&self.tables);
        if self.namespaces(&ast).contains(VARIABLE) {
            self.name_variables();
        }
        match self.load_imports(file, &ast) {
            Ok(offers) => {
                let besides = self.modules.besides(&ast);
                let wrong = calls::wrong_calls(&self.engine, file, &ast, &offers, &besides);
                faults.extend(wrong);
            }
            Err(fault) => faults.push(fault),
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let namespaces = self.namespaces(&ast);
        let variables = match name != variables::MODULE && namespaces.contains(VARIABLE) {
            true => self.variables()?,
            false => None,
        };
        let looks_up = namespaces.contains(TABLE)
            || variables
                .as_ref()
                .is_some_and(|script| script.tables.is_some());
        Ok(Script {
            name: name.to_owned(),
            file: file.to_owned(),
            source: source.into(),
            pace: Arc::default(),
            tables: looks_up.then(|| self.tables.clone()),
            variables,
            event_names: self.event_names(&ast),
            constants: outline::constants(&ast),
            namespaces,
            identity: Arc::default(),
            compiled: self.compiled(&ast),
            ast: self.runnable(file, source, ast)?,
        })
    }

    fn parse(&self, file: &str, source: &str) -> Result<AST, Fault> {
        if source.len() as u64 > limits::SCRIPT_BYTES {
            let most = limits::SCRIPT_BYTES;
            let message = format!("the file has {} bytes, the most is {most}", source.len());
            return Err(Fault::new(file, message).of_kind("syntax"));
        }
        if source.trim().is_empty() {
            return Err(Fault::new(file, "the file is empty").of_kind("syntax"));
        }
        let parsed = self.engine.compile(source);
        parsed.map_err(|error| Fault::from_parse(file, source, error.err_type(), error.position()))
    }

    /// Compiles a file of tests. `tested` is the script that it stands beside, if there is one.
    ///
    /// # Errors
    /// Everything that is wrong; only the first thing if it does not parse.
    pub fn compile_tests(
        &self,
        file: &str,
        source: &str,
        tested: Option<&Script>,
    ) -> Result<TestScript, Vec<Fault>> {
        let ast = self.parse(file, source).map_err(|fault| vec![fault])?;
        let mut faults = outline::statements_that_never_run(file, &ast);
        frame::use_tables(&self.tables);
        match self.load_imports(file, &ast) {
            Ok(offers) => {
                let besides = self.besides_of_tests(&ast, tested);
                let wrong = calls::wrong_calls(&self.engine, file, &ast, &offers, &besides);
                faults.extend(wrong);
            }
            Err(fault) => faults.push(fault),
        }
        let tests = testing::tests(file, source, &ast);
        let tests = tests.unwrap_or_else(|found| {
            faults.extend(found);
            Vec::new()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        let ast = self.runnable(file, source, ast)?;
        Ok(TestScript {
            file: file.to_owned(),
            source: source.to_owned(),
            tests,
            tables: self.tables.clone(),
            tested: tested.map(|script| (script.file.clone(), testing::functions_of(script))),
            // The test's own functions win.
            ast: match tested {
                Some(script) => script.ast.merge(&ast),
                None => ast,
            },
        })
    }

    /// What tests may call: their own functions, and those of the script that they test.
    fn besides_of_tests<'a>(&self, ast: &AST, tested: Option<&'a Script>) -> Besides<'a> {
        let mut besides = self.modules.besides(ast);
        besides.functions = testing::FUNCTIONS.to_vec();
        if let Some(script) = tested {
            besides.functions.extend(script.functions());
            besides.trees.extend(self.modules.with_imports(&script.ast));
        }
        besides
    }

    /// The namespaces that a script, or a module that it imports, names.
    fn namespaces(&self, ast: &AST) -> BTreeSet<String> {
        let trees = self.modules.with_imports(ast);
        trees.iter().flat_map(outline::namespaces).collect()
    }

    /// The module of variables, if there is one; with what is wrong in it.
    fn variables(&self) -> Result<Option<Arc<Script>>, Vec<Fault>> {
        if let Some(known) = self.variables.get() {
            return Ok(known.clone());
        }
        let (file, source) = match self.modules.source_of(variables::MODULE) {
            Some(found) => found,
            None => return Ok(self.variables.get_or_init(|| None).clone()),
        };
        let script = Arc::new(self.compile(variables::MODULE, &file, &source)?);
        Ok(self.variables.get_or_init(|| Some(script)).clone())
    }

    /// The names of the variables that there are, for whoever asks for one.
    fn name_variables(&self) {
        let source = self.modules.source_of(variables::MODULE);
        let ast = source.and_then(|(_, source)| self.engine.compile(source).ok());
        let functions = ast.iter().flat_map(outline::functions);
        let names = functions
            .filter(|(_, takes)| *takes == 1)
            .map(|(name, _)| name);
        frame::use_variables(Variables::Named(names.collect()));
    }

    /// Only clients make events.
    fn event_names(&self, ast: &AST) -> EventNames {
        match ast.iter_functions().any(|found| found.name == "parse") {
            true => EventNames::of(self.modules.with_imports(ast).iter()),
            false => EventNames::default(),
        }
    }

    fn load_imports(&self, file: &str, ast: &AST) -> Result<Vec<Offer>, Fault> {
        frame::begin(0, limits::DEADLINE);
        let loaded = self.modules.load_imports(&self.engine, ast);
        frame::finish();
        loaded.map_err(|error| Fault::from_import(file, &error))
    }

    /// Nothing where branches are noted, which Rhai does.
    fn compiled(&self, ast: &AST) -> Program {
        match &self.branches {
            None => Program::of(ast, &|name| self.modules.tree(name)),
            Some(_) => Program::default(),
        }
    }

    /// What a call runs: the functions and the imports, not the constants, which would be worked
    /// out anew each time.
    fn runnable(&self, file: &str, source: &str, mut ast: AST) -> Result<AST, Vec<Fault>> {
        let noted = self.branches.as_ref().map(|one| one.note(file, source));
        if let Some(noted) = &noted {
            ast = self.parse(file, noted).map_err(|fault| vec![fault])?;
        }
        let source = noted.as_deref().unwrap_or(source);
        if !outline::imports(&ast).is_empty() {
            let scope = Scope::new();
            let embedded = self.engine.compile_into_self_contained(&scope, source);
            ast = embedded.map_err(|error| vec![Fault::from_import(file, &error)])?;
        }
        let is_import = |statement: &&Stmt| matches!(statement, Stmt::Import(..));
        let imports: Vec<Stmt> = ast.statements().iter().filter(is_import).cloned().collect();
        let mut runnable = AST::new(imports, Module::new()).merge(&ast.clone_functions_only());
        runnable.set_source(file);
        Ok(runnable)
    }
}
