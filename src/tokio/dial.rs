//! Dialling: the addresses of a name in turn, the next before the last has given up (Happy Eyeballs, RFC 8305).
use ::tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, sleep},
};
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

/// So long an address is alone before the next is tried as well (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the first address that answers.
pub(super) async fn dial(host: String, port: u16) -> io::Result<TcpStream> {
    let told = |what: &str, error: io::Error| io::Error::new(error.kind(), format!("cannot {what}: {error}"));
    let resolved = lookup_host((host.as_str(), port)).await;
    let addresses = resolved.map_err(|error| told(&format!("resolve {host}"), error))?.collect();
    let first = first(alternating(addresses), TcpStream::connect).await;
    first.map_err(|error| told(&format!("connect to {host}:{port}"), error))
}

/// The families of addresses by turns, each in the resolver's order (RFC 8305 §4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut counts, mut turns) = ([0; 2], Vec::with_capacity(addresses.len()));
    for address in addresses {
        let count = &mut counts[usize::from(address.is_ipv6() != v6_first)];
        turns.push((*count, address.is_ipv6() != v6_first, address));
        *count += 1;
    }
    turns.sort_by_key(|(turn, second, _)| (*turn, *second));
    turns.into_iter().map(|(_, _, address)| address).collect()
}

/// The first attempt that succeeds. The next begins when one has failed, or [`STAGGER`] has passed.
async fn first<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut under_way: Vec<Pin<Box<F>>> = Vec::new();
    let mut last = Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    let mut pause = pin!(sleep(Duration::ZERO));
    poll_fn(|cx| {
        loop {
            let mut next = under_way.is_empty() || pause.as_mut().poll(cx).is_ready();
            let mut at = 0;
            while let Some(attempt) = under_way.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Pending => at += 1,
                    Poll::Ready(Ok(connected)) => {
                        last = Ok(connected);
                        return Poll::Ready(());
                    }
                    Poll::Ready(Err(error)) => {
                        last = Err(error);
                        next = true;
                        drop(under_way.remove(at));
                    }
                }
            }
            match next.then(|| waiting.next()).flatten() {
                Some(address) => {
                    under_way.push(Box::pin(connect(address)));
                    pause.as_mut().reset(Instant::now() + STAGGER);
                }
                None if under_way.is_empty() => return Poll::Ready(()),
                None => return Poll::Pending,
            }
        }
    })
    .await;
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, future::pending};

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_resolver_says_which_is_first() {
        let resolved = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        let expected = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]);
        assert_eq!(alternating(resolved), expected);
        let resolved = addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
        assert_eq!(alternating(resolved.clone()), resolved);
        assert_eq!(alternating(vec![]), []);
    }

    /// Addresses whose port says what becomes of them: 1 succeeds at once, 2 fails at once, others hang.
    async fn dialled(ports: &[u16]) -> (io::Result<u16>, Vec<(u16, u128)>) {
        let (started, tried) = (Instant::now(), RefCell::new(vec![]));
        let connect = async |address: SocketAddr| {
            tried.borrow_mut().push((address.port(), started.elapsed().as_millis()));
            match address.port() {
                1 => Ok(1),
                2 => Err(io::ErrorKind::ConnectionRefused.into()),
                _ => pending().await,
            }
        };
        let addresses = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        let outcome = first(addresses, connect).await;
        (outcome, tried.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_when_one_fails_or_is_slow() {
        let (outcome, tried) = dialled(&[1, 1]).await;
        assert_eq!((outcome.unwrap(), tried), (1, vec![(1, 0)]));
        let (outcome, tried) = dialled(&[2, 2, 1, 1]).await;
        assert_eq!((outcome.unwrap(), tried), (1, vec![(2, 0), (2, 0), (1, 0)]));
        let (outcome, tried) = dialled(&[3, 4, 2, 1]).await;
        assert_eq!((outcome.unwrap(), tried), (1, vec![(3, 0), (4, 250), (2, 500), (1, 500)]));
        let (outcome, tried) = dialled(&[2, 2]).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(tried.len(), 2);
        let (outcome, _) = dialled(&[]).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::NotFound);
        let hanging = ::tokio::time::timeout(Duration::from_secs(9), dialled(&[3, 2, 4]));
        assert!(hanging.await.is_err(), "one may yet answer");
    }
}
