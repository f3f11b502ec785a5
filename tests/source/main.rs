//! The source and its types: layers, sizes, and that every rule has its test.
#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod assertions;
mod rows;
