import CInstructions

/// Two lengths in one search: /64 and one that is longer, for batches whose keys are all pending, in order.
///
/// The longer prefix begins in the bucket of the /64 over it (`BucketStorage`), so a key reads one bucket and one record,
/// whichever of the two it has. Apart, each of them would read a bucket of its own: two thirds of the rate with one key of
/// five longer (docs/adr/0003).
extension BatchLookup {
  /// What the second pass has found.
  private struct Selection {
    /// A bit for each key whose candidate has the longer length.
    var longer: UInt64 = 0
    /// How many keys may have the longer length, or one of the two, past their first bucket; `passed` lists them.
    var putOff = 0
    /// How many keys have neither; `pending` of the rest lists them.
    var neither = 0
  }

  /// Looks the first `count` keys up: the longer length and /64, then `others`.
  ///
  /// The keys that have neither are few, as a rule. They go through the other lengths while the records of the rest come:
  /// by themselves, their few memory accesses would be waited for.
  ///
  /// - Returns: how many keys stay without a match; they are the first of `pending`.
  func resolvePair(
    _ longer: LengthClass, _ others: LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    unsafe withUnsafeTemporaryAllocation(byteCount: Scratch.bytes, alignment: 8) { memory in
      // As in `lookupBindings`: on the stack, not empty, and alive until the closure ends.
      let rest = unsafe Scratch(memory.baseAddress.unsafelyUnwrapped)
      unsafe loadPair(longer, keys, count, scratch)
      let selection = unsafe selectPair(longer, keys, count, scratch, rest)
      let neither = selection.neither
      var shorter = others
      var used = 0
      if neither != 0 && neither <= Self.width / 2 { used = unsafe loadTogether(&shorter, keys, neither, rest) }
      let half = count &>> 1
      var left = unsafe comparePair(longer, selection, keys, 0, half, count, scratch, into: results)
      if used != 0 { selectCandidates(used &* neither, rest) }
      left &+= unsafe comparePair(longer, selection, keys, half, count, count, scratch, into: results)
      if left == 0 { return 0 }
      if used == 0 || left != neither {
        // Without shorter lengths, or nearly all keys have neither, or a candidate was not its key's record.
        unsafe scratch.list(count, without: results)
        return unsafe resolve(others, keys, left, scratch, into: results)
      }
      left = unsafe compareTogether(used, keys, neither, rest, into: results)
      if left == 0 { return 0 }
      left = unsafe resolve(shorter, keys, left, rest, into: results)
      unsafe rest.copyPending(left, to: scratch.pending)
      return left
    }
  }

  /// The first pass. What it keeps of a key's two hashes: the upper half, which is that of both; the tag of the longer key;
  /// the tag of the /64.
  @inline(__always)
  private func loadPair(
    _ longer: LengthClass, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch
  ) {
    let mask = longer.mask.low
    let factor = hash.factor(.ipv6Half)
    let longerFactor = hash.factor(longer)
    var position = 0
    while position < count {
      // Below `count`, as many as there are keys, and at most `width`, as many as scratch arrays have elements.
      let key = unsafe keys + position
      let upper = unsafe hash.upperRound(key.pointee.high, factor)
      let value = KeyHash.fold(upper, hash.second)
      let own = unsafe hash.ownPart(upper, key.pointee.low & mask, longerFactor)
      unsafe scratch.hashes[position] = value & 0xffff_ffff_0000_ffff | (own & 0xffff) &<< 16 | 0x8000_8000
      storage.homeBucket(value).prefetch()
      position &+= 1
    }
  }

  /// The second pass.
  @inline(__always)
  private func selectPair(
    _ longer: LengthClass, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch, _ rest: Scratch
  ) -> Selection {
    var selection = Selection()
    var position = 0
    while position < count &- Self.bucketsAhead {
      // As in `loadPair`.
      unsafe storage.homeBucket(scratch.hashes[position &+ Self.bucketsAhead]).prefetch()
      unsafe selectOne(position, longer, keys, scratch, rest, &selection)
      position &+= 1
    }
    while position < count {
      unsafe selectOne(position, longer, keys, scratch, rest, &selection)
      position &+= 1
    }
    if selection.putOff != 0 { unsafe selectPutOff(longer, keys, scratch, rest, &selection) }
    return selection
  }

  @inline(__always)
  private func selectOne(
    _ position: Int, _ longer: LengthClass, _ keys: UnsafePointer<LookupKey>, _ scratch: Scratch, _ rest: Scratch,
    _ selection: inout Selection
  ) {
    // As above; an index found in a slot is that of a record inside the arena. Both lists are at most as long as
    // `position`.
    let value = unsafe scratch.hashes[position]
    let bucket = storage.homeBucket(value)
    let match = bucket.match(pair: UInt32(truncatingIfNeeded: value))
    var index: UInt32 = 0
    if match.slots != 0 {
      index = bucket.index(match.slot)
      selection.longer |= match.isFirst &<< UInt64(truncatingIfNeeded: position)
    }
    prefetch(index)
    unsafe scratch.candidates[position] = index
    if match.firstGoesOn || match.secondGoesOn {
      unsafe putOff(position, longer, keys, scratch, &selection)
    } else {
      unsafe rest.pending[selection.neither] = UInt8(truncatingIfNeeded: position)
      selection.neither &+= match.slots == 0 ? 1 : 0
    }
  }

  /// The second bucket's line is on the way while others are selected, as in `selectCandidate`. That of the /64's next
  /// bucket is its neighbour's: few keys need it.
  @inline(never)
  private func putOff(
    _ position: Int, _ longer: LengthClass, _ keys: UnsafePointer<LookupKey>, _ scratch: Scratch,
    _ selection: inout Selection
  ) {
    // As above.
    let value = unsafe longerHash(longer, keys + position)
    storage.bucket(storage.second(value)).prefetch()
    storage.bucket(storage.home(value) &+ 1).prefetch()
    unsafe scratch.passed[selection.putOff] = UInt8(truncatingIfNeeded: position)
    selection.putOff &+= 1
  }

  @inline(__always)
  private func longerHash(_ longer: LengthClass, _ key: UnsafePointer<LookupKey>) -> UInt64 {
    // A key of the batch.
    unsafe hash.longerHash(
      high: key.pointee.high, low: key.pointee.low & longer.mask.low, factor: hash.factor(longer))
  }

  /// The candidates of the keys that the second pass put off.
  @inline(never)
  private func selectPutOff(
    _ longer: LengthClass, _ keys: UnsafePointer<LookupKey>, _ scratch: Scratch, _ rest: Scratch,
    _ selection: inout Selection
  ) {
    var place = 0
    while place < selection.putOff {
      // Positions that `putOff` listed, below the batch's count.
      let position = unsafe Int(scratch.passed[place])
      place &+= 1
      let value = unsafe longerHash(longer, keys + position)
      let bucket = storage.homeBucket(value)
      let match = bucket.match(BucketStorage.tag(value))
      var index = match.goesOn ? furtherCandidate(value) : 0
      if index != 0 {
        selection.longer |= 1 &<< UInt64(truncatingIfNeeded: position)
      } else if unsafe scratch.candidates[position] != 0 {
        continue
      } else {
        let half = unsafe hash.hash(high: keys[position].high, low: 0, factor: hash.factor(.ipv6Half))
        index = bucket.match(BucketStorage.tag(half)).goesOn ? furtherCandidate(half) : 0
      }
      prefetch(index)
      unsafe scratch.candidates[position] = index
      unsafe rest.pending[selection.neither] = UInt8(truncatingIfNeeded: position)
      selection.neither &+= index == 0 ? 1 : 0
    }
  }

  /// The third pass from one key to another; returns how many of them have no match.
  @inline(__always)
  private func comparePair(
    _ longer: LengthClass, _ selection: Selection, _ keys: UnsafePointer<LookupKey>, _ first: Int, _ end: Int,
    _ count: Int, _ scratch: Scratch, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let mask = longer.mask.low
    var bits = selection.longer &>> UInt64(truncatingIfNeeded: first)
    var left = 0
    var position = first
    while position < end {
      // As in `loadPair`; every candidate is the index of a record.
      if position < count &- Self.recordsAhead {
        unsafe prefetch(scratch.candidates[position &+ Self.recordsAhead])
      }
      let isLonger = bits & 1
      let index = unsafe scratch.candidates[position]
      let found = unsafe compareOne(
        index, keys + position, isLonger != 0 ? longer : .ipv6Half, mask & (0 &- isLonger), longer)
      unsafe results[position] = found
      left &+= found == 0 ? 1 : 0
      bits &>>= 1
      position &+= 1
    }
    return left
  }

  /// The record of a candidate if it is the key's and of this snapshot, else what a search for both lengths finds; 0 for 0.
  @inline(__always)
  private func compareOne(
    _ index: UInt32, _ key: UnsafePointer<LookupKey>, _ expected: LengthClass, _ mask: UInt64, _ longer: LengthClass
  ) -> UInt32 {
    let isFound = unsafe isRecord(index, of: key, (high: .max, low: mask), expected)
    let found = isFound ? index : 0
    return found != index ? unsafe searchPair(longer, key.pointee) : found
  }

  @inline(never)
  private func searchPair(_ longer: LengthClass, _ key: LookupKey) -> UInt32 {
    let found = search(key, longer)
    return found != 0 ? found : search(key, .ipv6Half)
  }
}
