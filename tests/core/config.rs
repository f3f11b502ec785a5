//! `Config`: one way to say what differs from the defaults.
use sansocket::{
    Config, Delivery, Keepalive, Origins,
    entropy::Entropy,
    extension::{Agreement, Extension, ExtensionOffer, InvalidAnswer},
};
use std::time::Duration;

#[test]
fn each_setting_has_a_method_that_sets_it_and_no_other() {
    let time = Duration::from_millis(7);
    let keepalive = Keepalive { interval: time, timeout: time };
    let set: [(&str, Config); 20] = [
        ("max_message_size", Config::server().max_message_size(7)),
        ("max_fragments", Config::server().max_fragments(7)),
        ("max_empty_fragments", Config::server().max_empty_fragments(7)),
        ("max_head_size", Config::server().max_head_size(7)),
        ("max_header_fields", Config::server().max_header_fields(7)),
        ("max_header_line", Config::server().max_header_line(7)),
        ("max_refusal_body", Config::server().max_refusal_body(7)),
        ("handshake_timeout", Config::server().handshake_timeout(time)),
        ("keepalive", Config::server().keepalive(keepalive)),
        ("message_timeout", Config::server().message_timeout(time)),
        ("write_timeout", Config::server().write_timeout(time)),
        ("close_timeout", Config::server().close_timeout(None)),
        ("extensions", Config::server().extension(Named)),
        ("origins", Config::server().origins(Origins::Any)),
        ("accept_unmasked", Config::server().accept_unmasked(true)),
        ("delivery", Config::server().delivery(Delivery::Chunks)),
        ("auto_pong", Config::server().auto_pong(false)),
        ("fragment_size", Config::server().fragment_size(7)),
        ("high_water_mark", Config::server().high_water_mark(7)),
        ("entropy", Config::server().entropy(Zeros)),
    ];
    // `Debug` shows every field, so none can be forgotten here.
    let fields = |config: &Config| -> Vec<(String, String)> {
        let shown = format!("{config:#?}");
        let (mut fields, mut value) = (vec![], String::new());
        for line in shown.lines().skip(1) {
            match line.strip_prefix("    ").filter(|field| !field.starts_with([' ', ')', ']', '}'])) {
                Some(field) => {
                    let (name, begins) = field.split_once(": ").unwrap();
                    value = begins.to_owned();
                    fields.push((name.to_owned(), value.clone()));
                }
                None => {
                    value.push_str(line);
                    fields.last_mut().unwrap().1.clone_from(&value);
                }
            }
        }
        fields
    };
    let defaults = fields(&Config::server());
    assert_eq!(
        defaults.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>(),
        set.each_ref().map(|(name, _)| *name)
    );
    for (name, config) in &set {
        let changed = fields(config).into_iter().zip(&defaults).filter(|(now, before)| now != *before);
        assert_eq!(changed.map(|((name, _), _)| name).collect::<Vec<_>>(), [*name]);
    }
}

#[test]
fn the_default_is_the_stricter_role() {
    assert_eq!(format!("{:?}", Config::default()), format!("{:?}", Config::server()));
    assert!(Config::default().max_message_size < Config::client().max_message_size);
    assert!(Config::client().without_extensions().extensions.is_empty());
}

#[derive(Debug)]
struct Zeros;
impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[derive(Debug)]
struct Named;
impl Extension for Named {
    fn name(&self) -> &str {
        "x-named"
    }
    fn offers(&self) -> Vec<ExtensionOffer> {
        vec![]
    }
    fn accept(&self, _: &ExtensionOffer) -> Option<Agreement> {
        None
    }
    fn confirm(&self, _: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        Err(InvalidAnswer)
    }
}
