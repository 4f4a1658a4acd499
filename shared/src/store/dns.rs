//! How the database's name becomes an address.

use std::{
    future::{Ready, ready},
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    vec,
};

use futures_util::future::{BoxFuture, Either, FutureExt};
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// Asks the system's resolver: the first time on the thread that wants to know, later on another.
///
/// The first time is when a function opens its connection during init. Nothing else has to go on
/// meanwhile, and a thread would take longer to make than a name to look up. Later there is a request
/// whose time runs, however long a name server keeps silent. During init, the resolver's own limit holds
/// (`RES_OPTIONS` in the template).
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    asked: Arc<AtomicBool>,
}

type Addresses = io::Result<vec::IntoIter<SocketAddr>>;

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Either<BoxFuture<'static, Addresses>, Ready<Addresses>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if self.asked.swap(true, Ordering::Relaxed) {
            let found = async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok(found.collect::<Vec<_>>().into_iter())
            };
            Either::Left(found.boxed())
        } else {
            Either::Right(ready((name.as_str(), 0).to_socket_addrs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_found_every_time() {
        let mut resolver = Resolver::default();
        // Longer than names may be, so that no name server has to be asked.
        let nobody: Name = "x".repeat(300).parse().unwrap();
        for _ in 0..3 {
            let found: Vec<_> = resolver.call("localhost".parse().unwrap()).await.unwrap().collect();
            assert!(!found.is_empty() && found.iter().all(|found| found.ip().is_loopback()), "{found:?}");
            resolver.call(nobody.clone()).await.unwrap_err();
        }
    }
}
