/// Memory for the trie's blocks and for those of localized routes: runs of 1…64 equal units in one mapping, in twelve
/// sizes. Units are named by their number; 0 is none. Writer side only, but readers may be in a block until it is given
/// back.
///
/// The memory is cut into chunks of 192 units, a multiple of every size. A chunk has blocks of one size as long as any of
/// them is taken, and serves for every size again afterwards: what was cut small while a reader held much up is no loss
/// for good.
@safe
struct BlockPool: ~Copyable {
  struct Chunk {
    /// The position of its blocks' size in `sizes`.
    var size: Int
    /// Blocks that were ever taken since the chunk has had this size: the first ones.
    var cut = 0
    /// Blocks that are taken now.
    var taken = 0
    /// The block given back last; its first word names the one before, 0 after the first.
    var firstFreed: UInt32 = 0
    // Neighbours in the list of chunks of this size that have room, or of empty chunks; `none` at an end.
    fileprivate(set) var next = none
    fileprivate(set) var previous = none

    var units: Int { sizes[size] }
    fileprivate var isFull: Bool { firstFreed == 0 && cut == chunkUnits / units }
  }

  let base: UnsafeMutableRawPointer
  private let unitBytes: Int
  /// Chunks that the memory has room for, behind its unused first unit.
  private let capacity: Int
  /// All chunks that were ever in use, in the order of their places.
  private(set) var chunks: [Chunk] = []
  /// The first chunk of each size that has room.
  private var roomy = [Int](repeating: none, count: sizes.count)
  private var firstEmpty = none
  private var emptyCount = 0
  /// Units in blocks that are taken.
  private(set) var used = 0

  static let sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
  static let largestBlock = 64
  static let chunkUnits = 192
  /// Units that may be out of reach because each size has a chunk to itself.
  static let slack = sizes.count * chunkUnits
  private static let none = -1

  /// Over the whole of a mapping that outlives this pool.
  init(_ mapping: Mapping, unitBytes: Int) {
    unsafe base = unsafe mapping.base
    capacity = (mapping.bytes / unitBytes - 1) / Self.chunkUnits
    self.unitBytes = unitBytes
  }

  /// One more than the last unit that was ever in use.
  var neverUsed: Int { 1 + chunks.count * Self.chunkUnits }

  /// Octets of memory that were ever in use.
  var bytes: Int { neverUsed * unitBytes }

  private var freeChunks: Int { emptyCount + capacity - chunks.count }

  /// Whether blocks of `units` in all can surely be had, whatever sizes are asked for.
  func hasRoom(_ units: Int) -> Bool { freeChunks * Self.chunkUnits >= units + Self.slack }

  /// Whether a block of so many units can be had.
  func hasBlock(_ count: Int) -> Bool { freeChunks > 0 || roomy[Self.sizeClass(count)] != Self.none }

  @inline(__always)
  func pointer(_ unit: UInt32) -> UnsafeMutableRawPointer {
    // Callers pass units of blocks that they took, so this is inside the mapping.
    unsafe base + Int(unit) &* unitBytes
  }

  static func sizeClass(_ count: Int) -> Int {
    sizes.firstIndex { $0 >= count } ?? sizes.count - 1
  }

  /// The first unit of a chunk.
  static func firstUnit(_ chunk: Int) -> Int { 1 + chunk * chunkUnits }

  /// A block of at least `count` units, 1…64, content undefined. The caller has made sure by `hasRoom` or `hasBlock` that
  /// it exists.
  mutating func take(_ count: Int) -> UInt32 {
    precondition(count >= 1 && count <= Self.largestBlock, "a block has 1 to 64 units")
    let size = Self.sizeClass(count)
    used += Self.sizes[size]
    let chunk = roomy[size] == Self.none ? openChunk(size) : roomy[size]
    var block = chunks[chunk].firstFreed
    if block != 0 {
      // A freed block's first word was written by `give`, and no reader is in it any more.
      chunks[chunk].firstFreed = unsafe pointer(block).load(as: UInt32.self)
    } else {
      block = UInt32(Self.firstUnit(chunk) + chunks[chunk].cut * Self.sizes[size])
      chunks[chunk].cut += 1
    }
    chunks[chunk].taken += 1
    if chunks[chunk].isFull { leaveList(chunk) }
    return block
  }

  /// Takes back a block that was taken for `count` units, when its grace period has passed.
  mutating func give(_ block: UInt32, _ count: Int) {
    let chunk = (Int(block) - 1) / Self.chunkUnits
    let wasFull = chunks[chunk].isFull
    used -= chunks[chunk].units
    // Nobody reads this memory any more.
    unsafe pointer(block).storeBytes(of: chunks[chunk].firstFreed, as: UInt32.self)
    chunks[chunk].firstFreed = block
    chunks[chunk].taken -= 1
    if chunks[chunk].taken > 0 {
      if wasFull { enterList(chunk) }
      return
    }
    if !wasFull { leaveList(chunk) }
    chunks[chunk] = Chunk(size: chunks[chunk].size)
    chunks[chunk].next = firstEmpty
    firstEmpty = chunk
    emptyCount += 1
  }

  /// A chunk without blocks, from now on with those of a size.
  private mutating func openChunk(_ size: Int) -> Int {
    let chunk: Int
    if firstEmpty != Self.none {
      chunk = firstEmpty
      firstEmpty = chunks[chunk].next
      emptyCount -= 1
      chunks[chunk] = Chunk(size: size)
    } else {
      precondition(chunks.count < capacity, "memory for blocks was not reserved")
      chunk = chunks.count
      chunks.append(Chunk(size: size))
    }
    enterList(chunk)
    return chunk
  }

  // MARK: The chunks of a size that have room

  private mutating func enterList(_ chunk: Int) {
    let (size, next) = (chunks[chunk].size, roomy[chunks[chunk].size])
    (chunks[chunk].next, chunks[chunk].previous) = (next, Self.none)
    if next != Self.none { chunks[next].previous = chunk }
    roomy[size] = chunk
  }

  private mutating func leaveList(_ chunk: Int) {
    let (next, previous) = (chunks[chunk].next, chunks[chunk].previous)
    if previous == Self.none { roomy[chunks[chunk].size] = next } else { chunks[previous].next = next }
    if next != Self.none { chunks[next].previous = previous }
  }
}
