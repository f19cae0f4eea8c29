/// How much is held for mobile nodes in handover (RFC 5568, Security Considerations: by local policy).
public struct HandoverLimits: Sendable, Hashable {
  /// Packets of one mobile node, all its bindings together.
  public var perMobileNode: Int
  /// Packets of all mobile nodes together, over all workers.
  public var total: Int
  /// Nanoseconds after which a held packet is dropped.
  public var timeout: UInt64

  public init(perMobileNode: Int = 256, total: Int = 16_384, timeout: UInt64 = 5_000_000_000) {
    self.perMobileNode = perMobileNode
    self.total = total
    self.timeout = timeout
  }
}
