/// Setting and removing routes. None of it can fail: `hasRoom` was asked before.
extension RouteTrie {
  /// Where a prefix belongs: the nodes on its way that exist, and the depth of the one that has its leaf.
  private struct Way {
    let address: RouteAddress
    let family: AddressFamily
    /// Depth of the node of the leaf: the largest boundary below the prefix's length.
    let depth: Int
    /// By how many bits the prefix is longer than that, 1…6.
    let relativeLength: Int
    var nodes: [UInt32] = []

    init(_ prefix: Prefix) {
      address = RouteAddress(LookupKey(prefix.address))
      family = prefix.family
      let root = RouteTrie.rootBits(family)
      let length = Int(prefix.length)
      depth = root + (length - root - 1) / RouteNode.stride * RouteNode.stride
      relativeLength = length - depth
    }

    func depth(_ level: Int) -> Int { RouteTrie.rootBits(family) + level * RouteNode.stride }
    func slot(_ level: Int) -> Int { address.slot(depth: depth(level)) }
    var lastLevel: Int { (depth - RouteTrie.rootBits(family)) / RouteNode.stride }

    /// The slots of the leaf's node that the prefix covers.
    var slots: Range<Int> {
      let first = address.slot(depth: depth)
      return first..<first + 1 << (RouteNode.stride - relativeLength)
    }
  }

  private func way(_ prefix: Prefix) -> Way {
    var way = Way(prefix)
    var index = root(way.address, way.family)
    while index != 0 {
      way.nodes.append(index)
      let level = way.nodes.count - 1
      if level == way.lastLevel { break }
      index = child(node(index), way.slot(level))
    }
    return way
  }

  private func child(_ node: RouteNode, _ slot: Int) -> UInt32 {
    let bit = UInt64(1) << UInt64(slot)
    return node.children & bit == 0 ? 0 : node.childBase + UInt32((node.children & (bit - 1)).nonzeroBitCount)
  }

  /// - Parameter prefix: longer than the family's root bits.
  func set(_ prefix: Prefix, nextHop: UInt32) {
    let way = way(prefix)
    let isThere = way.nodes.count == way.lastLevel + 1
    let old = isThere ? node(way.nodes[way.lastLevel]) : RouteNode()
    var slots = slotLeaves(old)
    let leaf = RouteLeaf(nextHop: nextHop, relativeLength: way.relativeLength)
    for slot in way.slots where slots[slot].relativeLength <= way.relativeLength { slots[slot] = leaf }
    let changed = withLeaves(slots, in: old)
    if isThere {
      replace(way, way.lastLevel, with: changed)
    } else {
      attach(way, changed)
    }
  }

  /// - Parameter covering: for a length shorter than the prefix's, the next hop of the route of exactly that length that
  ///   covers it; nil without one.
  func remove(_ prefix: Prefix, covering: (Int) -> UInt32?) {
    let way = way(prefix)
    guard way.nodes.count == way.lastLevel + 1 else { return }
    let old = node(way.nodes[way.lastLevel])
    var heir = RouteLeaf.none
    for relative in stride(from: way.relativeLength - 1, to: 0, by: -1) {
      if let nextHop = covering(way.depth + relative) {
        heir = RouteLeaf(nextHop: nextHop, relativeLength: relative)
        break
      }
    }
    var slots = slotLeaves(old)
    for slot in way.slots where slots[slot].relativeLength == way.relativeLength { slots[slot] = heir }
    replace(way, way.lastLevel, with: withLeaves(slots, in: old))
  }

  // MARK: Leaves

  private func slotLeaves(_ node: RouteNode) -> [RouteLeaf] {
    var slots = [RouteLeaf](repeating: .none, count: 64)
    if node.own == 0 { return slots }
    var index = node.leafBase
    for slot in 0..<64 {
      if slot > 0 && node.runs >> UInt64(slot) & 1 == 1 { index += 1 }
      slots[slot] = leaf(index)
    }
    return slots
  }

  /// The node with other leaves; its old ones are retired.
  private func withLeaves(_ slots: [RouteLeaf], in old: RouteNode) -> RouteNode {
    retireLeaves(old.leafBase, old.runs.nonzeroBitCount)
    var node = old
    (node.own, node.runs, node.leafBase) = (0, 0, 0)
    var runs: [RouteLeaf] = []
    for slot in 0..<64 {
      if slots[slot] != .none { node.own |= 1 << UInt64(slot) }
      if slot == 0 || slots[slot] != slots[slot - 1] {
        node.runs |= 1 << UInt64(slot)
        runs.append(slots[slot])
      }
    }
    if node.own == 0 {
      node.runs = 0
    } else {
      node.leafBase = addLeaves(runs)
    }
    return node
  }

  // MARK: Nodes

  /// Puts a node in the place of the one at a level of the way; an empty one is removed, and so are parents without use.
  private func replace(_ way: Way, _ level: Int, with changed: RouteNode) {
    var level = level
    var changed = changed
    while true {
      if level == 0 {
        setRoot(way.address, way.family, changed.isEmpty ? 0 : addNodes([changed]))
        retireNodes(way.nodes[0], 1)
        return
      }
      var parent = node(way.nodes[level - 1])
      let oldBlock = parent.childBase
      let count = parent.children.nonzeroBitCount
      var siblings = (0..<count).map { node(oldBlock + UInt32($0)) }
      retireNodes(oldBlock, count)
      let position = Int(way.nodes[level] - oldBlock)
      if !changed.isEmpty {
        siblings[position] = changed
        setChildren(of: way.nodes[level - 1], addNodes(siblings))
        return
      }
      siblings.remove(at: position)
      parent.children &= ~(1 << UInt64(way.slot(level - 1)))
      parent.childBase = addNodes(siblings)
      level -= 1
      changed = parent
    }
  }

  /// Hangs a new node in, with the nodes above it that do not exist yet.
  private func attach(_ way: Way, _ bottom: RouteNode) {
    var top = bottom
    var level = way.lastLevel
    while level > way.nodes.count {
      level -= 1
      var above = RouteNode()
      above.children = 1 << UInt64(way.slot(level))
      above.childBase = addNodes([top])
      top = above
    }
    if level == 0 {
      setRoot(way.address, way.family, addNodes([top]))
      return
    }
    var parent = node(way.nodes[level - 1])
    let bit = UInt64(1) << UInt64(way.slot(level - 1))
    let count = parent.children.nonzeroBitCount
    var siblings = (0..<count).map { node(parent.childBase + UInt32($0)) }
    siblings.insert(top, at: (parent.children & (bit - 1)).nonzeroBitCount)
    retireNodes(parent.childBase, count)
    parent.children |= bit
    parent.childBase = addNodes(siblings)
    replace(way, level - 1, with: parent)
  }
}
