import CInstructions

/// A dictionary whose values live in numbered slots.
///
/// Why not a plain dictionary: a dump must go on after a cookie while the table changes (a slot number is such a
/// cookie), deadlines must name a value in four octets, and growth must not copy a million values (chunks never move).
/// A value present from the first to the last slice of a walk is met exactly once; slots of removed values are reused.
@safe
final class SlotMap<Entry: SlotEntry> {
  private static var chunkSize: Int { 4096 }

  private let index = SlotIndex()
  private let secret = SlotSecret()
  // `chunkCount` chunks of `chunkSize` initialized slots each, in a list with room for `chunkRoom`; this object's own.
  private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Entry?>>
  private var chunkCount = 0
  private var chunkRoom = 64
  private let unused = ChunkList<UInt32>()
  /// Which slots have a value: a walk past a million values that have gone looks at this, and not at their slots.
  ///
  /// This object's own, for its life. Behind a pointer, since every change of a stored property is checked for exclusivity
  /// at run time, which a bulk load paid for each binding.
  private let marks: UnsafeMutablePointer<SlotMarks>
  /// Slots ever used; the next new one.
  private(set) var bound: UInt32 = 0

  /// Keys that lead to a value.
  private(set) var count = 0

  init() {
    // Initialized chunk by chunk in `addChunk`.
    unsafe chunks = .allocate(capacity: chunkRoom)
    unsafe marks = .allocate(capacity: 1)
    unsafe marks.initialize(to: SlotMarks(bound: 0))
  }

  deinit {
    unsafe marks.deinitialize(count: 1)
    unsafe marks.deallocate()
    for number in 0..<chunkCount {
      unsafe chunks[number].deinitialize(count: Self.chunkSize)
      unsafe chunks[number].deallocate()
    }
    unsafe chunks.deallocate()
  }

  @inline(__always)
  func hash(_ key: Entry.Key) -> UInt64 { key.hash(secret) }

  func find(_ key: Entry.Key) -> UInt32? { find(key, hash(key)) }

  /// - Parameter hash: the key's, for who needs it more than once.
  @inline(__always)
  func find(_ key: Entry.Key, _ hash: UInt64) -> UInt32? {
    index.find(hash) { slot in
      // The index holds slots below `bound` only.
      unsafe place(slot).pointee?.slotKey == key
    }
  }

  /// Starts loading what a search for this hash looks at first.
  @inline(__always)
  func prefetch(_ hash: UInt64) { index.prefetch(hash) }

  /// Starts loading the value to which this hash leads, when its index is at hand.
  @inline(__always)
  func prefetchValue(_ hash: UInt64) {
    guard let slot = index.candidate(hash) else { return }
    // As in `find`. A value is longer than a line.
    unsafe fp_prefetch_write(place(slot))
    unsafe fp_prefetch_write(UnsafeRawPointer(place(slot)) + 64)
  }

  /// The slot's place in its chunk; for slots below `bound`.
  @inline(__always)
  private func place(_ slot: UInt32) -> UnsafeMutablePointer<Entry?> {
    unsafe chunks[Int(slot) / Self.chunkSize] + Int(slot) % Self.chunkSize
  }

  subscript(slot: UInt32) -> Entry? {
    @inline(__always)
    get {
      guard slot < bound else { return nil }
      return unsafe place(slot).pointee
    }
    @inline(__always)
    _modify {
      precondition(slot < bound, "a slot number always comes from insert")
      yield unsafe &place(slot).pointee
    }
  }

  /// Adds a value under a key that has none.
  func insert(_ entry: Entry) -> UInt32 { insert(entry, hash(entry.slotKey)) }

  /// - Parameter hash: of the value's key.
  @inline(__always)
  func insert(_ entry: Entry, _ hash: UInt64) -> UInt32 {
    let slot: UInt32
    if let free = unused.popLast() {
      slot = free
    } else {
      slot = bound
      if Int(slot) == chunkCount * Self.chunkSize { addChunk() }
      bound += 1
    }
    self[slot] = entry
    unsafe marks.pointee.insert(slot)
    index.insert(hash, slot)
    count += 1
    return slot
  }

  private func addChunk() {
    if chunkCount == chunkRoom {
      let larger = UnsafeMutablePointer<UnsafeMutablePointer<Entry?>>.allocate(capacity: 2 * chunkRoom)
      // All chunks of the old list, which nobody else has.
      unsafe larger.moveInitialize(from: chunks, count: chunkCount)
      unsafe chunks.deallocate()
      unsafe chunks = unsafe larger
      chunkRoom *= 2
    }
    let chunk = UnsafeMutablePointer<Entry?>.allocate(capacity: Self.chunkSize)
    unsafe chunk.initialize(repeating: nil, count: Self.chunkSize)
    // Below `chunkRoom`.
    unsafe (chunks + chunkCount).initialize(to: chunk)
    chunkCount += 1
    unsafe marks.pointee.extend(to: UInt32(chunkCount * Self.chunkSize))
  }

  /// Hides a value from `find` without giving up its slot, so that a refused request can bring it back.
  func unlink(_ slot: UInt32) {
    guard let entry = self[slot], index.remove(hash(entry.slotKey), slot) else { return }
    count -= 1
  }

  /// Undoes `unlink`.
  func relink(_ slot: UInt32) {
    guard let entry = self[slot] else { return }
    index.insert(hash(entry.slotKey), slot)
    count += 1
  }

  /// Gives a slot back; it must be unlinked.
  func release(_ slot: UInt32) {
    self[slot] = nil
    unsafe marks.pointee.remove(slot)
    unused.append(slot)
  }

  /// The first value at or after `slot`.
  func next(from slot: UInt32) -> (slot: UInt32, value: Entry)? {
    guard let slot = unsafe marks.pointee.next(from: slot), let value = self[slot] else { return nil }
    return (slot, value)
  }
}
