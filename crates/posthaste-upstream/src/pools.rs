//! One set of connections for each way out.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::{ConnectWatch, Egress};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::{
    client::UpstreamOptions,
    connect::Connector,
    lanes::Lanes,
    proxy::{ProxyFailure, ProxyWay},
    reach::Reach,
    tls::{self, Offer},
};

/// The connections of every way out. What differs in any part of an [`Egress`] never shares a connection: another login at
/// the same proxy, say, or a connection that was made with consent to private addresses.
#[derive(Clone)]
pub(crate) struct Pools {
    options: UpstreamOptions,
    /// With upstreams.
    tls: Arc<ClientConfig>,
    /// With proxies: `CONNECT` is spoken in HTTP/1.1.
    proxy_tls: Arc<ClientConfig>,
    /// Straight to public addresses.
    public: Arc<Lanes>,
    /// Straight to all addresses.
    private: Arc<Lanes>,
    /// All others.
    others: Arc<Mutex<HashMap<Egress, Other>>>,
}

/// A way out that was made when it was first taken.
struct Other {
    lanes: Arc<Lanes>,
    last_taken: Instant,
}

impl Pools {
    pub(crate) fn new(options: UpstreamOptions) -> Result<Self, rustls::Error> {
        let roots = Arc::new(tls::trust(&options.authorities)?);
        let offer = if options.http2 { Offer::Http2 } else { Offer::Http1 };
        let tls = tls::client_config(Arc::clone(&roots), offer)?;
        let proxy_tls = tls::client_config(roots, Offer::Http1)?;
        let direct = |allow_private| {
            let connector =
                Connector::new(Reach::direct(allow_private), Arc::clone(&tls), options.connect_timeout);
            Lanes::new(&options, connector)
        };
        let (public, private) = (direct(false), direct(true));
        Ok(Self { options, tls, proxy_tls, public, private, others: Arc::default() })
    }

    /// The connections of this way out.
    pub(crate) fn of(&self, egress: &Egress) -> Result<Arc<Lanes>, ProxyFailure> {
        let own_timeout =
            egress.connect_timeout.is_some_and(|timeout| timeout != self.options.connect_timeout);
        if egress.proxy.is_none() && !own_timeout {
            return Ok(Arc::clone(if egress.allow_private { &self.private } else { &self.public }));
        }
        let mut others = self.others.lock();
        if let Some(other) = others.get_mut(egress) {
            other.last_taken = Instant::now();
            return Ok(Arc::clone(&other.lanes));
        }
        let lanes = Lanes::new(&self.options, self.connector(egress)?);
        make_room(&mut others, self.options.proxies.max(1));
        others.insert(egress.clone(), Other { lanes: Arc::clone(&lanes), last_taken: Instant::now() });
        Ok(lanes)
    }

    /// Connections of this way out for one exchange, which is watched.
    pub(crate) fn watched(&self, egress: &Egress, watch: &ConnectWatch) -> Result<Arc<Lanes>, ProxyFailure> {
        Ok(Lanes::new(&self.options, self.connector(egress)?.watched(watch)))
    }

    fn connector(&self, egress: &Egress) -> Result<Connector, ProxyFailure> {
        let reach = match &egress.proxy {
            None => Reach::direct(egress.allow_private),
            Some(proxy) => {
                let way = ProxyWay::new(Arc::clone(proxy), Arc::clone(&self.proxy_tls))?;
                Reach::through(way, egress.allow_private)
            }
        };
        let timeout = egress.connect_timeout.unwrap_or(self.options.connect_timeout);
        Ok(Connector::new(reach, Arc::clone(&self.tls), timeout))
    }
}

/// Forgets what nobody has taken for long, and then what was taken least recently until one more fits. Their unused
/// connections close with that; exchanges in flight keep theirs.
fn make_room(others: &mut HashMap<Egress, Other>, most: usize) {
    others.retain(|_, other| other.last_taken.elapsed() < UNUSED_FOR);
    while others.len() >= most {
        let oldest =
            others.iter().min_by_key(|(_, other)| other.last_taken).map(|(egress, _)| egress.clone());
        let Some(oldest) = oldest else { return };
        others.remove(&oldest);
    }
}

/// A way out that nobody took for so long is forgotten; its connections were closed long before.
const UNUSED_FOR: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_way_out_that_nobody_takes_is_forgotten() {
        let pools = Pools::new(UpstreamOptions::default()).unwrap();
        let timed =
            |secs| Egress { connect_timeout: Some(Duration::from_secs(secs)), ..Egress::direct(false) };
        for secs in [10, 11] {
            pools.of(&timed(secs)).unwrap();
        }
        tokio::time::advance(UNUSED_FOR / 2).await;
        let kept = pools.of(&timed(10)).unwrap();
        tokio::time::advance(UNUSED_FOR / 2).await;
        pools.of(&timed(12)).unwrap();
        let mut left: Vec<_> =
            pools.others.lock().keys().filter_map(|egress| egress.connect_timeout).collect();
        left.sort();
        assert_eq!(left, [Duration::from_secs(10), Duration::from_secs(12)]);
        assert!(Arc::ptr_eq(&kept, &pools.of(&timed(10)).unwrap()));
    }

    #[tokio::test]
    async fn the_usual_ways_are_never_forgotten_and_share_nothing() {
        let options = UpstreamOptions { proxies: 1, ..UpstreamOptions::default() };
        let usual = options.connect_timeout;
        let pools = Pools::new(options).unwrap();
        let (public, private) = (Egress::direct(false), Egress::direct(true));
        let named = Egress { connect_timeout: Some(usual), ..Egress::direct(false) };
        assert!(Arc::ptr_eq(&pools.of(&public).unwrap(), &pools.of(&named).unwrap()));
        assert!(!Arc::ptr_eq(&pools.of(&public).unwrap(), &pools.of(&private).unwrap()));
        assert!(pools.others.lock().is_empty());
    }
}
