import CInstructions

/// What an audit has come to know of the indices of one pool: which are free, and which it found in use.
@safe
struct IndexMarks {
  /// What an index was found to be before it was to be marked.
  enum Answer {
    case isNew
    case isFree
    case isHeld
    /// None of this pool, or never handed out.
    case isUnknown
  }

  /// One more than the highest index that was ever handed out, as of the beginning.
  let highWater: Int
  private let mapping: Mapping
  // For each 64 indices a word of free ones, then a word of held ones: one cache line has both.
  private let words: UnsafeMutablePointer<UInt64>

  /// - Throws: `mapping`.
  init(highWater: Int) throws(FlowTableError) {
    self.highWater = highWater
    mapping = try Mapping(bytes: (highWater / 64 + 1) * 16)
    unsafe words = unsafe mapping.base.assumingMemoryBound(to: UInt64.self)
  }

  func markFree(_ index: UInt32) -> Answer { mark(index, 0) }
  func markHeld(_ index: UInt32) -> Answer { mark(index, 1) }

  @inline(__always)
  private func mark(_ index: UInt32, _ half: Int) -> Answer {
    let answer = answer(index)
    // Below the high-water mark, so inside the mapping.
    if answer == .isNew { unsafe words[Int(index >> 6) &* 2 &+ half] |= 1 << UInt64(index & 63) }
    return answer
  }

  /// What is known of an index; `isNew` when nothing is.
  @inline(__always)
  func answer(_ index: UInt32) -> Answer {
    guard index != 0, Int(index) < highWater else { return .isUnknown }
    let word = Int(index >> 6) &* 2
    // As above.
    if unsafe words[word] >> UInt64(index & 63) & 1 == 1 { return .isFree }
    return unsafe words[word &+ 1] >> UInt64(index & 63) & 1 == 1 ? .isHeld : .isNew
  }

  /// Starts loading what is known of an index. A prefetch never faults.
  @inline(__always)
  func prefetch(_ index: UInt32) { unsafe fp_prefetch(words + Int(index >> 6) &* 2) }

  /// How many groups of 64 indices there are.
  var groups: Int { highWater / 64 + 1 }

  /// The indices of a group that were handed out once and found neither free nor in use: one bit each.
  func lost(inGroup group: Int) -> UInt64 {
    precondition(group >= 0 && group < groups, "no such group of indices")
    var expected = UInt64.max
    if group == 0 { expected &= ~1 }
    let last = highWater - group * 64
    if last < 64 { expected &= (1 << UInt64(last)) - 1 }
    // Just checked.
    return unsafe expected & ~(words[group * 2] | words[group * 2 + 1])
  }
}
