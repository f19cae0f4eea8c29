import Synchronization

/// The writer's side of one prefix table: its storage, growth, and the lengths in use. Records are its caller's.
///
/// Growth builds a storage of twice the size beside the current one, some buckets with every batch of changes. Until the
/// new one is complete, changes go to the current storage, and also to the new one for keys of buckets already copied;
/// then one store of the root word swaps them.
///
/// Keys never move within a storage: one that came when its first bucket was full stays further on when that bucket has
/// room again, and filters keep the bits of keys that have gone. A storage that has worn out by that is renewed: copied to
/// a new one of its own size, in the same way.
@safe
final class PrefixTable {
  // The table's line in the header page, which lives as long as the `FlowTable`.
  private let line: UnsafeMutableRawPointer
  private let records: RecordArena
  private let keyed: KeyHash
  private(set) var current: BucketStorage
  private(set) var growing: BucketStorage?
  /// Buckets of `current` below this number are in `growing` as well.
  private(set) var copied = 0
  /// Storages that readers may still be using; whoever called `makeRoom` retires them.
  var replaced: [BucketStorage] = []
  /// Slots in use, tombstones included.
  private(set) var linked = 0
  private(set) var longestProbe = 0
  /// Buckets that searches for all keys read beside the first ones; and in `growing`.
  private(set) var displaced = 0
  /// That when the storage was new, or the fewest since: keys that share a /64 and leave take their part of it along.
  private var displacedWhenNew = 0
  private var displacedInGrowing = 0
  // `LengthClass.count` numbers of this object's own; see `TunnelUsers` for the reason.
  private let lengthCells: UnsafeMutablePointer<Int>
  private var lengths = LengthSet(words: (0, 0, 0))

  static let smallestLogBuckets = 6
  /// Growth starts at 80 % of the slots and must be over at 90 %: with ten slots a bucket, 6 % and 11 % of keys then lie
  /// past their first bucket.
  private static func growthThreshold(_ slots: Int) -> Int { slots / 10 * 8 }
  private static func hardLimit(_ slots: Int) -> Int { slots / 10 * 9 }
  /// Smaller storages are in the caches whatever is read of them.
  private static let smallestRenewed = 10

  init(line: UnsafeMutableRawPointer, records: RecordArena, keyed: KeyHash) throws(FlowTableError) {
    unsafe self.line = unsafe line
    self.records = records
    self.keyed = keyed
    current = try BucketStorage(logBuckets: Self.smallestLogBuckets)
    unsafe lengthCells = .allocate(capacity: LengthClass.count)
    unsafe lengthCells.initialize(repeating: 0, count: LengthClass.count)
    publishStorage()
  }

  deinit {
    unsafe lengthCells.deallocate()
    // No reader has seen it. The published storage is the `FlowTable`'s to unmap, when its last reader has gone.
    growing?.unmap()
  }

  var lengthsInUse: LengthSet { lengths }
  /// Linked keys of each length class.
  var lengthCounts: [Int] {
    // Initialized for the life of this object.
    unsafe Array(UnsafeBufferPointer(start: lengthCells, count: LengthClass.count))
  }
  var isGrowing: Bool { growing != nil }
  var bytes: Int { current.bytes + (growing?.bytes ?? 0) }

  /// The newest record of a key, tombstones included; 0 if the key is not linked.
  func head(_ key: TableKey, _ hash: UInt64) -> UInt32 {
    guard let place = place(key, hash, in: current) else { return 0 }
    return current.bucket(place.bucket).index(place.slot)
  }

  /// Starts loading the bucket of a hash.
  func prefetch(_ hash: UInt64) {
    current.bucket(current.home(hash)).prefetch()
  }

  private func place(_ key: TableKey, _ hash: UInt64, in storage: BucketStorage) -> BucketStorage.Place? {
    storage.place(hash) { index in
      // A slot's index is that of a complete record.
      let record = unsafe records.pointer(index)
      return unsafe record.pointee.high == key.high && record.pointee.low == key.low
        && record.pointee.lengthClass == key.lengthClass
    }
  }

  // MARK: Changes; each is visible to readers at once, and hidden from older snapshots by the record's generation.

  /// Links a record of a key that is not linked. `makeRoom` has been called for it.
  func link(_ key: TableKey, _ hash: UInt64, _ index: UInt32) {
    count(key.lengthClass, by: 1)
    let landed = current.fill(hash, index: index)
    longestProbe = max(longestProbe, landed.probes)
    displaced += landed.probes - 1
    if let growing, landed.bucket < copied { displacedInGrowing += growing.fill(hash, index: index).probes - 1 }
    linked += 1
  }

  /// Puts a record in the place of an older one of the same key.
  func relink(_ hash: UInt64, from old: UInt32, to new: UInt32) {
    for storage in [current, growing] {
      guard let storage, let place = storage.place(hash, where: { $0 == old }) else { continue }
      storage.bucket(place.bucket).setIndex(place.slot, new)
    }
  }

  /// Frees the slot of a record; false if another record has taken its place.
  func unlink(_ key: TableKey, _ index: UInt32) -> Bool {
    let hash = key.hash(keyed)
    guard let place = current.place(hash, where: { $0 == index }) else { return false }
    displaced -= current.free(hash, place)
    displacedWhenNew = min(displacedWhenNew, displaced)
    if let growing, let copy = growing.place(hash, where: { $0 == index }) {
      displacedInGrowing -= growing.free(hash, copy)
    }
    linked -= 1
    count(key.lengthClass, by: -1)
    return true
  }

  private func count(_ lengthClass: LengthClass, by difference: Int) {
    let number = Int(lengthClass.rawValue)
    precondition(number < LengthClass.count, "length classes are made from prefixes only")
    let before = unsafe lengthCells[number]
    unsafe lengthCells[number] = before + difference
    guard before == 0 || before + difference == 0 else { return }
    lengths.toggle(lengthClass)
    // Relaxed: setting comes before the release store of the generation that needs it; clearing comes after the last
    // record of the length is gone, so its reader can only miss what is absent.
    let words = lengths.words
    unsafe line.word64(Header.lengths).pointee.store(words.0, ordering: .relaxed)
    unsafe line.word64(Header.lengths + 8).pointee.store(words.1, ordering: .relaxed)
    unsafe line.word64(Header.lengths + 16).pointee.store(words.2, ordering: .relaxed)
  }

  // MARK: Growth

  /// Whether searches for five keys read more than one bucket beside the first ones, and twice as many as when the storage
  /// was new. At 76 % load these are 0.07 buckets for each key in a new one, where a miss reads 1.05, and 0.30 after all
  /// keys have been replaced twice, where a miss reads 1.6. Up to two thirds load it never comes to that. Where many
  /// addresses share a /64 each of them reads one more in any storage: it is the doubling that says worn, and in a sparse
  /// one nothing does.
  private var isWorn: Bool {
    current.logBuckets >= Self.smallestRenewed && linked * 5 > current.slotCount * 3 && displaced * 5 > linked
      && displaced > 2 * displacedWhenNew
  }

  private var isRenewing: Bool { growing?.logBuckets == current.logBuckets }

  private func grow(into storage: BucketStorage) {
    growing = storage
    copied = 0
    displacedInGrowing = 0
  }

  /// Makes sure that `count` keys can be linked, copying a part of a growing table's buckets in proportion.
  ///
  /// - Throws: `mapping`; the content is as before.
  func makeRoom(_ count: Int) throws(FlowTableError) {
    let total = linked + count
    if isRenewing && total > Self.growthThreshold(current.slotCount) {
      // No reader has seen it, and there will be a larger one.
      growing?.unmap()
      growing = nil
    }
    while true {
      if growing == nil && total > Self.growthThreshold(current.slotCount) {
        var log = current.logBuckets + 1
        while total > Self.growthThreshold(BucketStorage.slotsPerBucket << log) { log += 1 }
        grow(into: try BucketStorage(logBuckets: log))
      } else if growing == nil, isWorn, let storage = try? BucketStorage(logBuckets: current.logBuckets) {
        // Without memory the old one does as well.
        grow(into: storage)
      }
      guard let growing else { return }
      // Growth must be over before the slots run out; renewal takes its time.
      copyBuckets(isRenewing ? count + 4 : 4 * count + 16)
      let isTight =
        total > Self.hardLimit(current.slotCount) || total > Self.growthThreshold(growing.slotCount)
      // A batch that large pays for the rest of the copy; the work is in proportion to the batch.
      if isTight { copyBuckets(current.bucketCount) }
      guard copied == current.bucketCount else { return }
      replaced.append(current)
      current = growing
      self.growing = nil
      displaced = displacedInGrowing
      displacedWhenNew = displaced
      publishStorage()
    }
  }

  private func copyBuckets(_ count: Int) {
    guard let growing else { return }
    let end = min(copied + count, current.bucketCount)
    var displaced = 0
    for number in copied..<end {
      // The records come from memory in no order: four buckets' worth of them under way hide most of the waiting.
      current.forEachIndex(inBucket: number + 4) { records.prefetch($0) }
      current.forEachIndex(inBucket: number) { index in
        let key = records[index].key
        displaced += growing.fill(key.hash(keyed), index: index).probes - 1
      }
    }
    displacedInGrowing += displaced
    copied = end
  }

  private func publishStorage() {
    // Pairs with the acquire load in `FlowTableView.table`: all slots were written before.
    unsafe line.word64(0).pointee.store(current.word, ordering: .releasing)
  }
}

extension LengthSet {
  mutating func toggle(_ lengthClass: LengthClass) {
    let bit = UInt64(1) << UInt64(lengthClass.rawValue & 63)
    switch lengthClass.rawValue >> 6 {
    case 0: words.0 ^= bit
    case 1: words.1 ^= bit
    default: words.2 ^= bit
    }
  }
}
