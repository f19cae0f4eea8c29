import ControlProtocol
import Glibc
import NIOCore

/// Who is at the other end of a Unix socket, as the kernel attests it: the layout of `struct ucred` (unix(7)).
package struct PeerCredentials: Sendable, BitwiseCopyable {
  package var process: Int32
  package var user: UInt32
  package var group: UInt32

  package init(process: Int32, user: UInt32, group: UInt32) {
    self.process = process
    self.user = user
    self.group = group
  }
}

/// Who may change the tables.
package struct WriteAuthority: Sendable {
  /// The daemon's own user.
  let user: UInt32
  /// The group that owns the socket.
  let group: UInt32

  package init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// Root, the daemon's user, or a member of the socket's group; others may read.
  ///
  /// - Parameter groups: the peer's supplementary groups (SO_PEERGROUPS, Linux 4.13), zero-filled.
  package func access(of peer: PeerCredentials, groups: PeerGroups) -> HelloReply.Access {
    if peer.user == 0 || peer.user == user || peer.group == group { return .write }
    return groups.contains(group) ? .write : .read
  }
}

/// Supplementary groups of a peer; unused places are 0, which is root's group and never granted by membership alone.
package struct PeerGroups: Sendable, BitwiseCopyable {
  private var identifiers = InlineArray<64, UInt32>(repeating: 0)

  /// - Parameter groups: the first 64 count.
  package init(_ groups: [UInt32] = []) {
    for (index, group) in groups.prefix(identifiers.count).enumerated() { identifiers[index] = group }
  }

  func contains(_ group: UInt32) -> Bool {
    guard group != 0 else { return false }
    return identifiers.indices.contains { identifiers[$0] == group }
  }
}

extension WriteAuthority {
  /// SO_PEERGROUPS of asm-generic/socket.h; Glibc's Swift overlay does not name it.
  private static let peerGroups: CInt = 59

  /// Asks the kernel who is connected. A peer that cannot be attested may only read.
  func access(of channel: any Channel) -> EventLoopFuture<HelloReply.Access> {
    guard let options = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeSucceededFuture(.read)
    }
    // Safe: the kernel fills at most the size it is given, NIO zeroes the memory first, and both types hold plain
    // integers in the kernel's layout (12 octets of ucred; an array of gid_t).
    let credentials: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
      level: .socket, name: .init(rawValue: SO_PEERCRED))
    // Safe as above. More than 64 groups is an error (ERANGE), which counts as none.
    let groups: EventLoopFuture<PeerGroups> = options.unsafeGetSocketOption(
      level: .socket, name: .init(rawValue: Self.peerGroups))
    return credentials.and(groups.recover { _ in PeerGroups() })
      .map { access(of: $0, groups: $1) }
      .recover { _ in .read }
  }
}
