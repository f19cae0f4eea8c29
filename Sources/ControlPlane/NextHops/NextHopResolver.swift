import FlowTable

/// Keeps the forwarding table's next hops and routes true to the configuration and to what the kernel says.
///
/// Pure logic on one thread: events and time come in by calls, questions to the kernel go out by a closure.
///
/// - The RIB holds static and learned routes; the longest match counts, then static before learned, then the lowest
///   metric.
/// - A tunnel's remote address resolves through the RIB to one shared next hop (`HopKey`).
/// - Routes are mirrored into the forwarding table, except link-local and multicast ones and those inside our own pools,
///   where only bindings lead. A route to this host or out of a foreign interface becomes `.kernel`.
/// - A route without gateway covers hosts with a link-layer address each. The route itself is mirrored as `.kernel`, and
///   every neighbour known on its link gets a host route: the first packets to an unknown host go the kernel's way, which
///   resolves the host, and its neighbour notification brings the host route. No list of wanted hosts is needed here, and
///   a scan of an on-link prefix costs the kernel's own bounded neighbour queue.
/// - `handle` only marks what has changed; `settle` recomputes it once for a whole batch of events.
public final class NextHopResolver {
  struct Remote {
    var users: Int
    var hop: HopKey
  }

  let writer: TableWriter
  let pools: [Prefix]
  let requestResolution: ((ResolutionRequest) -> Void)?
  var ports: [PortLink]
  var portOfInterface: [UInt32: UInt8] = [:]

  var routes = PrefixMap<RouteCandidates>()
  var neighbors: NeighborTable
  var hops = HopTable()
  /// What the forwarding table's route table holds.
  var mirrored: [Prefix: HopKey] = [:]
  var remotes: [IPAddress: Remote] = [:]

  /// Prefixes whose routes have changed since the last `settle`.
  var dirtyRoutes: Set<Prefix> = []
  /// Route-table prefixes to recompute; what could not be written stays and is tried again.
  var dirtyMirrors: Set<Prefix> = []
  var dirtyRemotes: Set<IPAddress> = []
  var dirtyHops: Set<HopKey> = []
  var retries = RetryQueue()
  /// Counts kernel dumps; what an old one showed and the current one does not is swept.
  var epoch: UInt64 = 0

  /// Told when a remote's next hop, or the MTU towards it, has changed. Throwing makes `settle` try again later.
  var remoteChanged: ((IPAddress) throws(FlowTableError) -> Void)?
  /// Told when a next hop that is in use has no link-layer address any more.
  var neighborLost: ((_ port: UInt8, IPAddress) -> Void)?
  /// Told when a port's link comes or goes.
  var linkChanged: ((_ port: UInt8, _ isUp: Bool) -> Void)?
  /// Why the forwarding table lags behind, if it does: everything affected is retried at each tick.
  public internal(set) var pendingError: FlowTableError?

  /// - Parameters:
  ///   - interfaces: one for each configured port, in order; empty in replay.
  ///   - requestResolution: nil where nobody can be asked.
  public init(
    configuration: DaemonConfiguration, interfaces: [PortInterface] = [], writer: TableWriter,
    requestResolution: ((ResolutionRequest) -> Void)? = nil
  ) {
    self.writer = writer
    self.pools = configuration.pools
    self.requestResolution = requestResolution
    ports = PortLink.links(configuration, interfaces)
    neighbors = NeighborTable(configuration.neighbors)
    for (index, port) in ports.enumerated() {
      if let interface = port.interface { portOfInterface[interface] = UInt8(index) }
    }
    for route in configuration.routes {
      let candidate = RouteCandidate(
        target: .port(route.port, gateway: route.via), isStatic: true, metric: 0, interface: 0, gateway: route.via,
        epoch: 0)
      routes[route.prefix, default: RouteCandidates()].add(candidate)
      dirtyRoutes.insert(route.prefix)
    }
    for neighbor in configuration.neighbors { addHostRoute(neighbor) }
  }

  /// A configured neighbour is on the link of its port: where nobody names a route, as in replay, that is the way to it,
  /// and no shorter route leads past it. A configured route to the very host has the last word.
  private func addHostRoute(_ neighbor: StaticNeighbor) {
    let prefix = hostPrefix(neighbor.address)
    let candidate = RouteCandidate(
      target: .port(neighbor.port, gateway: nil), isStatic: true, metric: UInt32.max, interface: 0, gateway: nil,
      epoch: 0)
    routes[prefix, default: RouteCandidates()].add(candidate)
    dirtyRoutes.insert(prefix)
  }

  /// The next hop towards a tunnel's remote address; counts one more user of it.
  func acquire(_ remote: IPAddress) throws(FlowTableError) -> NextHopID {
    if let known = remotes[remote], let id = hops.id(known.hop) {
      remotes[remote]?.users += 1
      return id
    }
    let hop = hop(towards: remote)
    let id = try acquireHop(hop)
    remotes[remote] = Remote(users: 1, hop: hop)
    return id
  }

  /// Undoes one `acquire`.
  func release(_ remote: IPAddress) {
    guard let known = remotes[remote] else { return }
    if known.users > 1 {
      remotes[remote]?.users -= 1
    } else {
      remotes[remote] = nil
      hops.release(known.hop, writer)
    }
  }

  /// The next hop that a remote in use has now.
  func nextHop(towards remote: IPAddress) -> NextHopID? {
    remotes[remote].flatMap { hops.id($0.hop) }
  }

  /// MTU in octets of the port towards a remote in use; 1500 where no port leads there.
  func egressMTU(towards remote: IPAddress) -> Int {
    guard let neighbor = remotes[remote]?.hop.neighbor else { return PortConfiguration.replayMTU }
    return ports[Int(neighbor.port)].mtu
  }

  /// Readable state of a next hop, for `show` and for tests.
  package func state(towards remote: IPAddress) -> NextHopState? {
    remotes[remote].flatMap { hops.state($0.hop) }
  }
}

extension PrefixMap {
  subscript(prefix: Prefix, default standard: @autoclosure () -> Value) -> Value {
    get { self[prefix] ?? standard() }
    set { self[prefix] = newValue }
  }
}
