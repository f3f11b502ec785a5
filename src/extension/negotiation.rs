//! Which extension a connection uses: the first that both ends know and can agree on.
use super::{Agreement, Extension, ExtensionOffer, InvalidAnswer};
use std::sync::Arc;

/// Client: what to offer, best first.
pub fn offers(extensions: &[Arc<dyn Extension>]) -> Vec<ExtensionOffer> {
    extensions.iter().flat_map(|extension| extension.offers()).collect()
}

/// Server: accepts the first offer, in the client's order of preference, that one of the extensions accepts.
pub fn accept(extensions: &[Arc<dyn Extension>], offers: &[ExtensionOffer]) -> Option<Agreement> {
    offers.iter().find_map(|offer| {
        let mut named = extensions.iter().filter(|extension| extension.name() == offer.name());
        named.find_map(|extension| extension.accept(offer))
    })
}

/// Client: what the server's answer to these offers means.
///
/// # Errors
/// [`InvalidAnswer`] if the answer fits none of the offers. It fails the handshake (RFC 6455 §4.1).
pub fn confirm(
    extensions: &[Arc<dyn Extension>],
    offers: &[ExtensionOffer],
    answer: &ExtensionOffer,
) -> Result<Agreement, InvalidAnswer> {
    if !offers.iter().any(|offer| offer.name() == answer.name()) {
        return Err(InvalidAnswer);
    }
    let mut named = extensions.iter().filter(|extension| extension.name() == answer.name());
    named.find_map(|extension| extension.confirm(answer).ok()).ok_or(InvalidAnswer)
}
