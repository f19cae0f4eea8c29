import CInstructions

/// Batches whose keys are all pending, in order: the first length of nearly every batch.
extension BatchLookup {
  /// Looks the first `count` keys up and writes the record index of those that match into `results`, 0 for the others.
  ///
  /// - Parameter lengths: at least one.
  /// - Returns: how many keys stay without a match; they are the first of `pending`.
  func resolveInOrder(
    _ lengths: LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var lengths = lengths
    guard let longest = lengths.removeLongest() else { return count }
    if longest.isLonger && lengths.removeHalf() {
      return unsafe resolvePair(longest, lengths, keys, count, scratch, into: results)
    }
    // Two loops, so that neither asks which it is: in prefixes of up to 64 bits the lower words are 0.
    let left =
      longest.bits <= 64
      ? unsafe passes(longest, keys, count, scratch, hasLowerWord: false, into: results)
      : unsafe passes(longest, keys, count, scratch, hasLowerWord: true, into: results)
    if left == 0 { return 0 }
    unsafe scratch.list(count, without: results)
    return unsafe resolve(lengths, keys, left, scratch, into: results)
  }

  /// The three passes for one length; returns how many keys have no match.
  @inline(__always)
  private func passes(
    _ lengthClass: LengthClass, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    hasLowerWord: Bool, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let mask = lengthClass.mask
    let factor = hash.factor(lengthClass)
    var position = 0
    while position < count {
      // Below `count`, as many as there are keys, and at most `width`, as many as scratch arrays have elements.
      let key = unsafe keys + position
      let low = unsafe hasLowerWord ? key.pointee.low & mask.low : 0
      let high = unsafe key.pointee.high & mask.high
      let value =
        hasLowerWord && lengthClass.isLonger
        ? hash.longerHash(high: high, low: low, factor: factor) : hash.hash(high: high, low: low, factor: factor)
      unsafe scratch.hashes[position] = value
      storage.homeBucket(value).prefetch()
      position &+= 1
    }
    selectCandidates(count, scratch)
    return unsafe compareInOrder(lengthClass, keys, count, scratch, hasLowerWord: hasLowerWord, into: results)
  }

  /// The third pass: `compare` for every key.
  @inline(__always)
  private func compareInOrder(
    _ lengthClass: LengthClass, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    hasLowerWord: Bool, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var left = 0
    var position = 0
    while position < count &- Self.recordsAhead {
      // As in `passes`; every candidate is the index of a record.
      unsafe prefetch(scratch.candidates[position &+ Self.recordsAhead])
      left &+= unsafe compareOne(lengthClass, keys, position, scratch, hasLowerWord: hasLowerWord, into: results)
      position &+= 1
    }
    while position < count {
      left &+= unsafe compareOne(lengthClass, keys, position, scratch, hasLowerWord: hasLowerWord, into: results)
      position &+= 1
    }
    return left
  }

  /// `compare` for one key; 1 if it has no match, else 0.
  @inline(__always)
  private func compareOne(
    _ lengthClass: LengthClass, _ keys: UnsafePointer<LookupKey>, _ position: Int, _ scratch: Scratch,
    hasLowerWord: Bool, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    // As above.
    let index = unsafe scratch.candidates[position]
    let found = unsafe compare(index, keys + position, lengthClass.mask, lengthClass, hasLowerWord: hasLowerWord)
    unsafe results[position] = found
    return found == 0 ? 1 : 0
  }
}
