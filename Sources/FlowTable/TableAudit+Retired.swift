extension TableAudit {
  func marks(_ pool: AuditedPool) -> IndexMarks { allMarks[pool.number] }

  /// The free list of one pool.
  func checkFreed(_ name: AuditedPool, _ budget: Int) -> Int {
    let pool = name.contents(writer)
    let marks = marks(name)
    // Free lists are of the whole table: with a change they start over, which a stack's positions cannot follow.
    let end = isUnchanged ? min(pool.freed, position + budget) : position
    for place in position..<max(position, end) {
      let index = pool.freedIndex(place)
      let answer = marks.markFree(index)
      if answer != .isNew { log.note(.accounting, "free \(name), place \(place)", "\(index) \(answer.words)") }
    }
    let done = end - position
    position = end
    guard !isUnchanged || end == pool.freed else { return done }
    let next = AuditedPool.allCases.drop { $0 != name }.dropFirst().first
    return done + enter(next.map { .freed($0) } ?? .retired)
  }

  // MARK: The retire queue

  /// What waits for a grace period, oldest first. Items that were reclaimed since the step before are passed over.
  func checkRetired(_ budget: Int) -> Int {
    // `position` counts from the oldest item as of the beginning.
    let gone = Int(writer.retired.taken &- takenAtBegin)
    let start = max(position, gone)
    let end = min(start + budget, gone + writer.retired.count)
    let checks = (bindings: RecordCheck(self, .proxy), routes: RecordCheck(self, .routes))
    for number in start..<max(start, end) {
      // Below the count of waiting items.
      let item = unsafe RetiredItem(octets: writer.retired.octets(number - gone))
      checkItem(item, number, item.table == .routes ? checks.routes : checks.bindings)
    }
    position = max(start, end)
    guard position >= gone + writer.retired.count else { return max(1, end - start) }
    return max(1, end - start) + enter(.freedBlocks(.trieNodes))
  }

  private func checkItem(_ item: RetiredItem, _ number: Int, _ check: RecordCheck) {
    let place = "retired item \(number)"
    if item.generation < lastRetired || item.generation > writer.generation {
      log.note(.retired, place, "waits for \(item.generation), after \(lastRetired) and before \(writer.generation)")
    }
    lastRetired = max(lastRetired, min(item.generation, writer.generation))
    guard let kind = item.kind, let table = item.table else {
      log.note(.retired, place, "is of no known kind")
      return
    }
    switch kind {
    case .record, .tombstone, .unlinked: checkRetiredRecord(item, kind, table, check, place)
    case .tunnelRecord: hold(.tunnelRecords, item.record, place)
    case .tunnel, .clearedTunnel:
      hold(.tunnelRecords, item.record, place)
      hold(.tunnels, item.id, place)
      checkEnded(item, slot: writer.tunnels.slotNumber(item.id), isCleared: kind == .clearedTunnel, place)
      if writer.tunnels.exists(TunnelID(item.id)) { log.note(.retired, place, "tunnel \(item.id) is live") }
    case .nextHopRecord: hold(.nextHopRecords, item.record, place)
    case .nextHop, .clearedNextHop:
      hold(.nextHopRecords, item.record, place)
      hold(.nextHops, item.id, place)
      checkEnded(item, slot: writer.nextHops.slotNumber(item.id), isCleared: kind == .clearedNextHop, place)
      if writer.nextHops.exists(NextHopID(item.id)) { log.note(.retired, place, "next hop \(item.id) is live") }
    }
  }

  /// A tunnel or next hop that ended keeps its slot for packets under way, for one grace period.
  private func checkEnded(_ item: RetiredItem, slot: UInt32, isCleared: Bool, _ place: String) {
    let expected = isCleared ? 0 : item.record
    if slot != expected {
      log.note(.identifiers, place, "the slot of \(item.id) names record \(slot), not \(expected)")
    }
  }

  private func checkRetiredRecord(
    _ item: RetiredItem, _ kind: RetireQueue.Kind, _ table: TableNumber, _ check: RecordCheck, _ place: String
  ) {
    let records = check.records
    guard records.isComplete(item.record) else {
      log.note(.retired, place, "record \(item.record) is no complete record in use")
      return
    }
    if records.isTombstone(item.record) != (kind != .record) || records.generation(item.record) > item.generation {
      log.note(.retired, place, "record \(item.record) is not what its kind says, or newer than its replacement")
    }
    // Only numbers are compared: the slots may name anything.
    let hash = records.key(item.record).hash(records.keyed)
    let link = writer.prefixTable(table).current.place(hash) { $0 == item.record }
    if link != nil && kind != .tombstone {
      log.note(.retired, place, "record \(item.record) is still linked")
    }
    check.checkPredecessor(of: item.record) { place }
    check.hold(item.record) { place }
    let cell = records.counter(item.record)
    guard table != .routes, isUnchanged, kind == .record || cell != 0 else { return }
    // A replaced binding's successor has its cell; a tombstone has it until it is freed.
    let cells = marks(.trafficCells)
    let answer = kind == .record ? cells.answer(cell) : cells.markHeld(cell)
    if answer != .isNew && !(kind == .record && answer == .isHeld) {
      log.note(.trafficCell, place, "its cell \(cell) \(answer.words)")
    }
  }

  /// Notes an index as in use; in an unchanged table it must not be free, nor in use elsewhere.
  func hold(_ pool: AuditedPool, _ index: UInt32, _ place: @autoclosure () -> String) {
    guard isUnchanged else { return }
    let answer = marks(pool).markHeld(index)
    if answer != .isNew { log.note(.accounting, place(), "\(index) of \(pool) \(answer.words)") }
  }
}

/// A retired item read octet by octet, since any octets may be there.
struct RetiredItem {
  let generation: UInt64
  let kind: RetireQueue.Kind?
  let table: TableNumber?
  let record: UInt32
  let id: UInt32

  /// - Parameter octets: those of one place of the queue.
  @unsafe
  init(octets: UnsafeRawPointer) {
    func offset(_ path: PartialKeyPath<RetireQueue.Item>) -> Int {
      MemoryLayout<RetireQueue.Item>.offset(of: path) ?? 0
    }
    // All offsets are inside one item; every field is loaded as a number.
    generation = unsafe octets.load(fromByteOffset: offset(\.generation), as: UInt64.self)
    kind = RetireQueue.Kind(rawValue: unsafe octets.load(fromByteOffset: offset(\.kind), as: UInt8.self))
    table = TableNumber(rawValue: unsafe octets.load(fromByteOffset: offset(\.table), as: UInt8.self))
    record = unsafe octets.load(fromByteOffset: offset(\.record), as: UInt32.self)
    id = unsafe octets.load(fromByteOffset: offset(\.id), as: UInt32.self)
  }
}
