// Numbers of the kernel's rtnetlink interface (linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h, linux/if_link.h of
// 6.18). They are user ABI and never change; glibc's module does not export these headers to Swift. Names follow the
// kernel's, without the prefixes that the enclosing type already says.

/// Message types (`nlmsg_type`).
package enum NetlinkType {
  package static let error: UInt16 = 2
  package static let done: UInt16 = 3
  package static let newLink: UInt16 = 16
  package static let deleteLink: UInt16 = 17
  package static let getLink: UInt16 = 18
  package static let newAddress: UInt16 = 20
  package static let deleteAddress: UInt16 = 21
  package static let newRoute: UInt16 = 24
  package static let deleteRoute: UInt16 = 25
  package static let getRoute: UInt16 = 26
  package static let newNeighbor: UInt16 = 28
  package static let deleteNeighbor: UInt16 = 29
  package static let getNeighbor: UInt16 = 30
}

/// Message flags (`nlmsg_flags`). The same bit means different things in requests, in answers and in dumps.
package enum NetlinkFlag {
  package static let request: UInt16 = 0x1
  package static let acknowledge: UInt16 = 0x4
  /// In an answer: the table changed while it was dumped, entries may be missing.
  package static let dumpInterrupted: UInt16 = 0x10
  package static let dump: UInt16 = 0x300
  package static let replace: UInt16 = 0x100
  package static let exclusive: UInt16 = 0x200
  package static let create: UInt16 = 0x400
}

/// Multicast groups of NETLINK_ROUTE (`RTNLGRP_*`).
package enum NetlinkGroup: UInt32, CaseIterable, Sendable {
  case link = 1
  case neighbor = 3
  case ipv4Address = 5
  case ipv4Route = 7
  case ipv6Route = 11

  /// The bit in `sockaddr_nl.nl_groups` (groups 1…31 have one).
  var mask: UInt32 { 1 << (rawValue - 1) }
}

/// Socket options at level SOL_NETLINK.
enum NetlinkOption {
  static let level: Int32 = 270
  static let strictChecking: Int32 = 12
}

enum LinkAttribute {
  static let address: UInt16 = 1
  static let name: UInt16 = 3
  static let mtu: UInt16 = 4
}

enum LinkFlag {
  static let up: UInt32 = 0x1
  static let running: UInt32 = 0x40
}

enum RouteAttribute {
  static let destination: UInt16 = 1
  static let outputInterface: UInt16 = 4
  static let gateway: UInt16 = 5
  static let priority: UInt16 = 6
  static let metrics: UInt16 = 8
  static let multipath: UInt16 = 9
  static let table: UInt16 = 15
  static let via: UInt16 = 18
  static let encapsulation: UInt16 = 22
}

enum RouteType {
  static let unicast: UInt8 = 1
  static let local: UInt8 = 2
  static let blackhole: UInt8 = 6
  static let unreachable: UInt8 = 7
  static let prohibit: UInt8 = 8
}

/// Who made a route (`rtm_protocol`).
enum RouteProtocol {
  /// This program, in `PoolRoutes`: none of the numbers that linux/rtnetlink.h or iproute2 name.
  static let own: UInt8 = 201
}

enum RouteScope {
  static let universe: UInt8 = 0
  static let link: UInt8 = 253
}

/// Inside `RouteAttribute.metrics`.
enum RouteMetric {
  static let lock: UInt32 = 1
  static let mtu: UInt32 = 2
}

enum RouteTable {
  static let main: UInt32 = 254
  static let local: UInt32 = 255
}

enum RouteFlag {
  /// `RTM_F_CLONED`: a cached copy made for one destination, not a route anybody configured.
  static let cloned: UInt32 = 0x200
  /// `RTNH_F_DEAD`: the interface of this next hop is down.
  static let dead: UInt8 = 0x1
}

enum NeighborAttribute {
  static let destination: UInt16 = 1
  static let linkLayerAddress: UInt16 = 2
}

enum NeighborState {
  static let reachable: UInt16 = 0x02
  static let stale: UInt16 = 0x04
  static let delay: UInt16 = 0x08
  static let probe: UInt16 = 0x10
  static let failed: UInt16 = 0x20
  static let noARP: UInt16 = 0x40
  static let permanent: UInt16 = 0x80
  /// The states in which the kernel itself would send to the link-layer address (`NUD_VALID`).
  static let valid = permanent | noARP | reachable | probe | stale | delay
}

enum NeighborFlag {
  /// `NTF_USE`: behave as if a packet had just been sent to this neighbour.
  static let use: UInt8 = 0x01
}

/// Address families as netlink carries them.
package enum NetlinkFamily {
  package static let unspecified: UInt8 = 0
  package static let ipv4: UInt8 = 2
  package static let ipv6: UInt8 = 10
}
