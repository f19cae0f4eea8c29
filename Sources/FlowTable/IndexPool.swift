/// Dense indices 1…capacity, handed out last-freed first (its record is the likeliest to be cached) and then in order.
/// 0 is never handed out. Writer side only.
@safe
struct IndexPool: ~Copyable {
  let capacity: Int
  private(set) var used = 0
  private var neverUsed = 1
  private let mapping: Mapping
  private var freed = 0

  init(capacity: Int) throws(FlowTableError) {
    self.capacity = capacity
    self.mapping = try Mapping(bytes: capacity * 4)
  }

  var available: Int { capacity - used }

  /// An index, and whether it was in use before; nil when all are in use.
  mutating func take() -> (index: UInt32, isReused: Bool)? {
    guard used < capacity else { return nil }
    used += 1
    if freed > 0 {
      freed -= 1
      // Below the number of freed indices, which is at most the capacity the mapping was made for.
      return (unsafe mapping.base.load(fromByteOffset: freed * 4, as: UInt32.self), true)
    }
    neverUsed += 1
    return (UInt32(neverUsed - 1), false)
  }

  mutating func give(_ index: UInt32) {
    precondition(used > 0, "more indices given back than taken")
    used -= 1
    // Fewer are free than were ever taken, so this is inside the mapping.
    unsafe mapping.base.storeBytes(of: index, toByteOffset: freed * 4, as: UInt32.self)
    freed += 1
  }

  /// One more than the highest index that was ever in use.
  var highWater: Int { neverUsed }

  /// What the audit looks at; valid until the next `take` or `give`.
  var contents: Contents {
    Contents(capacity: capacity, used: used, highWater: neverUsed, freed: freed, mapping: mapping)
  }

  struct Contents {
    let capacity: Int
    let used: Int
    let highWater: Int
    /// How many indices were given back and not handed out again.
    let freed: Int
    let mapping: Mapping

    /// The freed index at a position below `freed`.
    func freedIndex(_ position: Int) -> UInt32 {
      // Fewer are free than the capacity that the mapping was made for.
      unsafe mapping.base.load(fromByteOffset: position * 4, as: UInt32.self)
    }
  }
}
