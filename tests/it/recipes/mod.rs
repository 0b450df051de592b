//! The recipes, `examples/recipes/`: that each works, as `tagwerk test` and over real sockets to
//! stand-ins of the vendors, and that its page in the guide shows what its files are.

mod files;
mod page;
mod recipe;
mod sent;
