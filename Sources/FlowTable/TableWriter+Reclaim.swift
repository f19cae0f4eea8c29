extension TableWriter {
  /// Frees what every online worker has passed. Cheap when there is nothing; call it after changes and now and then.
  ///
  /// A removed binding takes two rounds: its tombstone is unlinked after one grace period and freed after another, since
  /// a reader may have loaded the slot just before it was cleared.
  ///
  /// - Parameter limit: items of the retire queue to look at. A removed binding is three in all: its record, its tombstone
  ///   to unlink and its tombstone to free. After the removal of a million of them all at once takes a tenth of a second.
  /// - Returns: whether more can be freed at once.
  @discardableResult
  public func reclaim(limit: Int = .max) -> Bool {
    var left = limit
    // The second round is for what had no online worker to wait for.
    for _ in 0..<2 {
      let passed = min(quiescence.oldestReported(), generation)
      let waitsAgain = reclaimItems(upTo: passed, &left)
      let freed = routeTrie.reclaim(upTo: passed) + localizedRoutes.reclaim(upTo: passed)
      if freed > 0 { silentChanges &+= 1 }
      retiredStorages.removeAll { entry in
        if entry.generation > passed { return false }
        entry.storage.unmap()
        return true
      }
      if !waitsAgain { break }
      // Whoever reports this generation has begun a turn after the unlinking.
      publish()
      if left == 0 { break }
    }
    guard let oldest = retired.oldestGeneration else { return false }
    return oldest <= min(quiescence.oldestReported(), generation)
  }

  /// - Returns: whether something was unlinked and waits for the next generation.
  private func reclaimItems(upTo passed: UInt64, _ left: inout Int) -> Bool {
    var waitsAgain = false
    while left > 0, let item = retired.removeFirst(upTo: passed) {
      left -= 1
      guard let again = reclaim(item) else { continue }
      // One came out of the queue, so there is room for one.
      retired.append(again)
      waitsAgain = true
    }
    return waitsAgain
  }

  /// - Returns: the item that takes its place, to wait for the next generation.
  private func reclaim(_ item: RetireQueue.Item) -> RetireQueue.Item? {
    let arena = item.table == .routes ? routes : bindings
    switch item.kind {
    case .record: arena.pool.give(item.record)
    case .tombstone:
      // A binding set again meanwhile has put itself in the tombstone's place: then there is nothing to unlink.
      _ = prefixTable(item.table).unlink(arena[item.record].key, item.record)
      return .init(generation: generation + 1, kind: .unlinked, table: item.table, record: item.record)
    case .unlinked:
      let counter = arena[item.record].counter
      if counter != 0 { counters.give(counter) }
      arena.pool.give(item.record)
    case .tunnelRecord: tunnels.freeRecord(item.record)
    case .tunnel:
      tunnels.clearSlot(TunnelID(item.id))
      return .init(generation: generation + 1, kind: .clearedTunnel, record: item.record, id: item.id)
    case .clearedTunnel:
      tunnels.freeRecord(item.record)
      tunnels.freeIdentifier(TunnelID(item.id))
    case .nextHopRecord: nextHops.freeRecord(item.record)
    case .nextHop:
      nextHops.clearSlot(NextHopID(item.id))
      return .init(generation: generation + 1, kind: .clearedNextHop, record: item.record, id: item.id)
    case .clearedNextHop:
      nextHops.freeRecord(item.record)
      nextHops.freeIdentifier(NextHopID(item.id))
    }
    return nil
  }
}
