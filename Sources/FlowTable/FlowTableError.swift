/// Why a change was refused. A refused change has changed nothing.
public enum FlowTableError: Error, Hashable, Sendable {
  case limitOutOfRange(name: String, value: Int, allowed: ClosedRange<Int>)
  case outOfBindings(limit: Int)
  case outOfRoutes(limit: Int)
  case outOfTunnels(limit: Int)
  case outOfNextHops(limit: Int)
  /// Too many replaced records wait for a worker that has not passed a quiescent point; retry after it has.
  case retireQueueFull(capacity: Int)
  case unknownTunnel(TunnelID)
  case unknownNextHop(NextHopID)
  /// There is no such block, or it was given up.
  case unknownLocalizedRoutes(LocalizedRoutesID)
  case outOfLocalizedRoutes(limit: Int)
  /// A block has 1 to 256 routes.
  case tooManyLocalizedRoutes(count: Int, limit: Int)
  /// One batch of route changes is bounded; make it several.
  case tooManyRouteChanges(count: Int, limit: Int)
  /// No account of held packets has this number.
  case unknownAccount(HoldingID)
  /// Bindings or localized routes still name the tunnel.
  case tunnelInUse(TunnelID, bindings: Int)
  /// These endpoints have a tunnel already.
  case tunnelExists(TunnelID)
  /// An update must keep a tunnel's endpoints: they are its key.
  case endpointsDiffer(TunnelID)
  /// Outer headers are IPv6 (RFC 5213 section 5.6.1).
  case endpointNotIPv6(IPAddress)
  /// The kernel refused memory.
  case mapping(errno: Int32, bytes: Int)
}

extension FlowTableError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .limitOutOfRange(let name, let value, let allowed):
      "limit \(name) is \(value), allowed are \(allowed.lowerBound) to \(allowed.upperBound)"
    case .outOfBindings(let limit): "more bindings than the limit of \(limit)"
    case .outOfRoutes(let limit): "more routes than the limit of \(limit)"
    case .outOfTunnels(let limit): "more tunnels than the limit of \(limit)"
    case .outOfNextHops(let limit): "more next hops than the limit of \(limit)"
    case .retireQueueFull(let capacity):
      "\(capacity) replaced records wait for a worker that does not move; retry when it does"
    case .unknownTunnel(let id): "no tunnel \(id.rawValue)"
    case .unknownNextHop(let id): "no next hop \(id.rawValue)"
    case .unknownLocalizedRoutes(let id): "no block of localized routes \(id.rawValue)"
    case .outOfLocalizedRoutes(let limit): "more localized routes than the limit of \(limit)"
    case .tooManyLocalizedRoutes(let count, let limit):
      "\(count) localized routes of one prefix, allowed are 1 to \(limit)"
    case .tooManyRouteChanges(let count, let limit): "\(count) route changes in one batch, allowed are \(limit)"
    case .unknownAccount(let id): "no account \(id.rawValue), there are 1 to \(HandoverLedger.accountLimit)"
    case .tunnelInUse(let id, let bindings):
      "tunnel \(id.rawValue) is named by \(bindings) bindings or localized routes"
    case .tunnelExists(let id): "these endpoints are tunnel \(id.rawValue)"
    case .endpointsDiffer(let id): "endpoints are not those of tunnel \(id.rawValue)"
    case .endpointNotIPv6(let address): "tunnel endpoint \(address) is not IPv6"
    case .mapping(let errno, let bytes): "cannot map \(bytes) octets of memory (errno \(errno))"
    }
  }
}
