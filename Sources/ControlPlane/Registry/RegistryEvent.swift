import FlowTable

/// What happens in the registry beside the end of bindings (`ExpiredBinding`).
public enum RegistryEvent: Hashable, Sendable {
  /// A localized route's lifetime ended: its packets go by the anchor again (RFC 6705 section 4).
  case routeExpired(from: Prefix, to: Prefix)
  /// Nothing is held for the mobile node any more: `flushing` became `active`.
  case flushed(BindingKey, mobileNode: String?)
  case peer(IPAddress, isFailed: Bool)
  /// The MTU of a tunnel (octets of the inner packet) is another now, by its path or its egress port.
  case pathMTU(TunnelEndpoints, octets: UInt16)
}

/// The latest events until somebody takes them: bounded, since nobody may.
struct RegistryEvents {
  /// A port's new MTU is one for each tunnel, of which there are half as many at most.
  private static let capacity = 1 << 17

  private var waiting: [RegistryEvent] = []

  mutating func add(_ event: RegistryEvent) {
    // Rare, and then one of many: the oldest half goes at once.
    if waiting.count == Self.capacity { waiting.removeFirst(Self.capacity / 2) }
    waiting.append(event)
  }

  mutating func take() -> [RegistryEvent] {
    defer { waiting.removeAll() }
    return waiting
  }
}
