//! How the database's name becomes an address.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

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

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        if self.asked.swap(true, Ordering::Relaxed) {
            DnsFuture::new(async move { addresses(tokio::net::lookup_host((name, 0)).await) })
        } else {
            DnsFuture::ready(addresses((name, 0).to_socket_addrs()))
        }
    }
}

fn addresses(found: io::Result<impl Iterator<Item = SocketAddr>>) -> Result<Vec<IpAddr>, ResolveDnsError> {
    found.map(|found| found.map(|address| address.ip()).collect()).map_err(ResolveDnsError::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_found_every_time() {
        let resolver = Resolver::default();
        // Longer than names may be, so that no name server has to be asked.
        let nobody = "x".repeat(300);
        for _ in 0..3 {
            let found = resolver.resolve_dns("localhost").await.unwrap();
            assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
            resolver.resolve_dns(&nobody).await.unwrap_err();
        }
    }
}
