import FlowTable

/// A packet that the slow path gives to a worker, from its IP header on.
public struct OriginatedPacket: Sendable, Hashable {
  public enum Continuation: Sendable, Hashable {
    /// Of this machine. It loses one hop on its way through the turn, so it carries one more than it shall leave with.
    case originated
    /// As if received on this port.
    case arrived(port: UInt8)
    /// A finished outer packet of this tunnel.
    case outer(TunnelID)
  }

  public var octets: [UInt8]
  public var continuation: Continuation
  /// Nil: it continues a received packet.
  public var kind: OriginatedKind?
  /// The received packets it is made of or answers (`ExceptionPacket.tickets`).
  public var tickets: [UInt64]

  public init(octets: [UInt8], continuation: Continuation, kind: OriginatedKind?, tickets: [UInt64] = []) {
    self.octets = octets
    self.continuation = continuation
    self.kind = kind
    self.tickets = tickets
  }
}

extension PuntRing {
  /// Puts a packet into the ring towards a worker.
  /// - Returns: false if the ring is full or the packet does not fit.
  public mutating func push(_ packet: OriginatedPacket) -> Bool {
    let (origin, port, tunnel): (PacketOrigin, UInt8, UInt32) =
      switch packet.continuation {
      case .originated: (.originated, 0, 0)
      case .arrived(let port): (.arrived, port, 0)
      case .outer(let tunnel): (.outer, 0, tunnel.rawValue)
      }
    // Safe: the array's own octets, for the time of the call.
    return unsafe packet.octets.withUnsafeBytes { octets in
      guard let start = octets.baseAddress else { return false }
      return unsafe push(start, length: octets.count, reason: origin.rawValue, port: port, tunnel: tunnel)
    }
  }
}
