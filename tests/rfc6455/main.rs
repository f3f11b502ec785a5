//! RFC 6455 after the handshake: one module per section, one test per rule, named for what must hold.
//!
//! `Rule of RFC 6455 §…` names a rule of the list that `tests/source/rules.rs` keeps complete. Where the rule binds both ends, both are tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod s10_security;
mod s11_registries;
mod s5_1_overview;
mod s5_2_framing;
mod s5_3_masking;
mod s5_4_fragmentation;
mod s5_5_control;
mod s5_6_data;
mod s6_send_receive;
mod s7_4_codes;
mod s7_closing;
mod s8_utf8;

use sansocket_test_support as support;
