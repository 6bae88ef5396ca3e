//! Taking connections, for all three listeners: the front door, the Runtime API, the control port.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long connections get to end when there is no room for another one.
const PAUSE: Duration = Duration::from_millis(50);

/// The next connection. A listener that cannot take one (out of descriptors, most likely) is no reason to give up, nor to spin: others have to end
/// first. May be dropped while it waits.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
