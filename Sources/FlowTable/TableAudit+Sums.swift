extension TableAudit {
  /// What can be told from a few words: published words, lengths in use, workers, and sums that the writer keeps.
  func checkSums() {
    for number in TableNumber.allCases { checkPublished(number) }
    let published = writer.table.view.generation
    if published != writer.generation {
      log.note(.published, "generation", "is \(published), the writer's is \(writer.generation)")
    }
    for worker in 0..<writer.quiescence.workers {
      let reported = writer.quiescence.reported(by: worker)
      if reported > writer.generation {
        log.note(.quiescence, "worker \(worker)", "reported \(reported), published is \(writer.generation)")
      }
    }
    for pool in AuditedPool.allCases { checkPool(pool) }
    checkLive()
    checkOldStorages()
  }

  /// The root, and the lengths in use: as published, as kept, as counted.
  private func checkPublished(_ number: TableNumber) {
    let table = writer.prefixTable(number)
    let line = [TableNumber.proxy: Header.proxy, .mobile: Header.mobile, .routes: Header.routes][number] ?? 0
    let header = unsafe writer.table.header.base
    // Words of the header page, which the table owns.
    let root = unsafe header.word64(line).pointee.load(ordering: .relaxed)
    if root != table.current.word {
      log.note(.published, "root of \(number)", "is \(root), the writer's is \(table.current.word)")
    }
    var counted = LengthSet(words: (0, 0, 0))
    for length in table.lengthCounts.indices where table.lengthCounts[length] > 0 {
      counted.toggle(LengthClass(rawValue: UInt8(length)))
    }
    let kept = table.lengthsInUse.words
    for (position, words) in [(kept.0, counted.words.0), (kept.1, counted.words.1), (kept.2, counted.words.2)]
      .enumerated()
    {
      let published = unsafe header.word64(line + Header.lengths + position * 8).pointee.load(ordering: .relaxed)
      if published != words.0 {
        log.note(.published, "lengths \(position) of \(number)", "are \(published), the writer's are \(words.0)")
      }
      if words.0 != words.1 {
        log.note(.lengths, "lengths \(position) of \(number)", "are \(words.0), by their counts \(words.1)")
      }
    }
    if table.lengthCounts.contains(where: { $0 < 0 }) || table.lengthCounts.reduce(0, +) != table.linked {
      log.note(.counts, "\(number)", "\(table.lengthCounts.reduce(0, +)) keys by length, \(table.linked) linked")
    }
  }

  /// What a pool says of itself: indices are either used or freed, and as many are used as live and wait.
  private func checkPool(_ name: AuditedPool) {
    let pool = name.contents(writer)
    if pool.used + pool.freed + 1 != pool.highWater || pool.used < 0 || pool.highWater > pool.capacity + 1 {
      log.note(
        .accounting, "\(name)", "\(pool.used) used and \(pool.freed) free of \(pool.highWater - 1) ever handed out")
    }
    let expected = name.expectedUse(writer)
    if !expected.contains(pool.used) {
      log.note(.accounting, "\(name)", "\(pool.used) used, but \(expected) live or waiting")
    }
  }

  /// Linked keys are those of live records and of tombstones that wait to be unlinked.
  private func checkLive() {
    let live = writer.bindings.live + writer.routes.live
    let linked = TableNumber.allCases.reduce(0) { $0 + writer.prefixTable($1).linked }
    if linked < live || linked > live + writer.retired.waiting(.tombstone) {
      log.note(
        .counts, "prefix tables", "\(linked) keys linked, \(live) live, \(writer.retired.waiting(.tombstone)) removed")
    }
    let used = writer.bindings.pool.used + writer.routes.pool.used
    let waiting = [.record, .tombstone, .unlinked].reduce(0) { $0 + writer.retired.waiting($1) }
    if used != live + waiting {
      log.note(.accounting, "records", "\(used) used, but \(live) live and \(waiting) waiting")
    }
  }

  /// Storages that readers may still be in: each waits for a generation that there is, and none is in use.
  private func checkOldStorages() {
    var before: UInt64 = 0
    for (number, old) in writer.retiredStorages.enumerated() {
      let isUsed = TableNumber.allCases.contains { writer.prefixTable($0).current == old.storage }
      if isUsed || old.generation < before || old.generation > writer.generation {
        log.note(
          .retired, "replaced storage \(number)",
          "waits for \(old.generation), after \(before)\(isUsed ? ", and is in use" : "")")
      }
      before = old.generation
    }
  }
}

/// The pools of indices, by what they number.
enum AuditedPool: String, CaseIterable, CustomStringConvertible {
  case bindingRecords = "binding records"
  case routeRecords = "route records"
  case trafficCells = "traffic cells"
  case tunnelRecords = "tunnel records"
  case tunnels = "tunnels"
  case nextHopRecords = "next hop records"
  case nextHops = "next hops"

  var description: String { rawValue }
  var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  func contents(_ writer: TableWriter) -> IndexPool.Contents {
    switch self {
    case .bindingRecords: writer.bindings.pool.contents
    case .routeRecords: writer.routes.pool.contents
    case .trafficCells: writer.counters.contents
    case .tunnelRecords: writer.tunnels.recordPool.contents
    case .tunnels: writer.tunnels.identifiers.contents
    case .nextHopRecords: writer.nextHops.recordPool.contents
    case .nextHops: writer.nextHops.identifiers.contents
    }
  }

  /// How many must be in use by the sums of live and waiting. Items of both kinds of records are counted together.
  func expectedUse(_ writer: TableWriter) -> ClosedRange<Int> {
    func waiting(_ kinds: RetireQueue.Kind...) -> Int { kinds.reduce(0) { $0 + writer.retired.waiting($1) } }
    func exactly(_ count: Int) -> ClosedRange<Int> { count...count }
    let records = waiting(.record, .tombstone, .unlinked)
    switch self {
    case .bindingRecords: return writer.bindings.live...(writer.bindings.live + records)
    case .routeRecords: return writer.routes.live...(writer.routes.live + records)
    case .trafficCells:
      // A removed binding keeps its cell until it is freed, unless its key was set again in the same batch.
      let live = writer.bindings.live
      return live...(live + waiting(.tombstone, .unlinked))
    case .tunnelRecords:
      return exactly(writer.tunnels.count + waiting(.tunnelRecord, .tunnel, .clearedTunnel))
    case .tunnels: return exactly(writer.tunnels.count + waiting(.tunnel, .clearedTunnel))
    case .nextHopRecords:
      return exactly(writer.nextHops.count + waiting(.nextHopRecord, .nextHop, .clearedNextHop))
    case .nextHops: return exactly(writer.nextHops.count + waiting(.nextHop, .clearedNextHop))
    }
  }
}
