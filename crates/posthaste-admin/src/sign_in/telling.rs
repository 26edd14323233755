//! What operators are told of log-ins.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use posthaste_core::{Notice, NoticeEvent, Subject, Timestamp, User};

use super::{SignInService, backoff::Locked};

/// The network that an address is of: what one household or office usually has.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Notes where somebody logs in from, the latest last. Whether that is worth telling: the first log-in of all is not.
pub(super) fn remember(user: &mut User, address: Option<IpAddr>) -> bool {
    let Some(network) = address.map(network) else { return false };
    let known = user.known_networks.iter().position(|known| *known == network);
    let is_news = known.is_none() && !user.known_networks.is_empty();
    if let Some(known) = known {
        user.known_networks.remove(known);
    }
    user.known_networks.push(network);
    if user.known_networks.len() > MOST_KNOWN {
        user.known_networks.remove(0);
    }
    is_news
}

impl SignInService<'_> {
    pub(super) fn tell_new_address(self, user: &User, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        self.tell(&user.name, NoticeEvent::SignedIn { address: address.to_canonical().to_string() });
    }

    pub(super) fn tell_locked(self, name: &str, address: Option<IpAddr>, locked: Locked) {
        let address = address
            .map_or_else(|| "an unknown address".to_owned(), |address| address.to_canonical().to_string());
        let Locked { misses, until } = locked;
        self.tell(name, NoticeEvent::SignInLocked { address, misses, until });
    }

    fn tell(self, name: &str, event: NoticeEvent) {
        if let Some(notices) = &self.admin.parts().notices {
            let at: Timestamp = self.now();
            notices.tell(Notice { at, subject: Subject::Person { name: name.to_owned() }, event });
        }
    }
}

/// So many networks of a person are kept.
const MOST_KNOWN: usize = 10;
