//! The seeds of the fuzz targets, `fuzz/corpus`, through the same functions: what was found once
//! stays mended without a fuzzer.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use tagwerk::request::{Unreadable, unpack};
use tagwerk::script::api::{decode_ga4, nest_form};
use tagwerk::script::{map_to_json, parse_form, parse_json, to_json};

use crate::support::flow::Flow;

/// A target's seeds by name; there must be some.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).unwrap();
    let seed = |file: Result<fs::DirEntry, _>| {
        let file: fs::DirEntry = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name, fs::read(file.path()).unwrap())
    };
    let seeds: Vec<_> = files.map(seed).collect();
    assert!(seeds.len() >= 3, "{target} has {} seeds", seeds.len());
    seeds
}

#[test]
fn every_target_has_its_seeds_here() {
    let manifest = fs::read_to_string("fuzz/Cargo.toml").unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for target in manifest["bin"].as_array().unwrap() {
        seeds(target["name"].as_str().unwrap());
    }
}

#[test]
fn forms() {
    for (name, body) in seeds("form") {
        let form = parse_form(b"application/x-www-form-urlencoded", &body);
        assert_eq!(form.is_err(), name == "latin1", "{name}: {form:?}");
    }
}

#[test]
fn dotted_forms() {
    for (name, body) in seeds("form_dotted") {
        let form = parse_form(b"application/x-www-form-urlencoded", &body).unwrap();
        let json = map_to_json(&nest_form(form)).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = match &*name {
            "items" => json!({ "items": [{ "item_id": "A", "price": 9.5 }, { "item_id": "B" }] }),
            "far" => json!({ "a": { "99999999": 1 }, "b": [null, null, 2] }),
            _ => json!({ "": { "": "" }, "a": { "0": 1, "b": { "": "x" } } }),
        };
        assert_eq!(json, expected, "{name}");
    }
}

#[test]
fn hits_of_ga4() {
    for (name, hit) in seeds("ga4") {
        let end = hit.iter().position(|byte| *byte == b'\n');
        let (query, body) = hit.split_at(end.unwrap_or(hit.len()));
        let events = decode_ga4(query, body, 0).unwrap();
        let expected = match &*name {
            "page_view" | "odd" => 1,
            "batch" => 2,
            _ => 0,
        };
        assert_eq!(events.len(), expected, "{name}");
    }
}

#[test]
fn json_bodies() {
    for (name, body) in seeds("json") {
        let read = parse_json(&body).map(|value| to_json(&value).unwrap());
        assert_eq!(read.is_err(), name == "odd", "{name}: {read:?}");
    }
}

#[test]
fn multipart_forms() {
    for (name, input) in seeds("multipart") {
        let end = input.iter().position(|byte| *byte == b'\n').unwrap();
        let (boundary, body) = input.split_at(end);
        let content_type = [b"multipart/form-data; boundary=", boundary].concat();
        let form = parse_form(&content_type, &body[1..]);
        assert_eq!(form.is_ok(), name == "whole", "{name}: {form:?}");
    }
}

#[test]
fn calls_of_segment() {
    let flow = Flow::shipped();
    for (name, input) in seeds("segment") {
        let input = String::from_utf8(input).unwrap();
        let (path, body) = input.split_once('\n').unwrap();
        let status = flow.request("POST", path, &[], body).response.status;
        let expected = match &*name {
            "no_path" => 404,
            "odd" => 400,
            _ => 200,
        };
        assert_eq!(status, expected, "{name}");
    }
}

#[test]
fn packed_bodies() {
    let gzip = HeaderValue::from_static("gzip");
    let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, gzip)]);
    for (name, body) in seeds("gzip") {
        let expected = match &*name {
            "json" | "two" => Ok(Bytes::from_static(b"{\"id\":1}")),
            "bomb" => Err(Unreadable::TooLarge),
            _ => Err(Unreadable::Broken),
        };
        assert_eq!(unpack(&headers, &body.into(), 1 << 20), expected, "{name}");
    }
}
