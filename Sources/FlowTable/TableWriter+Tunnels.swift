extension TableWriter {
  /// A new tunnel, in use from now on for decapsulation, and for bindings that name it.
  ///
  /// - Throws: `endpointNotIPv6`, `tunnelExists`, `unknownNextHop`, `outOfTunnels`.
  public func addTunnel(_ settings: TunnelSettings, nextHop: NextHopID) throws(FlowTableError) -> TunnelID {
    for end in [settings.endpoints.local, settings.endpoints.remote] where end.family != .ipv6 {
      throw .endpointNotIPv6(end)
    }
    if let existing = tunnels.find(settings.endpoints) { throw .tunnelExists(existing) }
    if !nextHops.exists(nextHop) { throw .unknownNextHop(nextHop) }
    // Identifiers of removed tunnels may wait for their grace period.
    if !tunnels.hasIdentifier { reclaim() }
    if !tunnels.hasIdentifier { throw .outOfTunnels(limit: tunnels.limit) }
    let id = tunnels.add(settings, nextHop) { reused in
      for counters in traffic { counters.clear(tunnel: reused) }
    }
    publish()
    return id
  }

  /// Replaces a tunnel's settings and next hop as a whole.
  ///
  /// - Throws: `unknownTunnel`, `endpointsDiffer`, `unknownNextHop`, `retireQueueFull`.
  public func updateTunnel(
    _ id: TunnelID, settings: TunnelSettings, nextHop: NextHopID
  ) throws(FlowTableError) {
    guard let current = tunnels.settings(id) else { throw .unknownTunnel(id) }
    if current.settings.endpoints != settings.endpoints { throw .endpointsDiffer(id) }
    if !nextHops.exists(nextHop) { throw .unknownNextHop(nextHop) }
    try reserveRetired(1)
    let old = tunnels.update(id, settings, nextHop)
    publish()
    retired.append(.init(generation: generation, kind: .tunnelRecord, record: old))
  }

  /// Ends a tunnel that no binding names. Its identifier is reused only after a grace period.
  ///
  /// - Throws: `unknownTunnel`, `tunnelInUse`, `retireQueueFull`.
  public func removeTunnel(_ id: TunnelID) throws(FlowTableError) {
    guard let current = tunnels.settings(id), let users = tunnels.users(id) else { throw .unknownTunnel(id) }
    if users > 0 { throw .tunnelInUse(id, bindings: users) }
    try reserveRetired(1)
    let record = tunnels.remove(id, current.settings.endpoints)
    publish()
    retired.append(.init(generation: generation, kind: .tunnel, record: record, id: id.rawValue))
  }

  /// How many tunnels there may be now: the limit, less the removed ones that workers may still use.
  public var tunnelRoom: Int { tunnels.room }

  /// The tunnel between these endpoints.
  public func tunnel(_ endpoints: TunnelEndpoints) -> TunnelID? { tunnels.find(endpoints) }

  /// What a tunnel was last set to; nil if there is no such tunnel.
  public func tunnelSettings(_ id: TunnelID) -> TunnelSettings? { tunnels.settings(id)?.settings }

  /// Traffic of a tunnel since it was added, summed over all workers; zeros if there is no such tunnel.
  public func tunnelTraffic(_ id: TunnelID) -> Traffic {
    guard tunnels.exists(id) else { return Traffic() }
    return traffic.reduce(Traffic()) { $0 + $1.traffic(tunnel: id) }
  }
}
