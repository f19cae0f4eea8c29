extension TableAudit {
  // MARK: Nodes

  /// Goes down every tree that a route leads to. What no route leads to is lost, which the marks tell in the end.
  func checkTrie(_ budget: Int) -> Int {
    let scan = TrieScan(writer.routeTrie)
    let table = writer.routeTable
    if scanned != table.current {
      // The beginning, or the table has changed over to another storage meanwhile.
      scanned = table.current
      position = 0
    }
    var done = 0
    while done < budget {
      if var place = triePlace {
        // Taken out, so that its slots are changed in place.
        triePlace = nil
        done += place.slots.isEmpty ? enterTree(&place, scan) : goOn(&place, scan)
        if !place.slots.isEmpty { triePlace = place }
      } else if position < table.current.slotCount {
        triePlace = treePlace(of: position, in: table.current, scan)
        position += 1
        done += 1
      } else {
        scanned = nil
        return done + enter(.prefixes(.proxy))
      }
    }
    return done
  }

  /// The tree of the route in a slot, if that route is the tree's first: so each tree is gone through once.
  private func treePlace(of slot: Int, in storage: BucketStorage, _ scan: TrieScan) -> TriePlace? {
    let (number, position) = slot.quotientAndRemainder(dividingBy: BucketStorage.slotsPerBucket)
    let bucket = storage.bucket(number)
    let records = PrefixRecords(writer.routes, keyed: writer.table.hash)
    let index = bucket.index(position)
    guard bucket.tag(position) != 0, records.isComplete(index), RouteTrie.has(records.key(index)) else { return nil }
    let place = TriePlace(records.key(index))
    guard let first = scan.firstRoute(of: place) else {
      if scan.root(place.root, place.family) != 0 {
        log.note(.trieNode, "trie root \(place.root)", "leads to no leaf, or to none that was ever in use")
      }
      return nil
    }
    return first == records.key(index) ? place : nil
  }

  private func enterTree(_ place: inout TriePlace, _ scan: TrieScan) -> Int {
    let root = scan.root(place.root, place.family)
    if root == 0 { return 1 }
    if isUnchanged { _ = claim(root, 1, .trieNodes, isFree: false, "root \(place.root)") }
    return visit(root, &place, scan)
  }

  /// From a node to its next child, or back up: from the topmost node to nowhere.
  private func goOn(_ place: inout TriePlace, _ scan: TrieScan) -> Int {
    let level = place.slots.count - 1
    let slot = place.slots[level]
    guard let parent = node(at: place, scan), slot < 64 else {
      // Done with this node, or it has gone since.
      place.slots.removeLast()
      if level > 0 { place.slots[level - 1] += 1 }
      return 1
    }
    if let child = scan.child(parent, slot) { return visit(child, &place, scan) }
    // On to the next slot with a child.
    let rest = parent.children & ~((UInt64(1) << UInt64(slot)) - 1)
    place.slots[level] = rest == 0 ? 64 : rest.trailingZeroBitCount
    return 0
  }

  /// The node whose slots a place is going through; nil if it has gone.
  private func node(at place: TriePlace, _ scan: TrieScan) -> RouteNode? {
    var node = scan.node(scan.root(place.root, place.family))
    for slot in place.slots.dropLast() {
      guard let parent = node, slot < 64, let child = scan.child(parent, slot) else { return nil }
      node = scan.node(child)
    }
    return node
  }

  /// Checks one node and makes its first slot the next to be gone through. Takes as long as sixteen slots of a bucket.
  private func visit(_ index: UInt32, _ place: inout TriePlace, _ scan: TrieScan) -> Int {
    let depth = RouteTrie.rootBits(place.family) + place.slots.count * RouteNode.stride
    func words() -> String { "trie node \(index) at \(depth) bits" }
    guard let node = scan.node(index), depth < place.family.longestPrefix else {
      log.note(.trieNode, words(), "is not in use, or too deep")
      place.slots.append(64)
      return 1
    }
    let count = node.children.nonzeroBitCount
    let isBlock = count == 0 ? node.childBase == 0 : node.childBase != 0 && Int(node.childBase) + count <= scan.nodesEnd
    if node.isEmpty || !isBlock {
      log.note(.trieNode, words(), "has \(count) children at \(node.childBase), own slots \(node.own)")
    }
    if isUnchanged && isBlock && count > 0 { _ = claim(node.childBase, count, .trieNodes, isFree: false, words()) }
    checkLeaves(node, place, scan, depth, words)
    place.slots.append(isBlock ? 0 : 64)
    return 16
  }

  /// The leaves of a node, run by run.
  private func checkLeaves(
    _ node: RouteNode, _ parent: TriePlace, _ scan: TrieScan, _ depth: Int, _ place: () -> String
  ) {
    guard node.own != 0 else {
      if node.runs != 0 || node.leafBase != 0 { log.note(.trieNode, place(), "has leaves without slots") }
      return
    }
    guard scan.hasLeaves(node) else {
      log.note(.trieNode, place(), "its leaves at \(node.leafBase) are none")
      return
    }
    if isUnchanged { _ = claim(node.leafBase, node.runs.nonzeroBitCount, .trieLeaves, isFree: false, place()) }
    var runs = node.runs
    var before: RouteLeaf?
    while runs != 0 {
      let slot = runs.trailingZeroBitCount
      runs &= runs - 1
      let end = runs == 0 ? 64 : runs.trailingZeroBitCount
      let slots = (UInt64.max >> UInt64(64 - (end - slot))) << UInt64(slot)
      let leaf = scan.leaf(node, slot)
      if node.own & slots != (leaf == .none ? 0 : slots) || leaf == before {
        log.note(.trieNode, place(), "slots \(slot) to \(end - 1) have leaf \(leaf.word), own slots are \(node.own)")
      }
      if leaf != .none { checkLeaf(leaf, parent, slot, depth, place) }
      before = leaf
    }
  }

  /// A leaf is a route of the table.
  private func checkLeaf(_ leaf: RouteLeaf, _ parent: TriePlace, _ slot: Int, _ depth: Int, _ place: () -> String) {
    let length = depth + leaf.relativeLength
    guard (1...RouteNode.stride).contains(leaf.relativeLength), length <= parent.family.longestPrefix else {
      log.note(.trieNode, place(), "slot \(slot) has a leaf \(leaf.relativeLength) bits longer")
      return
    }
    let key = TableKey(Prefix(covering: parent.address(slot: slot), length: length))
    if nextHop(ofRoute: key) != leaf.nextHop {
      log.note(.trieRoutes, place(), "slot \(slot) has \(key.prefix) to \(leaf.nextHop), which is no such route")
    }
  }

  /// The next hop of a live route; nil without one.
  private func nextHop(ofRoute key: TableKey) -> UInt32? {
    let records = PrefixRecords(writer.routes, keyed: writer.table.hash)
    let storage = writer.routeTable.current
    let found = storage.place(key.hash(records.keyed)) { records.isInUse($0) && records.key($0) == key }
    guard let found else { return nil }
    let index = storage.bucket(found.bucket).index(found.slot)
    return records.isTombstone(index) ? nil : records.target(index)
  }
}
