/// What the slots of a bucket storage name, as far as an audit must know it. None of it traps, whatever the memory holds.
protocol SlotRecords {
  /// The hash of a record's key; nil if there is no complete record with this index.
  func hash(_ index: UInt32) -> UInt64?
  /// Both have been given out by `hash` before.
  func haveSameKey(_ one: UInt32, _ other: UInt32) -> Bool
  func prefetch(_ index: UInt32)
}

/// A used slot that a search for its key finds.
struct AuditedSlot {
  let bucket: Int
  let slot: Int
  let index: UInt32
  let hash: UInt64
  /// Buckets that a search for the key reads.
  let probes: Int

  /// Whether the search went on to the key's second bucket.
  var isPastSecond: Bool { probes > 1 && hash & KeyHash.hasSecond != 0 }
}

/// Whether as many keys went on to their second buckets as the first ones say, bucket by bucket, without a list of them:
/// each key and each count weighs what its bucket's number is hashed to, the two sums are the same only if all counts are.
/// Means something for a whole storage that has not changed.
struct SecondPasses {
  private var keys: UInt64 = 0
  private var counts: UInt64 = 0

  var agree: Bool { keys == counts }

  /// A key that went on from its first bucket.
  mutating func addKey(_ storage: BucketStorage, _ hash: UInt64) {
    let home = storage.home(hash)
    if storage.bucket(home).passed(.second) != BucketStorage.Bucket.mostPassed { keys &+= Self.weight(home) }
  }

  /// Counts at the end of their bits say nothing.
  mutating func addBucket(_ storage: BucketStorage, _ number: Int) {
    let count = storage.bucket(number).passed(.second)
    if count != BucketStorage.Bucket.mostPassed { counts &+= count &* Self.weight(number) }
  }

  private static func weight(_ number: Int) -> UInt64 {
    KeyHash.fold(UInt64(number) &+ 0x9e37_79b9_7f4a_7c15, 0xd134_2543_de82_ef95)
  }
}

/// Checks a bucket storage stretch by stretch. Each stretch is complete in itself: it looks behind its end for the keys
/// that passed its buckets, so the table may change between two stretches. Only the keys that went on to their second
/// buckets may be anywhere: `SecondPasses` sums them up for the whole of an unchanged storage.
struct SlotScan<Records: SlotRecords> {
  let storage: BucketStorage
  let records: Records
  let name: String
  let log: AuditLog

  /// How many buckets ahead records are prefetched. An audit of ten million bindings took 2.7 s without and 1.0 s with 6;
  /// 12 made no difference.
  private static var ahead: Int { 6 }
  /// No search in a sound table is longer; in a damaged one it must end.
  private static var furthest: Int { ProbeLengths.longestCounted }

  /// Checks every used slot of the buckets, and how many keys each bucket says have passed it.
  func check(_ buckets: Range<Int>, _ seconds: inout SecondPasses, visit: (AuditedSlot) -> Void) {
    var passed = [Int](repeating: 0, count: buckets.count)
    for number in buckets {
      let coming = storage.bucket(number + Self.ahead)
      var slots = coming.usedSlots
      while let slot = slots.next() { records.prefetch(coming.index(slot)) }
      slots = storage.bucket(number).usedSlots
      while let slot = slots.next() {
        guard let found = inspect(number, slot, log) else { continue }
        count(found, at: number, within: buckets, into: &passed)
        if found.isPastSecond {
          checkSecond(found)
          seconds.addKey(storage, found.hash)
        }
        visit(found)
      }
    }
    lookBehind(buckets, into: &passed)
    for number in buckets {
      checkPassed(number, passed[number - buckets.lowerBound])
      seconds.addBucket(storage, number)
    }
  }

  /// Where a key's search begins it has been counted, whatever else the table has gone through: without a count the filter
  /// would be cleared with the next key that goes, and the search end there.
  private func checkSecond(_ found: AuditedSlot) {
    let home = storage.home(found.hash)
    guard storage.bucket(home).passed(.second) == 0 else { return }
    log.note(
      .passedCount, "\(name) bucket \(home)",
      "says no key went on to its second bucket, but that of record \(found.index) did")
  }

  /// A count that once came to the end of its bits stays there; the filter is empty when both counts are 0, and then only.
  private func checkPassed(_ number: Int, _ found: Int) {
    let bucket = storage.bucket(number)
    let (next, second) = (bucket.passed(.next), bucket.passed(.second))
    if next != BucketStorage.Bucket.mostPassed && next != UInt64(found) {
      log.note(.passedCount, "\(name) bucket \(number)", "says \(next) keys passed, found \(found)")
    }
    if (next | second == 0) != (bucket.filter == 0) {
      log.note(
        .passedCount, "\(name) bucket \(number)", "filter \(bucket.filter), but \(next) and \(second) keys passed")
    }
  }

  /// The keys in the buckets after the end that passed some of the stretch. Their own faults are the next stretch's.
  private func lookBehind(_ buckets: Range<Int>, into passed: inout [Int]) {
    var number = buckets.upperBound
    let end = number + min(storage.bucketCount - 1, Self.furthest)
    while number < end, storage.bucket(number - 1).filter != 0 {
      var slots = storage.bucket(number).usedSlots
      while let slot = slots.next() {
        if let found = inspect(number, slot, nil) { count(found, at: number, within: buckets, into: &passed) }
      }
      number += 1
    }
  }

  /// Adds a key to the buckets of the stretch that its probe passed. `number` may be past the storage's last bucket:
  /// probes go round.
  private func count(_ found: AuditedSlot, at number: Int, within buckets: Range<Int>, into passed: inout [Int]) {
    // One that went on to its second bucket passed the buckets from there.
    let passedInARow = found.isPastSecond ? found.probes - 2 : found.probes - 1
    let first = max(number - passedInARow, buckets.lowerBound)
    let end = max(min(number, buckets.upperBound), first)
    for step in first..<end { passed[step - buckets.lowerBound] += 1 }
  }

  /// Nil if the slot is not where a search for its key would find it. Findings go to `log`, if given.
  private func inspect(_ number: Int, _ slot: Int, _ log: AuditLog?) -> AuditedSlot? {
    let bucket = storage.bucket(number)
    let position = number & (storage.bucketCount - 1)
    func place() -> String { "\(name) bucket \(position) slot \(slot)" }
    let index = bucket.index(slot)
    guard let hash = records.hash(index) else {
      log?.note(.slotNamesRecord, place(), "names record \(index), which is no complete record in use")
      return nil
    }
    let tag = BucketStorage.tag(hash)
    guard bucket.tag(slot) == tag else {
      log?.note(.tag, place(), "has tag \(bucket.tag(slot)), the key of record \(index) has \(tag)")
      return nil
    }
    let home = storage.home(hash)
    let second = storage.second(hash)
    let distance = position == home ? 0 : 1 + storage.masked(position - second)
    for step in 0..<min(distance, Self.furthest) {
      let number = storage.masked(step == 0 ? home : second + step - 1)
      let passed = storage.bucket(number)
      if !passed.match(tag).goesOn {
        log?.note(.reachable, place(), "the search from bucket \(home) ends at bucket \(number)")
        return nil
      }
      noteTwins(of: index, hash, in: passed, before: BucketStorage.slotsPerBucket, log, place())
    }
    guard distance < Self.furthest else {
      log?.note(.reachable, place(), "is \(distance) buckets from its home")
      return nil
    }
    noteTwins(of: index, hash, in: bucket, before: slot, log, place())
    return AuditedSlot(bucket: position, slot: slot, index: index, hash: hash, probes: distance + 1)
  }

  /// Notes other records of the same key in the slots of a bucket below `end`.
  @inline(__always)
  private func noteTwins(
    of index: UInt32, _ hash: UInt64, in bucket: BucketStorage.Bucket, before end: Int, _ log: AuditLog?,
    _ place: @autoclosure () -> String
  ) {
    guard let log else { return }
    var match = bucket.match(BucketStorage.tag(hash))
    while match.slots != 0 {
      let other = bucket.index(match.slot)
      if match.slot < end, records.hash(other) == hash, records.haveSameKey(index, other) {
        log.note(.uniqueKey, place(), "record \(index) has the key of record \(other), which lies before it")
      }
      match.slots &= match.slots &- 1
    }
  }
}

extension BucketStorage.Bucket {
  /// The slots whose tag is not 0, in order.
  struct UsedSlots {
    fileprivate var match: Match

    @inline(__always)
    mutating func next() -> Int? {
      guard match.slots != 0 else { return nil }
      defer { match.slots &= match.slots &- 1 }
      return match.slot
    }
  }

  private static let allSlots: UInt32 = (1 << UInt32(BucketStorage.slotsPerBucket)) - 1

  /// The filter of the tags of keys that went on: 0 when none did.
  var filter: UInt64 { match(0).third >> 48 }

  @inline(__always)
  var usedSlots: UsedSlots {
    // No key has the tag 0: what does not match it is used.
    var match = match(0)
    match.slots = Self.allSlots & ~match.slots
    return UsedSlots(match: match)
  }
}
