import ControlProtocol
import FlowTable

extension Registry {
  /// - Parameter checksum: the record's (`TableRecord.checksum`); 0: not known.
  func stage(_ record: BindingRecord, checksum: UInt32 = 0, now: UInt64) throws(RecordRefusal) -> Bool {
    let checked = try rules.check(record)
    let packed = PackedKey(checked.key)
    let hash = bindings.hash(packed)
    return try stage(
      checked, packed, hash, tunnel: tunnels.find(checked.tunnel), record, checksum: checksum, now: now)
  }

  /// Puts bindings that are nothing but a prefix and a tunnel into the registry; at an LMA that is nearly all of them.
  ///
  /// The rules and the outcome are those of `stage`. The index and then the values of all of them are asked of memory
  /// before the first is looked at, so that their cache misses overlap.
  func stage(
    _ records: ArraySlice<PlainBinding>, now: UInt64, each: (Int, Result<Bool, RecordRefusal>) -> Bool
  ) {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(records.count)
    for record in records {
      let hash = bindings.hash(PackedKey(record))
      hashes.append(hash)
      bindings.prefetch(hash)
    }
    for hash in hashes { bindings.prefetchValue(hash) }
    var created: [UInt32] = []
    defer { journal.noteNew(created) }
    // The same for all of a request.
    let (origin, request) = (owners.origin(.bindings), journal.number)
    for (index, record) in records.enumerated() {
      let result: Result<Bool, RecordRefusal>
      do throws(RecordRefusal) {
        result = .success(try stage(record, hashes[index], now: now, origin, request, &created))
      } catch {
        result = .failure(error)
      }
      guard each(index, result) else { return }
    }
  }

  @inline(__always)
  private func stage(
    _ plain: PlainBinding, _ hash: UInt64, now: UInt64, _ origin: EntryOrigin, _ request: UInt64,
    _ created: inout [UInt32]
  ) throws(RecordRefusal) -> Bool {
    let packed = PackedKey(plain)
    let endpoints = TunnelEndpoints(plain)
    // A tunnel that exists has passed the rules for tunnels, which never change.
    guard let tunnel = tunnels.find(endpoints), rules.admits(plain), visitors.count == 0 else {
      return try stage(plain.record, now: now)
    }
    let slot = bindings.find(packed, hash)
    let previous = slot.flatMap { bindings[$0] }
    guard previous?.isPlain ?? true else { return try stage(plain.record, checksum: plain.checksum, now: now) }
    if slot == nil { try checkRoomForPrefix() }
    var entry = BindingEntry(packedKey: packed, tunnel: tunnel, state: BindingState(plain.state))
    entry.requiresESP = plain.requiresESP
    entry.origin = origin
    entry.origin.checksum = plain.checksum
    setDeadlines(of: &entry, lifetime: plain.lifetime, previous: previous, now: now)
    // A bulk revocation takes what was not set since it began, so that a repetition counts meanwhile; here and below.
    if revocations.isEmpty, let slot, let previous, entry.equals(previous) {
      renew(slot, previous)
      return false
    }
    if previous?.tunnel != tunnel {
      useAgain(tunnel)
      if let previous { release(previous.tunnel) }
    }
    if slot == nil {
      entry.touched = request
      created.append(bindings.insert(entry, hash))
    } else {
      store(entry, hash, in: slot, previous: previous)
    }
    return true
  }

  private func stage(
    _ checked: CheckedBinding, _ packed: PackedKey, _ hash: UInt64, tunnel: UInt32?, _ record: BindingRecord,
    checksum: UInt32, now: UInt64
  ) throws(RecordRefusal) -> Bool {
    let prefix = checked.key.prefix
    guard visitors.find(prefix) == nil else {
      throw RecordRefusal(code: .conflict, field: "prefix", rule: "\(prefix) is a visitor prefix")
    }
    let slot = bindings.find(packed, hash)
    if slot == nil { try checkRoomForPrefix() }
    if tunnel == nil || checked.peer != nil { try checkRoom(for: [checked.tunnel, checked.peer]) }
    let previous = slot.flatMap { bindings[$0] }
    let endsHandover = record.state == .active && previous?.state.endsInActive ?? false
    let isFlushed = endsHandover || (slot.map { awaitsHeld(record, $0) } ?? false)
    let sameTunnel = tunnel != nil && previous?.tunnel == tunnel
    let samePeer = endsHandover || leads(previous?.peer, to: checked.peer)
    var entry = BindingEntry(
      packedKey: packed, tunnel: sameTunnel ? previous?.tunnel ?? 0 : 0,
      state: BindingState(record.state))
    if samePeer { entry.peer = previous?.peer }
    entry.isFlushed = isFlushed
    entry.localRouting = record.localRouting
    entry.requiresESP = record.requiresESP
    entry.access = checked.access
    entry.mobileNode = names.use(record.mobileNode)
    entry.holds = holds(entry, after: previous)
    setDeadlines(of: &entry, lifetime: record.lifetime, previous: previous, now: now)
    entry.origin = owners.origin(.bindings, checksum: checksum)
    if revocations.isEmpty, sameTunnel, samePeer, let slot, let previous, entry.equals(previous) {
      names.release(entry.mobileNode)
      renew(slot, previous)
      return false
    }
    if !sameTunnel {
      entry.tunnel = use(checked.tunnel)
      if let previous { release(previous.tunnel) }
    }
    if !samePeer {
      if let peer = checked.peer { entry.peer = use(peer) }
      if let previous { releasePeer(of: previous) }
    }
    store(entry, hash, in: slot, previous: previous)
    return true
  }

  /// Whether `active` repeats the end of a handover of which packets are still held, or takes back a node that was handed
  /// on before all of them had gone: they go out, but nothing more comes from the peer. After `buffering` it is the
  /// handover's cancellation instead.
  private func awaitsHeld(_ record: BindingRecord, _ slot: UInt32) -> Bool {
    guard record.state == .active, let previous = bindings[slot],
      previous.state == .active && previous.isFlushed || previous.state == .redirecting && previous.holds,
      let id = accounts.id(HoldingAccounts.Owner(slot, previous))
    else { return false }
    return ledger.held(id) > 0
  }

  private func holds(_ entry: BindingEntry, after previous: BindingEntry?) -> Bool {
    switch entry.state {
    case .buffering, .flushing: true
    // What was held before goes out by the way of now.
    case .redirecting, .relaying: previous?.holds ?? false
    case .active: entry.isFlushed && previous?.holds ?? false
    case .pending, .deregistering: false
    }
  }

  private func setDeadlines(of entry: inout BindingEntry, lifetime: UInt32?, previous: BindingEntry?, now: UInt64) {
    entry.lifetime = lifetime ?? 0
    entry.beginLifetime(at: now)
    guard entry.state == .deregistering else { return }
    // The wait begins with the first deregistration; repeating it does not prolong it (RFC 5213 section 5.3.5).
    entry.removal =
      previous?.state == .deregistering
      ? previous?.removal ?? BindingEntry.never : now &+ configuration.minDelayBeforeBCEDelete.nanoseconds
  }

  private func store(_ entry: BindingEntry, _ hash: UInt64, in slot: UInt32?, previous: BindingEntry?) {
    var entry = entry
    entry.touched = journal.number
    if entry.holds || previous?.holds ?? false { journal.concernsHandovers = true }
    guard let slot, let previous else { return journal.noteNew(bindings.insert(entry, hash)) }
    entry.scheduled = previous.scheduled
    bindings[slot] = entry
    if previous.touched != journal.number {
      journal.note(slot, previous: previous)
    } else {
      // The value between two of this request; what was before it has its note.
      names.release(previous.mobileNode)
    }
  }
}

extension BindingState {
  /// Whether `active` after it ends a handover in which nothing may be lost: the peer's last packets are still on their
  /// way and heard until the next record, and what is held goes out.
  fileprivate var endsInActive: Bool { self == .flushing || self == .relaying }
}
