/// A dictionary whose values live in numbered slots.
///
/// Why not a plain dictionary: a dump must go on after a cookie while the table changes (a slot number is such a
/// cookie), deadlines must name a value in four octets, and growth must not copy a million values (chunks never move).
/// A value present from the first to the last slice of a walk is met exactly once; slots of removed values are reused.
struct SlotMap<Key: Hashable, Value> {
  private static var chunkSize: Int { 4096 }

  private var slots: [Key: UInt32] = [:]
  private var chunks: [[Value?]] = []
  private var unused: [UInt32] = []
  /// Slots ever used; the next new one.
  private var bound: UInt32 = 0

  /// Keys that lead to a value.
  var count: Int { slots.count }

  func find(_ key: Key) -> UInt32? { slots[key] }

  subscript(slot: UInt32) -> Value? {
    get {
      guard slot < bound else { return nil }
      return chunks[Int(slot) / Self.chunkSize][Int(slot) % Self.chunkSize]
    }
    _modify {
      precondition(slot < bound, "a slot number always comes from insert")
      yield &chunks[Int(slot) / Self.chunkSize][Int(slot) % Self.chunkSize]
    }
  }

  /// Adds a value under a key that has none.
  mutating func insert(_ key: Key, _ value: Value) -> UInt32 {
    let slot: UInt32
    if let free = unused.popLast() {
      slot = free
    } else {
      slot = bound
      if Int(slot) % Self.chunkSize == 0 {
        chunks.append([])
        chunks[chunks.count - 1].reserveCapacity(Self.chunkSize)
      }
      chunks[chunks.count - 1].append(nil)
      bound += 1
    }
    self[slot] = value
    slots[key] = slot
    return slot
  }

  /// Hides a value from `find` without giving up its slot, so that a refused request can bring it back.
  mutating func unlink(_ key: Key) { slots[key] = nil }

  /// Undoes `unlink`.
  mutating func relink(_ key: Key, to slot: UInt32) { slots[key] = slot }

  /// Gives a slot back; its key must be unlinked.
  mutating func release(_ slot: UInt32) {
    self[slot] = nil
    unused.append(slot)
  }

  /// The first value at or after `slot`.
  func next(from slot: UInt32) -> (slot: UInt32, value: Value)? {
    var slot = slot
    while slot < bound {
      if let value = self[slot] { return (slot, value) }
      slot += 1
    }
    return nil
  }

  mutating func reserveCapacity(_ capacity: Int) { slots.reserveCapacity(capacity) }
}
