//! From files to a generation, or to the list of all that is wrong with them. `serve`, `check`,
//! `trace` and every reload come through here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Generation;
use super::check::{self, Set};
use super::files::{ScriptFile, fingerprint, read_scripts, read_shared, script_names};
use super::promote;
use crate::client::{self, Client, Router, Surroundings};
use crate::config::{self, Config, Environment, Problem, Problems, Scripts, suggest};
use crate::destination::{self, Destinations};
use crate::request::SecretNames;
use crate::script::tables::Tables;
use crate::script::{Branches, Compiler, Fault, Pace, Script, with_script_stack};
use crate::tag::{self, Index, Tag};
use crate::transform::{self, Transform};

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
/// What works and should be looked at all the same is in the generations' `warnings`.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(config_file: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
    let config = read_config(config_file, environment)?;
    let (clients, tags) = (&config.scripts.clients, &config.scripts.tags);
    let live = load_set(&config, environment, [clients, tags], None)?;
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

/// Loads the live set with scripts that note the branches that run.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load_noting(
    config_file: &Path,
    environment: &dyn Environment,
    branches: &Branches,
) -> Result<Generation, Problems> {
    let config = read_config(config_file, environment)?;
    let (clients, tags) = (&config.scripts.clients, &config.scripts.tags);
    load_set(&config, environment, [clients, tags], Some(branches))
}

fn read_config(config_file: &Path, environment: &dyn Environment) -> Result<Arc<Config>, Problems> {
    let check = |config: &Config| {
        destination::load_all(config)
            .err()
            .unwrap_or_default()
            .into_iter()
            .collect()
    };
    let config = config::load_and_check(config_file, environment, check)?;
    match promote::under_way(&config.scripts, &config.base) {
        Some(problem) => Err(problem.into()),
        None => Ok(Arc::new(config)),
    }
}

fn load_draft(
    config: &Arc<Config>,
    environment: &dyn Environment,
) -> Option<Result<Generation, Problems>> {
    let scripts = &config.scripts;
    if !is_folder(&scripts.draft) {
        return None;
    }
    // A draft of tags alone is one with the live clients, and the other way round.
    let or_live = |name: &str, live: &PathBuf| match scripts.draft.join(name) {
        own if is_folder(&own) => own,
        _ => live.clone(),
    };
    let clients = or_live("clients", &scripts.clients);
    let tags = or_live("tags", &scripts.tags);
    Some(load_set(config, environment, [&clients, &tags], None))
}

fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir())
}

fn load_set(
    config: &Arc<Config>,
    environment: &dyn Environment,
    folders: [&Path; 2],
    branches: Option<&Branches>,
) -> Result<Generation, Problems> {
    with_script_stack(|| compile_set(config, environment, folders, branches)).unwrap_or_else(
        |error| {
            let message = format!("no thread for compiling scripts: {error}");
            Err(Problem::new(shown(config, folders[0]), message).into())
        },
    )
}

fn compile_set(
    config: &Arc<Config>,
    environment: &dyn Environment,
    [clients, tags]: [&Path; 2],
    branches: Option<&Branches>,
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
    let shared = read_shared(
        &config.scripts.shared,
        &shown(config, &config.scripts.shared),
    );
    let tables = Tables::read(
        &config.scripts.tables,
        &shown(config, &config.scripts.tables),
    );
    let tables = tables.unwrap_or_else(|faults| {
        problems.extend(faults.into_iter().map(problem));
        Tables::unread()
    });
    let transforms = &config.scripts.transforms;
    let transform_files = collect(
        read_scripts(transforms, &shown(config, transforms)),
        &mut problems,
    );
    let compiler = Compiler::noting(&config.scripts.shared, branches).with_tables(tables.clone());
    let count = client_files.len();
    let mut clients_loaded = compile_all(&compiler, &client_files, &mut problems, |script| {
        client::load(script, &surroundings)
    });
    let mut tags_loaded = compile_all(&compiler, &tag_files, &mut problems, tag::load);
    problems.extend(check_destinations(&tags_loaded, &destinations));
    let transforms = compile_all(&compiler, &transform_files, &mut problems, transform::load);
    if tags_loaded.len() == tag_files.len() {
        problems.extend(check_transforms(&transforms, &tags_loaded, &config.scripts));
    }
    give_transforms(transforms, &mut tags_loaded);
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
    let files = [client_files, tag_files, transform_files, shared].concat();
    let set = Set {
        config,
        destinations: &destinations,
        clients: &clients_loaded,
        tags: &tags_loaded,
        files: &files,
        knows_all_clients: clients_loaded.len() == count,
    };
    problems.extend(check::findings(&set));
    if count == 0 && !problems.has_errors() {
        problems.push(no_clients(&shown(config, clients)));
    }
    problems.extend(config.warnings.iter().cloned());
    show_lines(&mut problems, config, &files);
    problems.sort();
    let warnings = problems.clone();
    problems.into_result(())?;
    Ok(Generation {
        warnings,
        tables,
        ..assemble(
            config,
            destinations,
            clients_loaded,
            tags_loaded,
            [clients, tags],
        )
    })
}

fn no_clients(folder: &Path) -> Problem {
    let message = "there are no clients, so every request is answered 404";
    let hint = "`tagwerk new client NAME` makes one".to_owned();
    Problem::warning(folder, message)
        .of_kind("no-clients")
        .with_hint(hint)
}

/// What stands in the lines that the problems name.
fn show_lines(problems: &mut Problems, config: &Config, files: &[ScriptFile]) {
    for file in files {
        problems.show_lines(Path::new(&file.shown), &file.source);
    }
    let is_unseen = |problem: &Problem| problem.text.is_none() && problem.line.is_some();
    if let Some(file) = &config.file
        && problems
            .iter()
            .any(|problem| is_unseen(problem) && problem.file == *file)
        && let Ok(text) = std::fs::read_to_string(file)
    {
        problems.show_lines(file, &text);
    }
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
    let (tables, transforms) = (&*config.scripts.tables, &*config.scripts.transforms);
    let all = [folders[0], folders[1], shared, tables, transforms];
    let id = fingerprint(config.file.as_deref(), &all);
    let paths = clients.iter().enumerate();
    let paths =
        paths.flat_map(|(at, client)| client.paths.iter().map(move |path| (path.clone(), at)));
    let mut secret_names = SecretNames::default();
    for verify in clients.iter().filter_map(|client| client.verify.as_ref()) {
        verify.add_secret_names(&mut secret_names);
    }
    Generation {
        id: id.into(),
        warnings: Problems::default(),
        tables: Arc::default(),
        secret_names,
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
    files: &[ScriptFile],
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

/// A fault of a script as a problem of the set.
pub(super) fn problem(fault: Fault) -> Problem {
    let message = match &fault.function {
        Some(function) => format!("{} (in fn {function})", fault.message),
        None => fault.message,
    };
    let problem = Problem::new(fault.file, message)
        .with_hint(fault.hint)
        .of_kind(fault.kind.as_str());
    Problem {
        line: fault.line,
        column: fault.column,
        ..problem
    }
}

/// Each tag has those that are for it, in order.
fn give_transforms(transforms: Vec<Transform>, tags: &mut [Tag]) {
    let mut transforms: Vec<Arc<Transform>> = transforms
        .into_iter()
        .filter(|one| one.enabled)
        .map(Arc::new)
        .collect();
    transforms.sort_by(|a, b| {
        b.priority
            .cmp(&a.priority)
            .then_with(|| a.name.cmp(&b.name))
    });
    for tag in tags {
        let own = transforms.iter().filter(|one| one.tags.matches(&tag.name));
        tag.transforms = own.cloned().collect();
    }
}

/// A tag that only another set has is no mistake: transformations are for all of them, and a tag may come
/// or go with a draft.
fn check_transforms(transforms: &[Transform], tags: &[Tag], scripts: &Scripts) -> Vec<Problem> {
    let names = || tags.iter().map(|tag| &*tag.name);
    let sets = [
        scripts.draft.join("tags"),
        promote::former(scripts).join("tags"),
    ];
    let elsewhere: Vec<String> = std::iter::once(&scripts.tags)
        .chain(&sets)
        .flat_map(|folder| script_names(folder))
        .collect();
    let unknown = transforms.iter().flat_map(|transform| {
        let plain = transform
            .tags
            .plain()
            .iter()
            .map(move |name| (transform, name));
        plain.filter(|(_, name)| !names().any(|known| known == *name))
    });
    let unknown = unknown.map(|(transform, name)| {
        if elsewhere.contains(name) {
            let message = format!("there is no tag \"{name}\" in this set, only in another one");
            let fault = transform
                .script
                .fault_in("TAGS", &message)
                .of_kind("unknown-tag");
            return problem(fault.with_hint("leave the name out once no set has it")).as_warning();
        }
        let hint = suggest(name, names())
            .unwrap_or_else(|| "the names are those of the files in tags/".to_owned());
        let fault = transform
            .script
            .fault_in("TAGS", &format!("there is no tag \"{name}\""));
        problem(fault.with_hint(hint).of_kind("unknown-tag"))
    });
    unknown.collect()
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
            let fault = tag.script.fault_in("TO", &message).with_hint(hint);
            problem(fault.of_kind("unknown-destination"))
        })
        .collect()
}
