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
/// hash and start loading the bucket; compare tags and start loading the record; compare the key. Each pass is a loop of
/// independent steps, so the memory accesses of many keys overlap; a key that must go on to the next bucket or to an
/// older record is rare and takes `search`.
@safe
struct BatchLookup {
  let storage: BucketStorage
  let records: UnsafeMutableRawPointer
  let generation: UInt64
  let hash: KeyHash

  /// Keys per pass. 64 keys × (bucket + record) = 8 KiB, a quarter of the first-level cache, and a bulk of AF_XDP.
  static let width = 64

  /// Working memory of one batch, on the stack.
  @safe
  struct Scratch {
    // One element for each of `width` keys; the allocation outlives the lookup that made it.
    let hashes: UnsafeMutablePointer<UInt64>
    let candidates: UnsafeMutablePointer<UInt32>
    let goesOn: UnsafeMutablePointer<Bool>
    let pending: UnsafeMutablePointer<UInt8>

    static let bytes = width * (8 + 4 + 1 + 1)

    @inline(__always)
    init(_ memory: UnsafeMutableRawPointer) {
      // `memory` has `bytes` octets; the arrays lie in it in falling order of alignment.
      unsafe hashes = unsafe memory.assumingMemoryBound(to: UInt64.self)
      unsafe candidates = unsafe (memory + width * 8).assumingMemoryBound(to: UInt32.self)
      unsafe goesOn = unsafe (memory + width * 12).assumingMemoryBound(to: Bool.self)
      unsafe pending = unsafe (memory + width * 13).assumingMemoryBound(to: UInt8.self)
    }
  }

  /// Looks the first `count` pending keys up and writes the record index of those that match into `results`.
  ///
  /// - Returns: how many keys stay without a match; they are the first of `pending`, in order.
  func resolve(
    _ lengths: LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var lengths = lengths
    var count = count
    while count > 0, let lengthClass = lengths.removeLongest() {
      let factor = hash.factor(lengthClass)
      unsafe load(keys, count, scratch, lengthClass, factor)
      selectCandidates(count, scratch)
      count = unsafe compare(keys, count, scratch, lengthClass, into: results)
    }
    return count
  }

  @inline(__always)
  private func load(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch, _ lengthClass: LengthClass, _ factor: UInt64
  ) {
    let mask = lengthClass.mask
    for position in 0..<count {
      // `pending` holds indices below the batch's count, so key and scratch accesses are inside their memory.
      let key = unsafe keys + Int(scratch.pending[position])
      let value = unsafe hash.hash(high: key.pointee.high & mask.high, low: key.pointee.low & mask.low, factor: factor)
      unsafe scratch.hashes[position] = value
    }
    for position in 0..<count { storage.bucket(storage.home(unsafe scratch.hashes[position])).touch() }
  }

  @inline(__always)
  private func selectCandidates(_ count: Int, _ scratch: Scratch) {
    for position in 0..<count {
      // As above; an index found in a slot is that of a record inside the arena.
      let value = unsafe scratch.hashes[position]
      let bucket = storage.bucket(storage.home(value))
      let match = bucket.match(BucketStorage.lanes(value))
      let index = match.lanes == 0 ? 0 : bucket.index(match.slot)
      unsafe scratch.candidates[position] = index
      unsafe scratch.goesOn[position] = match.goesOn
    }
    for position in 0..<count { unsafe (records + Int(scratch.candidates[position]) &* 64).touch(0) }
  }

  @inline(__always)
  private func compare(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch, _ lengthClass: LengthClass,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let mask = lengthClass.mask
    var left = 0
    for position in 0..<count {
      // As above; records are immutable while this snapshot can reach them.
      let number = unsafe scratch.pending[position]
      let key = unsafe keys + Int(number)
      let high = unsafe key.pointee.high & mask.high
      let low = unsafe key.pointee.low & mask.low
      let index = unsafe scratch.candidates[position]
      let record = unsafe (records + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)
      let differs =
        unsafe (record.pointee.high ^ high) | (record.pointee.low ^ low)
        | UInt64(record.pointee.lengthClass.rawValue ^ lengthClass.rawValue)
      // The top bit of the difference says that the record is newer than the snapshot (both are far below 2^63).
      let hidden =
        unsafe (generation &- record.pointee.generation) &>> 63
        | UInt64(record.pointee.flags & BindingRecord.tombstone)
      var found = differs | hidden == 0 ? index : 0
      let goesOn = unsafe scratch.goesOn[position]
      if found == 0 && (index != 0 || goesOn) {
        found = search(unsafe scratch.hashes[position], high, low, lengthClass)
      }
      unsafe results[Int(number)] = found
      unsafe scratch.pending[left] = number
      left &+= found == 0 ? 1 : 0
    }
    return left
  }

  /// One key, all the way: further buckets of its probe, older records of its key.
  @inline(never)
  func search(_ value: UInt64, _ high: UInt64, _ low: UInt64, _ lengthClass: LengthClass) -> UInt32 {
    let place = storage.place(value) { index in
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
