import CInstructions

/// An address to look up, with its family, as two host-order words (IPv4 in its mapped form, as in `IPAddress`).
@frozen
public struct LookupKey: Hashable, Sendable, BitwiseCopyable {
  public var high: UInt64
  public var low: UInt64
  public var family: AddressFamily

  @inlinable
  public init(high: UInt64, low: UInt64, family: AddressFamily) {
    self.high = high
    self.low = low
    self.family = family
  }

  @inlinable
  public init(_ address: IPAddress) {
    self.init(high: address.high, low: address.low, family: address.family)
  }
}

/// Longest match of up to `width` keys at a time in one prefix table of one snapshot.
///
/// For each length in use, longest first, three passes over the keys that no longer prefix has matched:
/// hash and prefetch the bucket; compare tags and prefetch the record; compare the key. Each pass is a loop of
/// independent steps, so the memory accesses of many keys overlap. /64 and one longer length go through the passes as one,
/// since their tags are in one bucket (`resolvePair`). When few keys are left, as many lengths as fill the passes go
/// together (ten lengths at one million, 5 % of the keys below /64: 1.5 of the rate). Keys that a full bucket sent on are
/// looked for at the end of the second pass, when that line has come; a false tag or an older record takes `search`.
@safe
struct BatchLookup {
  let storage: BucketStorage
  let records: UnsafeMutableRawPointer
  let generation: UInt64
  let hash: KeyHash

  /// Keys per pass. 64 keys × (bucket + record) = 8 KiB, a quarter of the first-level cache, and a bulk of AF_XDP.
  static let width = 64

  /// How many keys ahead the second and the third pass ask for their lines again.
  ///
  /// The processor drops prefetches when many are under way, above all while it walks page tables for them, and each
  /// pass issues a burst of 64. A line that was dropped would be waited for in full; asking again for one that came costs
  /// an instruction. Distances from 8 to 32 differ by a few percent (docs/adr/0003).
  static let bucketsAhead = 16
  static let recordsAhead = 24

  /// How many of the keys are of IPv4: most batches are of one family, and then need no sorting.
  @inline(__always)
  static func countIPv4(_ keys: UnsafePointer<LookupKey>, _ count: Int) -> Int {
    var ipv4 = 0
    var position = 0
    while position < count {
      // Below `count`, as many as the caller says there are.
      ipv4 &+= unsafe keys[position].family == .ipv4 ? 1 : 0
      position &+= 1
    }
    return ipv4
  }

  /// Looks the first `count` pending keys up and writes the record index of those that match into `results`.
  ///
  /// - Returns: how many keys stay without a match; they are the first of `pending`.
  func resolve(
    _ lengths: LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var lengths = lengths
    var count = count
    while count > 0 {
      if count <= Self.width / 2 && !lengths.isEmpty {
        count = unsafe resolveTogether(&lengths, keys, count, scratch, into: results)
        continue
      }
      guard let lengthClass = lengths.removeLongest() else { break }
      unsafe load(keys, count, scratch, lengthClass, from: 0)
      selectCandidates(count, scratch)
      count = unsafe compare(keys, count, scratch, lengthClass, into: results)
    }
    return count
  }

  /// The first pass.
  @inline(__always)
  func load(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch, _ lengthClass: LengthClass, from first: Int
  ) {
    let mask = lengthClass.mask
    let factor = hash.factor(lengthClass)
    let isLonger = lengthClass.isLonger
    var position = 0
    while position < count {
      // `pending` holds indices below the batch's count, so key and scratch accesses are inside their memory.
      let key = unsafe keys + Int(scratch.pending[position])
      let (high, low) = unsafe (key.pointee.high & mask.high, key.pointee.low & mask.low)
      let value =
        isLonger
        ? hash.longerHash(high: high, low: low, factor: factor) : hash.hash(high: high, low: low, factor: factor)
      unsafe scratch.hashes[first &+ position] = value
      storage.homeBucket(value).prefetch()
      position &+= 1
    }
  }

  /// The second pass.
  @inline(__always)
  func selectCandidates(_ count: Int, _ scratch: Scratch) {
    var position = 0
    var passed = 0
    while position < count &- Self.bucketsAhead {
      // Below `count`, as in `load`.
      unsafe storage.homeBucket(scratch.hashes[position &+ Self.bucketsAhead]).prefetch()
      passed = selectCandidate(position, passed, scratch)
      position &+= 1
    }
    while position < count {
      passed = selectCandidate(position, passed, scratch)
      position &+= 1
    }
    if passed != 0 { selectPassed(passed, scratch) }
  }

  @inline(__always)
  private func selectCandidate(_ position: Int, _ passed: Int, _ scratch: Scratch) -> Int {
    // As above; an index found in a slot is that of a record inside the arena.
    let value = unsafe scratch.hashes[position]
    let tag = BucketStorage.tag(value)
    let bucket = storage.homeBucket(value)
    let match = bucket.match(tag)
    var index: UInt32 = 0
    var passed = passed
    if match.slots != 0 {
      index = bucket.index(match.slot)
    } else if match.goesOn {
      // Its next bucket's line is on the way while the others are selected; four keys of a hundred take this way.
      storage.bucket(storage.second(value)).prefetch()
      unsafe scratch.passed[passed] = UInt8(truncatingIfNeeded: position)
      passed &+= 1
    }
    prefetch(index)
    unsafe scratch.candidates[position] = index
    return passed
  }

  /// The candidates of the keys that the second pass put off.
  @inline(never)
  private func selectPassed(_ count: Int, _ scratch: Scratch) {
    var place = 0
    while place < count {
      // Positions that `selectCandidate` listed, below the batch's count.
      let position = unsafe Int(scratch.passed[place])
      let value = unsafe scratch.hashes[position]
      let index = furtherCandidate(value)
      prefetch(index)
      unsafe scratch.candidates[position] = index
      place &+= 1
    }
  }

  /// Starts loading a record's line. A prefetch never faults, whatever the index.
  @inline(__always)
  func prefetch(_ index: UInt32) { unsafe fp_prefetch(records + Int(index) &* 64) }

  /// The first record whose tag matches in the buckets after the first; 0 without. No record is read: it will be
  /// prefetched.
  @inline(__always)
  func furtherCandidate(_ value: UInt64) -> UInt32 {
    let tag = BucketStorage.tag(value)
    let second = storage.second(value)
    var step = 0
    while step < storage.bucketCount {
      let bucket = storage.bucket(second &+ step)
      let match = bucket.match(tag)
      if match.slots != 0 { return bucket.index(match.slot) }
      if !match.goesOn { return 0 }
      step &+= 1
    }
    return 0
  }

  @inline(__always)
  private func compare(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    _ lengthClass: LengthClass, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let mask = lengthClass.mask
    var left = 0
    var position = 0
    while position < count &- Self.recordsAhead {
      // As above.
      unsafe prefetch(scratch.candidates[position &+ Self.recordsAhead])
      left = unsafe compareNext(keys, position, left, scratch, mask, lengthClass, into: results)
      position &+= 1
    }
    while position < count {
      left = unsafe compareNext(keys, position, left, scratch, mask, lengthClass, into: results)
      position &+= 1
    }
    return left
  }

  /// `compare` for one pending key; returns how many are left, with it.
  @inline(__always)
  private func compareNext(
    _ keys: UnsafePointer<LookupKey>, _ position: Int, _ left: Int, _ scratch: Scratch,
    _ mask: (high: UInt64, low: UInt64), _ lengthClass: LengthClass, into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    // As above; `left` never passes `position`.
    let number = unsafe scratch.pending[position]
    let index = unsafe scratch.candidates[position]
    let found = unsafe compare(index, keys + Int(number), mask, lengthClass)
    unsafe results[Int(number)] = found
    unsafe scratch.pending[left] = number
    return left &+ (found == 0 ? 1 : 0)
  }

  /// The record of a candidate if it is the key's and of this snapshot, else what `search` finds; 0 for 0.
  @inline(__always)
  func compare(
    _ index: UInt32, _ key: UnsafePointer<LookupKey>, _ mask: (high: UInt64, low: UInt64), _ lengthClass: LengthClass,
    hasLowerWord: Bool = true
  ) -> UInt32 {
    let found = unsafe isRecord(index, of: key, mask, lengthClass, hasLowerWord: hasLowerWord) ? index : 0
    return found != index ? unsafe search(key.pointee, lengthClass) : found
  }

  /// Whether a candidate is the key's record of that length, as this snapshot has it. Not so for 0.
  @inline(__always)
  func isRecord(
    _ index: UInt32, of key: UnsafePointer<LookupKey>, _ mask: (high: UInt64, low: UInt64),
    _ lengthClass: LengthClass, hasLowerWord: Bool = true
  ) -> Bool {
    // Records are immutable while this snapshot can reach them.
    let record = unsafe (records + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)
    // Of the same length, and not a tombstone: the class and that flag are neighbours in the record. A record of up to
    // 64 bits has no lower word to compare.
    let differs =
      unsafe (record.pointee.high ^ (key.pointee.high & mask.high))
      | (hasLowerWord ? record.pointee.low ^ (key.pointee.low & mask.low) : 0)
      | UInt64((record.pointee.kind & BindingRecord.tombstoneOrClass) ^ UInt16(lengthClass.rawValue))
    // The top bit of the difference says that the record is newer than the snapshot: the two are less than 2^63 apart,
    // wherever they are.
    let hidden = unsafe (generation &- record.pointee.generation) &>> 63
    return differs | hidden == 0
  }

  /// One key, all the way: further buckets of its probe, older records of its key. 0 without a match.
  @inline(never)
  func search(_ key: LookupKey, _ lengthClass: LengthClass) -> UInt32 {
    let mask = lengthClass.mask
    let high = key.high & mask.high
    let low = key.low & mask.low
    let place = storage.place(TableKey(high: high, low: low, lengthClass: lengthClass).hash(hash)) { index in
      // The index is that of a record inside the arena, reached by an acquire load of its slot.
      let record = unsafe (records + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)
      return unsafe record.pointee.high == high && record.pointee.low == low
        && record.pointee.lengthClass == lengthClass
    }
    guard let place else { return 0 }
    var index = storage.bucket(place.bucket).index(place.slot)
    while index != 0 {
      let record = unsafe (records + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)
      if unsafe record.pointee.generation <= generation {
        return unsafe record.pointee.isTombstone ? 0 : index
      }
      index = unsafe record.pointee.previous
    }
    return 0
  }
}
