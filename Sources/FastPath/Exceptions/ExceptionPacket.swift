import FlowTable

/// A packet that left its turn for the slow path: a bounded copy from an IP header on.
public struct ExceptionPacket: Sendable, Hashable {
  public var kind: ExceptionKind
  /// Index of the port it arrived on.
  public var port: UInt8
  /// `oversized`: the tunnel it was encapsulated for. `tunnelError`: the tunnel of the quoted packet, 0 if there is none.
  public var tunnel: TunnelID
  /// What `kind` says; for `tunnelError` the largest inner packet that the tunnel takes now.
  public var detail: UInt16
  /// Numbers that the owner knows the received packets by which this is made of; empty where nobody asks.
  public var tickets: [UInt64]
  /// The inner packet, or for kinds about the outer one, that. Answered packets may be cut behind
  /// `ExceptionPacket.quotable` octets.
  public var octets: [UInt8]

  public init(
    kind: ExceptionKind, port: UInt8, tunnel: TunnelID, detail: UInt16, tickets: [UInt64] = [], octets: [UInt8]
  ) {
    self.kind = kind
    self.port = port
    self.tunnel = tunnel
    self.detail = detail
    self.tickets = tickets
    self.octets = octets
  }

  /// Copies a ring's slot; nil for a kind that no worker pushes.
  public init?(_ packet: PuntedPacket) {
    guard let kind = ExceptionKind(rawValue: packet.reason), kind != .none else { return nil }
    // Safe: the slot is the reader's until it is released, and the octets are copied here.
    self.init(
      kind: kind, port: packet.port, tunnel: TunnelID(packet.tunnel), detail: packet.detail,
      octets: unsafe Array(packet.octets))
  }

  /// An ICMPv6 error is at most 1280 octets long (RFC 4443 section 2.4 (c)); more of a packet is never quoted.
  public static let quotable = 1280
}
