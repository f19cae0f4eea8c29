/// What the one writer does to a storage. None of it may run on two threads.
extension BucketStorage {
  /// Where a key lies.
  struct Place {
    /// Below the bucket count.
    let bucket: Int
    let slot: Int
  }

  /// The place of the slot whose record `isWanted`, among those with the hash's tag; nil when there is none.
  @inline(__always)
  func place(_ hash: UInt64, where isWanted: (UInt32) -> Bool) -> Place? {
    let tag = Self.tag(hash)
    var number = home(hash)
    var next = second(hash)
    // At most once round after the first one.
    for _ in 0...bucketCount {
      let bucket = bucket(number)
      var match = bucket.match(tag)
      while match.slots != 0 {
        if isWanted(bucket.index(match.slot)) { return Place(bucket: masked(number), slot: match.slot) }
        match.slots &= match.slots &- 1
      }
      if !match.goesOn { return nil }
      number = next
      next &+= 1
    }
    return nil
  }

  /// The number of a bucket of a search, which may go round.
  @inline(__always)
  func masked(_ number: Int) -> Int { number & (bucketCount &- 1) }

  /// Puts a record into the first free slot of its search; the caller has made sure that there is room.
  ///
  /// - Returns: the number of the bucket it landed in, and how many were searched.
  @discardableResult
  func fill(_ hash: UInt64, index: UInt32) -> (bucket: Int, probes: Int) {
    let tag = Self.tag(hash)
    let first = home(hash)
    let hasSecond = hash & KeyHash.hasSecond != 0
    if let slot = bucket(first).freeSlot(sparing: hasSecond ? 1 : 0) {
      put(index, tag, bucket(first), slot)
      return (first, 1)
    }
    bucket(first).pass(tag, hasSecond ? .second : .next)
    var number = masked(second(hash))
    var probes = 2
    while true {
      let bucket = bucket(number)
      if number != first, let slot = bucket.freeSlot(sparing: 0) {
        put(index, tag, bucket, slot)
        return (number, probes)
      }
      bucket.pass(tag, .next)
      number = masked(number + 1)
      probes += 1
      precondition(probes <= bucketCount + 1, "a bucket storage was filled past its capacity")
    }
  }

  /// The order lets readers beside it see the key whole or not at all.
  private func put(_ index: UInt32, _ tag: UInt16, _ bucket: Bucket, _ slot: Int) {
    bucket.setIndex(slot, index)
    bucket.setTag(slot, tag)
  }

  /// Frees the slot of a key: no snapshot that a reader may hold has the key any more.
  ///
  /// - Returns: how many buckets a search for the key passed.
  @discardableResult
  func free(_ hash: UInt64, _ place: Place) -> Int {
    bucket(place.bucket).setTag(place.slot, 0)
    let first = home(hash)
    if place.bucket == first { return 0 }
    bucket(first).unpass(hash & KeyHash.hasSecond != 0 ? .second : .next)
    var number = masked(second(hash))
    var passed = 1
    while number != place.bucket {
      bucket(number).unpass(.next)
      number = masked(number + 1)
      passed += 1
    }
    return passed
  }

  /// The record indices in one bucket.
  func forEachIndex(inBucket number: Int, _ body: (UInt32) -> Void) {
    let bucket = bucket(number)
    for slot in 0..<Self.slotsPerBucket where bucket.tag(slot) != 0 { body(bucket.index(slot)) }
  }
}
