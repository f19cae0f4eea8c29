import ControlProtocol
import FlowTable

// TXN_COMMIT: what was sent becomes the whole content of the tables named, in one step of the writer and one generation.
// It is one request over the journal like any other: what the transaction does not name is removed, then its records are
// staged; a refusal anywhere undoes all of it.

extension Registry {
  /// Checks records of a frame of a transaction by the rules that need no table; the others are checked when it is
  /// committed.
  ///
  /// - Parameter range: which of the frame's records.
  /// - Returns: `applied` for all of them, or the first violation by its index in the frame.
  public func check(_ request: UpsertRequest, _ range: Range<Int>, for replacement: Replacement) -> Outcome {
    var index = range.lowerBound
    do throws(RecordRefusal) {
      switch request.content {
      case .plain(let bindings):
        for binding in bindings[range] {
          try check(binding, for: replacement)
          index += 1
        }
      case .records(let records):
        for record in records[range] {
          try check(record, for: replacement)
          index += 1
        }
      }
    } catch {
      return Outcome(failed: 1, firstFailure: error.failure(index: index), generation: writer.generation)
    }
    return Outcome(applied: UInt32(range.count), generation: writer.generation)
  }

  private func check(_ plain: PlainBinding, for replacement: Replacement) throws(RecordRefusal) {
    guard replacement.scope.contains(.bindings) else { throw Self.outOfScope(.bindings, replacement) }
    if rules.admits(plain), replacement.tunnels.contains(plain.tunnel) { return }
    _ = try rules.check(plain.record)
    if replacement.tunnels.count < 1 << 16 { replacement.tunnels.insert(plain.tunnel) }
  }

  private func check(_ record: TableRecord, for replacement: Replacement) throws(RecordRefusal) {
    guard replacement.scope.contains(record.table) else { throw Self.outOfScope(record.table, replacement) }
    switch record {
    case .binding(let record): _ = try rules.check(record)
    case .tunnel(let record): _ = try rules.check(record)
    case .route(let record): _ = try rules.check(record)
    case .visitor(let record): _ = try rules.check(record)
    case .peer(let record): _ = try rules.check(record)
    }
  }

  private static func outOfScope(_ table: TableNumber, _ replacement: Replacement) -> RecordRefusal {
    .invalid("table", "the transaction replaces \(replacement.scope.table?.name ?? "nothing") and not \(table.name)")
  }

  /// Makes the records the content of the transaction's tables, all of it the owner's.
  ///
  /// - Returns: entries that are new or differ, unchanged, removed; or the first refusal, with nothing changed.
  public func replace(_ replacement: Replacement, owner: UInt32, now: UInt64) -> Outcome {
    do throws(RecordRefusal) {
      try owners.begin(owner)
    } catch {
      return Outcome(firstFailure: error.failure(index: nil), generation: writer.generation)
    }
    beginRequest(now: now)
    let known = knownEntries(replacement)
    removeUnknown(replacement, known)
    if let failure = stage(replacement, now: now) {
      undoJournal()
      return Outcome(firstFailure: failure, generation: writer.generation)
    }
    var outcome = replacementCounts(known)
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      undoJournal()
      outcome = Outcome(firstFailure: error.failure(index: nil))
    }
    outcome.generation = writer.generation
    return outcome
  }

  /// By table: slots of entries that the transaction names.
  private func knownEntries(_ replacement: Replacement) -> [TableNumber: SlotMarks] {
    var bound = SlotMarks(bound: bindings.bound)
    var known: [TableNumber: SlotMarks] = [
      .tunnels: SlotMarks(bound: tunnels.bound), .routes: SlotMarks(bound: routes.bound),
      .visitors: SlotMarks(bound: visitors.bound), .peers: SlotMarks(bound: peers.bound),
    ]
    for frame in replacement.frames {
      switch frame {
      case .plain(let records):
        for record in records {
          if let slot = bindings.find(PackedKey(record)) { bound.insert(slot) }
        }
      case .records(let records):
        for record in records {
          guard let slot = slot(of: record.key) else { continue }
          if record.table == .bindings { bound.insert(slot) } else { known[record.table]?.insert(slot) }
        }
      }
    }
    known[.bindings] = bound
    return known
  }

  /// Nil for an entry that nobody set.
  private func slot(of key: TableKey) -> UInt32? {
    switch key {
    case .binding(let table, let prefix, _):
      bindings.find(PackedKey(table: BindingTable(table), Prefix(prefix)))
    case .bindings: nil
    case .tunnel(let tunnel): tunnels.find(TunnelEndpoints(tunnel)).flatMap { origin(.tunnels, $0) == nil ? nil : $0 }
    case .route(let from, let to): routes.find(RouteKey(from: Prefix(from), to: Prefix(to)))
    case .visitor(let prefix): visitors.find(Prefix(prefix))
    case .peer(let address): peers.find(IPAddress(address))
    }
  }

  private func removeUnknown(_ replacement: Replacement, _ known: [TableNumber: SlotMarks]) {
    for table in Self.sweepOrder where replacement.scope.contains(table) {
      guard let marks = known[table] else { continue }
      var cookie = DumpCookie(table: table, slot: 0)
      while let slot = nextSlot(cookie) {
        cookie.slot = slot + 1
        if !marks.contains(slot), origin(table, slot) != nil { removeEntry(table, slot) }
      }
    }
  }

  /// In the order of dumps, whatever the order sent: what is named comes before what names it.
  private func stage(_ replacement: Replacement, now: UInt64) -> Outcome.Failure? {
    for table in DumpCookie.order where replacement.scope.contains(table) {
      var first = 0
      for frame in replacement.frames {
        switch frame {
        case .plain(let records):
          if table == .bindings, let failure = stage(records, first: first, now: now) { return failure }
          first += records.count
        case .records(let records):
          for (index, record) in records.enumerated() where record.table == table {
            do throws(RecordRefusal) {
              _ = try stage(record, now: now)
            } catch {
              return error.failure(index: first + index)
            }
          }
          first += records.count
        }
      }
    }
    return nil
  }

  private func stage(_ records: [PlainBinding], first: Int, now: UInt64) -> Outcome.Failure? {
    // Parts that stay in the cache between their passes.
    for start in stride(from: 0, to: records.count, by: 1024) {
      var failure: Outcome.Failure?
      stage(records[start..<min(start + 1024, records.count)], now: now) { index, result in
        guard case .failure(let refusal) = result else { return true }
        failure = refusal.failure(index: first + start + index)
        return false
      }
      if let failure { return failure }
    }
    return nil
  }

  /// Entries that are new or differ, that are as they were, and that go, by the journal before it is published.
  private func replacementCounts(_ known: [TableNumber: SlotMarks]) -> Outcome {
    var (applied, changed, removed) = (0, 0, 0)
    func count(isNew: Bool, isRemoved: Bool) {
      if isRemoved { removed += 1 } else { applied += 1 }
      if !isNew && !isRemoved { changed += 1 }
    }
    // What was changed and changed back, by records with one key, is as it was.
    for note in journal.bindings {
      if !note.isRemoved, let entry = bindings[note.slot], journal.previous(note)?.equals(entry) ?? false { continue }
      count(isNew: note.isNew, isRemoved: note.isRemoved)
    }
    for note in journal.visitors {
      if !note.isRemoved, let previous = note.previous, visitors[note.slot]?.port == previous.port { continue }
      count(isNew: note.previous == nil, isRemoved: note.isRemoved)
    }
    for note in journal.routes {
      if !note.isRemoved, let entry = routes[note.slot], note.previous?.equals(entry) ?? false { continue }
      count(isNew: note.previous == nil, isRemoved: note.isRemoved)
    }
    for note in journal.peers {
      count(isNew: note.previous == nil, isRemoved: note.isRemoved)
      // One that is said to be alive is named, and goes.
      if note.isRemoved, known[.peers]?.contains(note.slot) ?? false { changed += 1 }
    }
    for note in journal.tunnels {
      guard let entry = tunnels[note.slot] else { continue }
      let previous = note.previous.flatMap { $0.isConfigured ? $0 : nil }
      if let previous, entry.isConfigured, entry.isStatic == previous.isStatic, entry.choices == previous.choices {
        continue
      }
      if previous != nil || entry.isConfigured { count(isNew: previous == nil, isRemoved: !entry.isConfigured) }
    }
    let met = known.values.reduce(0) { $0 + $1.count }
    return Outcome(
      applied: UInt32(clamping: applied), unchanged: UInt32(clamping: met - changed),
      removed: UInt32(clamping: removed))
  }
}
