//! `sansocket`'s blocking adapter against other libraries: each of them, in each role, each behaviour a test.
//!
//! A behaviour is a function of a [`Case`], which says who is at the other end and who listens. The names of the tests say
//! the same: `node_ws::we_connect::text_is_echoed_by_the_peer`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod case;
mod closing;
mod compression;
mod control;
mod failing;
mod messages;
mod opening;
mod puppet;
mod tap;
mod tungstenite;

use case::{Case, Peer, Role};
use std::{panic, sync::mpsc, thread, time::Duration};

/// Longer than anything that it may wait for.
const LIMIT: Duration = Duration::from_secs(90);

/// Fails instead of hanging.
fn run(case: Case, behaviour: fn(Case)) {
    let (done, ended) = mpsc::channel();
    let name = thread::current().name().unwrap_or("behaviour").to_owned();
    let test = thread::Builder::new().name(name).spawn(move || {
        let outcome = panic::catch_unwind(|| behaviour(case));
        let _ = done.send(());
        outcome
    });
    ended.recv_timeout(LIMIT).expect("the test ends in time");
    if let Err(panic) = test.unwrap().join().unwrap() {
        panic::resume_unwind(panic);
    }
}

macro_rules! tests {
    ($peer:ident: $($role:ident => [$($module:ident::$behaviour:ident),* $(,)?])*) => {$(
        mod $role {
            $(
                #[test]
                fn $behaviour() {
                    let case = crate::Case { peer: crate::Peer::$peer, role: crate::Role::$role };
                    crate::run(case, crate::$module::$behaviour);
                }
            )*
        }
    )*};
}

/// All that every peer can do, in both roles.
macro_rules! peer {
    ($name:ident, $peer:ident, [$($module:ident::$more:ident),*]) => {
        mod $name {
            peer!(@role $peer, we_serve, [opening::a_foreign_origin_is_refused $(, $module::$more)*]);
            peer!(@role $peer, we_connect, [$($module::$more),*]);
        }
    };
    (@role $peer:ident, $role:ident, [$($module:ident::$more:ident),*]) => {
        tests! { $peer: $role => [
            opening::header_fields_pass_both_ways,
            opening::a_subprotocol_is_agreed,
            opening::a_refusal_comes_with_its_body,
            opening::several_connections_at_once,
            messages::text_is_echoed_by_the_peer,
            messages::text_is_echoed_by_us,
            messages::binary_of_every_size_is_echoed_by_the_peer,
            messages::binary_of_every_size_is_echoed_by_us,
            messages::fragments_of_the_peer_are_one_message,
            messages::chunks_that_we_write_are_one_message,
            messages::a_message_that_we_send_in_many_frames_is_one,
            messages::a_burst_of_ours_arrives_in_order,
            messages::a_burst_of_the_peers_arrives_in_order,
            control::our_pings_are_answered,
            control::the_peers_pings_are_answered,
            control::our_ping_amid_our_fragments_is_answered,
            control::the_peers_ping_amid_its_fragments_is_answered,
            control::the_peers_ping_amid_our_fragments_is_answered,
            closing::we_close_with_code_and_reason,
            closing::we_close_with_an_empty_frame,
            closing::the_peer_closes_with_code_and_reason,
            closing::the_peer_closes_with_an_empty_frame,
            closing::what_is_queued_arrives_before_the_close,
            closing::the_peer_breaks_off,
            closing::we_break_off,
            failing::text_that_is_not_utf8_ends_with_1007,
            failing::a_message_too_big_for_us_ends_with_1009,
            $($module::$more),*
        ] }
    };
}

peer!(tungstenite_rust, Tungstenite, []);
peer!(
    python_websockets,
    Python,
    [
        failing::a_message_too_big_for_the_peer_ends_with_1009,
        compression::compressed_messages_are_echoed_by_the_peer,
        compression::compressed_messages_are_echoed_by_us,
        compression::compressed_messages_in_chunks_are_whole,
        compression::what_becomes_too_big_when_inflated_ends_with_1009
    ]
);
peer!(
    node_ws,
    Node,
    [
        failing::a_message_too_big_for_the_peer_ends_with_1009,
        compression::compressed_messages_are_echoed_by_the_peer,
        compression::compressed_messages_are_echoed_by_us,
        compression::compressed_messages_in_chunks_are_whole,
        compression::what_becomes_too_big_when_inflated_ends_with_1009
    ]
);
