//! What `/metrics` counts, over real sockets; and that names, documentation and alerts agree.

mod counts;
mod names;
