import CInstructions

/// Slot numbers by the hashes of their keys: open addressing with linear probing. Which key a slot has is the caller's
/// to say.
///
/// It consists of parts, each with a share of the keys: one of them grows at a time, so that the insertion that makes it
/// grow moves 1/256 of the slots (4,000 of a million: about 10 µs) instead of holding the writer up for all of them.
///
/// A cell is the lower half of a key's hash, then the slot plus one; 0 is free. The lower half also says where the cell
/// belongs, so that growing and removing need no keys. A removal moves the cells behind it up: there are no tombstones.
@safe
final class SlotIndex {
  @safe
  private struct Part {
    // `mask` + 1 cells of this index's own.
    var cells: UnsafeMutablePointer<UInt64>
    var mask: Int
    var used: Int
  }

  private static let partCount = 256
  private static let smallest = 8

  // `partCount` parts for the life of this object.
  private let parts: UnsafeMutablePointer<Part>

  init() {
    // Also below: memory of this object's own, initialized at once.
    unsafe parts = .allocate(capacity: Self.partCount)
    for number in 0..<Self.partCount {
      let cells = unsafe Self.emptyCells(Self.smallest)
      unsafe (parts + number).initialize(to: Part(cells: cells, mask: Self.smallest - 1, used: 0))
    }
  }

  deinit {
    for number in 0..<Self.partCount { unsafe parts[number].cells.deallocate() }
    unsafe parts.deallocate()
  }

  private static func emptyCells(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let cells = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    unsafe cells.initialize(repeating: 0, count: count)
    return unsafe cells
  }

  @inline(__always)
  private func part(_ hash: UInt64) -> UnsafeMutablePointer<Part> {
    // The top eight bits are below `partCount`.
    unsafe parts + Int(truncatingIfNeeded: hash >> 56)
  }

  @inline(__always)
  private static func tag(_ hash: UInt64) -> UInt64 { hash & 0xffff_ffff }

  /// Starts loading the cells of a hash.
  @inline(__always)
  func prefetch(_ hash: UInt64) {
    let part = unsafe part(hash)
    // Masked to the part's cells.
    unsafe fp_prefetch(part.pointee.cells + Int(Self.tag(hash)) & part.pointee.mask)
  }

  /// The first slot with the same half of the hash, without a look at its key; nil: certainly none has the hash.
  @inline(__always)
  func candidate(_ hash: UInt64) -> UInt32? { find(hash) { _ in true } }

  /// The slot of a key.
  @inline(__always)
  func find(_ hash: UInt64, isKey: (UInt32) -> Bool) -> UInt32? {
    let part = unsafe part(hash)
    let tag = Self.tag(hash)
    var position = unsafe Int(tag) & part.pointee.mask
    while true {
      // Masked to the part's cells, of which at least a fifth is free.
      let cell = unsafe part.pointee.cells[position]
      if cell == 0 { return nil }
      if cell >> 32 == tag {
        let slot = UInt32(truncatingIfNeeded: cell) &- 1
        if isKey(slot) { return slot }
      }
      position = unsafe (position &+ 1) & part.pointee.mask
    }
  }

  /// Adds the slot of a key that has none.
  func insert(_ hash: UInt64, _ slot: UInt32) {
    let part = unsafe part(hash)
    // Four fifths: a search ends after three cells on average, in one line mostly.
    if unsafe (part.pointee.used + 1) * 5 > (part.pointee.mask + 1) * 4 { unsafe grow(part) }
    unsafe Self.put(Self.tag(hash) << 32 | UInt64(slot + 1), in: part)
    unsafe part.pointee.used += 1
  }

  private static func put(_ cell: UInt64, in part: UnsafeMutablePointer<Part>) {
    var position = unsafe Int(cell >> 32) & part.pointee.mask
    // As in `find`.
    while unsafe part.pointee.cells[position] != 0 { position = unsafe (position &+ 1) & part.pointee.mask }
    unsafe part.pointee.cells[position] = cell
  }

  private func grow(_ part: UnsafeMutablePointer<Part>) {
    let old = unsafe part.pointee
    let count = old.mask + 1
    unsafe part.pointee.cells = Self.emptyCells(2 * count)
    unsafe part.pointee.mask = 2 * count - 1
    for position in 0..<count {
      // Below the old count.
      let cell = unsafe old.cells[position]
      if cell != 0 { unsafe Self.put(cell, in: part) }
    }
    unsafe old.cells.deallocate()
  }

  /// Takes a slot out; false when the hash does not lead to it.
  @discardableResult
  func remove(_ hash: UInt64, _ slot: UInt32) -> Bool {
    let part = unsafe part(hash)
    let mask = unsafe part.pointee.mask
    let cells = unsafe part.pointee.cells
    let cell = Self.tag(hash) << 32 | UInt64(slot + 1)
    var hole = Int(Self.tag(hash)) & mask
    // Positions are masked to the part's cells, here and below.
    while unsafe cells[hole] != cell {
      if unsafe cells[hole] == 0 { return false }
      hole = (hole &+ 1) & mask
    }
    var position = hole
    while true {
      position = (position &+ 1) & mask
      let next = unsafe cells[position]
      if next == 0 { break }
      // It may move up if its own place is not between the hole and itself.
      let home = Int(next >> 32) & mask
      if (position &- home) & mask >= (position &- hole) & mask {
        unsafe cells[hole] = next
        hole = position
      }
    }
    unsafe cells[hole] = 0
    unsafe part.pointee.used -= 1
    return true
  }
}
