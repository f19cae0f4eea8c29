extension TableWriter {
  /// Applies `batch` to the prefix tables of one arena and publishes it: all of it, or nothing and an error.
  func commit(in arena: RecordArena, outOfRecords: FlowTableError) throws(FlowTableError) -> UInt64 {
    // Three passes, so that the cache misses of many changes overlap: buckets, then records, then the counts.
    for change in batch { prefixTable(change.table).prefetch(change.hash) }
    for position in batch.indices {
      let head = prefixTable(batch[position].table).head(batch[position].key, batch[position].hash)
      batch[position].head = head
      arena.prefetch(head)
    }
    try reserve(in: arena, outOfRecords: outOfRecords)
    let next = generation + 1
    for change in batch { apply(change, in: arena, next) }
    publish()
    return next
  }

  /// Everything that can fail: limits, retire queue, storage for new keys.
  private func reserve(in arena: RecordArena, outOfRecords: FlowTableError) throws(FlowTableError) {
    var newKeys = [0, 0, 0]
    // Keys that have a slot, of a tombstone. What is reclaimed below may take it away.
    var lentKeys = [0, 0, 0]
    let linked = TableNumber.allCases.map { prefixTable($0).linked }
    var newRecords = 0
    var replaced = 0
    for change in batch {
      let isAbsent = change.head == 0 || arena[change.head].isTombstone
      if change.removes {
        replaced += 2
      } else {
        replaced += 1
        newRecords += isAbsent ? 1 : 0
        newKeys[Int(change.table.rawValue)] += change.head == 0 ? 1 : 0
        lentKeys[Int(change.table.rawValue)] += change.head != 0 && isAbsent ? 1 : 0
      }
    }
    // Bounds from above; only when they do not fit, the batch is played through on a copy of the keys.
    let isBindings = arena === bindings
    if arena.live + newRecords > arena.limit || !(isBindings ? canRetireBatch(of: replaced) : retired.room >= replaced)
    {
      let exact = rehearse(in: arena)
      if exact.live > arena.limit { throw outOfRecords }
      if !isBindings {
        try reserveRetired(exact.retired)
      } else if !canRetireBatch(of: exact.retired) {
        throw .retireQueueFull(capacity: retired.limit)
      }
    }
    if !isBindings { try reserveTrie(outOfRecords) }
    for number in TableNumber.allCases {
      let (table, place) = (prefixTable(number), Int(number.rawValue))
      let wanted = newKeys[place] + min(lentKeys[place], linked[place] - table.linked)
      if wanted == 0 { continue }
      defer { retireStorages(of: table) }
      try table.makeRoom(wanted)
    }
  }

  /// Blocks of the route trie for every change of the batch.
  private func reserveTrie(_ outOfRecords: FlowTableError) throws(FlowTableError) {
    let changes = batch.count { RouteTrie.has($0.key) }
    if changes == 0 || routeTrie.hasRoom(changes) { return }
    reclaim()
    if routeTrie.hasRoom(changes) { return }
    throw routeTrie.waiting > 0 ? .retireQueueFull(capacity: retired.limit) : outOfRecords
  }

  /// How many live records and retired items the batch leads to, exactly, with repeated keys taken one after the other.
  private func rehearse(in arena: RecordArena) -> (live: Int, retired: Int) {
    struct Key: Hashable {
      let table: TableNumber
      let key: TableKey
    }
    var present: [Key: Bool] = [:]
    var live = arena.live
    var retired = 0
    for change in batch {
      let key = Key(table: change.table, key: change.key)
      let wasPresent = present[key] ?? (change.head != 0 && !arena[change.head].isTombstone)
      present[key] = !change.removes
      switch (wasPresent, change.removes) {
      case (false, false): live += 1
      case (true, false): retired += 1
      case (true, true):
        live -= 1
        retired += 2
      case (false, true): break
      }
    }
    return (live, retired)
  }

  /// A storage that was swapped out is in use until the generation after the swap has been reported.
  private func retireStorages(of table: PrefixTable) {
    guard !table.replaced.isEmpty else { return }
    for storage in table.replaced { retiredStorages.append((generation + 1, storage)) }
    table.replaced = []
    publish()
  }

  /// One change; nothing in here can fail.
  private func apply(_ change: PrefixChange, in arena: RecordArena, _ next: UInt64) {
    let table = prefixTable(change.table)
    let key = change.key
    // Again, since an earlier change of the batch may have been of the same key.
    let head = table.head(key, change.hash)
    let old = arena[head]
    let isPresent = head != 0 && !old.isTombstone
    if change.removes && !isPresent { return }
    var record = change.record
    record.generation = next
    // Also past a record of this very batch, which no snapshot will take: it stays as long as what it replaced.
    record.previous = head
    if change.table != .routes { carryOver(from: old, head, isPresent, next, to: &record) }
    let index = arena.add(record)
    if head == 0 {
      table.link(key, change.hash, index)
    } else {
      table.relink(change.hash, from: head, to: index)
    }
    if isPresent { retired.append(.init(generation: next, kind: .record, table: change.table, record: head)) }
    if change.removes {
      retired.append(.init(generation: next, kind: .tombstone, table: change.table, record: index))
    }
    arena.live += (change.removes ? 0 : 1) - (isPresent ? 1 : 0)
    if change.table == .routes && RouteTrie.has(key) { compile(change, next) }
  }

  /// The trie follows the records, which are the truth about the routes.
  private func compile(_ change: PrefixChange, _ next: UInt64) {
    let prefix = change.key.prefix
    routeTrie.generation = next
    if !change.removes { return routeTrie.set(prefix, nextHop: change.record.target) }
    routeTrie.remove(prefix) { length in
      record(.routes, TableKey(Prefix(covering: prefix.address, length: length)))?.target
    }
  }

  /// The traffic cell follows a binding through its replacements, also through a removal within one batch. A tombstone
  /// holds it until it is freed. Tunnels and blocks of localized routes know how many bindings name them.
  private func carryOver(
    from old: BindingRecord, _ head: UInt32, _ isPresent: Bool, _ next: UInt64, to record: inout BindingRecord
  ) {
    if isPresent {
      record.counter = old.counter
      tunnels.release(old)
      if let unnamed = localizedRoutes.release(old) { retireBlock(unnamed, next) }
    } else if head != 0 && old.generation == next {
      record.counter = old.counter
      // The tombstone is of this batch; readers pass it by and never look at its counter.
      unsafe bindings.pointer(head).pointee.counter = 0
    } else {
      record.counter = takeCounter()
    }
    if record.isTombstone { return }
    tunnels.retain(record)
    if record.localizedRoutes != 0 { localizedRoutes.retain(record) }
  }

  private func takeCounter() -> UInt32 {
    // As many cells as live and retired records together, so one is left.
    guard let cell = counters.take() else { preconditionFailure("traffic cells were not reserved") }
    if cell.isReused { for counters in traffic { counters.clear(binding: cell.index) } }
    return cell.index
  }
}
