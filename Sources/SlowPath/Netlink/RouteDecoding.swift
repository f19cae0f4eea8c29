import FlowTable

extension RouteNotice {
  /// Reads RTM_NEWROUTE or RTM_DELROUTE. `struct rtmsg`: family, destination length, source length, TOS, table,
  /// protocol, scope, type, flags (4).
  ///
  /// Nil for what the plane does not follow: other tables than main (and local, for local addresses only), cached
  /// clones, routes by source (RTA_SRC) or by TOS, multicast, anycast, broadcast and throw routes, and those of
  /// `PoolRoutes`: to the plane the pools' addresses are in its tunnels, not behind its own device.
  ///
  /// Of several next hops the first that is not dead is taken. Routes whose next hop the message does not spell out or
  /// that encapsulate (RTA_ENCAP: seg6, MPLS) get interface 0: no port has that index, so the kernel forwards. Next-hop
  /// objects (RTA_NH_ID) are spelled out by the kernel while `net.ipv4.nexthop_compat_mode` is 1, its default.
  package init?(_ message: NetlinkMessage) {
    let body = message.body
    guard let family = body.uint8(at: 0), let length = body.uint8(at: 1), body.uint8(at: 2) == 0,
      body.uint8(at: 3) == 0, let shortTable = body.uint8(at: 4), body.uint8(at: 5) != RouteProtocol.own,
      let type = body.uint8(at: 7),
      let flags = body.uint32(at: 8), flags & RouteFlag.cloned == 0,
      var destination = Self.unspecified(family), let kind = Self.kind(type)
    else { return nil }
    var table = UInt32(shortTable)
    var metric: UInt32 = 0
    var only = RouteHop(interface: 0, gateway: nil, isDead: UInt8(truncatingIfNeeded: flags) & RouteFlag.dead != 0)
    var hops: [RouteHop] = []
    for (type, payload) in NetlinkAttributes(body.dropping(12)) {
      switch type {
      case RouteAttribute.destination:
        guard let address = payload.address(family: family) else { return nil }
        destination = address
      case RouteAttribute.table: table = payload.uint32(at: 0) ?? table
      case RouteAttribute.priority: metric = payload.uint32(at: 0) ?? metric
      case RouteAttribute.multipath: hops = RouteHop.list(payload, family: family)
      default: only.read(type, payload, family: family)
      }
    }
    guard let prefix = Prefix(address: destination, length: Int(length)), Self.follows(table, kind) else { return nil }
    let candidates = hops.isEmpty ? [only] : hops
    let hop = candidates.first { !$0.isDead } ?? candidates[0]
    route = KernelRoute(
      prefix: prefix, gateway: kind == .unicast ? hop.gateway : nil, interface: hop.isEncapsulating ? 0 : hop.interface,
      metric: metric, kind: kind)
    hasAlternatives = hops.count > 1
    isDead = hop.isDead
    replaces = message.flags & NetlinkFlag.replace != 0
  }

  private static func unspecified(_ family: UInt8) -> IPAddress? {
    switch family {
    case NetlinkFamily.ipv4: IPAddress(ipv4: 0)
    case NetlinkFamily.ipv6: IPAddress(ipv6High: 0, low: 0)
    default: nil
    }
  }

  private static func kind(_ type: UInt8) -> KernelRoute.Kind? {
    switch type {
    case RouteType.unicast: .unicast
    case RouteType.local: .local
    case RouteType.unreachable, RouteType.blackhole, RouteType.prohibit: .unreachable
    default: nil
    }
  }

  /// The local table is looked at first by the kernel; of it only the host's own addresses matter here.
  private static func follows(_ table: UInt32, _ kind: KernelRoute.Kind) -> Bool {
    table == RouteTable.main || (table == RouteTable.local && kind == .local)
  }
}

/// One next hop of a route message.
private struct RouteHop {
  var interface: UInt32
  var gateway: IPAddress?
  var isDead: Bool
  var isEncapsulating = false

  /// Takes one attribute that a route and a multipath next hop have in common.
  mutating func read(_ type: UInt16, _ payload: NetlinkOctets, family: UInt8) {
    switch type {
    case RouteAttribute.outputInterface: interface = payload.uint32(at: 0) ?? 0
    case RouteAttribute.gateway: gateway = payload.address(family: family)
    case RouteAttribute.via:
      // `struct rtvia`: family (2), address. An IPv4 route through an IPv6 neighbour (RFC 5549) comes this way.
      guard let family = payload.uint16(at: 0), family <= 255 else { return }
      gateway = payload.dropping(2)?.address(family: UInt8(family))
    case RouteAttribute.encapsulation: isEncapsulating = true
    default: break
    }
  }

  /// Walks RTA_MULTIPATH: `struct rtnexthop` is length (2), flags, weight, interface (4), then attributes.
  static func list(_ octets: NetlinkOctets, family: UInt8) -> [RouteHop] {
    var hops: [RouteHop] = []
    var rest = octets
    while let length = rest.uint16(at: 0).map(Int.init), length >= 8, let entry = rest.slice(at: 0, length: length),
      let flags = entry.uint8(at: 2), let interface = entry.uint32(at: 4)
    {
      var hop = RouteHop(interface: interface, gateway: nil, isDead: flags & RouteFlag.dead != 0)
      for (type, payload) in NetlinkAttributes(entry.dropping(8)) { hop.read(type, payload, family: family) }
      hops.append(hop)
      guard let next = rest.dropping(netlinkAligned(length)) else { break }
      rest = next
    }
    return hops
  }
}
