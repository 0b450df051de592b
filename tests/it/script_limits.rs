//! Every limit of `src/script/limits.rs`, hit by a script that means harm or is badly wrong: it
//! ends in time with a fault that names the limit, the process lives, and its thread goes on.

use std::time::{Duration, Instant};

use tagwerk::script::{self, Compiler, Fault, Pool, Worker};
use tokio::runtime::Runtime;

/// How long the slowest may take, in a debug build on a busy machine. The deadline is 50 ms.
const GENEROUS: Duration = Duration::from_secs(20);

const TIME: &str = "stopped after 50 ms";
const STEPS: &str = "stopped after 500000 steps";
const CALLS: &str = "functions call one another more than 32 deep";
const TEXT: &str = "a text would be larger than 8 MiB";
const ARRAY: &str = "an array would have more than 10000 elements";
const MAP: &str = "a map would have more than 9900 keys";
const DEEP: &str = "nested more than 127 deep";

/// Which of the two is met first depends on the machine and the build.
const BUSY: &[&str] = &[TIME, STEPS];

/// A body of `fn tag(event)`, and what its fault may say.
type Hostile = (&'static str, &'static [&'static str]);

#[test]
fn endless_loops_end() {
    all_end(&[
        ("loop {}", BUSY),
        ("let n = 0; while n >= 0 { n += 1; }", BUSY),
        ("do { } while true", BUSY),
        (
            "let n = 0; for i in 0..9000000000000000000 { n += i; } n",
            BUSY,
        ),
        ("loop { try { loop {} } catch { } }", BUSY),
        ("try { loop {} } catch { return #{}; }", BUSY),
        ("loop { try { throw \"again\"; } catch { } }", BUSY),
        ("sleep(20)", &["scripts cannot sleep"]),
        ("sleep(20.5)", &["scripts cannot sleep"]),
    ]);
}

/// Rhai counts no operations in callbacks, and some of its functions go on when one fails.
#[test]
fn callbacks_end() {
    all_end(&[
        (
            "let a = []; a.pad(1000, 1); for i in 0..2000 { a.map(|x| x + 1); }",
            BUSY,
        ),
        (
            "let a = []; a.pad(9000, 1); let b = a; a.map(|x| b.map(|y| x + y))",
            BUSY,
        ),
        (
            "let a = []; a.pad(9000, 1); let b = a; a.filter(|x| b.some(|y| x > y))",
            BUSY,
        ),
        (
            "let a = []; a.pad(9000, 1); for i in 0..1000 { a.sort(|x, y| y - x); }",
            BUSY,
        ),
        ("let a = [3, 2, 1]; a.sort(|x, y| { loop {} }); a", BUSY),
        ("let a = [1, 2]; a.dedup(|x, y| { loop {} }); a", BUSY),
        (
            "let a = [1]; loop { try { a.map(|x| { loop {} }) } catch { } }",
            BUSY,
        ),
        ("let a = [1]; a.reduce(|sum, x| { loop {} })", BUSY),
        ("let f = |x, g| g.call(x, g); f.call(1, f)", &[CALLS]),
    ]);
}

#[test]
fn slow_functions_end() {
    const LARGE: &str = "let s = \"\"; s.pad(4000000, \"x\"); ";
    for body in [
        "for i in 0..100000 { s.contains(\"xxxy\"); }",
        "let t = s + \"a\"; let u = s + \"b\"; for i in 0..100000 { t == u; }",
        "for i in 0..100000 { s.to_upper(); }",
        "for i in 0..100000 { regex::is_match(s, \"(x*)*y\"); }",
        "for i in 0..100000 { hash::sha256(s); }",
    ] {
        ends(&format!("{LARGE}{body}"), BUSY);
    }
}

#[test]
fn recursion_ends() {
    all_end(&[
        ("tag(event)", &[CALLS]),
        ("try { tag(event) } catch { tag(event) }", &[CALLS]),
        (
            "let x = [[[[[[[[[[[[[[[[[[[[tag(event)]]]]]]]]]]]]]]]]]]]]; x",
            &[CALLS],
        ),
        ("[1].map(|x| tag(event))", &[CALLS]),
    ]);
}

/// The deepest that a call can use of its thread's stack: as deep as calls, expressions and blocks
/// may be nested, all at once.
#[test]
fn the_stack_holds_the_deepest_call() {
    let sum = "1 + (".repeat(60);
    let close = ")".repeat(60);
    ends(&format!("{sum}tag(event){close}"), &[CALLS]);
    let blocks = "if true {".repeat(35);
    let close = "}".repeat(35);
    ends(&format!("{blocks}tag(event){close}"), &[CALLS]);
}

#[test]
fn large_texts_end() {
    all_end(&[
        ("let s = \"x\"; loop { s += s; }", &[TEXT]),
        ("let s = \"x\"; loop { s = s + s; }", &[TEXT]),
        ("let s = \"x\"; loop { s = `${s}${s}`; }", &[TEXT]),
        ("let s = \"\"; s.pad(2000000000, \"x\");", &[TEXT]),
        ("let s = \"\"; s.pad(2000000000, 'x');", &[TEXT]),
        ("let s = \"\"; s.pad(8388608, \"€\");", &[TEXT]),
        (
            "let s = \"\"; s.pad(8000000, \"x\"); let t = s; s.replace(\"x\", t);",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(8000000, \"x\"); let t = s; s.replace('x', t);",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(8000000, \"x\"); let t = s; s.replace(\"\", t);",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(8000000, \"x\"); s.replace('x', '€');",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(5000000, \"x\"); [s + 1, s + 2]",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(5000000, \"x\"); #{ a: s + 1, b: s + 2 }",
            &[TEXT],
        ),
        (
            "let s = \"\"; s.pad(3000000, \"x\"); text::join([s, s], s)",
            &["too long", "larger", TEXT],
        ),
        (
            "let s = \"\"; s.pad(3000000, \"x\"); text::replace(s, \"x\", s)",
            &["too long", "larger", TEXT],
        ),
        ("let s = \"\"; s.pad(8000000, \"x\"); throw s;", &["xxx"]),
    ]);
}

#[test]
fn large_arrays_and_maps_end() {
    all_end(&[
        ("let a = []; loop { a.push(1); }", &[ARRAY, TIME]),
        ("let a = [1]; loop { a += a; }", &[ARRAY]),
        ("let a = []; a.pad(2000000000, 1);", &[ARRAY]),
        (
            "let a = []; a.pad(200, 1); let b = []; b.pad(200, a);",
            &[ARRAY],
        ),
        ("let a = [1]; loop { a = [a, a]; }", &[ARRAY, TIME]),
        (
            "let m = #{}; let i = 0; loop { m[\"k\" + i] = i; i += 1; }",
            &[MAP, TIME],
        ),
        ("let m = #{}; loop { m = #{ a: m, b: m }; }", &[MAP, TIME]),
        (
            "let s = \"\"; s.pad(8000000, \",\"); s.split(\",\")",
            &[ARRAY],
        ),
        (
            "let s = \"\"; s.pad(8000000, \",\"); s.split(',')",
            &[ARRAY],
        ),
        (
            "let s = \"\"; s.pad(8000000, \",\"); s.split(\"\")",
            &[ARRAY],
        ),
        (
            "let s = \"\"; s.pad(8000000, \",\"); s.split_rev(\",\", 9000000)",
            &[ARRAY],
        ),
        ("let s = \"\"; s.pad(8000000, \"a \"); s.split()", &[ARRAY]),
        (
            "let s = \"\"; s.pad(8000000, \",\"); s.to_chars()",
            &[ARRAY],
        ),
        ("let s = \"\"; s.pad(8000000, \",\"); s.to_blob()", &[ARRAY]),
        ("blob(2000000000)", &["no function `blob`"]),
    ]);
}

/// Each of these recurses in Rhai once a level: comparing, printing, hashing, dropping.
#[test]
fn deep_values_end() {
    const NEST: &str =
        "let a = #{}; let b = []; for i in 0..N { a = #{ a: a }; b = [b]; } let c = a; let d = b; ";
    for levels in ["100", "9000"] {
        let nest = NEST.replace('N', levels);
        for body in [
            "a.to_string(); b.to_string(); event",
            "a == c && b == d; event",
            "switch a { 1 => 2, _ => 3 }; event",
            "log::info(a); print(b); debug(a); event",
            "b.contains(d); b.index_of(d); event",
            "try { json::stringify(a) } catch { } try { a.to_json() } catch { } event",
            "throw a;",
        ] {
            may_end(&format!("{nest}{body}"), &[TIME, STEPS, DEEP, "\"a\""]);
        }
        ends(
            &format!("{nest}let f = #{{}}; f.x = a; while true {{ f = #{{ f: f }}; }}"),
            &[TIME, STEPS, MAP],
        );
    }
}

/// Closures share what they capture, so that a chain of them is no data to be measured.
#[test]
fn chains_and_circles_of_closures_end() {
    all_end(&[
        ("let f = |x| x; loop { let g = f; f = || g; }", BUSY),
        (
            "let f = || 1; loop { f = wrap(f); } } fn wrap(f) { || f",
            BUSY,
        ),
        (
            "let a = []; let f = || a; a.push(f); a.to_string() + (a == a)",
            &["works on a variable"],
        ),
        (
            "let a = #{}; let f = || a; a.f = f; a.to_json()",
            &["a function cannot be sent"],
        ),
        (
            "let f = |x| x; for i in 0..30 { f = f.curry(f); }",
            &["`curry` is no word"],
        ),
        (
            "let f = Fn(\"x\"); for i in 0..30 { f = curry(f, f); }",
            &["`curry` is no word"],
        ),
        (
            "let f = Fn(\"curry\"); f.call(f, f)",
            &["`curry` is a reserved word"],
        ),
        (
            "let f = |x| x; call(Fn(\"curry\"), f, f)",
            &["`curry` is a reserved word"],
        ),
        ("eval(\"40 + 2\")", &["`eval` is no word"]),
        ("\"40 + 2\".eval()", &["`eval` is no word"]),
        (
            "Fn(\"eval\").call(\"40 + 2\")",
            &["reserved", "no function `eval`"],
        ),
    ]);
}

#[test]
fn numbers_do_not_overflow() {
    all_end(&[
        ("9223372036854775807 + 1", &["overflow"]),
        ("-9223372036854775807 - 2", &["overflow"]),
        ("4611686018427387904 * 2", &["overflow"]),
        ("2 ** 64", &["overflow"]),
        ("1 / 0", &["division by zero"]),
        ("1 % 0", &["division by zero", "zero"]),
    ]);
}

#[test]
fn json_is_bounded() {
    let deep = "let o = \"\"; o.pad(129, \"[\"); let c = \"\"; c.pad(129, \"]\"); ";
    ends(&format!("{deep}json::parse(o + c)"), &["recursion limit"]);
    ends(&format!("{deep}parse_json(o + c)"), &["recursion limit"]);
    ends("let n = #{}; for i in 0..140 { n = #{ n: n }; } n", &[DEEP]);
    ends(
        "let s = \"\"; s.pad(8000000, \"1,\"); json::parse(`[${s}1]`)",
        &["more than 10000 array elements"],
    );
}

#[test]
fn variables_functions_and_modules_are_counted() {
    let many = |what: &dyn Fn(usize) -> String| (0..200).map(what).collect::<String>();
    let variables = many(&|n| format!("let v{n} = {n}; "));
    ends(&variables, &["more than 128 variables"]);
    let functions = many(&|n| format!("fn f{n}() {{ }} "));
    ends(
        &format!("}} {functions} fn last() {{"),
        &["more than 64 functions"],
    );
}

/// Found when the script is compiled, where nesting is recursion, too.
#[test]
fn deep_scripts_are_refused() {
    let source = |open: &str, inside: &str, close: &str| {
        let times = 200_000 / (open.len() + close.len());
        format!("{}{inside}{}", open.repeat(times), close.repeat(times))
    };
    for (open, inside, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("#{a:", "1", "}"),
        ("{", "", "}"),
        ("!", "true", ""),
        ("- ", "1", ""),
        ("1+", "1", ""),
        ("event.value+", "1", ""),
        ("\"a\" + ", "\"b\"", ""),
        ("true && ", "true", ""),
        ("event.a ?? ", "1", ""),
        ("tag(", "1", ")"),
        ("|x| ", "1", ""),
        ("`${", "1", "}`"),
        ("switch 1 { 1 => ", "1", "}"),
        ("if true { 1 } else ", "{ 1 }", ""),
        ("try {", "1", "} catch {}"),
        ("while true {", "1", "}"),
    ] {
        ends(
            &source(open, inside, close),
            &["nested more than 128 deep", "expecting", "unexpected"],
        );
    }
    for link in [".a", "?.a", "[0]", ".len()"] {
        ends(
            &format!("event{}", link.repeat(20_000)),
            &["nested more than 128 deep"],
        );
    }
    ends(
        &"x".repeat(300_000),
        &["the file has 300", "the most is 262144"],
    );
}

/// Lines of a large order. Without optimisation a script takes ten times as long.
const ITEMS: usize = if cfg!(debug_assertions) { 30 } else { 300 };

/// What limits must not be in the way of: a large order, a long text, many branches.
#[test]
fn honest_scripts_are_not_stopped() {
    let stage = Stage::new();
    let item = r#"{"sku":"A-1","name":"Mug","price":"9.90","quantity":2,"taxes":[{"id":1,"total":"1.58"}],"meta":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}}"#;
    let order = format!(
        r#"{{"currency":"EUR","line_items":[{}]}}"#,
        vec![item; ITEMS].join(",")
    );
    let source = r#"
        fn tag(event) {
            event.currency = text::lower(event.currency);
            let items = event.line_items.map(|item| #{
                item_id: item.sku, item_name: item.name, price: num(item.price), quantity: item.quantity,
                tax: item.taxes[0].total, meta: item.meta,
            });
            let total = items.reduce(|sum, item| sum + item.price * item.quantity, 0.0);
            for item in items { item.currency = event.currency; }
            #{ items: items, total: total, event: event }
        }"#;
    let called = stage.run_with(source.to_owned(), order);
    assert!(called.0.is_ok(), "{}", called.0.unwrap_err());

    let branches: String = (0..100)
        .map(|n| format!("else if event.value == {n} {{ {n} }} "))
        .collect();
    let sum = (0..40)
        .map(|n| format!("\"part {n} \" + event.value"))
        .collect::<Vec<_>>()
        .join(" + ");
    let body = format!("if event.value == -1 {{ -1 }} {branches} {sum}");
    let (result, _) = stage.run(&body);
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

fn all_end(cases: &[Hostile]) {
    for (body, expected) in cases {
        ends(body, expected);
    }
}

/// The body fails with one of the expected messages, in time, and its thread goes on.
fn ends(body: &str, expected: &[&str]) {
    let message = outcome(body);
    let shown: String = body.chars().take(100).collect();
    assert!(message.is_some(), "{shown}: no fault");
    check(&shown, message, expected);
}

/// As [`ends`], but it may also come to a good end.
fn may_end(body: &str, expected: &[&str]) {
    check(body, outcome(body), expected);
}

fn check(body: &str, message: Option<String>, expected: &[&str]) {
    if let Some(message) = message {
        let is_expected = expected.iter().any(|text| message.contains(text));
        assert!(is_expected, "{body}: {message}");
    }
}

fn outcome(body: &str) -> Option<String> {
    let stage = Stage::new();
    let (result, took) = stage.run(body);
    assert!(took < GENEROUS, "{body} took {took:?}");
    let (next, _) = stage.run("#{ value: event.value + 1 }");
    assert_eq!(next.as_deref(), Ok("{\"value\":2}"), "after {body}");
    result.err().map(|fault| fault.message)
}

/// One script thread.
struct Stage {
    pool: Pool,
    runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            pool: Pool::start(1).unwrap(),
            runtime: { runtime }.build().unwrap(),
        }
    }

    fn run(&self, body: &str) -> (Result<String, Fault>, Duration) {
        self.run_with(
            format!("fn tag(event) {{ {body} }}"),
            r#"{"value":1}"#.to_owned(),
        )
    }

    /// What `fn tag` returned as JSON, and how long it all took.
    fn run_with(&self, source: String, event: String) -> (Result<String, Fault>, Duration) {
        let begun = Instant::now();
        let job = self.pool.run(move |worker| call(worker, &source, &event));
        let result = self.runtime.block_on(job).expect("the thread panicked");
        (result, begun.elapsed())
    }
}

fn call(worker: &mut Worker, source: &str, event: &str) -> Result<String, Fault> {
    let compiler = Compiler::new("shared".as_ref());
    let compiled = compiler.compile("hostile", "tags/hostile.rhai", source);
    let script = compiled.map_err(|mut faults| faults.remove(0))?;
    let event = script::parse_json(event.as_bytes()).unwrap();
    let value = script::call(worker, &script, "tag", &[event], 0).result?;
    match script::to_json(&value) {
        Ok(json) => Ok(String::from_utf8(json).unwrap()),
        Err(message) => Err(Fault::new(&script.file, message)),
    }
}
