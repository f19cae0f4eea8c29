import CInstructions

/// The records of bindings or routes as an audit sees them: nothing is taken for granted.
@safe
struct PrefixRecords: SlotRecords {
  // The mapping of the arena's records, which the writer keeps.
  private let base: UnsafeMutablePointer<BindingRecord>
  let keyed: KeyHash
  /// One more than the highest index that was ever handed out.
  let highWater: Int

  init(_ arena: RecordArena, keyed: KeyHash) {
    // Record 0 is the arena's first.
    unsafe base = unsafe arena.pointer(0)
    self.keyed = keyed
    highWater = arena.pool.highWater
  }

  func hash(_ index: UInt32) -> UInt64? {
    guard isComplete(index) else { return nil }
    return key(index).hash(keyed)
  }

  func haveSameKey(_ one: UInt32, _ other: UInt32) -> Bool { key(one) == key(other) }

  // A prefetch never faults, whatever the index.
  func prefetch(_ index: UInt32) { unsafe fp_prefetch(base + Int(index)) }

  func isInUse(_ index: UInt32) -> Bool { index != 0 && Int(index) < highWater }

  /// Whether the index was handed out and its record makes sense: a known length, no bit set past it, a known state,
  /// no account or one that there is.
  func isComplete(_ index: UInt32) -> Bool {
    guard isInUse(index) else { return false }
    let key = key(index)
    guard Int(key.lengthClass.rawValue) < LengthClass.count else { return false }
    let mask = key.lengthClass.mask
    guard key.high & ~mask.high | key.low & ~mask.low == 0 else { return false }
    // IPv4 lives in ::ffff:0:0/96.
    guard key.lengthClass.family == .ipv6 || (key.high == 0 && key.low >> 32 == 0xffff) else { return false }
    return state(index) < BindingState.allCases.count && holding(index) <= UInt32(HandoverLedger.accountLimit)
  }

  func key(_ index: UInt32) -> TableKey {
    // Callers have checked the index against the arena. The fields are numbers: any octets are a value.
    let record = unsafe base + Int(index)
    return unsafe TableKey(
      high: record.pointee.high, low: record.pointee.low, lengthClass: record.pointee.lengthClass)
  }

  /// The octet of the binding's state: as an enumeration it must not be loaded before it is known to be one.
  private func state(_ index: UInt32) -> Int {
    let offset = MemoryLayout<BindingRecord>.offset(of: \.state) ?? 0
    // As in `key`.
    return unsafe Int(UnsafeRawPointer((base + Int(index))).load(fromByteOffset: offset, as: UInt8.self))
  }

  // The other fields, as in `key`.
  func generation(_ index: UInt32) -> UInt64 { unsafe base[Int(index)].generation }
  func previous(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].previous }
  func target(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].target }
  func holding(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].holding }
  func peer(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].peer }
  func localizedRoutes(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].localizedRoutes }
  func isVisitor(_ index: UInt32) -> Bool { unsafe base[Int(index)].flags & BindingRecord.visitor != 0 }
  func counter(_ index: UInt32) -> UInt32 { unsafe base[Int(index)].counter }
  func isTombstone(_ index: UInt32) -> Bool {
    unsafe base[Int(index)].flags & BindingRecord.tombstone != 0
  }
}

/// The records of tunnels as an audit sees them.
@safe
struct TunnelRecords: SlotRecords {
  // The mapping of the table's tunnel records, which the writer keeps.
  private let base: UnsafeMutableRawPointer
  private let keyed: KeyHash
  let highWater: Int

  init(_ tunnels: TunnelTable) {
    unsafe base = unsafe tunnels.records
    keyed = tunnels.keyed
    highWater = tunnels.recordPool.highWater
  }

  func hash(_ index: UInt32) -> UInt64? { isInUse(index) ? key(index).hash(keyed) : nil }
  func haveSameKey(_ one: UInt32, _ other: UInt32) -> Bool { key(one) == key(other) }
  func prefetch(_ index: UInt32) {}

  func isInUse(_ index: UInt32) -> Bool { index != 0 && Int(index) < highWater }

  // Below: callers have checked the index; the fields are numbers, and any octets are a value.
  func id(_ index: UInt32) -> UInt32 { unsafe record(index).pointee.id }
  func nextHop(_ index: UInt32) -> UInt32 { unsafe record(index).pointee.nextHop }

  private func key(_ index: UInt32) -> TunnelKey {
    let record = unsafe record(index)
    return unsafe TunnelKey(
      localHigh: record.pointee.localHigh, localLow: record.pointee.localLow, remoteHigh: record.pointee.remoteHigh,
      remoteLow: record.pointee.remoteLow)
  }

  private func record(_ index: UInt32) -> UnsafeMutablePointer<TunnelRecord> {
    unsafe (base + Int(index) * TunnelRecord.bytes).assumingMemoryBound(to: TunnelRecord.self)
  }
}
