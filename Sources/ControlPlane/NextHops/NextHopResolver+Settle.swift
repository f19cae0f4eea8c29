import FlowTable

extension NextHopResolver {
  /// Brings next hops, tunnels and routes of the forwarding table up to date with everything noted.
  ///
  /// What the table refuses (full, or a stuck worker) stays marked, is named in `pendingError` and tried again at the next
  /// tick; the rest goes on.
  public func settle() {
    pendingError = nil
    spreadRouteChanges()
    for prefix in dirtyMirrors { attempt { () throws(FlowTableError) in try mirror(prefix) } }
    for address in dirtyRemotes { attempt { () throws(FlowTableError) in try follow(address) } }
    for key in dirtyHops { attempt { () throws(FlowTableError) in try refresh(key) } }
  }

  private func attempt(_ change: () throws(FlowTableError) -> Void) {
    do {
      try change()
    } catch {
      pendingError = error
    }
  }

  /// Finds what changed routes touch: their own mirror, host routes below them, and remotes behind them.
  private func spreadRouteChanges() {
    guard !dirtyRoutes.isEmpty else { return }
    dirtyMirrors.formUnion(dirtyRoutes)
    // Few prefixes: look what they cover. Many (a dump): everything at once is cheaper than prefix by prefix.
    let few = dirtyRoutes.count <= 16
    for address in neighbors.addresses where !few || dirtyRoutes.contains(where: { $0.contains(address) }) {
      dirtyMirrors.insert(hostPrefix(address))
    }
    for address in remotes.keys where !few || dirtyRoutes.contains(where: { $0.contains(address) }) {
      dirtyRemotes.insert(address)
    }
    dirtyRoutes.removeAll()
  }

  /// Writes, rewrites or removes one entry of the route table.
  private func mirror(_ prefix: Prefix) throws(FlowTableError) {
    let wanted = mirrorTarget(prefix)
    let present = mirrored[prefix]
    if wanted != present {
      if let wanted {
        let id = try acquireHop(wanted)
        do {
          try writer.setRoute(prefix, id)
        } catch {
          hops.release(wanted, writer)
          throw error
        }
      } else {
        try writer.removeRoute(prefix)
      }
      mirrored[prefix] = wanted
      if let present { hops.release(present, writer) }
    }
    dirtyMirrors.remove(prefix)
  }

  /// What the route table must hold for a prefix; nil is nothing.
  private func mirrorTarget(_ prefix: Prefix) -> HopKey? {
    let address = prefix.address
    guard !address.isLinkLocal, !address.isMulticast, !pools.contains(where: { $0.contains(prefix) }) else {
      return nil
    }
    let isHost = Int(prefix.length) == prefix.family.longestPrefix
    switch routes[prefix]?.best?.target {
    case .port(let port, gateway: let gateway?): return .neighbor(PortAddress(port: port, address: gateway))
    case .port(let port, gateway: nil):
      let neighbor = PortAddress(port: port, address: address)
      return isHost && neighbors[neighbor] != nil ? .neighbor(neighbor) : .kernel
    case .kernel: return .kernel
    case .unreachable: return .unreachable
    case nil: return isHost ? hostTarget(address) : nil
    }
  }

  /// The host route of a neighbour on the link that the longest match says it is on.
  private func hostTarget(_ address: IPAddress) -> HopKey? {
    guard case .port(let port, gateway: nil) = routes.longestMatch(address)?.1.best?.target else { return nil }
    let neighbor = PortAddress(port: port, address: address)
    return neighbors[neighbor] == nil ? nil : .neighbor(neighbor)
  }

  /// Moves the tunnels to a remote to the next hop, and the MTU, that routes now say.
  private func follow(_ remote: IPAddress) throws(FlowTableError) {
    guard let known = remotes[remote] else {
      dirtyRemotes.remove(remote)
      return
    }
    let wanted = hop(towards: remote)
    if wanted == known.hop {
      try remoteChanged?(remote)
    } else {
      _ = try acquireHop(wanted)
      remotes[remote]?.hop = wanted
      do {
        try remoteChanged?(remote)
      } catch {
        remotes[remote]?.hop = known.hop
        hops.release(wanted, writer)
        throw error
      }
      hops.release(known.hop, writer)
    }
    dirtyRemotes.remove(remote)
  }

  private func refresh(_ key: HopKey) throws(FlowTableError) {
    try hops.update(key, currentState(key), writer)
    dirtyHops.remove(key)
    want(key)
  }

  func hop(towards remote: IPAddress) -> HopKey {
    switch routes.longestMatch(remote)?.1.best?.target {
    case .port(let port, let gateway): .neighbor(PortAddress(port: port, address: gateway ?? remote))
    case .kernel: .kernel
    case .unreachable, nil: .unreachable
    }
  }

  func acquireHop(_ key: HopKey) throws(FlowTableError) -> NextHopID {
    let id = try hops.acquire(key, state: currentState(key), writer)
    want(key)
    return id
  }

  func currentState(_ key: HopKey) -> NextHopState {
    switch key {
    case .kernel: return .kernel
    case .unreachable: return .unreachable
    case .neighbor(let neighbor):
      let port = ports[Int(neighbor.port)]
      guard port.up, let entry = neighbors[neighbor] else { return .unresolved }
      return .resolved(
        Adjacency(port: neighbor.port, destination: entry.mac, source: port.mac, vlan: entry.vlan))
    }
  }

  func hostPrefix(_ address: IPAddress) -> Prefix {
    Prefix(covering: address, length: address.family.longestPrefix)
  }
}
