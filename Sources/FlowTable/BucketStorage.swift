import CInstructions
import Synchronization

/// The hash structure under every table: an array of cache-line buckets, probed linearly, whose entries never move.
///
/// A bucket is 64 octets: ten 16-bit tags in three words, in the rest of the third word how many keys went on past this
/// bucket to the next one (8 bits) and to their second one (8 bits) and a filter of their tags (16 bits), then ten 32-bit
/// record indices. A tag is 0x8000 plus 15 bits of the key's hash; 0 is a free slot. All ten tags are compared at once.
///
/// A search begins at the bucket that the hash's top bits name, and goes on with the next ones. IPv6 prefixes longer than
/// 64 bits begin where the /64 over them does, so that one line answers for both lengths. Thousands of them may lie in one
/// /64: those that find no room there go on elsewhere, to a second bucket by their own half of the hash and from there to
/// the next ones. The last slot of a bucket is not for them, so that ten addresses do not push the /64 itself away.
///
/// Invariants, which let readers run beside the one writer without ever missing a key that is there:
/// * A slot's index is stored before its tag (release); a reader loads the tags (acquire), then the index. It may pair an
///   old tag with a newer index of the same slot: the record's own key decides, and the key whose tag it saw was then
///   absent in the reader's snapshot (a slot is freed only after the grace period of its tombstone). Tunnels have neither
///   tombstones nor snapshots: an ended tunnel's slot serves another at once, and readers of the time find either.
/// * A key lies in the first bucket of its search that had room when it came; it stays in its slot until it is removed.
///   Every bucket passed over counts it and has its tag's bit in the filter before its tag is stored, so a reader that
///   stops at a bucket whose filter has not the bit cannot have stopped short of a key. That goes for a first bucket as
///   for those after it: in which order a reader loads its tags and its filter does not matter, since neither a present
///   key's tag nor its filter bits are ever away. Bits are cleared when both counts fall to 0; until then a bit too many
///   costs a look at another bucket. `PrefixTable` renews a storage in which such looks have become many.
/// * A search that comes back to its first bucket passes it by: a key in its first bucket has passed no other.
/// * One word names a storage: its address and, in the six bits that alignment leaves free, log2 of its bucket count.
///
/// Cost for a reader: one line for a key or a miss (at most 80 % of slots are used; in a new storage 6 % of keys then lie
/// past their first bucket and 5 % of misses go on, where without the filter 28 % would), then the record's line.
@usableFromInline
struct BucketStorage: Sendable, BitwiseCopyable, Equatable {
  /// Address | log2(bucket count); 0 is no storage.
  let word: UInt64

  static let bucketBytes = 64
  static let slotsPerBucket = 10
  private static let firstIndex = 24

  init(word: UInt64) { self.word = word }

  /// A new, empty storage of `1 << logBuckets` buckets.
  init(logBuckets: Int) throws(FlowTableError) {
    self.init(address: try Mapping.reserve(bytes: Self.bucketBytes << logBuckets), logBuckets: logBuckets)
  }

  /// The storage in memory of at least `bucketBytes << logBuckets` octets, all zero.
  init(address: UInt, logBuckets: Int) { word = UInt64(address) | UInt64(logBuckets) }

  var isNone: Bool { word == 0 }
  var logBuckets: Int { Int(word & 63) }
  var bucketCount: Int { 1 << logBuckets }
  var slotCount: Int { bucketCount * Self.slotsPerBucket }
  var bytes: Int { bucketCount * Self.bucketBytes }

  /// Gives the memory back: after a grace period, or when no reader ever saw it.
  func unmap() { Mapping.release(UInt(word & ~63), bytes: bytes) }

  var base: UnsafeMutableRawPointer {
    // Only called on a storage that is not none, whose address came from mmap.
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(word & ~63)).unsafelyUnwrapped
  }

  @inline(__always)
  func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> UInt64(64 &- logBuckets)) }

  /// The number of the bucket after the first one, not masked: those after it follow.
  ///
  /// A second bucket's distance comes from the 31 bits of the hash that are the key's own, spread by 2^64 / golden ratio,
  /// and is added without carry, so that keys of different /64s with the same bits differ in it.
  @inline(__always)
  func second(_ hash: UInt64) -> Int {
    if hash & KeyHash.hasSecond == 0 { return home(hash) &+ 1 }
    let distance = home((hash & KeyHash.ownHalf) &* 0x9e37_79b9_7f4a_7c15)
    return home(hash) ^ (distance == 0 ? 1 : distance)
  }

  /// The bucket where a key's search begins.
  @inline(__always)
  func homeBucket(_ hash: UInt64) -> Bucket {
    // `home` is below the bucket count, so the address is inside the mapping.
    unsafe Bucket(base: base + home(hash) &* Self.bucketBytes)
  }

  @inline(__always)
  func bucket(_ number: Int) -> Bucket {
    // Masked to the bucket count, so the address is inside the mapping.
    unsafe Bucket(base: base + (number & (bucketCount &- 1)) &* Self.bucketBytes)
  }

  /// The tag of a hash. The bucket comes from the hash's top, the tag from its bottom.
  @inline(__always)
  static func tag(_ hash: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: hash) | 0x8000 }

  /// One bucket: a cache line inside a storage.
  @safe
  struct Bucket {
    // 64-octet aligned and inside a live mapping: made by `bucket` and `homeBucket` only.
    let base: UnsafeMutableRawPointer

    /// What the tags say of a key, as loaded at one moment.
    struct Match {
      /// The slots with the key's tag: bit n for slot n.
      var slots: UInt32
      /// The third word: tags, passed counts, filter.
      let third: UInt64
      let tag: UInt16

      /// Whether the key may lie further on.
      @inline(__always)
      var goesOn: Bool { third & Bucket.filterBit(tag) != 0 }

      /// The first matching slot; meaningless without one.
      @inline(__always)
      var slot: Int { slots.trailingZeroBitCount }
    }

    /// Starts loading the bucket's line.
    @inline(__always)
    func prefetch() { unsafe fp_prefetch(base) }

    /// Compares all tags, in loads that acquire: they pair with the release store in `BucketStorage.fill`.
    @inline(__always)
    func match(_ tag: UInt16) -> Match {
      // The bucket is a whole line; acquire once more for the third word, whose filter is stored before tags further on.
      unsafe Match(
        slots: fp_equal_tags(base, tag), third: base.word64(16).pointee.load(ordering: .acquiring), tag: tag)
    }

    /// What the tags say of two keys, as loaded at one moment.
    struct PairMatch {
      /// The slots with the first key's tag: bit n for slot n; and those with the second one's: bit 16 + n.
      let slots: UInt32
      /// The upper half of the third word: passed counts, filter.
      let passes: UInt32
      /// The tags: in the upper half the first one's.
      let tags: UInt32

      /// The first matching slot, of the first key if it has one; meaningless if neither has.
      @inline(__always)
      var slot: Int { slots.trailingZeroBitCount & 15 }

      /// 1 if the first key has a slot, else 0; meaningless if neither has.
      @inline(__always)
      var isFirst: UInt64 { UInt64(truncatingIfNeeded: slots.trailingZeroBitCount &>> 4 ^ 1) }

      /// Whether the first key has no slot here and may lie further on.
      @inline(__always)
      var firstGoesOn: Bool { isFiltered(tags &>> 27) && slots & 0x3ff == 0 }

      /// Whether neither has a slot here, and the second may lie further on.
      @inline(__always)
      var secondGoesOn: Bool { isFiltered(tags &>> 11) && slots == 0 }

      /// The filter's bit of a tag: the tag's upper five bits are its number here, since the highest one is always set.
      @inline(__always)
      private func isFiltered(_ number: UInt32) -> Bool { passes &>> number & 1 != 0 }
    }

    /// Compares all tags with two, each with its highest bit set, in loads as those of `match`.
    @inline(__always)
    func match(pair tags: UInt32) -> PairMatch {
      // As in `match`.
      unsafe PairMatch(
        slots: fp_equal_tag_pair(base, tags),
        passes: UInt32(truncatingIfNeeded: base.word64(16).pointee.load(ordering: .acquiring) &>> 32), tags: tags)
    }

    /// The record index in a slot. The acquire load pairs with the release store in `setIndex`.
    @inline(__always)
    func index(_ slot: Int) -> UInt32 {
      unsafe base.word32(BucketStorage.firstIndex &+ slot &* 4).pointee.load(ordering: .acquiring)
    }

    @inline(__always)
    func setIndex(_ slot: Int, _ index: UInt32) {
      // Pairs with `index`: the record was written before.
      unsafe base.word32(BucketStorage.firstIndex &+ slot &* 4).pointee.store(index, ordering: .releasing)
    }

    /// The tag in a slot, 0 if it is free. For the writer: its own stores, so relaxed is enough.
    func tag(_ slot: Int) -> UInt16 {
      let word = unsafe base.word64((slot >> 2) * 8).pointee.load(ordering: .relaxed)
      return UInt16(truncatingIfNeeded: word >> UInt64((slot & 3) * 16))
    }

    func setTag(_ slot: Int, _ tag: UInt16) {
      let shift = UInt64((slot & 3) * 16)
      let old = unsafe base.word64((slot >> 2) * 8).pointee.load(ordering: .relaxed)
      let new = old & ~(0xffff << shift) | UInt64(tag) << shift
      // Pairs with the acquire loads of `match`: the slot's index and all passed counts were stored before.
      unsafe base.word64((slot >> 2) * 8).pointee.store(new, ordering: .releasing)
    }

    /// The first free slot, if there are more than `spared`, which is 0 or 1; else nil. For the writer.
    func freeSlot(sparing spared: Int) -> Int? {
      // No key has the tag 0, so a comparison with it finds the free slots.
      let free = match(0)
      return (spared == 0 ? free.slots : free.slots & (free.slots &- 1)) == 0 ? nil : free.slot
    }

    /// The bit of a tag in the third word's filter: four of its bits choose one of the upper sixteen.
    @inline(__always)
    private static func filterBit(_ tag: UInt16) -> UInt64 { 1 &<< (48 &+ UInt64(tag &>> 11 & 15)) }

    /// How the keys that passed went on: where in the third word they are counted.
    enum Way: UInt64 {
      case next = 32
      case second = 40
    }

    static let mostPassed: UInt64 = 0xff
    private static let bothCounts: UInt64 = 0xffff << 32

    /// How many keys went on past this bucket in that way. For the writer.
    func passed(_ way: Way) -> UInt64 { unsafe base.word64(16).pointee.load(ordering: .relaxed) >> way.rawValue & 0xff }

    /// Counts a key with this tag that goes on.
    func pass(_ tag: UInt16, _ way: Way) {
      let old = unsafe base.word64(16).pointee.load(ordering: .relaxed)
      // A count that has once reached the end of its bits stays there: it only costs speed.
      let counted = passed(way) == Self.mostPassed ? old : old + 1 << way.rawValue
      // Release, so that no later store (the key's tag) is seen before it.
      unsafe base.word64(16).pointee.store(counted | Self.filterBit(tag), ordering: .releasing)
    }

    /// Takes back the count of a key that is gone.
    func unpass(_ way: Way) {
      if passed(way) == Self.mostPassed { return }
      let counted = unsafe base.word64(16).pointee.load(ordering: .relaxed) - 1 << way.rawValue
      let kept = counted & Self.bothCounts == 0 ? counted & 0xffff_ffff : counted
      // Release, as above; whoever misses the bit now looks for a key that is in no snapshot.
      unsafe base.word64(16).pointee.store(kept, ordering: .releasing)
    }
  }
}
