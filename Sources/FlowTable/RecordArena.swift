import CInstructions

/// The records of one arena and what is left of its limit. Writer side only.
@safe
final class RecordArena {
  // The owner's mapping, sized for `pool.capacity` records and record 0.
  private let base: UnsafeMutableRawPointer
  var pool: IndexPool
  /// Records that are the present of their key: neither replaced nor tombstones.
  var live = 0
  let limit: Int

  /// - Parameter capacity: live records and those in the retire queue.
  init(base: UnsafeMutableRawPointer, limit: Int, capacity: Int) throws(FlowTableError) {
    unsafe self.base = unsafe base
    self.limit = limit
    pool = try IndexPool(capacity: capacity)
  }

  /// The record with an index that the pool gave out.
  @inline(__always)
  func pointer(_ index: UInt32) -> UnsafeMutablePointer<BindingRecord> {
    // The index is at most the capacity, so the record is inside the mapping.
    unsafe (base + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)
  }

  @inline(__always)
  subscript(index: UInt32) -> BindingRecord {
    // As above; a record in use was written whole before.
    unsafe pointer(index).pointee
  }

  @inline(__always)
  func prefetch(_ index: UInt32) { unsafe fp_prefetch(base + Int(index) &* 64) }

  /// Writes a record that no reader can reach yet.
  ///
  /// The capacity covers all live and all retired records, and both were reserved before, so there is one.
  func add(_ record: BindingRecord) -> UInt32 {
    guard let index = pool.take()?.index else { preconditionFailure("records were not reserved") }
    unsafe pointer(index).pointee = record
    return index
  }
}
