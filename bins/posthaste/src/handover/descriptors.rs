//! Open sockets and files as they go from process to process (`SCM_RIGHTS`, unix(7)).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::{io::Interest, net::UnixStream};

/// Sends them along with one byte.
pub(super) async fn send(stream: &UnixStream, sent: &[BorrowedFd<'_>]) -> io::Result<()> {
    let write = || {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !sent.is_empty() && !control.push(SendAncillaryMessage::ScmRights(sent)) {
            return Err(io::Error::other("too many descriptors"));
        }
        sendmsg(stream, &[IoSlice::new(&MARK)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    };
    stream.async_io(Interest::WRITABLE, write).await
}

/// Receives them, and the byte.
pub(super) async fn receive(stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let read = || {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut mark = [0];
        let received =
            recvmsg(stream, &mut [IoSliceMut::new(&mut mark)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let of_message = |message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        };
        Ok(control.drain().flat_map(of_message).collect())
    };
    stream.async_io(Interest::READABLE, read).await
}

/// Descriptors travel with at least one byte.
const MARK: [u8; 1] = [b'+'];

/// Of what is sent at once; there are far fewer listeners.
const SPACE: usize = rustix::cmsg_space!(ScmRights(16));

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        os::fd::AsFd,
    };

    use super::*;

    #[tokio::test]
    async fn a_listener_goes_on_listening_at_the_other_end() {
        let (here, there) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        send(&here, &[listener.as_fd()]).await.unwrap();
        drop(listener);
        let mut received = receive(&there).await.unwrap();
        let listener = TcpListener::from(received.remove(0));
        assert!(received.is_empty());
        let mut client = TcpStream::connect(address).unwrap();
        listener.accept().unwrap().0.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[tokio::test]
    async fn none_are_none_and_an_end_is_an_error() {
        let (here, there) = UnixStream::pair().unwrap();
        send(&here, &[]).await.unwrap();
        assert!(receive(&there).await.unwrap().is_empty());
        drop(here);
        assert_eq!(receive(&there).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
