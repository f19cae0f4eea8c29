import FastPath
import FlowTable

/// Packets that a worker had left to the slow path and that end there.
public struct Settlement: Hashable, Sendable {
  /// As the owner named them (`ExceptionPacket.tickets`).
  public let tickets: [UInt64]
  public let reason: DropReason
}

/// News of a tunnel's path.
public struct PathMTUChange: Hashable, Sendable {
  public let tunnel: TunnelEndpoints
  /// Octets of the largest packet that the path takes; nil: nothing is known any more beyond the egress port's.
  public let mtu: Int?
}
