//! The source and its types: layers, sizes, and that every rule has its test.
mod architecture;
mod assertions;
mod methods;
mod names;
mod rules;
mod settings;

use sansocket_test_support as support;
