//! Scripts run both ways, and what they give compared.

mod author;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use rhai::Engine;

use super::{TOO_OFTEN, WEIGHT};
use crate::script::compile::Script;
use crate::script::ready::Ready;
use crate::script::{Compiler, Map, call, engine, frame, parse_json, with_script_stack};
use crate::script::{Value, Worker};
use author::Author;

const EVENTS: [&str; 4] = [
    r#"{"event_name":"purchase","id":17,"value":99.5,"text":"Grüße, Welt","none":null,"yes":true,"empty":[],
        "items":[{"sku":"a","quantity":2,"price":10},{"sku":"b","quantity":1,"price":79.5,"x":null}],
        "user":{"email":"A@B.DE","address":{"city":"Köln","zip":"50667"}},"key":"value","n":-3}"#,
    "{}",
    r#"{"items":"no array","user":17,"value":"12","id":"x","text":[1,2],"key":5,"n":1.5,"yes":1}"#,
    r#"{"items":[1,"a",null,[2],{"sku":[1]}],"user":{"email":null},"value":0,"id":9007199254740993,
        "text":"","key":"missing","n":0}"#,
];

/// Bodies of `fn f(event)`, with `helper(x)`, `total(items)` and `deep(n)` beside it.
const BODIES: &[&str] = &[
    "event.id",
    "event.user.email",
    "event.user?.address?.city",
    "event.missing?.deeper?.still",
    "event.missing.deeper",
    r#"event["key"]"#,
    r#"event[event.key]"#,
    "event.items[0].sku",
    "event.items[-1].sku",
    "event.items[5]?.sku",
    "event.items[1 - 1]?.quantity",
    "event.items.len()",
    "event.items.len",
    "event.text.len()",
    "event.user.len()",
    "event.items.is_empty()",
    r#"`${event.id}: ${event.text} ${event.yes} ${event.none}.`"#,
    r#"`${event.value}`"#,
    r#"`${1.0} ${1e20} ${1.5e-7} ${-0.0} ${1.0 / 3.0} ${100000000000000000.0}`"#,
    r#"`${event.items}`"#,
    r#""a" + event.text"#,
    r#""a" + event.id"#,
    "event.value + 1",
    "event.id + event.n",
    "event.id - 1 * 2",
    "event.value / 4",
    "event.id / 4",
    "event.id % 4",
    "event.id / 0",
    "event.value > 50",
    "event.value >= 99.5",
    "event.value == 99.5",
    "event.value != 99.5",
    "event.n < 0",
    "event.n <= 0",
    "event.text == \"\"",
    "event.text > \"A\"",
    "event.yes == true",
    "event.none == ()",
    "event.none != ()",
    "event.items == ()",
    "event.items == event.items",
    "event.user == event.items",
    "() == event.none",
    "!event.yes",
    "event.yes && event.value > 50",
    "event.yes || event.value > 50",
    "event.none ?? event.text",
    "event.missing ?? event.none",
    "if event.yes { 1 } else { 2 }",
    "if event.value > 50 { \"much\" } else if event.value > 5 { \"some\" } else { \"little\" }",
    "if event.yes { 1 }",
    "#{ b: event.id, a: event.user, c: #{ d: [event.text, 1, ()] } }",
    "[event.id, event.items, #{}]",
    "let x = event.user; x.email",
    "let x = event.user; #{ a: x, b: x.address }",
    "let x = event.user?.address; x?.zip",
    "let x = event.missing?.a; x",
    "let x = event.missing.a; 5",
    "let x = event.user; x.fresh = 5; [x, event.user]",
    "let x = event.user; x.address.city = \"B\"; [x, event.user]",
    "let x = event.user; let y = x; y.email = 1; [x, y]",
    "event.fresh = 5; event",
    "event.id += 1; event.id",
    "event.text += \"!\"; event.text",
    "event.missing += 1; event",
    "let p = #{}; p.a = event.id; p.b = #{}; p.b.c = 1; p",
    "let p = #{}; p.a.b = 1; p",
    "let p = #{ n: 1 }; p.n += event.id; p.n *= 2; p.n -= 3; p",
    "let p = []; p.push(event.id); p.push(#{ a: 1 }); p",
    "let p = #{ list: [] }; p.list.push(event.user); p",
    "let p = 5; p.push(1); p",
    "let c = 0; for item in event.items { c += item.quantity; } c",
    "let c = []; for (item, i) in event.items { if i == 1 { continue; } c.push(item.sku); } c",
    "let c = 0; for i in 0..event.id { if i > 4 { break; } c += i; } c",
    "let c = 0; for i in 0..=5 { c += i; } c",
    "for item in event.items { item.sku = 1; } event.items",
    "for item in event.items { if item.sku == \"b\" { return item; } } ()",
    "let i = 0; while i < 10 { i += 3; } i",
    "event.items.map(|item| item.sku)",
    "event.items.map(|item| #{ s: item.sku, q: item.quantity })",
    "event.items.map(|item, i| [i, item.sku])",
    "event.items.filter(|item| item.sku == \"b\")",
    "event.items.filter(|item| item.sku == \"b\")[0]?.price",
    "event.items.filter(|item| item.price > 50).map(|item| item.sku)",
    "event.items.some(|item| item.quantity == 2)",
    "event.items.all(|item| item.quantity == 2)",
    "event.items.find(|item| item.quantity == 1)",
    "event.items.find(|item| item.quantity == 9)?.sku",
    "event.items?.map(|item| item.sku)",
    "event.missing?.map(|item| item.sku)",
    "event.items.map(|item| item)",
    "let k = event.id; event.items.map(|item| [k, item.sku])",
    "let k = 0; event.items.map(|item| { k += 1; k })",
    "let k = 0; let l = event.items.map(|item| { k += 1; k }); [k, l]",
    "event.items.map(|item| { item.sku = 5; item })",
    "event.items.map(|item| { if item.sku == \"a\" { return 1; } 2 })",
    "event.items.map(|item| [1, 2].map(|n| [n, item.sku]))",
    "event.items.filter(|item| item.sku)",
    "[3, 1, 2].filter(|n| n > 1)",
    "event.items.reduce(|sum, item| sum + item.quantity, 0)",
    "[1, 2, 3].reduce(|sum, n| (sum ?? 10) + n)",
    "[1, 2, 3].reduce(|sum, n, i| sum + n * i, event.id)",
    "let k = 2; [1, 2, 3].reduce(|sum, n| { sum.push(n * k); sum }, [])",
    "event.text.to_upper()",
    "event.text.to_lower()",
    "event.text.contains(\"Welt\")",
    "event.text.starts_with(\"G\")",
    "event.text.split(\",\")",
    "event.text.sub_string(1, 2)",
    "event.text.sub_string(1)",
    "event.text.index_of(\"W\")",
    "event.items.contains(1)",
    "event.user.contains(\"email\")",
    "\"email\" in event.user",
    "1 in [1, 2]",
    "event.user.keys()",
    "event.user.values()",
    "event.id.to_string()",
    "event.value.to_string()",
    "event.value.round()",
    "event.value.to_int()",
    "to_string(event.id)",
    "abs(event.n)",
    "max(event.id, 5)",
    "len(event.text)",
    "parse_int(event.value)",
    "num(event.value)",
    "num(event.none) ?? 5",
    "text::lower(event.user.email)",
    "hash::sha256(event.text)",
    "log::info(event.id); 5",
    "time::now()",
    "if event.yes { return skip(\"yes\"); } #{ a: 1 }",
    "skip(\"x\") + #{ a: 1 }",
    "helper(event)",
    "helper(event.user)",
    "let x = event.user; helper(x)",
    "total(event.items)",
    "event.items.map(|item| helper(item))",
    "deep(3)",
    "deep(20)",
    "deep(100)",
    "spoil(event)",
    "spoil(event.user)",
    "throw \"no\"",
    "switch event.id { 17 => \"a\", _ => \"b\" }",
    "switch event.key { \"value\" => 1, 5 => 2, \"missing\" if event.value == 0 => 3, _ => 4 }",
    "switch event.key { \"value\" | \"missing\" => { let x = event.id; x } }",
    "switch event.none { () => 1, _ => 2 }",
    "switch event.user { #{} => 1, _ => 2 }",
    "switch event.yes { true => 1, false => 2 }",
    "type_of(event.items)",
    "[type_of(event.id), type_of(event.value), type_of(event.none), type_of(event), type_of(1.5), type_of('a')]",
    "type_of(skip(\"a\"))",
    "type_of(event.missing?.a)",
    "event.items != ()",
    "event.missing?.a == ()",
    "() != event.items",
    "let x = 1; { let x = 2; x += 1; } x",
    "let x = 1; let x = x + 1; x",
    "let x = event.id; if true { let x = 5; } x",
    "const X = 5; X + 1",
    "event",
    "event;",
    "{ event.id; }",
    "5;",
    "",
    "let x = 5;",
    "let x = event.items; x.len()",
    "let x = event.items; x.clear(); [x, event.items]",
    "event.items.reverse(); event.items",
    "let x = event.text; x.trim(); x",
    "let s = \"\"; for i in 0..3000 { s += \"0123456789\"; } s.len()",
    "let s = \"0123456789\"; for i in 0..20 { s += s; } s.len()",
    "let a = []; for i in 0..3000 { a.push(event); } a.len()",
    "let a = [1]; for i in 0..30 { a = [a, a]; } 1",
    "let i = 0; while true { i += 1; if i > 30000 { break; } } i",
    "type_of(event.id)",
    "event.user.email.len() > 3 && event.items.len() > 1",
    "(event.items ?? []).map(|i| i.sku)",
    "(event.items ?? [])[0]",
    "event?.user?.email?.to_lower()",
    "event?.missing?.email?.to_lower()",
    "-event.n",
    "event.id == 17.0",
    "event.n.abs()",
    "event.items[0].quantity * event.items[0].price",
    "`a` + `b${event.id}` + 5",
    "[1, 2] + [3]",
    "#{ a: 1 } + #{ b: 2 }",
    "let m = #{ a: 1 }; m += #{ b: 2 }; m",
    "let l = [1]; l += 2; l += [3]; l",
    "event.items.map(|i| i.price).filter(|p| p != ()).len()",
    "event.text.chars().len()",
    "event.items[\"a\"]",
    "event[0]",
    "event.text[0]",
    "event.id[0]",
];

/// Bodies that are left to Rhai.
const LEFT: &[&str] = &[
    "let f = |x| x + 1; f.call(5)",
    "try { event.missing.x } catch { 5 }",
    "let x = event.items; x.sort(); x",
    "print(event.id)",
    "let x = 5; let y = || x + 1; x = 6; y.call()",
    "event.items.map(Fn(\"helper\"))",
    "event.items.map(|| this.sku)",
    "exit(5)",
    "event.items.map(|item| event.id)",
    "event.user.keys().map(|key| 2).all(|n| event.id == n)",
    "let a = [1, 2]; a.map(|n| { a.push(3); n })",
    "switch event.n { -3 => \"a\", 1.5 => \"b\", 0..5 => \"c\" }",
];

/// Shipped functions that are left to it: one calls a closure that it was handed, a module has a `try`, and
/// others call these.
const SHIPPED_AND_LEFT: [&str; 4] = [
    "clients/ga4_mp.rhai each",
    "clients/ga4_mp.rhai parse",
    "clients/ga4_mp.rhai to_event",
    "clients/segment.rhai parse",
];

const BESIDE: &str = r#"
fn helper(x) { x.email ?? x.sku ?? "neither" }
fn total(items) { let sum = 0; for item in items { sum += item.price * item.quantity; } sum }
fn deep(n) { if n <= 0 { 0 } else { 1 + deep(n - 1) } }
fn spoil(x) { x.email = 5; x.more = 1; x }
"#;

fn compiled(compiler: &Compiler, body: &str) -> Script {
    let source = format!("fn f(event) {{ {body} }}{BESIDE}");
    let script = compiler.compile("test", "test.rhai", &source);
    script.unwrap_or_else(|faults| panic!("{body}: {faults:?}"))
}

fn all_compiled() -> Vec<(&'static str, Script)> {
    let compiler = Compiler::new(Path::new("nowhere"));
    let bodies = BODIES.iter();
    bodies
        .map(|body| (*body, compiled(&compiler, body)))
        .collect()
}

/// What a function gives by our code; nothing if it is left to Rhai.
fn ours(engine: &Engine, script: &Script, event: &Value) -> Option<String> {
    let mut ready = Ready::new(engine, script).unwrap();
    frame::begin(0, Duration::from_secs(60));
    let result = ready.call_compiled(engine, script, "f", std::slice::from_ref(event));
    result
        .ok()
        .map(|value| format!("{value:?} {:?}", frame::finish()))
}

/// What it gives by Rhai, or that it fails; nothing if Rhai panics, which it does where a value that a
/// closure captured gets into another one.
fn rhais(engine: &Engine, script: &Script, event: &Value) -> Option<String> {
    let mut ready = Ready::new(engine, script).unwrap();
    frame::begin(0, Duration::from_secs(60));
    let call = || ready.call_by_rhai(engine, "f", std::slice::from_ref(event));
    Some(match catch_unwind(AssertUnwindSafe(call)).ok()? {
        Ok(value) => format!("{value:?} {:?}", frame::finish()),
        Err(_) => "fails".to_owned(),
    })
}

/// Runs all bodies; gives back how often they did not give up.
fn compare(engine: &Engine, scripts: &[(&str, Script)], event: &Value) -> usize {
    let mut went_well = 0;
    for (body, script) in scripts {
        let before = format!("{event:?}");
        if let Some(ours) = ours(engine, script, event) {
            let rhais = rhais(engine, script, event);
            assert_eq!(
                ours,
                rhais.unwrap_or_else(|| ours.clone()),
                "{body}\n{event:?}"
            );
            went_well += 1;
        }
        assert_eq!(before, format!("{event:?}"), "{body} changed the event");
    }
    went_well
}

#[test]
fn what_is_compiled_gives_what_rhai_gives() {
    let went_well = with_script_stack(|| {
        let (engine, scripts) = (engine::build_to_run(), all_compiled());
        for (body, script) in &scripts {
            assert!(script.compiled.find("f", 1).is_some(), "{body}");
        }
        let events = EVENTS.map(|event| parse_json(event.as_bytes()).unwrap());
        events.map(|event| compare(&engine, &scripts, &event))
    });
    // The first event has all that bodies ask for. Some fail on purpose.
    let went_well = went_well.unwrap();
    assert!(went_well[0] > 160, "{went_well:?} of {}", BODIES.len());
}

#[test]
fn what_is_left_to_rhai_is_known() {
    with_script_stack(|| {
        let compiler = Compiler::new(Path::new("nowhere"));
        for body in LEFT {
            let script = compiled(&compiler, body);
            assert!(script.compiled.find("f", 1).is_none(), "{body}");
        }
    })
    .unwrap();
}

/// JSON of which parts have the names that bodies ask for.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::UNIT),
        any::<bool>().prop_map(Value::from),
        (-20i64..20).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-8i32..8).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        "[a-c, ]{0,4}".prop_map(Value::from),
        Just(Value::from("value")),
    ];
    let names = "event_name|id|value|text|none|yes|empty|items|user|key|n|sku|quantity|price|email|address|city|zip";
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from_array),
            prop::collection::vec((names, inner), 0..9).prop_map(|entries| {
                let entries = entries.into_iter();
                let map: Map = entries
                    .map(|(key, value)| (key.as_str().into(), value))
                    .collect();
                Value::from_map(map)
            }),
        ]
    })
}

#[test]
fn it_does_so_with_any_event() {
    with_script_stack(|| {
        let (engine, scripts) = (engine::build_to_run(), all_compiled());
        let events = prop::collection::vec(
            ("id|value|text|none|yes|items|user|key|n", any_value()),
            0..9,
        );
        proptest!(ProptestConfig::with_cases(256), |(entries in events)| {
            let entries = entries.into_iter();
            let event: Map = entries.map(|(key, value)| (key.as_str().into(), value)).collect();
            compare(&engine, &scripts, &Value::from_map(event));
        });
    })
    .unwrap();
}

#[test]
fn any_script_gives_what_rhai_gives() {
    let went_well = with_script_stack(|| {
        let (engine, compiler) = (engine::build_to_run(), Compiler::new(Path::new("nowhere")));
        let events = EVENTS.map(|event| parse_json(event.as_bytes()).unwrap());
        let went_well = Cell::new(0);
        let choices = prop::collection::vec(any::<u8>(), 400);
        proptest!(ProptestConfig::with_cases(1_000), |(choices in choices)| {
            let body = Author::new(choices).body();
            let source = format!("fn f(event) {{ {body} }}{BESIDE}");
            // What makes no sense does not compile.
            if let Ok(script) = compiler.compile("test", "test.rhai", &source) {
                let scripts = [(body.as_str(), script)];
                let well = events.each_ref().map(|event| compare(&engine, &scripts, event));
                went_well.set(went_well.get() + well[0]);
            }
        });
        went_well.get()
    });
    assert!(went_well.unwrap() > 150, "too few of them make sense");
}

#[test]
fn shipped_scripts_are_compiled() {
    let left = with_script_stack(|| {
        let compiler = Compiler::new(Path::new("shared"));
        let mut left = Vec::new();
        for folder in ["clients", "tags"] {
            for file in std::fs::read_dir(folder).unwrap() {
                let file = file.unwrap().path();
                let name = file.display().to_string();
                let source = std::fs::read_to_string(&file).unwrap();
                let script = compiler.compile("test", &name, &source).unwrap();
                for (function, takes) in script.functions() {
                    let is_closure = function.starts_with("anon$");
                    if !is_closure && script.compiled.find(function, takes).is_none() {
                        left.push(format!("{name} {function}"));
                    }
                }
            }
        }
        left.sort();
        left
    });
    assert_eq!(left.unwrap(), SHIPPED_AND_LEFT);
}

#[test]
fn a_function_that_gives_up_often_is_left_to_rhai() {
    with_script_stack(|| {
        let engine = engine::build_to_run();
        let script = compiled(&Compiler::new(Path::new("nowhere")), "event.a.b");
        let mut ready = Ready::new(&engine, &script).unwrap();
        let mut run = |event: &str| {
            frame::begin(0, Duration::from_secs(60));
            let event = [parse_json(event.as_bytes()).unwrap()];
            ready.call_compiled(&engine, &script, "f", &event).is_ok()
        };
        assert!(run(r#"{"a":{"b":1}}"#));
        for _ in 0..TOO_OFTEN / WEIGHT {
            assert!(!run("{}"));
        }
        assert!(!run(r#"{"a":{"b":1}}"#));
    })
    .unwrap();
}

#[test]
fn what_it_logged_before_it_gave_up_is_logged_once() {
    with_script_stack(|| {
        let source = "fn f(event) { log::info(`at ${event.id}`); event.missing.deeper }";
        let compiler = Compiler::new(Path::new("nowhere"));
        let script = compiler.compile("test", "test.rhai", source).unwrap();
        let event = parse_json(br#"{"id":7}"#).unwrap();
        let mut worker = Worker::new();
        let called = call(&mut worker, &script, "f", &[event], 0);
        assert!(called.result.is_err());
        let lines: Vec<&str> = called.log.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["at 7"]);
    })
    .unwrap();
}
