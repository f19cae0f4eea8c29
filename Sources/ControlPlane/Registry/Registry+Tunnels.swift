import ControlProtocol
import FlowTable

extension Registry {
  /// Octets of the outer IPv6 header (RFC 2473 section 7: the tunnel MTU is the path's less the headers added).
  private static let overhead = 40

  /// What a tunnel does now: its own choices over `tunnel-defaults`, with an automatic MTU from the egress port.
  func settings(of entry: TunnelEntry) -> TunnelSettings {
    let defaults = configuration.tunnelDefaults
    let mtu: UInt16 =
      switch entry.choices.mtu ?? defaults.mtu {
      case .octets(let octets): octets
      case .automatic: UInt16(clamping: resolver.egressMTU(towards: entry.endpoints.remote) - Self.overhead)
      }
    return TunnelSettings(
      endpoints: entry.endpoints, hopLimit: entry.choices.hopLimit ?? defaults.hopLimit, mtu: mtu,
      dscp: entry.choices.dscp ?? defaults.dscp,
      ecnCompatibility: entry.choices.ecnCompatibility ?? defaults.ecnCompatibility)
  }

  /// Moves the tunnels to this remote to the next hop and MTU that the resolver has now.
  func followNextHop(towards remote: IPAddress) throws(FlowTableError) {
    guard let nextHop = resolver.nextHop(towards: remote) else { return }
    for local in configuration.localAddresses {
      guard let slot = tunnels.find(TunnelEndpoints(local: local, remote: remote)), let entry = tunnels[slot],
        let id = entry.id
      else { continue }
      let settings = settings(of: entry)
      guard settings != entry.published || nextHop != entry.nextHop else { continue }
      try writer.updateTunnel(id, settings: settings, nextHop: nextHop)
      tunnels[slot]?.nextHop = nextHop
      tunnels[slot]?.published = settings
    }
  }

  /// A tunnel as it was set: what dumps carry and a load restores.
  func record(_ entry: TunnelEntry) -> TunnelRecord {
    let choices = entry.choices
    return TunnelRecord(
      tunnel: entry.endpoints.wire, isStatic: entry.isStatic, hopLimit: choices.hopLimit,
      mtu: choices.mtu.map(Self.wire),
      encapsulationLimit: choices.encapsulationLimitNone ? TunnelRecord.EncapsulationLimit.none : nil,
      dscp: choices.dscp.map(Self.wire), ecn: choices.ecnCompatibility.map { $0 ? .compatibility : .rfc6040 },
      users: UInt32(clamping: entry.users))
  }

  /// A tunnel as packets meet it: every value filled in.
  func effectiveRecord(_ entry: TunnelEntry) -> TunnelRecord {
    let settings = entry.published ?? settings(of: entry)
    return TunnelRecord(
      tunnel: entry.endpoints.wire, isStatic: entry.isStatic, hopLimit: settings.hopLimit, mtu: .octets(settings.mtu),
      encapsulationLimit: TunnelRecord.EncapsulationLimit.none, dscp: Self.wire(settings.dscp),
      ecn: settings.ecnCompatibility ? .compatibility : .rfc6040, users: UInt32(clamping: entry.users))
  }

  private static func wire(_ mtu: TunnelDefaults.MTU) -> TunnelRecord.MTU {
    switch mtu {
    case .automatic: .automatic
    case .octets(let octets): .octets(octets)
    }
  }

  private static func wire(_ dscp: DSCPMode) -> TunnelRecord.DSCP {
    switch dscp {
    case .copy: .copy
    case .fixed(let value): .fixed(value)
    }
  }
}
