import FlowTable

extension Registry {
  /// What is known of a tunnel's path has changed (RFC 8201, RFC 5213 section 6.9.5). All who share the tunnel see it.
  ///
  /// - Parameter octets: of the largest packet that the path takes; nil when nothing is known beyond the egress port's
  ///   MTU.
  public func setPathMTU(of endpoints: TunnelEndpoints, octets: Int?) {
    guard let slot = tunnels.find(endpoints) else { return }
    tunnels[slot]?.pathMTU = octets
    publishSettings(slot)
  }

  /// Gives the forwarding table what follows for a tunnel from its path or its peer; where it is too busy, the next tick
  /// tries again.
  func publishSettings(_ slot: UInt32) {
    lingeringSettings.remove(slot)
    guard let nextHop = tunnels[slot]?.nextHop else { return }
    do throws(FlowTableError) {
      try follow(slot, nextHop)
    } catch {
      lingeringSettings.insert(slot)
    }
  }

  /// Moves the tunnels to this remote to the next hop and MTU that the resolver has now.
  func followNextHop(towards remote: IPAddress) throws(FlowTableError) {
    guard let nextHop = resolver.nextHop(towards: remote) else { return }
    for slot in tunnelSlots(to: remote) { try follow(slot, nextHop) }
  }

  /// What surrounds a tunnel of the forwarding table has changed; whoever wants to know its MTU is told.
  private func follow(_ slot: UInt32, _ nextHop: NextHopID) throws(FlowTableError) {
    guard let entry = tunnels[slot], let id = entry.id, let before = entry.published else { return }
    let settings = settings(of: entry)
    guard settings != before || nextHop != entry.nextHop else { return }
    try writer.updateTunnel(id, settings: settings, nextHop: nextHop)
    tunnels[slot]?.nextHop = nextHop
    tunnels[slot]?.published = settings
    if settings.mtu != before.mtu { events.add(.pathMTU(entry.endpoints, octets: settings.mtu)) }
  }
}
