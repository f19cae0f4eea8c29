import FlowTable

extension Registry {
  /// What is known of a tunnel's path has changed (RFC 8201, RFC 5213 section 6.9.5). All who share the tunnel see it.
  ///
  /// - Parameters:
  ///   - octets: of the largest packet that the path takes; nil when nothing is known beyond the egress port's MTU.
  /// - Returns: the tunnel's MTU (octets of the inner packet) if this has changed it; nil for an unknown tunnel, too.
  public func setPathMTU(of endpoints: TunnelEndpoints, octets: Int?) -> UInt16? {
    guard let slot = tunnels.find(endpoints) else { return nil }
    tunnels[slot]?.pathMTU = octets
    return publishSettings(slot)
  }

  /// Gives the forwarding table what follows for a tunnel from its path or its peer; where it is too busy, the next tick
  /// tries again.
  ///
  /// - Returns: its MTU if this has changed it.
  func publishSettings(_ slot: UInt32) -> UInt16? {
    lingeringSettings.remove(slot)
    guard let entry = tunnels[slot], let id = entry.id, let nextHop = entry.nextHop else { return nil }
    let settings = settings(of: entry)
    guard let before = entry.published, settings != before else { return nil }
    do throws(FlowTableError) {
      try writer.updateTunnel(id, settings: settings, nextHop: nextHop)
    } catch {
      lingeringSettings.insert(slot)
      return nil
    }
    tunnels[slot]?.published = settings
    return settings.mtu == before.mtu ? nil : settings.mtu
  }
}
