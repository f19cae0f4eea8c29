import Synchronization

/// The writer's side of the next hops: identifiers and records.
@safe
final class NextHopTable {
  // Mappings of the `FlowTable`, which the writer keeps.
  let records: UnsafeMutableRawPointer
  let slots: UnsafeMutableRawPointer
  private(set) var recordPool: IndexPool
  private(set) var identifiers: IndexPool
  /// By identifier; 0 always exists and is unreachable.
  private(set) var present: [Bool] = [true]
  let limit: Int
  private(set) var count = 0

  init(table: FlowTable) throws(FlowTableError) {
    // Addresses of the table's mappings.
    unsafe records = unsafe table.nextHopRecords.base
    unsafe slots = unsafe table.nextHopSlots.base
    limit = table.limits.nextHops
    recordPool = try IndexPool(capacity: limit + table.limits.retired)
    identifiers = try IndexPool(capacity: limit)
  }

  var hasIdentifier: Bool { identifiers.available > 0 }

  func exists(_ id: NextHopID) -> Bool { id.rawValue < present.count && present[Int(id.rawValue)] }

  func state(_ id: NextHopID) -> NextHopState? {
    // The slot of an existing next hop names a complete record; slot 0 names record 0, unreachable.
    exists(id) ? unsafe pointer(recordNumber(id)).pointee.state : nil
  }

  /// The caller has made sure of an identifier.
  func add(_ state: NextHopState) -> NextHopID {
    guard let taken = identifiers.take() else { preconditionFailure("next hop identifiers were not reserved") }
    let id = NextHopID(taken.index)
    setSlot(id, write(state))
    while present.count <= Int(id.rawValue) { present.append(false) }
    present[Int(id.rawValue)] = true
    count += 1
    return id
  }

  /// - Returns: the number of the record that was replaced.
  func update(_ id: NextHopID, _ state: NextHopState) -> UInt32 {
    let old = recordNumber(id)
    setSlot(id, write(state))
    return old
  }

  /// Ends a next hop; its slot stays for packets under way.
  ///
  /// - Returns: the number of its record.
  func remove(_ id: NextHopID) -> UInt32 {
    present[Int(id.rawValue)] = false
    count -= 1
    return recordNumber(id)
  }

  func clearSlot(_ id: NextHopID) { setSlot(id, 0) }
  func freeRecord(_ number: UInt32) { recordPool.give(number) }
  func freeIdentifier(_ id: NextHopID) { identifiers.give(id.rawValue) }

  private func write(_ state: NextHopState) -> UInt32 {
    // The pool covers all next hops and the whole retire queue.
    guard let number = recordPool.take()?.index else { preconditionFailure("next hop records were not reserved") }
    // No reader can reach this record yet.
    unsafe pointer(number).pointee = NextHopRecord(state)
    return number
  }

  func pointer(_ number: UInt32) -> UnsafeMutablePointer<NextHopRecord> {
    // Numbers come from the pool that the mapping was sized for.
    unsafe (records + Int(number) * 32).assumingMemoryBound(to: NextHopRecord.self)
  }

  func recordNumber(_ id: NextHopID) -> UInt32 {
    // Relaxed: the writer's own store.
    unsafe slots.word32(Int(id.rawValue) * 4).pointee.load(ordering: .relaxed)
  }

  private func setSlot(_ id: NextHopID, _ number: UInt32) {
    // Pairs with the acquire load in `TableSnapshot.nextHop`: the record was written before.
    unsafe slots.word32(Int(id.rawValue) * 4).pointee.store(number, ordering: .releasing)
  }
}
