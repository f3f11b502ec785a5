//! What the tests of permessage-deflate have in common: settings and connections that compress.
use crate::support::*;
pub(crate) use sansocket::{
    Config, Deflate,
    extension::{self, Extension, ExtensionOffer, deflate::Memory},
    proto::{Connection, Established, Role},
};
pub(crate) use sansocket_test_support::deflate::*;
use std::sync::Arc;

/// The memory of this thread's connections: tests do not wait for each other.
pub(crate) fn memory() -> Memory {
    thread_local!(static MEMORY: Memory = Memory::new(256 << 20));
    MEMORY.with(Memory::clone)
}

/// Everything is compressed, with the widest window.
pub(crate) fn eager(takeover: bool) -> Deflate {
    let mut deflate = Deflate::default();
    (deflate.min_size, deflate.level, deflate.memory) = (0, 6, memory());
    deflate.send = extension::deflate::Context { window_bits: 15, takeover };
    deflate.receive = Some(deflate.send);
    deflate
}

/// A connection that takes contexts over, or does not.
pub(crate) fn end(role: Role, takeover: bool, tweak: impl FnOnce(&mut Config)) -> End {
    let mut config = config(role);
    tweak(&mut config);
    let params = if takeover { "" } else { "; server_no_context_takeover; client_no_context_takeover" };
    let established = Established::bare(role).with_extension(agreement(role, &eager(takeover), params));
    End::of(role, Connection::new(established, config))
}

/// A config that negotiates.
pub(crate) fn with(role: Role, deflate: Deflate) -> Config {
    let mut config = config(role);
    config.extensions = vec![Arc::new(deflate)];
    config
}
