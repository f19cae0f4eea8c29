import FlowTable

extension NextHopResolver {
  /// Takes in what rtnetlink said, in order, then brings the forwarding table up to date once.
  public func handle(_ events: some Sequence<KernelEvent>) {
    for event in events { note(event) }
    settle()
  }

  private func note(_ event: KernelEvent) {
    switch event {
    case .routeAdded(let route):
      guard let candidate = candidate(route) else { return }
      var candidates = routes[route.prefix] ?? RouteCandidates()
      let before = candidates.best
      candidates.add(candidate)
      store(candidates, at: route.prefix, before: before)
    case .routeRemoved(let route):
      guard let candidate = candidate(route), var candidates = routes[route.prefix] else { return }
      let before = candidates.best
      candidates.remove(candidate)
      store(candidates, at: route.prefix, before: before)
    case .neighborChanged(let neighbor):
      guard let port = portOfInterface[neighbor.interface] else { return }
      let key = PortAddress(port: port, address: neighbor.address)
      if neighbors.learn(key, neighbor.mac, epoch: epoch) { markNeighbor(key) }
    case .neighborRemoved(let interface, let address):
      guard let port = portOfInterface[interface] else { return }
      let key = PortAddress(port: port, address: address)
      if neighbors.forget(key) { loseNeighbor(key) }
    case .linkChanged(let interface, _, let up, let mtu, let mac):
      guard let port = portOfInterface[interface] else { return }
      noteLink(port, up: up, mtu: Int(mtu), mac: mac)
    case .resynchronized:
      epoch += 1
    case .synchronized:
      sweep()
    }
  }

  private func candidate(_ route: KernelRoute) -> RouteCandidate? {
    let target: RouteTarget
    switch route.kind {
    case .unicast:
      target = portOfInterface[route.interface].map { .port($0, gateway: route.gateway) } ?? .kernel
    case .local: target = .kernel
    case .unreachable: target = .unreachable
    }
    // A gateway of another family (RFC 5549) needs a neighbour entry of that family; it resolves like any other.
    return RouteCandidate(
      target: target, isStatic: false, metric: route.metric, interface: route.interface, gateway: route.gateway,
      epoch: epoch)
  }

  private func store(_ candidates: RouteCandidates, at prefix: Prefix, before: RouteCandidate?) {
    routes[prefix] = candidates.isEmpty ? nil : candidates
    if candidates.best?.target != before?.target { dirtyRoutes.insert(prefix) }
  }

  private func markNeighbor(_ key: PortAddress) {
    dirtyHops.insert(.neighbor(key))
    dirtyMirrors.insert(hostPrefix(key.address))
  }

  private func loseNeighbor(_ key: PortAddress) {
    markNeighbor(key)
    if hops.contains(.neighbor(key)) { neighborLost?(key.port, key.address) }
  }

  private func noteLink(_ index: UInt8, up: Bool, mtu: Int, mac: MACAddress) {
    var port = ports[Int(index)]
    let oldMTU = port.mtu
    if port.up != up { linkChanged?(index, up) }
    port.up = up
    // A vanished link is reported down, with no MTU and address of its own.
    if port.followsMTU && mtu > 0 { port.mtu = mtu }
    if port.followsMAC && mac.value != 0 { port.mac = mac }
    ports[Int(index)] = port
    for key in hops.keys where key.neighbor?.port == index { dirtyHops.insert(key) }
    guard port.mtu != oldMTU else { return }
    for (address, remote) in remotes where remote.hop.neighbor?.port == index { dirtyRemotes.insert(address) }
  }

  /// Ends a dump: what it has not shown is gone (mark and sweep; nothing is forgotten while the dump runs, so that a
  /// lost notification never interrupts forwarding).
  private func sweep() {
    for prefix in Array(routes.keys) {
      guard var candidates = routes[prefix] else { continue }
      let before = candidates.best
      candidates.sweep(before: epoch)
      store(candidates, at: prefix, before: before)
    }
    for key in neighbors.sweep(before: epoch) { loseNeighbor(key) }
  }
}
