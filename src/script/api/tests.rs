//! What holds for every host function, read off [`TOPICS`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rhai::{Dynamic, Engine, Map, Scope};

use super::*;
use crate::request::Request;
use crate::script::tables::Tables;
use crate::script::variables::Variables;
use crate::script::{Compiler, RequestView, frame, parse_json};

/// Functions that take any value at all, so that nothing can be missing or wrong.
const TAKES_ANYTHING: [&str; 7] = [
    "json::stringify(",
    "keys::merge(",
    "keys::spread(",
    "log::error(",
    "log::info(",
    "log::warn(",
    "num(value, default)",
];

fn takes_anything(function: &Function) -> bool {
    TAKES_ANYTHING
        .iter()
        .any(|start| function.signature.starts_with(start))
}

fn engine() -> Engine {
    let mut engine = Engine::new();
    Host::of_all().register_namespaces(&mut engine);
    engine.register_global_module(Host::of_all().bare().clone().into());
    frame::begin(1_718_973_400_000, Duration::from_secs(3_600));
    engine
}

/// The request that examples are about.
pub(super) fn request() -> Request {
    Request {
        id: "a155ace41657dccf".to_owned(),
        method: http::Method::GET,
        path: "/g/collect".to_owned(),
        query: "v=2&tid=G-1&en=page_view&event_name=page_view".to_owned(),
        headers: http::HeaderMap::new(),
        ip: [203, 0, 113, 7].into(),
        body: bytes::Bytes::new(),
        received_at: 1_718_973_400_000,
    }
}

fn functions() -> impl Iterator<Item = (&'static Topic, &'static Function)> {
    TOPICS.iter().flat_map(|topic| {
        topic
            .functions
            .iter()
            .map(move |function| (topic, function))
    })
}

/// `hash::hmac_sha256` and `["text", "key"]` of `hash::hmac_sha256(text, key) -> text`.
fn take_apart(signature: &'static str) -> (&'static str, Vec<&'static str>) {
    let (name, rest) = signature.split_once('(').unwrap();
    let (parameters, _result) = rest.split_once(')').unwrap();
    let parameters = parameters
        .split(", ")
        .filter(|parameter| !parameter.is_empty());
    (name, parameters.collect())
}

/// The message of calling `name` with these arguments, empty if it gave a value.
fn message(engine: &Engine, name: &str, arguments: &[Dynamic]) -> String {
    let mut scope = Scope::new();
    let names: Vec<String> = (0..arguments.len())
        .map(|n| format!("argument{n}"))
        .collect();
    for (name, argument) in names.iter().zip(arguments) {
        scope.push_dynamic(name.clone(), argument.clone());
    }
    let call = format!("{name}({})", names.join(", "));
    match engine.eval_with_scope::<Dynamic>(&mut scope, &call) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// What the examples look up, and the variable that they ask for.
fn set_up_frame() {
    let source = "fn margin(event) { 11.74 }";
    let script = Compiler::new("none".as_ref()).compile("variables", "variables.rhai", source);
    frame::use_variables(Variables::Of {
        script: Arc::new(script.unwrap()),
        event: Dynamic::UNIT,
        memo: Default::default(),
    });
    // Compiling has its own tables.
    let row = br#"{"name":"Mug","margin":0.4}"#;
    let rows = HashMap::from([("SKU-1".to_owned(), parse_json(row).unwrap())]);
    frame::use_tables(&Arc::new(Tables::of([("products", rows)])));
}

#[test]
fn every_example_is_true() {
    let engine = engine();
    set_up_frame();
    let mut seen = 0;
    for (_, function) in functions() {
        let (name, _) = take_apart(function.signature);
        assert!(
            function.example.contains(&format!("{name}(")),
            "{}",
            function.signature
        );
        let mut scope = Scope::new();
        let view = RequestView::new(Arc::new(request()), Map::new());
        scope.push("request", view);
        let result = engine.eval_expression_with_scope::<bool>(&mut scope, function.example);
        assert!(
            matches!(result, Ok(true)),
            "{}: {result:?}",
            function.example
        );
        seen += 1;
    }
    assert!(seen > 50, "only {seen} examples were found");
}

#[test]
fn names_and_texts_are_in_order() {
    let mut signatures = HashSet::new();
    for (topic, function) in functions() {
        let (name, _) = take_apart(function.signature);
        assert!(
            signatures.insert(function.signature),
            "{} is there twice",
            function.signature
        );
        let namespace = name
            .rsplit_once("::")
            .map_or("", |(namespace, _)| namespace);
        assert_eq!(namespace, topic.name, "{}", function.signature);
        assert!(function.about.ends_with('.'), "{}", function.signature);
        assert!(topic.about.ends_with('.'), "{}", topic.name);
    }
    let named = TOPICS
        .iter()
        .map(|topic| topic.name)
        .filter(|name| !name.is_empty());
    let named: Vec<&str> = named.collect();
    assert_eq!(named.iter().collect::<HashSet<_>>().len(), named.len());
}

#[test]
fn a_missing_argument_is_named() {
    let engine = engine();
    for (_, function) in functions() {
        let (name, parameters) = take_apart(function.signature);
        let Some(first) = parameters.first() else {
            continue;
        };
        let arguments = vec![Dynamic::UNIT; parameters.len()];
        let message = message(&engine, name, &arguments);
        assert!(!message.contains("Function not found"), "{message}");
        if takes_anything(function) {
            continue;
        }
        let says = |parameter: &str| format!("{name}: the {parameter} is missing (it is ())");
        let named = parameters
            .iter()
            .any(|parameter| message.contains(&says(parameter)));
        assert!(named, "expected {:?}, got {message:?}", says(first));
    }
}

#[test]
fn a_wrong_argument_is_named_in_every_position() {
    let engine = engine();
    for (_, function) in functions() {
        let (name, parameters) = take_apart(function.signature);
        if takes_anything(function) || parameters.is_empty() {
            continue;
        }
        let nonsense = Dynamic::from(rhai::Blob::new());
        let message = message(&engine, name, &vec![nonsense; parameters.len()]);
        let says = |parameter: &&str| message.contains(&format!("{name}: the {parameter} is "));
        assert!(parameters.iter().any(says), "{message}");
        assert!(message.contains(" is wanted"), "{message}");
    }
}

#[test]
fn errors_carry_the_place_of_the_call() {
    let error = engine()
        .eval::<Dynamic>("let event = #{};\n  hash::sha256(event.email)")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Runtime error: hash::sha256: the text is missing (it is ()) (line 2, position 9)"
    );
}

#[test]
fn scripts_can_catch_these_errors() {
    let caught = engine()
        .eval::<String>(
            r#"let caught = ""; try { num("39,98") } catch (reason) { caught = reason } caught"#,
        )
        .unwrap();
    assert!(
        caught.starts_with("num: the value is \"39,98\": a comma"),
        "{caught}"
    );
}

#[test]
fn variables_that_closures_share_are_arguments_like_others() {
    let upper = engine().eval::<String>(
        r#"let name = "ada"; let shout = || text::upper(name); let again = || name; shout.call()"#,
    );
    assert_eq!(upper.unwrap(), "ADA");
}

fn any_value() -> impl Strategy<Value = Dynamic> {
    prop_oneof![
        Just(Dynamic::UNIT),
        any::<bool>().prop_map(Dynamic::from),
        any::<i64>().prop_map(Dynamic::from),
        (-100..100_i64).prop_map(Dynamic::from),
        any::<f64>().prop_map(Dynamic::from),
        any::<char>().prop_map(Dynamic::from),
        any::<String>().prop_map(Dynamic::from),
        "[-+%&#;:/?.,0-9a-z()]{0,12}".prop_map(Dynamic::from),
        prop::sample::select(vec![
            "EUR",
            "JPY",
            "DE",
            "2024-06-21",
            "%Y",
            "(a|b)*",
            "&ndash;"
        ])
        .prop_map(Dynamic::from),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(|items| items
            .into_iter()
            .map(Dynamic::from)
            .collect::<rhai::Array>()
            .into()),
        any::<String>().prop_map(|text| {
            let mut map = Map::new();
            map.insert("email".into(), text.into());
            Dynamic::from(map)
        }),
    ]
}

proptest! {
    #[test]
    fn nothing_panics(values in prop::array::uniform3(any_value())) {
        let engine = engine();
        for (_, function) in functions() {
            let (name, parameters) = take_apart(function.signature);
            let arguments = values.get(..parameters.len()).unwrap_or_default();
            let message = message(&engine, name, arguments);
            prop_assert!(!message.contains("Function not found"), "{}", message);
            prop_assert!(message.is_empty() || message.contains(&format!("{name}: ")), "{}", message);
        }
    }
}
