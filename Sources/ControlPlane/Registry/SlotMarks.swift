/// Which slots of a table have been met.
struct SlotMarks {
  private var words: [UInt64]
  private(set) var count = 0

  /// - Parameter bound: one more than the highest slot.
  init(bound: UInt32) { words = [UInt64](repeating: 0, count: Int(bound) / 64 + 1) }

  mutating func insert(_ slot: UInt32) {
    guard !contains(slot) else { return }
    words[Int(slot) / 64] |= 1 << UInt64(slot % 64)
    count += 1
  }

  func contains(_ slot: UInt32) -> Bool { words[Int(slot) / 64] >> UInt64(slot % 64) & 1 == 1 }
}
