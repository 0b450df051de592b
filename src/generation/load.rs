//! From files to a generation, or to the list of all that is wrong with them. `serve`, `check`,
//! `trace` and every reload come through here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Generation;
use super::files::{ScriptFile, fingerprint, read_scripts};
use crate::client::{self, Client, Router, Surroundings, Verify};
use crate::config::{self, Config, Environment, Problem, Problems, suggest};
use crate::destination::{self, Destinations};
use crate::script::{Compiler, Fault, Pace, Script, with_script_stack};
use crate::tag::{self, Index, Tag};

/// What a load gave.
#[derive(Debug)]
pub struct Loaded {
    /// The live set.
    pub live: Generation,
    /// The draft set, if there is a folder for it and it compiled.
    pub draft: Option<Generation>,
    /// Why there is no draft set although there is a folder; never stops the live set.
    pub draft_problems: Problems,
}

/// Loads the configuration and both sets of scripts.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(config_file: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
    let check = |config: &Config| {
        destination::load_all(config)
            .err()
            .unwrap_or_default()
            .into_iter()
            .collect()
    };
    let config = Arc::new(config::load_and_check(config_file, environment, check)?);
    let (clients, tags) = (&config.scripts.clients, &config.scripts.tags);
    let live = load_set(&config, environment, clients, tags)?;
    let draft = load_draft(&config, environment);
    let (draft, draft_problems) = match draft.transpose() {
        Ok(draft) => (draft, Problems::default()),
        Err(problems) => (None, problems),
    };
    Ok(Loaded {
        live,
        draft,
        draft_problems,
    })
}

fn load_draft(
    config: &Arc<Config>,
    environment: &dyn Environment,
) -> Option<Result<Generation, Problems>> {
    let draft = &config.scripts.draft;
    let is_there = std::fs::metadata(draft).is_ok_and(|found| found.is_dir());
    is_there.then(|| {
        load_set(
            config,
            environment,
            &draft.join("clients"),
            &draft.join("tags"),
        )
    })
}

fn load_set(
    config: &Arc<Config>,
    environment: &dyn Environment,
    clients: &Path,
    tags: &Path,
) -> Result<Generation, Problems> {
    with_script_stack(|| compile_set(config, environment, clients, tags)).unwrap_or_else(|error| {
        let message = format!("no thread for compiling scripts: {error}");
        Err(Problem::new(shown(config, clients), message).into())
    })
}

fn compile_set(
    config: &Arc<Config>,
    environment: &dyn Environment,
    clients: &Path,
    tags: &Path,
) -> Result<Generation, Problems> {
    let mut problems = Problems::default();
    let destinations = destination::load_all(config).map_err(Problems::from_iter)?;
    let client_files = collect(
        read_scripts(clients, &shown(config, clients)),
        &mut problems,
    );
    let tag_files = collect(read_scripts(tags, &shown(config, tags)), &mut problems);
    let surroundings = Surroundings {
        max_body: config.server.max_body,
        base: &config.base,
        environment,
    };
    let compiler = Compiler::new(&config.scripts.shared);
    let mut clients_loaded = compile_all(&compiler, client_files, &mut problems, |script| {
        client::load(script, &surroundings)
    });
    let mut tags_loaded = compile_all(&compiler, tag_files, &mut problems, tag::load);
    problems.extend(check_destinations(&tags_loaded, &destinations));
    problems.into_result(())?;
    clients_loaded.sort_by(|a: &Client, b: &Client| {
        b.priority
            .cmp(&a.priority)
            .then_with(|| a.name.cmp(&b.name))
    });
    tags_loaded.sort_by(|a: &Tag, b: &Tag| {
        b.priority
            .cmp(&a.priority)
            .then_with(|| a.name.cmp(&b.name))
    });
    Ok(assemble(
        config,
        destinations,
        clients_loaded,
        tags_loaded,
        [clients, tags],
    ))
}

fn assemble(
    config: &Arc<Config>,
    destinations: Destinations,
    clients: Vec<Client>,
    mut tags: Vec<Tag>,
    folders: [&Path; 2],
) -> Generation {
    let tag_pace = Arc::<Pace>::default();
    for tag in &mut tags {
        tag.script.pace = tag_pace.clone();
    }
    let shared = config.scripts.shared.as_path();
    let id = fingerprint(config.file.as_deref(), &[folders[0], folders[1], shared]);
    let paths = clients.iter().enumerate();
    let paths =
        paths.flat_map(|(at, client)| client.paths.iter().map(move |path| (path.clone(), at)));
    let secret = clients.iter().filter_map(|client| client.verify.as_ref());
    Generation {
        id: id.into(),
        secret_headers: secret.flat_map(Verify::secret_headers).cloned().collect(),
        config: config.clone(),
        destinations,
        router: Router::new(paths),
        index: Index::new(&tags),
        clients,
        tags,
        tag_pace,
    }
}

/// A path as the user would write it: from the folder of the configuration.
fn shown(config: &Config, path: &Path) -> PathBuf {
    path.strip_prefix(&config.base).unwrap_or(path).to_owned()
}

fn collect(
    read: Result<Vec<ScriptFile>, Vec<Problem>>,
    problems: &mut Problems,
) -> Vec<ScriptFile> {
    read.unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    })
}

fn compile_all<T>(
    compiler: &Compiler,
    files: Vec<ScriptFile>,
    problems: &mut Problems,
    load: impl Fn(Script) -> Result<T, Vec<Fault>>,
) -> Vec<T> {
    let mut loaded = Vec::new();
    for file in files {
        let compiled = compiler.compile(&file.name, &file.shown, &file.source);
        match compiled.and_then(&load) {
            Ok(thing) => loaded.push(thing),
            Err(faults) => problems.extend(faults.into_iter().map(problem)),
        }
    }
    loaded
}

fn problem(fault: Fault) -> Problem {
    let message = match &fault.function {
        Some(function) => format!("{} (in fn {function})", fault.message),
        None => fault.message,
    };
    let problem = Problem::new(fault.file, message).with_hint(fault.hint);
    Problem {
        line: fault.line,
        column: fault.column,
        ..problem
    }
}

fn check_destinations(tags: &[Tag], destinations: &Destinations) -> Vec<Problem> {
    let unknown = tags
        .iter()
        .filter(|tag| !destinations.contains_key(&tag.to));
    unknown
        .map(|tag| {
            let known = destinations.keys().map(|name| &**name);
            let hint = suggest(&tag.to, known).unwrap_or_else(|| {
                format!("add a table [destinations.{}] to the configuration", tag.to)
            });
            let message = format!("there is no destination \"{}\"", tag.to);
            problem(tag.script.fault_in("TO", &message).with_hint(hint))
        })
        .collect()
}
