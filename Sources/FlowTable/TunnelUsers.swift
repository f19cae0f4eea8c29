/// How many bindings and localized routes name each tunnel, by identifier.
///
/// In memory of its own: a bulk load changes a count for every binding, and changes of an array that is a class's property
/// are checked for exclusivity at run time. Those here and of `PrefixTable`'s lengths were 5 % of the writer's time.
@safe
struct TunnelUsers {
  // Room for the identifiers 0…limit; each cell holds the count plus one, 0 is no such tunnel.
  private let mapping: Mapping
  private let limit: Int

  init(limit: Int) throws(FlowTableError) {
    self.limit = limit
    mapping = try Mapping(bytes: (limit + 1) * MemoryLayout<Int>.stride)
  }

  private func cell(_ id: UInt32) -> UnsafeMutablePointer<Int> {
    precondition(Int(id) <= limit, "identifiers come from a pool of this size")
    // Inside the mapping, which is used for these counts only.
    return unsafe mapping.base.assumingMemoryBound(to: Int.self) + Int(id)
  }

  /// Nil if there is no such tunnel.
  subscript(id: UInt32) -> Int? {
    guard Int(id) <= limit else { return nil }
    // A whole number, also of memory that was never written.
    let stored = unsafe cell(id).pointee
    return stored == 0 ? nil : stored - 1
  }

  /// A new tunnel that nobody names yet.
  func begin(_ id: UInt32) { unsafe cell(id).pointee = 1 }

  func end(_ id: UInt32) { unsafe cell(id).pointee = 0 }

  /// Counts users of a tunnel that exists; of none that does not.
  func add(_ difference: Int, to id: UInt32) {
    let cell = unsafe cell(id)
    if unsafe cell.pointee != 0 { unsafe cell.pointee += difference }
  }
}
