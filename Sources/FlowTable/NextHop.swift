/// The link-layer header that reaches a neighbour, and the port it leaves by.
@frozen
public struct Adjacency: Hashable, Sendable, BitwiseCopyable {
  public let port: UInt8
  public let destination: MACAddress
  public let source: MACAddress
  /// VLAN identifier 1…4094 to send with, or nil for untagged.
  public let vlan: UInt16?

  @inlinable
  public init(port: UInt8, destination: MACAddress, source: MACAddress, vlan: UInt16? = nil) {
    self.port = port
    self.destination = destination
    self.source = source
    self.vlan = vlan
  }
}

/// What is known of the way to a next hop now.
@frozen
public enum NextHopState: Hashable, Sendable, BitwiseCopyable {
  /// No neighbour entry: packets are dropped as `no-neighbor` while the kernel is asked.
  case unresolved
  /// No route leads there: `no-route`.
  case unreachable
  /// The route leaves by an interface that is not a port: the kernel forwards.
  case kernel
  case resolved(Adjacency)
}

/// The table's handle of a next hop: a dense number, 1…`FlowTableLimits.nextHops`, reused only after a grace period.
/// 0 always exists and is unreachable.
@frozen
public struct NextHopID: Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}
