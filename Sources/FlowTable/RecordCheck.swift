/// What a stretch of an audit needs to know to judge records, taken once: none of it changes within the stretch.
struct RecordCheck {
  let table: TableNumber
  let records: PrefixRecords
  let log: AuditLog
  /// The last published generation, and the one that the oldest retired item waits for (the largest number without one).
  let published: UInt64
  let oldest: UInt64
  /// Records before this one replaced what no reader follows a link to any more.
  let oldestFollowed: UInt64
  /// Whether the marks mean anything.
  let isUnchanged: Bool
  let marks: IndexMarks
  let cells: IndexMarks
  /// How many bindings name each tunnel, by the writer; nil where there is none.
  let tunnels: TunnelUsers
  /// Which next hops there are, by the writer.
  let nextHops: [Bool]
  let trie: TrieScan
  let ledger: HandoverLedger

  // What is counted. Users by tunnel are the audit's array, lent for the stretch.
  var users: [Int] = []
  /// How many bindings name each block of localized routes.
  var blockUsers: [UInt32: Int] = [:]
  var live = 0
  /// Records and traffic cells in use, to be marked together by `settle`.
  private var held: [(record: UInt32, cell: UInt32)] = []
  var probes = ProbeLengths()
  var lengths = [Int](repeating: 0, count: LengthClass.count)

  init(_ audit: TableAudit, _ table: TableNumber) {
    let writer = audit.writer
    self.table = table
    records = PrefixRecords(table == .routes ? writer.routes : writer.bindings, keyed: writer.table.hash)
    log = audit.log
    published = writer.generation
    oldest = writer.retired.oldestGeneration ?? .max
    oldestFollowed = max(oldest, writer.retired.lastPassed &+ 1)
    isUnchanged = audit.isUnchanged
    marks = audit.marks(table == .routes ? .routeRecords : .bindingRecords)
    cells = audit.marks(.trafficCells)
    tunnels = writer.tunnels.users
    nextHops = writer.nextHops.present
    trie = TrieScan(writer.routeTrie)
    ledger = writer.handoverLedger
  }

  /// The record of a linked key.
  @inline(__always)
  mutating func checkLinked(_ index: UInt32, _ place: () -> String) {
    let generation = records.generation(index)
    lengths[Int(records.key(index).lengthClass.rawValue)] += 1
    if generation == 0 || generation > published {
      log.note(.generation, place(), "is of generation \(generation), published is \(published)")
    }
    checkPredecessor(of: index, place)
    guard !records.isTombstone(index) else {
      // In an unchanged table its retired item was seen before, and marked it.
      if oldest > generation || (isUnchanged && marks.answer(index) != .isHeld) {
        log.note(.tombstone, place(), "is a tombstone that is not in the retire queue")
      }
      return
    }
    live += 1
    if isUnchanged { held.append((index, records.counter(index))) }
    if table == .routes { checkRoute(index, place) } else { checkBinding(index, place) }
  }

  /// Marks what was found in use. A loop of its own with prefetches, since the marks of ten million indices are
  /// megabytes: an audit of that many took 1.7 s with the marking in the loop over the slots, 1.0 s so.
  mutating func settle() {
    for position in held.indices {
      let (record, cell) = held[position]
      let ahead = held[min(position + 16, held.count - 1)]
      marks.prefetch(ahead.record)
      cells.prefetch(ahead.cell)
      let answer = marks.markHeld(record)
      if answer != .isNew { log.note(.accounting, "\(table) record \(record)", answer.words) }
      guard table != .routes else { continue }
      let cellAnswer = cells.markHeld(cell)
      if cellAnswer != .isNew {
        log.note(.trafficCell, "\(table) record \(record)", "its cell \(cell) \(cellAnswer.words)")
      }
    }
    held.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  private mutating func checkBinding(_ index: UInt32, _ place: () -> String) {
    let peer = records.peer(index)
    if records.isVisitor(index) {
      if records.target(index) != 0 { log.note(.target, place(), "is a visitor's, but names a tunnel") }
    } else {
      count(records.target(index), place)
    }
    let routes = records.localizedRoutes(index)
    if routes != 0 { blockUsers[routes, default: 0] += 1 }
    if peer != 0 { count(peer, place) }
    let holding = records.holding(index)
    if holding != 0 && !ledger.isOpen(HoldingID(holding)) {
      log.note(.account, place(), "names account \(holding), which is not open")
    }
    if records.counter(index) == 0 { log.note(.trafficCell, place(), "has no cell") }
  }

  @inline(__always)
  private mutating func count(_ tunnel: UInt32, _ place: () -> String) {
    if tunnels[tunnel] != nil {
      if Int(tunnel) < users.count { users[Int(tunnel)] += 1 }
    } else {
      log.note(.target, place(), "names tunnel \(tunnel), which does not exist")
    }
  }

  private func checkRoute(_ index: UInt32, _ place: () -> String) {
    // Who removes a next hop has to know that no route has it; its number soon is another's.
    let target = records.target(index)
    if target == 0 || Int(target) >= nextHops.count || !nextHops[Int(target)] {
      log.note(.target, place(), "names next hop \(target), which does not exist")
    }
    let key = records.key(index)
    guard RouteTrie.has(key) else { return }
    guard let (node, depth) = trie.node(for: key), trie.hasLeaves(node) else {
      log.note(.trieRoutes, place(), "\(key.prefix) is not in the trie")
      return
    }
    // The slots that the prefix covers have it, or a longer one.
    let length = key.lengthClass.length - depth
    let address = RouteAddress(LookupKey(high: key.high, low: key.low, family: key.lengthClass.family))
    let first = address.slot(depth: depth)
    for slot in first..<first + 1 << (RouteNode.stride - length) {
      let leaf = trie.leaf(node, slot)
      if leaf.relativeLength < length || (leaf.relativeLength == length && leaf.nextHop != target) {
        log.note(.trieRoutes, place(), "\(key.prefix) to \(target) is \(leaf.word) in the trie's slot \(slot)")
        return
      }
    }
  }

  /// Notes a record as in use; in an unchanged table it must not be free, nor in use elsewhere.
  func hold(_ index: UInt32, _ place: () -> String) {
    guard isUnchanged else { return }
    let answer = marks.markHeld(index)
    if answer != .isNew { log.note(.accounting, place(), "record \(index) \(answer.words)") }
  }

  /// The link from a record to the one it replaced, as long as a reader may follow it.
  ///
  /// What a record of generation g replaced is freed when every worker has passed g, in steps. Until the first of them the
  /// predecessor is a complete record of the same key, older, or of the same generation if one batch had the key twice.
  /// Among those of one generation the queue's order is that of replacement, so a chain that follows it ends.
  @inline(__always)
  func checkPredecessor(of index: UInt32, _ place: () -> String) {
    let previous = records.previous(index)
    guard previous != 0, records.generation(index) >= oldestFollowed else { return }
    checkLink(from: index, to: previous, place)
  }

  private func checkLink(from index: UInt32, to previous: UInt32, _ place: () -> String) {
    let generation = records.generation(index)
    guard previous != index, records.isComplete(previous), records.haveSameKey(index, previous),
      records.generation(previous) <= generation, !isUnchanged || marks.answer(previous) != .isFree
    else {
      log.note(.predecessors, place(), "replaced record \(previous), which is not an older record of its key")
      return
    }
    if isUnchanged, records.generation(previous) == generation, marks.answer(previous) != .isHeld {
      log.note(
        .predecessors, place(), "replaced record \(previous) of its own generation, which was not replaced before")
    }
  }
}

extension IndexMarks.Answer {
  /// For a finding: "the cell 7 …".
  var words: String {
    switch self {
    case .isNew: "is in use"
    case .isFree: "is free"
    case .isHeld: "is in use elsewhere"
    case .isUnknown: "was never handed out"
    }
  }
}
