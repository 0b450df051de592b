//! `tagwerk check` and what vendors take: misspelt keys, and cases that a vendor would refuse.

use crate::support::command::run;
use crate::support::working_set::WorkingSet;

const TABLES: &str = "[destinations.amplitude]\ntype = \"amplitude\"\napi_key = \"k\"\n[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.example.com\"\n";

const CLIENT: &str =
    "const PATH = \"/order\";\nfn parse(request) { #{ event_name: \"order\" } + request.json }\n";

fn set(tag: &str) -> WorkingSet {
    WorkingSet::new(TABLES)
        .with("clients/order.rhai", CLIENT)
        .with("tags/it.rhai", tag)
}

#[tokio::test]
async fn a_misspelt_key_is_named_with_its_place_and_the_right_one() {
    for (tag, expected) in [
        (
            "const ON = \"order\";\nconst TO = \"amplitude\";\nfn tag(event) {\n    #{ event_tpye: \"x\", user_id: event.user }\n}\n",
            [
                "tags/it.rhai:4:8",
                "destinations of type amplitude know no key `event_tpye`",
                "did you mean `event_type`?",
            ],
        ),
        (
            "const ON = \"order\";\nconst TO = \"amplitude\";\nfn tag(event) {\n    let one = #{ event_type: \"x\", userid: event.user };\n    one.x = 1;\n    if event.a == 1 { return one; }\n    one\n}\n",
            [
                "tags/it.rhai:4:35",
                "destinations of type amplitude know no key `userid`",
                "did you mean `user_id`?",
            ],
        ),
        (
            "const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) {\n    [#{ body: event } + #{ zzz: event.b }]\n}\n",
            [
                "tags/it.rhai:4:28",
                "destinations of type http know no key `zzz`",
                "there are body, form, path",
            ],
        ),
    ] {
        let ended = run(set(tag).path(), &["check"]).await;
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, 1, "{told}");
        for part in expected {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}

#[tokio::test]
async fn keys_of_ones_own_where_the_vendor_takes_them_are_no_mistake() {
    let tag = "const ON = \"order\";\nconst TO = \"amplitude\";\nfn tag(event) {\n    #{ event_type: \"x\", user_id: \"user-1\", my_own: 1, event_properties: #{ event_tpye: 1 } }\n}\n";
    let ended = run(set(tag).path(), &["check"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[tokio::test]
async fn a_case_that_the_vendor_would_refuse_is_told() {
    let tag = "const ON = \"order\";\nconst TO = \"amplitude\";\nfn tag(event) {\n    #{ event_type: \"x\", user_id: event.user }\n}\n";
    for (user, code) in [("anonymous", 1), ("user-00001", 0)] {
        let case = format!(
            "POST /order HTTP/1.1\nContent-Type: application/json\n\n{{\"user\":\"{user}\"}}"
        );
        let set = set(tag).with("cases/order/request.http", &case);
        let ended = run(set.path(), &["check"]).await;
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{told}");
        let why = "Amplitude would refuse what it makes of it: events[0].user_id: an id that Amplitude refuses";
        assert_eq!(told.contains(why), code == 1, "{told}");
        assert_eq!(
            told.contains("cases/order/request.http"),
            code == 1,
            "{told}"
        );
    }
}
