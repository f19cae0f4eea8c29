import Synchronization

/// The route trie as an audit sees it: nothing is followed before it is known to be there.
@safe
struct TrieScan {
  // The trie's mappings, which the writer's table keeps.
  private let ipv6Roots: UnsafeMutableRawPointer
  private let ipv4Roots: UnsafeMutableRawPointer
  private let nodes: UnsafeMutableRawPointer
  private let leaves: UnsafeMutableRawPointer
  /// One more than the last unit that was ever taken.
  let nodesEnd: Int
  let leavesEnd: Int

  init(_ trie: RouteTrie) {
    unsafe ipv6Roots = unsafe trie.ipv6Roots
    unsafe ipv4Roots = unsafe trie.ipv4Roots
    unsafe nodes = unsafe trie.nodes.base
    unsafe leaves = unsafe trie.leaves.base
    nodesEnd = trie.nodes.neverUsed
    leavesEnd = trie.leaves.neverUsed
  }

  static func rootCount(_ family: AddressFamily) -> Int { 1 << RouteTrie.rootBits(family) }

  /// The node of a root, 0 for none.
  func root(_ number: Int, _ family: AddressFamily) -> UInt32 {
    let roots = unsafe family == .ipv6 ? ipv6Roots : ipv4Roots
    // Relaxed: the writer's own store. Masked to the roots' number.
    return unsafe roots.word32((number & (Self.rootCount(family) - 1)) * 4).pointee.load(ordering: .relaxed)
  }

  /// A node; nil beyond those that were ever in use.
  func node(_ index: UInt32) -> RouteNode? {
    guard index != 0, Int(index) < nodesEnd else { return nil }
    // Just checked; a node is five numbers, and any octets are a value.
    return unsafe (nodes + Int(index) * RouteNode.bytes).load(as: RouteNode.self)
  }

  /// Whether a node's leaves are there: one for each run, the first run beginning at slot 0.
  func hasLeaves(_ node: RouteNode) -> Bool {
    node.runs & 1 == 1 && node.leafBase != 0 && Int(node.leafBase) + node.runs.nonzeroBitCount <= leavesEnd
  }

  /// The leaf of a slot of a node that has leaves.
  @inline(__always)
  func leaf(_ node: RouteNode, _ slot: Int) -> RouteLeaf {
    let upTo = UInt64.max >> UInt64(63 - slot)
    let index = Int(node.leafBase) + (node.runs & upTo).nonzeroBitCount - 1
    // One of the runs' leaves, all of which are below the end; a leaf is a number.
    return unsafe (leaves + index * RouteLeaf.bytes).load(as: RouteLeaf.self)
  }

  /// The route of a tree's first leaf, a node's own leaves before its children's; nil in a tree without leaves.
  func firstRoute(of tree: TriePlace) -> TableKey? {
    var place = tree
    var next: UInt32? = root(place.root, place.family)
    var depth = RouteTrie.rootBits(place.family)
    while let index = next, let node = node(index), depth < place.family.longestPrefix {
      if node.own != 0 {
        let slot = node.own.trailingZeroBitCount
        guard hasLeaves(node) else { return nil }
        let length = depth + leaf(node, slot).relativeLength
        guard length <= place.family.longestPrefix else { return nil }
        return TableKey(Prefix(covering: place.address(slot: slot), length: length))
      }
      guard node.children != 0 else { return nil }
      let slot = node.children.trailingZeroBitCount
      next = child(node, slot)
      place.slots.append(slot)
      depth += RouteNode.stride
    }
    return nil
  }

  /// The child in a slot; nil without one.
  func child(_ node: RouteNode, _ slot: Int) -> UInt32? {
    let bit = UInt64(1) << UInt64(slot)
    guard node.children & bit != 0 else { return nil }
    return node.childBase &+ UInt32((node.children & (bit - 1)).nonzeroBitCount)
  }

  /// The node that a prefix's leaf belongs to, with its depth; nil when the way to it ends before.
  func node(for key: TableKey) -> (node: RouteNode, depth: Int)? {
    let family = key.lengthClass.family
    let address = RouteAddress(LookupKey(high: key.high, low: key.low, family: family))
    var depth = RouteTrie.rootBits(family)
    var next: UInt32? = root(address.root(bits: depth), family)
    while let index = next, let node = node(index) {
      if key.lengthClass.length <= depth + RouteNode.stride { return (node, depth) }
      next = child(node, address.slot(depth: depth))
      depth += RouteNode.stride
    }
    return nil
  }
}

/// A place in the trie, kept from step to step by the slots that lead to it: nodes may be replaced meanwhile.
struct TriePlace {
  let family: AddressFamily
  let root: Int
  /// The slot taken at each level, 0…63; at the last level the one to look at next, 64 after the last.
  var slots: [Int] = []

  /// The root of a route's tree.
  init(_ key: TableKey) {
    family = key.lengthClass.family
    let address = RouteAddress(LookupKey(high: key.high, low: key.low, family: family))
    root = address.root(bits: RouteTrie.rootBits(family))
  }

  /// The first address below a slot of the node that the slots so far lead to.
  func address(slot: Int) -> IPAddress {
    let rootBits = RouteTrie.rootBits(family)
    var (high, low) = (UInt64(root) << UInt64(64 - rootBits), UInt64(0))
    for level in 0...slots.count {
      let depth = rootBits + level * RouteNode.stride
      let bits = UInt64(level < slots.count ? slots[level] : slot) << 58
      // Smart shifts: what leaves one word enters the other, and what leaves the second is past the address.
      high |= depth < 64 ? bits >> UInt64(depth) : 0
      low |= depth < 64 ? bits << UInt64(64 - depth) : bits >> UInt64(depth - 64)
    }
    return family == .ipv6
      ? IPAddress(ipv6High: high, low: low) : IPAddress(ipv4: UInt32(truncatingIfNeeded: high >> 32))
  }
}
