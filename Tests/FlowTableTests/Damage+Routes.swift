import FlowTable
import Testing

/// Damages to the route trie.
let routeDamages: [Damage] = [
  Damage("a route names a next hop that ended", .target) { fixture in
    // The seventh was the last.
    let record = try Damage.need((1...100).first { fixture.writer.octet(.routeRecords, $0 * 64 + 49) == 0 })
    fixture.writer.set(.routeRecords, record * 64 + 36, word32: 7)
  },
  Damage("a leaf names another next hop", .trieRoutes) { fixture in
    let leaf = try fixture.leaf(of: fixture.leafNode())
    fixture.writer.set(.routeLeaves, leaf * 4, word32: fixture.writer.word32(.routeLeaves, leaf * 4) ^ 1)
  },
  Damage("a leaf is of another length", .trieRoutes) { fixture in
    let leaf = try fixture.leaf(of: fixture.leafNode())
    fixture.writer.set(.routeLeaves, leaf * 4, word32: fixture.writer.word32(.routeLeaves, leaf * 4) ^ 1 << 28)
  },
  Damage("a leaf is of no length", .trieNode) { fixture in
    let leaf = try fixture.leaf(of: fixture.leafNode())
    fixture.writer.set(.routeLeaves, leaf * 4, word32: fixture.writer.word32(.routeLeaves, leaf * 4) | 7 << 28)
  },
  Damage("a node forgets a slot of its own", .trieNode) { fixture in
    let own = try fixture.leafNode() * 32 + 8
    fixture.writer.set(
      .routeNodes, own, word64: fixture.writer.word64(.routeNodes, own) & (fixture.writer.word64(.routeNodes, own) - 1))
  },
  Damage("a node has a run more", .trieNode) { fixture in
    let runs = try fixture.leafNode() * 32 + 16
    let map = fixture.writer.word64(.routeNodes, runs)
    fixture.writer.set(.routeNodes, runs, word64: map | (map + 1))
  },
  Damage("a node's leaves are nowhere", .trieNode) { fixture in
    fixture.writer.set(.routeNodes, try fixture.leafNode() * 32 + 28, word32: 1 << 27)
  },
  Damage("a node's leaves are another's", .accounting) { fixture in
    let (one, other) = (try fixture.leafNode(), try fixture.leafNode(1))
    fixture.writer.set(.routeNodes, one * 32 + 28, word32: fixture.writer.word32(.routeNodes, other * 32 + 28))
  },
  Damage("a node's children are nowhere", .trieNode) { fixture in
    fixture.writer.set(.routeNodes, try fixture.parentNode() * 32 + 24, word32: 0xffff_fff0)
  },
  Damage("a node forgets a child: its routes", .trieRoutes) { try $0.forgetChild() },
  Damage("a node forgets a child: its memory", .accounting) { try $0.forgetChild() },
  Damage("a node has itself as a child", .accounting) { fixture in
    let node = try fixture.parentNode()
    fixture.writer.set(.routeNodes, node * 32 + 24, word32: UInt32(node))
  },
  Damage("a root is empty: its routes", .trieRoutes) { try $0.setRoot(0) },
  Damage("a root is empty: its memory", .accounting) { try $0.setRoot(0) },
  Damage("a root names a node that never was", .trieRoutes) { try $0.setRoot(1 << 30) },
  Damage("a free block is in use", .accounting) { fixture in
    // The first word of a free block is the number of the next one.
    let (writer, live) = (fixture.writer, fixture.liveNodes)
    let free = try Damage.need(
      (1..<writer.byteCount(.routeNodes) / 32).first { node in
        let next = Int(writer.word32(.routeNodes, node * 32))
        return !live.contains(node) && next != 0 && next < writer.byteCount(.routeNodes) / 32 && !live.contains(next)
      })
    writer.set(.routeNodes, free * 32, word32: UInt32(try fixture.parentNode()))
  },
]

extension AuditFixture {
  /// All nodes that are reached from the first root: by the maps of children, as `RouteNode` says.
  var liveNodes: [Int] {
    var found = [Int(writer.word32(.routeRoots, 0))]
    var position = 0
    while position < found.count {
      let node = found[position]
      let children = writer.word64(.routeNodes, node * 32).nonzeroBitCount
      found += (0..<children).map { Int(writer.word32(.routeNodes, node * 32 + 24)) + $0 }
      position += 1
    }
    return found
  }

  /// A node with leaves.
  func leafNode(_ number: Int = 0) throws -> Int {
    try Damage.need(liveNodes.filter { writer.word64(.routeNodes, $0 * 32 + 8) != 0 }.dropFirst(number).first)
  }

  /// The first leaf that is one, of a node's: one for each run, and the first may be of slots without a leaf.
  func leaf(of node: Int) throws -> Int {
    let first = Int(writer.word32(.routeNodes, node * 32 + 28))
    return try Damage.need((first..<first + 3).first { writer.word32(.routeLeaves, $0 * 4) != 0 })
  }

  /// A node with children, not the topmost.
  func parentNode() throws -> Int {
    try Damage.need(liveNodes.dropFirst().first { writer.word64(.routeNodes, $0 * 32) != 0 })
  }

  func forgetChild() throws {
    let node = try parentNode() * 32
    let children = writer.word64(.routeNodes, node)
    writer.set(.routeNodes, node, word64: children & (children - 1))
  }

  func setRoot(_ node: UInt32) throws {
    try #require(writer.word32(.routeRoots, 0) != 0)
    writer.set(.routeRoots, 0, word32: node)
  }
}
