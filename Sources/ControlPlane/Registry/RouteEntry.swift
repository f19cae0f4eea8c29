import FlowTable

/// What identifies a localized route (RFC 6705): a direction between two mobile nodes' prefixes.
struct RouteKey: Hashable {
  let from: Prefix
  let to: Prefix
}

/// One localized route as it was set.
struct RouteEntry: SlotEntry {
  let key: RouteKey
  /// Slot of the tunnel to the other mobile node's MAG; nil: both are on this one.
  var via: UInt32?
  var isReceiveOnly: Bool
  var origin = EntryOrigin.nobody
  /// Seconds, as it was set; 0: none.
  var lifetime: UInt32 = 0
  /// End of the lifetime, in nanoseconds of the injected clock.
  private(set) var expiry = BindingEntry.never
  /// Deadline of this entry's item in the heap.
  var scheduled = BindingEntry.never
  /// Number of the request that touched the entry last; see `Journal`.
  var touched: UInt64 = 0

  var slotKey: RouteKey { key }

  init(key: RouteKey, via: UInt32?, isReceiveOnly: Bool) {
    self.key = key
    self.via = via
    self.isReceiveOnly = isReceiveOnly
  }

  /// The lifetime begins now.
  mutating func beginLifetime(at now: UInt64) {
    expiry = lifetime == 0 ? BindingEntry.never : now &+ UInt64(lifetime) * 1_000_000_000
  }

  /// Whether both were set to the same; when that was, and so when they end, is no difference.
  func equals(_ other: RouteEntry) -> Bool {
    via == other.via && isReceiveOnly == other.isReceiveOnly && lifetime == other.lifetime
  }
}

/// The routes of one prefix as the forwarding table has them, named by the binding with that prefix.
struct RouteBlock {
  let id: LocalizedRoutesID
  let routes: [LocalizedRoute]
}
