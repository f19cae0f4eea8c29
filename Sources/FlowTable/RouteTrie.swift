import Synchronization

/// The compiled form of all routes that are longer than their family's root bits, for longest match in few steps: a
/// direct index by the first bits of the address, then nodes of six bits. A prefix is a leaf of the one node whose depth
/// is 1…6 bits less than its length (nothing is pushed down), so a change touches that node and no other.
///
/// Writer side. What a reader may see never changes, but for the words that name a block: a changed node's block of
/// siblings is written anew, and one store of the word in the parent (or the root) publishes it. So a reader finds each
/// route as it was or as it is. Blocks that were replaced wait for a grace period.
@safe
final class RouteTrie {
  /// A replaced block, in which a reader may still be.
  struct Garbage {
    let generation: UInt64
    let isLeaves: Bool
    let block: UInt32
    let count: Int
  }

  // The owner's mappings, `1 << rootBits` words each.
  let ipv6Roots: UnsafeMutableRawPointer
  let ipv4Roots: UnsafeMutableRawPointer
  private(set) var nodes: BlockPool
  private(set) var leaves: BlockPool
  private(set) var garbage: [Garbage] = []
  private(set) var firstGarbage = 0
  /// Units of all blocks that wait.
  private var waitingUnits = 0
  private let waitingLimit: Int
  /// The generation that the changes in progress will be published with.
  var generation: UInt64 = 0

  /// Prefixes up to this length stay in the hash table. In the global table, 24 bits tell allocations apart and 99 % of
  /// routes are longer; IPv4's full table has none below /8 and few below /13.
  static func rootBits(_ family: AddressFamily) -> Int { family == .ipv6 ? 24 : 12 }

  /// Whether a prefix is long enough to be in the trie.
  static func has(_ key: TableKey) -> Bool { key.lengthClass.length > rootBits(key.lengthClass.family) }

  /// Nodes on the longest way down: (128 - 24) / 6.
  static let deepest = 18
  /// Nodes that one change can take: a block of siblings, one of children, one node on each level.
  private static let mostNodes = 2 * BlockPool.largestBlock + deepest
  /// A full IPv6 table (about 230,000 routes) goes into one batch; the memory has room for what its changes may take.
  static let mostChanges = 1 << 18

  /// Units that may wait before a batch: an eighth of a megabyte of nodes at least.
  private static func waitingLimit(_ limits: FlowTableLimits) -> Int { max(limits.retired, 4096) }

  /// Nodes that the memory must have room for: a route alone in its corner of the trie has one on every level.
  static func nodes(_ limits: FlowTableLimits) -> Int {
    limits.routes * (deepest + 2) + waitingLimit(limits) + mostChanges * mostNodes + 2 * BlockPool.slack
  }

  /// As for `nodes`: a prefix makes at most two runs more, in blocks that are full by two thirds.
  static func leaves(_ limits: FlowTableLimits) -> Int {
    limits.routes * 8 + waitingLimit(limits) + mostChanges * BlockPool.largestBlock + 2 * BlockPool.slack
  }

  init(table: FlowTable) {
    // All of these are the owner's mappings, which outlive this object.
    unsafe ipv6Roots = unsafe table.ipv6Roots.base
    unsafe ipv4Roots = unsafe table.ipv4Roots.base
    nodes = BlockPool(table.routeNodes, unitBytes: RouteNode.bytes)
    leaves = BlockPool(table.routeLeaves, unitBytes: RouteLeaf.bytes)
    waitingLimit = Self.waitingLimit(table.limits)
  }

  /// Octets of memory that were ever in use, without the roots.
  var bytes: Int { nodes.bytes + leaves.bytes }
  var waiting: Int { garbage.count - firstGarbage }
  /// Units of nodes and leaves in use, those that wait included.
  var used: (nodes: Int, leaves: Int) { (nodes.used, leaves.used) }

  /// The generation that the oldest block waits for; nil when none waits.
  var oldestGeneration: UInt64? { waiting == 0 ? nil : garbage[firstGarbage].generation }

  /// Whether `changes` more changes can be made. What one batch replaces is bounded by the batch; what waits beside it
  /// must not pile up.
  func hasRoom(_ changes: Int) -> Bool {
    waitingUnits <= waitingLimit && nodes.hasRoom(changes * Self.mostNodes)
      && leaves.hasRoom(changes * BlockPool.largestBlock)
  }

  /// Gives back what no online worker can be in: blocks replaced up to generation `passed`.
  ///
  /// - Returns: how many.
  func reclaim(upTo passed: UInt64) -> Int {
    let before = waiting
    while firstGarbage < garbage.count, garbage[firstGarbage].generation <= passed {
      let item = garbage[firstGarbage]
      if item.isLeaves { leaves.give(item.block, item.count) } else { nodes.give(item.block, item.count) }
      waitingUnits -= item.count
      firstGarbage += 1
    }
    let freed = before - waiting
    if firstGarbage == garbage.count || firstGarbage > 4096 {
      garbage.removeFirst(firstGarbage)
      firstGarbage = 0
    }
    return freed
  }

  // MARK: Memory, for the changes in RouteTrie+Changes

  func node(_ index: UInt32) -> RouteNode {
    // A node in use was written whole before; only this thread writes.
    unsafe nodes.pointer(index).load(as: RouteNode.self)
  }

  /// A new block with these nodes, which no reader can reach yet.
  func addNodes(_ siblings: [RouteNode]) -> UInt32 {
    if siblings.isEmpty { return 0 }
    let block = nodes.take(siblings.count)
    for (position, sibling) in siblings.enumerated() {
      // The block has room for all of them.
      unsafe nodes.pointer(block + UInt32(position)).storeBytes(of: sibling, as: RouteNode.self)
    }
    return block
  }

  func addLeaves(_ runs: [RouteLeaf]) -> UInt32 {
    if runs.isEmpty { return 0 }
    let block = leaves.take(runs.count)
    for (position, leaf) in runs.enumerated() {
      // As above.
      unsafe leaves.pointer(block + UInt32(position)).storeBytes(of: leaf, as: RouteLeaf.self)
    }
    return block
  }

  func leaf(_ index: UInt32) -> RouteLeaf {
    // As for `node`.
    unsafe leaves.pointer(index).load(as: RouteLeaf.self)
  }

  func retireNodes(_ block: UInt32, _ count: Int) { retire(block, count, isLeaves: false) }
  func retireLeaves(_ block: UInt32, _ count: Int) { retire(block, count, isLeaves: true) }

  private func retire(_ block: UInt32, _ count: Int, isLeaves: Bool) {
    if block == 0 { return }
    garbage.append(.init(generation: generation, isLeaves: isLeaves, block: block, count: count))
    waitingUnits += count
  }

  func root(_ address: RouteAddress, _ family: AddressFamily) -> UInt32 {
    unsafe rootWord(address, family).pointee.load(ordering: .relaxed)
  }

  func setRoot(_ address: RouteAddress, _ family: AddressFamily, _ node: UInt32) {
    // Pairs with the acquire load of `RouteLookup`: the node was written before.
    unsafe rootWord(address, family).pointee.store(node, ordering: .releasing)
  }

  private func rootWord(_ address: RouteAddress, _ family: AddressFamily) -> UnsafeMutablePointer<Atomic<UInt32>> {
    let roots = unsafe family == .ipv6 ? ipv6Roots : ipv4Roots
    // An index of `rootBits` bits is inside the mapping.
    return unsafe roots.word32(address.root(bits: Self.rootBits(family)) * 4)
  }

  func setChildren(of node: UInt32, _ block: UInt32) {
    // As for `setRoot`; the parent's bit map stays as it is.
    unsafe nodes.pointer(node).word32(RouteNode.childBaseOffset).pointee.store(block, ordering: .releasing)
  }
}
