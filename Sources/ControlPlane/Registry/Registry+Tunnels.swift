import ControlProtocol
import FlowTable

extension Registry {
  /// Octets that a tunnel adds to every packet (RFC 2473 section 6.7): the outer IPv6 header, and the destination
  /// options that carry a configured limit. The 8 octets that a packet's own limit costs are the fast path's to count.
  private static func overhead(limit: UInt8?) -> Int { limit == nil ? 40 : 48 }

  /// What a tunnel does now: its own choices over `tunnel-defaults`, with an automatic MTU from the egress port. No chosen
  /// MTU is more than port and path take (RFC 2473 section 6.7): beyond that, section 7's fragments and answers would come
  /// too late, since the outer packet is refused at the port. What goes to an address that is anchored here leaves by
  /// another tunnel, and only that one knows the port.
  func settings(of entry: TunnelEntry) -> TunnelSettings {
    let defaults = configuration.tunnelDefaults
    func inner(_ port: Int) -> UInt16 {
      UInt16(clamping: min(port, entry.pathMTU ?? .max) - Self.overhead(limit: limit))
    }
    let limit: UInt8? =
      switch entry.choices.encapsulationLimit {
      case .limit(let value): value
      case TunnelRecord.EncapsulationLimit.none?: nil
      case nil: defaults.encapsulationLimit
      }
    let egress = resolver.egressMTU(towards: entry.endpoints.remote)
    let mtu =
      switch entry.choices.mtu ?? defaults.mtu {
      case .octets(let octets): min(octets, inner(isAnchored(entry.endpoints.remote) ? .max : egress))
      case .automatic: inner(egress)
      }
    return TunnelSettings(
      endpoints: entry.endpoints, hopLimit: entry.choices.hopLimit ?? defaults.hopLimit, mtu: mtu,
      dscp: entry.choices.dscp ?? defaults.dscp,
      ecn: entry.choices.ecn ?? defaults.ecn, encapsulationLimit: limit,
      isAnchored: isAnchored(entry.endpoints.remote), isFailed: isFailed(entry.endpoints.remote),
      revokedTable: revokedTables(entry.endpoints.remote).first)
  }

  /// Whether a care-of address is one that this LMA anchors itself: its tunnel's packets enter another tunnel (REQUIREMENTS
  /// S-21, S-52).
  private func isAnchored(_ remote: IPAddress) -> Bool {
    configuration.role == .localMobilityAnchor && configuration.pools.contains { $0.contains(remote) }
  }

  /// A tunnel as it was set: what dumps carry and a load restores.
  func record(_ entry: TunnelEntry) -> TunnelRecord {
    let choices = entry.choices
    return TunnelRecord(
      tunnel: entry.endpoints.wire, isStatic: entry.isStatic, hopLimit: choices.hopLimit,
      mtu: choices.mtu.map(Self.wire),
      encapsulationLimit: choices.encapsulationLimit, dscp: choices.dscp.map(Self.wire),
      ecn: choices.ecn.map(TunnelRecord.ECN.init), users: UInt32(clamping: entry.users))
  }

  /// A tunnel as packets meet it: every value filled in.
  func effectiveRecord(_ entry: TunnelEntry) -> TunnelRecord {
    let settings = entry.published ?? settings(of: entry)
    return TunnelRecord(
      tunnel: entry.endpoints.wire, isStatic: entry.isStatic, hopLimit: settings.hopLimit, mtu: .octets(settings.mtu),
      encapsulationLimit: settings.encapsulationLimit.map { .limit($0) } ?? TunnelRecord.EncapsulationLimit.none,
      dscp: Self.wire(settings.dscp), ecn: TunnelRecord.ECN(settings.ecn), users: UInt32(clamping: entry.users))
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
    case .uniform: .uniform
    case .fixed(let value): .fixed(value)
    }
  }
}

extension ECNMode {
  init(_ mode: TunnelRecord.ECN) {
    self =
      switch mode {
      case .rfc6040: .rfc6040
      case .compatibility: .compatibility
      case .rfc5213Strict: .rfc5213Strict
      }
  }
}

extension TunnelRecord.ECN {
  init(_ mode: ECNMode) {
    self =
      switch mode {
      case .rfc6040: .rfc6040
      case .compatibility: .compatibility
      case .rfc5213Strict: .rfc5213Strict
      }
  }
}
