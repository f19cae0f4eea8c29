/// A dictionary whose values live in numbered slots.
///
/// Why not a plain dictionary: a dump must go on after a cookie while the table changes (a slot number is such a
/// cookie), deadlines must name a value in four octets, and growth must not copy a million values (chunks never move).
/// A value present from the first to the last slice of a walk is met exactly once; slots of removed values are reused.
struct SlotMap<Key: Hashable, Value> {
  private static var chunkSize: Int { 4096 }

  /// Dictionaries of slot numbers, each of a part of the keys: one of them grows at a time, so that the insertion that
  /// makes it grow moves a part only (a million keys in one dictionary moved at once held the writer up for 270 ms).
  private var shards = [[Key: UInt32]](repeating: [:], count: 64)
  private var chunks: [[Value?]] = []
  private var unused: [UInt32] = []
  /// Slots ever used; the next new one.
  private var bound: UInt32 = 0

  /// Keys that lead to a value.
  private(set) var count = 0

  func find(_ key: Key) -> UInt32? { shards[shard(key)][key] }

  /// A dictionary seeds its own hash by its capacity, so that keys of one shard spread evenly in it all the same.
  private func shard(_ key: Key) -> Int { key.hashValue & (shards.count - 1) }

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
    relink(key, to: slot)
    return slot
  }

  /// Hides a value from `find` without giving up its slot, so that a refused request can bring it back.
  mutating func unlink(_ key: Key) {
    if shards[shard(key)].removeValue(forKey: key) != nil { count -= 1 }
  }

  /// Undoes `unlink`.
  mutating func relink(_ key: Key, to slot: UInt32) {
    if shards[shard(key)].updateValue(slot, forKey: key) == nil { count += 1 }
  }

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
}
