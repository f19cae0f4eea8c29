/// A node of the route trie: the six address bits from its depth on, 64 slots.
///
/// Half a cache line. Readers reach it through an acquire load of the word that names its block; from then on only
/// `childBase` changes (one atomic store, to a copy of the children with the same bit map), the rest is immutable until
/// a grace period after the block was replaced.
struct RouteNode: BitwiseCopyable {
  /// Slots with a child node.
  var children: UInt64 = 0
  /// Slots that a prefix of this node covers: one whose length is 1…6 bits more than the node's depth.
  var own: UInt64 = 0
  /// Slots whose leaf differs from that of the slot before; the leaves of a node are stored once for each run.
  var runs: UInt64 = 0
  /// The block of children, in the order of their slots; 0 without.
  var childBase: UInt32 = 0
  /// The block of leaves, one for each run; 0 without.
  var leafBase: UInt32 = 0

  static let bytes = 32
  static let stride = 6
  static let childBaseOffset = 24

  var isEmpty: Bool { children | own == 0 }
}

/// What a run of slots leads to: a next hop, and by how many bits its prefix is longer than the node's depth (for the
/// writer, who has to know which of two prefixes wins). 0 is none.
struct RouteLeaf: BitwiseCopyable, Equatable {
  let word: UInt32

  static let none = RouteLeaf(word: 0)
  static let bytes = 4
  private static let lengthShift: UInt32 = 28
  /// Next hop identifiers are below 2^28 (`FlowTableLimits.largest`).
  static let nextHopMask: UInt32 = (1 << lengthShift) - 1

  init(word: UInt32) { self.word = word }

  init(nextHop: UInt32, relativeLength: Int) { word = UInt32(relativeLength) << Self.lengthShift | nextHop }

  var nextHop: UInt32 { word & Self.nextHopMask }

  var relativeLength: Int { Int(word >> Self.lengthShift) }
}

/// An address as the trie walks it: its bits from the top of two words, whatever the family.
struct RouteAddress: BitwiseCopyable {
  let high: UInt64
  let low: UInt64

  @inline(__always)
  init(_ key: LookupKey) {
    // An IPv4 address is the low half of `low` in its mapped form.
    high = key.family == .ipv6 ? key.high : key.low &<< 32
    low = key.family == .ipv6 ? key.low : 0
  }

  /// The first bits, as an index into the roots.
  @inline(__always)
  func root(bits: Int) -> Int { Int(truncatingIfNeeded: high &>> UInt64(64 &- bits)) }

  /// The slot of the node at a depth of 1…127 bits.
  @inline(__always)
  func slot(depth: Int) -> Int {
    // Six bits from the depth on; what is past the 128th is zero.
    let word =
      depth < 64 ? high &<< UInt64(depth) | low &>> UInt64(64 &- depth) : low &<< UInt64(depth &- 64)
    return Int(truncatingIfNeeded: word &>> 58)
  }
}
