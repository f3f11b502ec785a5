//! Every setting says its default and who reads it, so that nobody has to look into the code for either.
use std::fs;

#[test]
fn every_setting_says_its_default_and_who_reads_it() {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config.rs")).unwrap();
    let (above, fields) = source.split_once("\npub struct Config {\n").unwrap();
    let (fields, _) = fields.split_once("\n}\n").unwrap();
    let (mut docs, mut seen) = (String::new(), 0);
    for line in fields.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            docs += doc;
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
            assert!(docs.contains(" Default: "), "`{name}` does not say its default");
            assert!(above.contains(&format!("`{name}`")), "the table does not say who reads `{name}`");
            docs.clear();
            seen += 1;
        }
    }
    assert!(seen > 15, "the settings are found");
}
