/// A change of one route of the mirror of the kernel's routes.
public enum RouteChange: Hashable, Sendable {
  case set(Prefix, NextHopID)
  case remove(Prefix)
}

extension TableWriter {
  // MARK: Next hops

  /// - Throws: `outOfNextHops`.
  public func addNextHop(_ state: NextHopState) throws(FlowTableError) -> NextHopID {
    // Identifiers of removed next hops may wait for their grace period.
    if !nextHops.hasIdentifier { reclaim() }
    if !nextHops.hasIdentifier { throw .outOfNextHops(limit: nextHops.limit) }
    let id = nextHops.add(state)
    publish()
    return id
  }

  /// Replaces what is known of a next hop, as a whole.
  ///
  /// - Throws: `unknownNextHop` (also for 0, which is always unreachable), `retireQueueFull`.
  public func updateNextHop(_ id: NextHopID, _ state: NextHopState) throws(FlowTableError) {
    if id.rawValue == 0 || !nextHops.exists(id) { throw .unknownNextHop(id) }
    try reserveRetired(1)
    let old = nextHops.update(id, state)
    publish()
    retired.append(.init(generation: generation, kind: .nextHopRecord, record: old))
  }

  /// Ends a next hop that no tunnel and no route names: that is the caller's to know.
  ///
  /// - Throws: `unknownNextHop`, `retireQueueFull`.
  public func removeNextHop(_ id: NextHopID) throws(FlowTableError) {
    if id.rawValue == 0 || !nextHops.exists(id) { throw .unknownNextHop(id) }
    try reserveRetired(1)
    let record = nextHops.remove(id)
    publish()
    retired.append(.init(generation: generation, kind: .nextHop, record: record, id: id.rawValue))
  }

  /// What is known of a next hop; nil if there is no such one.
  public func nextHop(_ id: NextHopID) -> NextHopState? { nextHops.state(id) }

  // MARK: Routes

  /// Applies all changes or, when it throws, none. Repeated prefixes are applied in order. Readers see the changes one
  /// after the other, as the kernel makes them: those of short prefixes all at once, those in the trie one by one.
  ///
  /// - Parameter changes: at most 2^18, which is more than a full table.
  /// - Throws: `tooManyRouteChanges`, `unknownNextHop` (also for 0, which stands for "no route"), `outOfRoutes`,
  ///   `retireQueueFull`, `mapping`; nothing has changed then.
  @discardableResult
  public func apply(routes changes: [RouteChange]) throws(FlowTableError) -> UInt64 {
    if changes.count > RouteTrie.mostChanges {
      throw .tooManyRouteChanges(count: changes.count, limit: RouteTrie.mostChanges)
    }
    batch.removeAll(keepingCapacity: true)
    for change in changes {
      var record: BindingRecord
      switch change {
      case .set(let prefix, let nextHop):
        if nextHop.rawValue == 0 || !nextHops.exists(nextHop) { throw .unknownNextHop(nextHop) }
        record = BindingRecord(TableKey(prefix))
        record.target = nextHop.rawValue
      case .remove(let prefix):
        record = BindingRecord(tombstone: TableKey(prefix))
      }
      batch.append(PrefixChange(table: .routes, record: record, hash: record.key.hash(table.hash)))
    }
    return try commit(in: routes, outOfRecords: .outOfRoutes(limit: routes.limit))
  }

  /// Inserts or replaces one route. Throws as `apply(routes:)`.
  public func setRoute(_ prefix: Prefix, _ nextHop: NextHopID) throws(FlowTableError) {
    try apply(routes: [.set(prefix, nextHop)])
  }

  /// Removes one route, if there is one. Throws `retireQueueFull`.
  public func removeRoute(_ prefix: Prefix) throws(FlowTableError) {
    try apply(routes: [.remove(prefix)])
  }

  /// The next hop of exactly this prefix.
  public func route(_ prefix: Prefix) -> NextHopID? {
    record(.routes, TableKey(prefix)).map { NextHopID($0.target) }
  }

  /// The route with the longest prefix that contains `address`.
  public func longestRoute(_ address: IPAddress) -> (prefix: Prefix, nextHop: NextHopID)? {
    longestRecord(.routes, address).map { ($0.key.prefix, NextHopID($0.target)) }
  }
}
