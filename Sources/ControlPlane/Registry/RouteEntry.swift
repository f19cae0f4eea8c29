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
  /// End of the lifetime, in nanoseconds of the injected clock.
  var expiry = BindingEntry.never
  /// Deadline of this entry's item in the heap.
  var scheduled = BindingEntry.never
  /// Number of the request that touched the entry last; see `Journal`.
  var touched: UInt64 = 0

  var slotKey: RouteKey { key }

  /// Whether both were set to the same.
  func equals(_ other: RouteEntry) -> Bool {
    via == other.via && isReceiveOnly == other.isReceiveOnly && expiry == other.expiry
  }
}

/// The routes of one prefix as the forwarding table has them, named by the binding with that prefix.
struct RouteBlock {
  let id: LocalizedRoutesID
  let routes: [LocalizedRoute]
}
