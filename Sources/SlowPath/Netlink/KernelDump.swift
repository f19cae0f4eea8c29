import FlowTable

/// Reads whole tables of the kernel over a request socket of its own.
package struct KernelDump: ~Copyable {
  /// A dump that changes interrupt is asked for again so often before it counts as failed.
  private static let attempts = 10

  private var socket: NetlinkSocket

  package init() throws(NetlinkError) { socket = try NetlinkSocket() }

  /// A new set of tables from complete dumps of links, neighbours and the routes of both families.
  package mutating func tables() throws(NetlinkError) -> KernelTables {
    var tables = KernelTables()
    for request in [Self.links, Self.neighbors, Self.routes(.ipv4), Self.routes(.ipv6)] {
      for notice in try notices(request) { tables.load(notice) }
    }
    return tables
  }

  /// The routes of one family, in the kernel's order.
  package mutating func routes(_ family: AddressFamily) throws(NetlinkError) -> [RouteNotice] {
    try notices(Self.routes(family)).compactMap { if case .route(let notice) = $0 { notice } else { nil } }
  }

  private mutating func notices(_ request: NetlinkRequest) throws(NetlinkError) -> [KernelNotice] {
    for _ in 0..<Self.attempts {
      var notices: [KernelNotice] = []
      let steady = try socket.dump(request) { message in
        if let notice = KernelNotice(message) { notices.append(notice) }
      }
      if steady { return notices }
    }
    throw .unsteady(request: request.name, attempts: Self.attempts)
  }

  private static var links: NetlinkRequest {
    var request = NetlinkRequest("dump of links", type: NetlinkType.getLink, flags: NetlinkFlag.dump)
    for _ in 0..<4 { request.append(UInt32(0)) }  // struct ifinfomsg: everything
    return request
  }

  private static var neighbors: NetlinkRequest {
    var request = NetlinkRequest("dump of neighbours", type: NetlinkType.getNeighbor, flags: NetlinkFlag.dump)
    for _ in 0..<3 { request.append(UInt32(0)) }  // struct ndmsg: all families, all interfaces
    return request
  }

  private static func routes(_ family: AddressFamily) -> NetlinkRequest {
    let name = family == .ipv4 ? "dump of IPv4 routes" : "dump of IPv6 routes"
    var request = NetlinkRequest(name, type: NetlinkType.getRoute, flags: NetlinkFlag.dump)
    request.append(UInt32(family == .ipv4 ? NetlinkFamily.ipv4 : NetlinkFamily.ipv6))  // first octet: rtm_family
    for _ in 0..<2 { request.append(UInt32(0)) }
    return request
  }
}
