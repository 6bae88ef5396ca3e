//! Who speaks to a Runtime API. In Lambda nobody but the sandbox can reach it; here every process of the machine can, another sandbox's above all. So
//! a connection has to come from the sandbox's own process, or from one that has inherited its environment.

use std::net::SocketAddr;

/// Whether the process at the other end of a connection (`peer` → `local`) belongs to the sandbox. Where the system does not tell: yes.
#[cfg(not(target_os = "linux"))]
pub(super) fn belongs(_pid: u32, _mark: &str, _peer: SocketAddr, _local: SocketAddr) -> bool {
    true
}

#[cfg(target_os = "linux")]
pub(super) fn belongs(pid: u32, mark: &str, peer: SocketAddr, local: SocketAddr) -> bool {
    // Where `/proc` cannot be read nobody can be told from anybody.
    let Ok(table) = std::fs::read_to_string("/proc/net/tcp") else { return true };
    let Some(socket) = socket_of(&table, peer, local) else { return false };
    if holds(&pid.to_string(), &socket) {
        return true;
    }
    // A child of the function, then: rare, so that looking at every process does not matter.
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|entry| {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) else { return false };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|&b| b == 0).any(|variable| variable == mark.as_bytes()) && holds(pid, &socket)
    })
}

/// What `/proc/PID/fd` calls the socket whose own end is `from` and whose other end is `to`.
#[cfg(target_os = "linux")]
fn socket_of(table: &str, from: SocketAddr, to: SocketAddr) -> Option<String> {
    const INODE: usize = 9;
    let (from, to) = (in_table(from)?, in_table(to)?);
    let line = table.lines().find(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        columns.next() == Some(&from) && columns.next() == Some(&to)
    })?;
    Some(format!("socket:[{}]", line.split_ascii_whitespace().nth(INODE)?))
}

/// `0100007F:1F90`: the address as the machine stores it, the port as one reads it.
#[cfg(target_os = "linux")]
fn in_table(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}

#[cfg(target_os = "linux")]
fn holds(pid: &str, socket: &str) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == socket))
}
