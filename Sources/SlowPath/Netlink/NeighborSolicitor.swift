import FlowTable
import SystemPackage

/// Asks the kernel to resolve neighbours, so that ARP, Neighbour Discovery and their security stay the kernel's.
///
/// The request is RTM_NEWNEIGH with NTF_USE and NLM_F_CREATE (not NLM_F_REPLACE), state NUD_NONE. Seen on 6.18: an
/// address without an entry, and one whose entry is FAILED, are solicited at once; a STALE entry goes to DELAY and is
/// probed, keeping its address; REACHABLE is left alone. A PERMANENT or NOARP entry, however, would lose that state
/// (neigh_update with NEIGH_UPDATE_F_USE in net/core/neighbour.c stores `old & ~NUD_PERMANENT`), so the entry is looked
/// at first and such a one is not touched.
package struct NeighborSolicitor: ~Copyable {
  private var socket: NetlinkSocket

  package init() throws(NetlinkError) { socket = try NetlinkSocket(timeout: 1) }

  /// Asks for one address on one interface. Returns when the kernel has taken the request, not when it is resolved.
  /// - Throws: `.refused` with the kernel's errno (ENODEV: no such interface; ENETDOWN: it is down).
  package mutating func request(interface: UInt32, address: IPAddress) throws(NetlinkError) {
    guard try state(interface, address) & (NeighborState.permanent | NeighborState.noARP) == 0 else { return }
    try socket.request(
      Self.message(
        "resolution of \(address)", NetlinkType.newNeighbor, NetlinkFlag.create | NetlinkFlag.acknowledge, interface,
        address, flags: NeighborFlag.use))
  }

  /// The kernel's state of one entry; 0 (NUD_NONE) if there is none.
  package mutating func state(_ interface: UInt32, _ address: IPAddress) throws(NetlinkError) -> UInt16 {
    var state: UInt16 = 0
    do {
      let message = Self.message(
        "entry of \(address)", NetlinkType.getNeighbor, NetlinkFlag.acknowledge, interface, address, flags: 0)
      try socket.request(message) { answer in
        if answer.type == NetlinkType.newNeighbor { state = answer.body.uint16(at: 8) ?? 0 }
      }
    } catch .refused(_, .noSuchFileOrDirectory) {
      return 0
    }
    return state
  }

  /// `struct ndmsg`: family, pad (3), index (4), state (2), flags, type; then NDA_DST.
  private static func message(
    _ name: String, _ type: UInt16, _ messageFlags: UInt16, _ interface: UInt32, _ address: IPAddress, flags: UInt8
  ) -> NetlinkRequest {
    var request = NetlinkRequest(name, type: type, flags: messageFlags)
    request.append(UInt32(address.family == .ipv4 ? NetlinkFamily.ipv4 : NetlinkFamily.ipv6))
    request.append(interface)
    request.append(UInt16(0))
    request.append(flags)
    request.append(UInt8(0))
    request.append(attribute: NeighborAttribute.destination, address.octets)
    return request
  }
}
