//! The `tagwerk` binary: hands its arguments to `cli`.

fn main() {}
