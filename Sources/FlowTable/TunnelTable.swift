import Synchronization

/// The writer's side of the tunnels: identifiers, records, and the index that decapsulation asks.
@safe
final class TunnelTable {
  // Mappings of the `FlowTable`, which the writer keeps.
  let records: UnsafeMutableRawPointer
  let slots: UnsafeMutableRawPointer
  let index: BucketStorage
  let keyed: KeyHash
  private(set) var recordPool: IndexPool
  private(set) var identifiers: IndexPool
  /// How many bindings and localized routes name each tunnel.
  let users: TunnelUsers
  let limit: Int
  private(set) var count = 0

  init(table: FlowTable) throws(FlowTableError) {
    // Addresses of the table's mappings.
    unsafe records = unsafe table.tunnelRecords.base
    unsafe slots = unsafe table.tunnelSlots.base
    index = table.tunnelIndex
    keyed = table.hash
    limit = table.limits.tunnels
    recordPool = try IndexPool(capacity: limit + table.limits.retired)
    identifiers = try IndexPool(capacity: limit)
    users = try TunnelUsers(limit: limit)
  }

  var hasIdentifier: Bool { identifiers.available > 0 }

  var room: Int { count + identifiers.available }

  func exists(_ id: TunnelID) -> Bool { users(id) != nil }

  /// How many bindings name a tunnel; nil if there is no such tunnel.
  func users(_ id: TunnelID) -> Int? { users[id.rawValue] }

  func find(_ endpoints: TunnelEndpoints) -> TunnelID? {
    let key = TunnelKey(endpoints)
    // The index holds numbers of complete records of this arena.
    let id = unsafe key.find(in: index, records, key.hash(keyed))
    return id == 0 ? nil : TunnelID(id)
  }

  /// The settings as last set, and the next hop; nil if there is no such tunnel.
  func settings(_ id: TunnelID) -> (settings: TunnelSettings, nextHop: NextHopID)? {
    guard exists(id) else { return nil }
    // The slot of an existing tunnel names a complete record.
    let entry = unsafe TunnelEntry(record: pointer(recordNumber(id)))
    let settings = TunnelSettings(
      endpoints: TunnelEndpoints(local: entry.local, remote: entry.remote), hopLimit: entry.hopLimit, mtu: entry.mtu,
      dscp: entry.dscp, ecn: entry.ecn, encapsulationLimit: entry.encapsulationLimit, isAnchored: entry.isAnchored,
      isFailed: entry.isFailed, revokedTable: entry.revokedTable)
    return (settings, entry.nextHop)
  }

  // MARK: Use by bindings and localized routes

  func retain(_ record: BindingRecord) { countUsers(record, 1) }
  func release(_ record: BindingRecord) { countUsers(record, -1) }
  func retain(_ id: TunnelID) { users.add(1, to: id.rawValue) }
  func release(_ id: TunnelID) { users.add(-1, to: id.rawValue) }

  private func countUsers(_ record: BindingRecord, _ difference: Int) {
    users.add(difference, to: record.target)
    if record.peer != 0 { users.add(difference, to: record.peer) }
  }

  // MARK: Changes; the caller has made sure of identifiers and of the retire queue

  /// - Parameter clear: clears the traffic cells of an identifier that was another tunnel's. It is called while no worker
  ///   can have the identifier: workers find a tunnel as soon as it is in the index, before any generation is published.
  /// - Returns: the new identifier.
  func add(_ settings: TunnelSettings, _ nextHop: NextHopID, clear: (TunnelID) -> Void) -> TunnelID {
    guard let taken = identifiers.take() else { preconditionFailure("tunnel identifiers were not reserved") }
    let id = TunnelID(taken.index)
    if taken.isReused { clear(id) }
    let number = write(id, settings, nextHop)
    // The slot first: who finds the tunnel in the index may then use its identifier.
    setSlot(id, number)
    index.fill(TunnelKey(settings.endpoints).hash(keyed), index: number)
    users.begin(id.rawValue)
    count += 1
    return id
  }

  /// - Returns: the number of the record that was replaced.
  func update(_ id: TunnelID, _ settings: TunnelSettings, _ nextHop: NextHopID) -> UInt32 {
    let old = recordNumber(id)
    let new = write(id, settings, nextHop)
    setSlot(id, new)
    let hash = TunnelKey(settings.endpoints).hash(keyed)
    if let place = index.place(hash, where: { $0 == old }) { index.bucket(place.bucket).setIndex(place.slot, new) }
    return old
  }

  /// Takes a tunnel out of the index; its slot stays for packets under way.
  ///
  /// - Returns: the number of its record.
  func remove(_ id: TunnelID, _ endpoints: TunnelEndpoints) -> UInt32 {
    let number = recordNumber(id)
    let hash = TunnelKey(endpoints).hash(keyed)
    if let place = index.place(hash, where: { $0 == number }) { index.free(hash, place) }
    users.end(id.rawValue)
    count -= 1
    return number
  }

  func clearSlot(_ id: TunnelID) { setSlot(id, 0) }
  func freeRecord(_ number: UInt32) { recordPool.give(number) }
  func freeIdentifier(_ id: TunnelID) { identifiers.give(id.rawValue) }

  private func write(_ id: TunnelID, _ settings: TunnelSettings, _ nextHop: NextHopID) -> UInt32 {
    // The pool covers all tunnels and the whole retire queue.
    guard let number = recordPool.take()?.index else { preconditionFailure("tunnel records were not reserved") }
    let key = TunnelKey(settings.endpoints)
    var record = TunnelRecord()
    record.localHigh = key.localHigh
    record.localLow = key.localLow
    record.remoteHigh = key.remoteHigh
    record.remoteLow = key.remoteLow
    record.id = id.rawValue
    record.nextHop = nextHop.rawValue
    record.mtu = settings.mtu
    record.hopLimit = settings.hopLimit
    switch settings.dscp {
    case .copy: record.dscp = TunnelRecord.copyDSCP
    case .uniform: record.dscp = TunnelRecord.uniformDSCP
    case .fixed(let value): record.dscp = value & 63
    }
    record.ecn = settings.ecn
    record.hasLimit = settings.encapsulationLimit != nil
    record.limit = settings.encapsulationLimit ?? 0
    record.flags = settings.isAnchored ? TunnelRecord.anchored : 0
    if settings.isFailed { record.flags |= TunnelRecord.failed }
    if let table = settings.revokedTable { record.flags |= TunnelRecord.failed(for: table) }
    // No reader can reach this record yet.
    unsafe pointer(number).pointee = record
    return number
  }

  func pointer(_ number: UInt32) -> UnsafeMutablePointer<TunnelRecord> {
    // Numbers come from the pool that the mapping was sized for.
    unsafe (records + Int(number) * TunnelRecord.bytes).assumingMemoryBound(to: TunnelRecord.self)
  }

  func recordNumber(_ id: TunnelID) -> UInt32 {
    // Relaxed: the writer's own store.
    unsafe slots.word32(Int(id.rawValue) * 4).pointee.load(ordering: .relaxed)
  }

  private func setSlot(_ id: TunnelID, _ number: UInt32) {
    // Pairs with the acquire load in `TableSnapshot.tunnel`: the record was written before.
    unsafe slots.word32(Int(id.rawValue) * 4).pointee.store(number, ordering: .releasing)
  }
}
