/// Memory for the trie's blocks: runs of 1…64 equal units in one mapping, in twelve sizes, each with its list of freed
/// blocks. Units are named by their number; 0 is none. Writer side only, but readers may be in a block until it is given
/// back.
@safe
struct BlockPool: ~Copyable {
  let base: UnsafeMutableRawPointer
  private let unitBytes: Int
  /// Units of the memory, the unused first one included.
  let capacity: Int
  private(set) var neverUsed = 1
  // The first freed block of each size; a freed block's first word names the next.
  private(set) var freed = [UInt32](repeating: 0, count: sizes.count)
  /// Units in blocks that are taken.
  private(set) var used = 0

  static let sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
  static let largestBlock = 64

  /// Over the whole of a mapping that outlives this pool.
  init(_ mapping: Mapping, unitBytes: Int) {
    unsafe base = unsafe mapping.base
    capacity = mapping.bytes / unitBytes
    self.unitBytes = unitBytes
  }

  /// Units that can surely be had, whatever the sizes asked for.
  var untouched: Int { capacity - neverUsed }

  /// Octets of memory that were ever in use.
  var bytes: Int { neverUsed * unitBytes }

  @inline(__always)
  func pointer(_ unit: UInt32) -> UnsafeMutableRawPointer {
    // Callers pass units of blocks that they took, so this is inside the mapping.
    unsafe base + Int(unit) &* unitBytes
  }

  static func sizeClass(_ count: Int) -> Int {
    sizes.firstIndex { $0 >= count } ?? sizes.count - 1
  }

  /// A block of at least `count` units, 1…64, content undefined. The caller has made sure by `untouched` that it exists.
  mutating func take(_ count: Int) -> UInt32 {
    precondition(count >= 1 && count <= Self.largestBlock, "a block has 1 to 64 units")
    let number = Self.sizeClass(count)
    used += Self.sizes[number]
    let first = freed[number]
    if first != 0 {
      // A freed block's first word was written by `give`, and no reader is in it any more.
      freed[number] = unsafe pointer(first).load(as: UInt32.self)
      return first
    }
    precondition(neverUsed + Self.sizes[number] <= capacity, "trie blocks were not reserved")
    defer { neverUsed += Self.sizes[number] }
    return UInt32(neverUsed)
  }

  /// Takes back a block that was taken for `count` units, when its grace period has passed.
  mutating func give(_ block: UInt32, _ count: Int) {
    let number = Self.sizeClass(count)
    used -= Self.sizes[number]
    // Nobody reads this memory any more.
    unsafe pointer(block).storeBytes(of: freed[number], as: UInt32.self)
    freed[number] = block
  }
}
