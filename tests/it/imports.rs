//! Shared modules: what a script may import, from where, and that nothing outside can be read.

use std::fs;
use std::os::unix::fs::symlink;

use tagwerk::generation::Generation;
use tagwerk::script::{self, Worker, with_script_stack};

use crate::support::call::run_tag;
use crate::support::folder::{Folder, lines};

const HEADER: &str = "const ON = \"purchase\";\nconst TO = \"crm\";\n";

const RATES: &str = "fn vat(value) { value * 19 / 100 }\n";

/// What the one tag makes of an event of value 200.
fn sends(generation: &Generation) -> Result<String, String> {
    let run = || {
        let event = script::parse_json(br#"{"event_name":"purchase","value":200}"#).unwrap();
        run_tag(&mut Worker::new(), &generation.tags[0], event)
    };
    let ran = with_script_stack(run).unwrap();
    match ran.fault {
        Some(fault) => Err(fault.to_string()),
        None => Ok(String::from_utf8(ran.payloads[0].clone()).unwrap()),
    }
}

fn tag(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("tags/tag.rhai", &format!("{HEADER}{text}"));
    folder
}

fn problems(folder: &Folder) -> String {
    match folder.try_load() {
        Ok(_) => panic!("it loaded"),
        Err(problems) => lines(&problems),
    }
}

#[test]
fn modules_work_wherever_they_are_imported() {
    let modules = [
        (
            "shared/orders/totals.rhai",
            "import \"rates\" as rates;\nfn tax(event) { rates::vat(event.value) }\n",
        ),
        (
            "shared/late.rhai",
            "fn tax(event) { import \"rates\" as rates; rates::vat(event.value) }\n",
        ),
        (
            "shared/private.rhai",
            "private fn half(value) { value / 2 }\nfn tax(event) { half(76) }\n",
        ),
        (
            "shared/re_export.rhai",
            "import \"rates\" as rates;\nexport const WHAT = \"tax\";\nfn tax(event) { rates::vat(event.value) }\n",
        ),
    ];
    let cases = [
        (
            "at the top",
            "import \"rates\" as rates;\nfn tag(event) { #{ tax: rates::vat(event.value) } }",
        ),
        (
            "in a function",
            "fn tag(event) { import \"rates\" as r; #{ tax: r::vat(event.value) } }",
        ),
        (
            "in a helper",
            "fn tag(event) { #{ tax: tax(event) } }\nfn tax(event) { import \"rates\" as r; r::vat(event.value) }",
        ),
        (
            "in a closure",
            "import \"rates\" as r;\nfn tag(event) { let taxes = [event.value].map(|value| r::vat(value)); #{ tax: taxes[0] } }",
        ),
        (
            "of a module in a folder",
            "import \"orders/totals\" as totals;\nfn tag(event) { #{ tax: totals::tax(event) } }",
        ),
        (
            "within a module's function",
            "import \"late\" as late;\nfn tag(event) { #{ tax: late::tax(event) } }",
        ),
        (
            "with private functions",
            "import \"private\" as p;\nfn tag(event) { #{ tax: p::tax(event) } }",
        ),
        (
            "twice",
            "import \"rates\" as a;\nimport \"re_export\" as b;\nfn tag(event) { #{ tax: a::vat(event.value) + b::tax(event) - 38 } }",
        ),
        (
            "with the name of a host namespace",
            "import \"rates\" as text;\nfn tag(event) { #{ tax: text::vat(event.value) } }",
        ),
        (
            "between header constants",
            "import \"rates\" as r;\nconst PRIORITY = 5;\nfn tag(event) { #{ tax: r::vat(event.value) } }",
        ),
    ];
    for (what, text) in cases {
        let folder = tag(text);
        folder.write("shared/rates.rhai", RATES);
        for (file, module) in modules {
            folder.write(file, module);
        }
        let generation = folder.load();
        for _ in 0..3 {
            assert_eq!(sends(&generation).as_deref(), Ok("{\"tax\":38}"), "{what}");
        }
    }
}

#[test]
fn names_lead_to_the_shared_folder_only() {
    let long = "x".repeat(300);
    for name in [
        "../tags/tag",
        "/etc/passwd",
        "a/../../x",
        "./rates",
        "rates.rhai",
        "a//b",
        "a\\\\b",
        "",
        ".hidden",
        "x\\x00",
        "c:rates",
        &long,
    ] {
        let folder = tag(&format!(
            "import \"{name}\" as x;\nfn tag(event) {{ event }}"
        ));
        folder.write("shared/rates.rhai", RATES);
        let text = problems(&folder);
        assert!(text.starts_with("tags/tag.rhai:3:8: "), "{text}");
        assert!(text.contains("is not the name of a module"), "{text}");
    }
}

#[test]
fn links_out_of_the_shared_folder_are_refused() {
    let folder = tag("import \"outside\" as x;\nfn tag(event) { event }");
    folder.write("secret.rhai", RATES);
    folder.write("shared/rates.rhai", RATES);
    symlink("../secret.rhai", folder.path().join("shared/outside.rhai")).unwrap();
    let text = problems(&folder);
    assert!(text.contains("tags/tag.rhai:3:8: cannot import \"outside\": shared/outside.rhai leads out of the shared folder"), "{text}");

    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    folder.write("elsewhere/more.rhai", RATES);
    symlink("../elsewhere", folder.path().join("shared/folder")).unwrap();
    folder.write(
        "tags/tag.rhai",
        &format!("{HEADER}import \"folder/more\" as x;\nfn tag(event) {{ event }}"),
    );
    assert!(problems(&folder).contains("leads out of the shared folder"));
}

/// Kubernetes mounts a config map as links into a folder that is a link; the whole shared folder may
/// be a link, too.
#[test]
fn links_within_the_shared_folder_are_followed() {
    let text = "import \"rates\" as rates;\nfn tag(event) { #{ tax: rates::vat(event.value) } }";
    let folder = tag(text);
    folder.write("shared/..2026/rates.rhai", RATES);
    symlink("..2026", folder.path().join("shared/..data")).unwrap();
    symlink("..data/rates.rhai", folder.path().join("shared/rates.rhai")).unwrap();
    assert_eq!(sends(&folder.load()).as_deref(), Ok("{\"tax\":38}"));

    let folder = tag(text);
    folder.write("modules/v1/rates.rhai", RATES);
    symlink("modules/v1", folder.path().join("shared")).unwrap();
    assert_eq!(sends(&folder.load()).as_deref(), Ok("{\"tax\":38}"));
}

#[test]
fn a_module_that_runs_forever_is_a_problem_of_the_load() {
    let folder = tag("import \"endless\" as x;\nfn tag(event) { event }");
    folder.write("shared/endless.rhai", "loop { }\n");
    let text = problems(&folder);
    assert!(text.contains("stopped after"), "{text}");
    assert!(text.starts_with("shared/endless.rhai"), "{text}");
}

#[test]
fn a_script_imports_a_bounded_number_of_modules() {
    let imports: String = (0..40)
        .map(|n| format!("import \"m{n}\" as m{n};\n"))
        .collect();
    let folder = tag(&format!("{imports}fn tag(event) {{ event }}"));
    for n in 0..40 {
        folder.write(&format!("shared/m{n}.rhai"), "fn f() { 1 }\n");
    }
    let text = problems(&folder);
    assert!(text.contains("more than 32 modules"), "{text}");
}
