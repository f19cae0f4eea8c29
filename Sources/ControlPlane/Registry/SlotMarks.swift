/// Marked slots of a table.
struct SlotMarks {
  private var words: [UInt64]
  /// Marked slots in each run of `runWords` words, so that a walk passes 4096 unmarked ones at once.
  private var runs: [UInt16]
  private(set) var count = 0

  private static let runWords = 64

  /// - Parameter bound: one more than the highest slot.
  init(bound: UInt32) {
    (words, runs) = ([], [])
    extend(to: bound)
  }

  /// Makes room for higher slots, unmarked.
  mutating func extend(to bound: UInt32) {
    // Whole runs.
    let wanted = (Int(bound) / 64 / Self.runWords + 1) * Self.runWords
    guard wanted > words.count else { return }
    words.append(contentsOf: repeatElement(0, count: wanted - words.count))
    runs.append(contentsOf: repeatElement(0, count: wanted / Self.runWords - runs.count))
  }

  mutating func insert(_ slot: UInt32) {
    guard !contains(slot) else { return }
    words[Int(slot) / 64] |= 1 << UInt64(slot % 64)
    runs[Int(slot) / 64 / Self.runWords] += 1
    count += 1
  }

  mutating func remove(_ slot: UInt32) {
    guard contains(slot) else { return }
    words[Int(slot) / 64] &= ~(1 << UInt64(slot % 64))
    runs[Int(slot) / 64 / Self.runWords] -= 1
    count -= 1
  }

  func contains(_ slot: UInt32) -> Bool { words[Int(slot) / 64] >> UInt64(slot % 64) & 1 == 1 }

  /// The first marked slot at or after one.
  func next(from slot: UInt32) -> UInt32? {
    var position = Int(slot) / 64
    guard position < words.count else { return nil }
    // The first word without what is before the slot.
    var word = words[position] & (UInt64.max << UInt64(slot % 64))
    while word == 0 {
      position += 1
      while position % Self.runWords == 0, position < words.count, runs[position / Self.runWords] == 0 {
        position += Self.runWords
      }
      guard position < words.count else { return nil }
      word = words[position]
    }
    return UInt32(position * 64 + word.trailingZeroBitCount)
  }
}
