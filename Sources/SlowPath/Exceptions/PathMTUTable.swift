import FlowTable

/// What messages from inside have taught about the paths of tunnels (RFC 8201).
///
/// A path belongs to a tunnel, since all mobile nodes behind its far end share it (section 5.2).
struct PathMTUTable: Sendable {
  private struct Path {
    var mtu: Int
    var expiry: UInt64
  }

  /// RFC 8201 section 4: no larger packet is tried before five minutes are over; ten are recommended.
  private static let lifetime: UInt64 = 600_000_000_000
  /// RFC 8201 section 4: less than IPv6's least MTU is no path.
  static let least = 1280

  private var paths: [TunnelEndpoints: Path] = [:]
  /// When `expire` has something to do, or earlier.
  private(set) var nextExpiry: UInt64?

  /// A valid message says that a path takes `mtu` octets.
  /// - Parameter known: octets of the largest packet that the tunnel sends now.
  /// - Returns: the estimate, if it is less than that. It only ever falls by a message (section 4).
  mutating func learn(_ tunnel: TunnelEndpoints, _ mtu: Int, known: Int, now: UInt64) -> Int? {
    let before = paths[tunnel]?.mtu ?? known
    if mtu < before || mtu == paths[tunnel]?.mtu {
      let (expiry, isBeyond) = now.addingReportingOverflow(Self.lifetime)
      let deadline = isBeyond ? UInt64.max : expiry
      paths[tunnel] = Path(mtu: mtu, expiry: deadline)
      nextExpiry = min(nextExpiry ?? deadline, deadline)
    }
    let estimate = min(mtu, before)
    return estimate < known ? estimate : nil
  }

  /// Forgets what is too old to be believed.
  /// - Returns: the tunnels whose paths may take more again, the oldest first.
  mutating func expire(now: UInt64) -> [TunnelEndpoints] {
    guard let next = nextExpiry, next <= now else { return [] }
    let old = paths.filter { $0.value.expiry <= now }.sorted { $0.value.expiry < $1.value.expiry }.map(\.key)
    for tunnel in old { paths[tunnel] = nil }
    nextExpiry = paths.values.map(\.expiry).min()
    return old
  }
}
