/// What the one writer does to a storage. None of it may run on two threads.
extension BucketStorage {
  /// Where a key lies.
  struct Place {
    let bucket: Int
    let slot: Int
  }

  /// The place of the slot whose record `isWanted`, among those with the hash's tag; nil when there is none.
  @inline(__always)
  func place(_ hash: UInt64, where isWanted: (UInt32) -> Bool) -> Place? {
    let tag = Self.tag(hash)
    let first = home(hash)
    for step in 0..<bucketCount {
      let bucket = bucket(first &+ step)
      var match = bucket.match(tag)
      while match.slots != 0 {
        if isWanted(bucket.index(match.slot)) { return Place(bucket: first &+ step, slot: match.slot) }
        match.slots &= match.slots &- 1
      }
      if !match.goesOn { return nil }
    }
    return nil
  }

  /// Puts a record into the first free slot of its probe; the caller has made sure that there is room.
  ///
  /// - Returns: the number of the bucket it landed in, and how many were probed.
  @discardableResult
  func fill(_ hash: UInt64, index: UInt32) -> (bucket: Int, probes: Int) {
    let first = home(hash)
    var step = 0
    while true {
      let bucket = bucket(first &+ step)
      if let slot = bucket.freeSlot {
        bucket.setIndex(slot, index)
        bucket.setTag(slot, Self.tag(hash))
        return ((first &+ step) & (bucketCount &- 1), step + 1)
      }
      bucket.pass(Self.tag(hash))
      step += 1
      precondition(step <= bucketCount, "a bucket storage was filled past its capacity")
    }
  }

  /// Frees the slot of a key: no snapshot that a reader may hold has the key any more.
  ///
  /// - Returns: how many buckets lie between the key's first one and its own, with the first.
  @discardableResult
  func free(_ hash: UInt64, _ place: Place) -> Int {
    let bucket = bucket(place.bucket)
    bucket.setTag(place.slot, 0)
    for step in home(hash)..<place.bucket {
      self.bucket(step).unpass()
    }
    return place.bucket - home(hash)
  }

  /// The record indices in one bucket.
  func forEachIndex(inBucket number: Int, _ body: (UInt32) -> Void) {
    let bucket = bucket(number)
    for slot in 0..<Self.slotsPerBucket where bucket.tag(slot) != 0 { body(bucket.index(slot)) }
  }
}
