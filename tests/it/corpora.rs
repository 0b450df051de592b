//! The seeds of the fuzz targets, `fuzz/corpus`, through the same functions: what was found once
//! stays mended without a fuzzer.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tagwerk::request::{Unreadable, unpack};
use tagwerk::script::parse_form;

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
