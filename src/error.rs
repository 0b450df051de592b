//! The one error type for places where nobody branches on what went wrong.
//!
//! Where the caller does branch there is an enum beside the code: `script::Fault`,
//! `journal::Error`, `config::Problems`.

/// Any error, boxed: it is shown to a person or logged, never matched.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
