/// How much of everything a `FlowTable` may hold. Address space is reserved for the limits; memory is touched as used.
public struct FlowTableLimits: Sendable, Hashable {
  /// Live bindings of both tables together.
  public var bindings: Int
  public var tunnels: Int
  public var nextHops: Int
  public var routes: Int
  /// Replaced records that may wait for a grace period; a full queue refuses further changes (back-pressure). One batch of
  /// bindings may go beyond it while at most half of it is in use: another content for the whole table is one batch.
  public var retired: Int
  /// Localized routes of all prefixes together.
  public var localizedRoutes: Int
  /// Forwarding threads, each with its own counters and quiescent state.
  public var workers: Int

  public init(
    bindings: Int = 1 << 24, tunnels: Int = 1 << 16, nextHops: Int = 1 << 16, routes: Int = 1 << 20,
    retired: Int = 1 << 22, localizedRoutes: Int = 1 << 20, workers: Int
  ) {
    self.bindings = bindings
    self.tunnels = tunnels
    self.nextHops = nextHops
    self.routes = routes
    self.retired = retired
    self.localizedRoutes = localizedRoutes
    self.workers = workers
  }

  /// Replaced records that wait at most: a removal of every binding, and one of the same size by other keys, retire two
  /// records each.
  var retirePlaces: Int { retired + 2 * bindings }

  /// The largest value of any limit but that on routes: indices are 32 bits wide and records up to 128 octets long, and a
  /// leaf of the route trie has 28 bits for the number of its next hop (`RouteLeaf`).
  static let largest = (1 << 28) - 1
  /// The numbers of the nodes that so many routes may need are 32 bits wide (`RouteTrie.nodes`).
  static let mostRoutes = 1 << 27

  func validate() throws(FlowTableError) {
    let named = [
      ("bindings", bindings), ("tunnels", tunnels), ("nextHops", nextHops), ("routes", routes), ("retired", retired),
      ("localizedRoutes", localizedRoutes), ("workers", workers),
    ]
    for (name, value) in named {
      let allowed = 1...(name == "routes" ? Self.mostRoutes : Self.largest)
      if !allowed.contains(value) { throw .limitOutOfRange(name: name, value: value, allowed: allowed) }
    }
  }
}
