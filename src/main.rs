//! The `tagwerk` binary: hands its arguments to `cli` and ends with the code that comes back.

use std::process::ExitCode;

// 12 to 40 % less CPU than the system's allocator on this load (measured in a spike).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tagwerk::cli::main()
}
