//! §5.3: a fresh key for each frame, and masking that is the same however the payload is cut.
use crate::support::*;
use sansocket::{
    frame::MaskKey,
    proto::{Connection, Established, Role},
    *,
};
use std::collections::HashSet;

/// Rule of RFC 6455 §5.3: fresh masking keys.
#[test]
fn each_frame_has_a_key_of_its_own_from_the_source_of_chance() {
    let mut end = End::with(Role::Client, |config| config.fragment_size = 1000);
    end.conn.send("same").unwrap();
    end.conn.send("same").unwrap();
    end.conn.send(vec![1; 4500]).unwrap();
    end.conn.ping("").unwrap();
    end.frame(PING, "?").ping("?");
    end.conn.close(None);
    let keys: Vec<_> = frames(&written(&mut end.conn)).iter().map(|frame| frame.key.unwrap()).collect();
    assert_eq!(keys, (0..10).map(key).collect::<Vec<_>>(), "each drawn once, in order, and none kept back");
}

/// Rule of RFC 6455 §5.3: fresh masking keys.
#[test]
fn keys_of_the_default_source_do_not_repeat() {
    let keys = |config: Config| {
        let mut client = Connection::new(Established::bare(Role::Client), config);
        (0..1000).for_each(|_| client.send("x").unwrap());
        frames(&written(&mut client)).iter().map(|frame| frame.key.unwrap()).collect::<HashSet<_>>()
    };
    let (one, other) = (keys(Config::client()), keys(Config::client()));
    assert!(one.len() > 990 && one.intersection(&other).count() < 10, "2000 draws of 32 bits");
    assert!(!one.contains(&[0; 4]) || !other.contains(&[0; 4]));
}

/// Rule of RFC 6455 §5.3: masking is involution.
#[test]
fn masking_twice_gives_the_payload_back_at_every_offset_and_alignment() {
    let bytes: Vec<u8> = (0..200).map(|i| i as u8 ^ 0x5A).collect();
    for start in 0..16 {
        for end in start..bytes.len() {
            let mut data = bytes.clone();
            MaskKey::new(PEER_KEY).apply(&mut data[start..end]);
            let masked = &wire(0, &bytes[start..end], Some(PEER_KEY));
            assert!(masked.ends_with(&data[start..end]), "octet i is masked with octet i mod 4 of the key");
            MaskKey::new(PEER_KEY).apply(&mut data[start..end]);
            assert_eq!(data, bytes);
        }
    }
}

/// Rule of RFC 6455 §5.3: masking is involution.
#[test]
fn the_key_keeps_its_place_across_partial_reads() {
    let payload: Vec<u8> = (0..50).collect();
    for i in 0..=payload.len() {
        for j in i..=payload.len() {
            let mut end = End::new(Role::Server);
            let frame = wire(BINARY, &payload, Some(PEER_KEY));
            end.raw(&frame[..6 + i]);
            if i < payload.len() {
                end.quiet();
            }
            end.more(&frame[6 + i..6 + j]);
            if j > i && j < payload.len() {
                end.quiet();
            }
            end.more(&frame[6 + j..]).binary(&payload);
        }
    }
}
