/// Goes through everything that the writer keeps and checks that it holds together, a bounded step at a time.
///
/// The table may change between two steps. What is checked then:
///
/// * **Within a step**, whatever happens between steps: each slot names a complete record under the right tag, where a
///   search finds it, once; passed counts add up; a growing storage agrees with the original; generations, predecessors,
///   targets and traffic cells of each record; order and items of the retire queue; identifiers of tunnels and next hops;
///   the published words, the lengths in use, the reports of the workers; and the sums that the writer keeps (used = live
///   + waiting).
/// * **In an unchanged table only**, since what one step saw must still be so in another: that no index is free, live or
///   waiting twice or not at all; that no traffic cell is shared; how often tunnels are used; how many keys are linked, by
///   length; which keys went on to their second buckets; that no predecessor chain runs in a circle.
///   `AuditReport.isWhole` tells whether these were checked.
///
/// An audit reads and never writes, and survives a damaged table. It belongs to the writer's thread.
public final class TableAudit {
  enum Stage {
    case sums
    case freed(AuditedPool)
    case retired
    case freedBlocks(AuditedBlocks)
    case retiredBlocks
    case trie
    case prefixes(TableNumber)
    case tunnelIndex
    case localizedRoutes
    case tunnels
    case nextHops
    case lost(AuditedPool)
    case lostBlocks(AuditedBlocks)
    case totals
    case finished
  }

  let writer: TableWriter
  let log = AuditLog()
  var stage = Stage.sums
  /// How far the present stage has come, in its own units.
  var position = 0
  private(set) var isUnchanged = true
  private var entriesChecked = 0
  private let version: Version

  // What is gathered across steps; marks and counts mean something in an unchanged table only.
  let allMarks: [IndexMarks]
  let blockMarks: [IndexMarks]
  /// By tunnel, and by block of localized routes.
  var users: [Int]
  var blockUsers: [UInt32: Int] = [:]
  var tables = [PrefixTally](repeating: PrefixTally(), count: TableNumber.allCases.count)
  /// The storage that `.prefixes` is at; nil before the first stretch of a table.
  var scanned: BucketStorage?
  /// The keys of that storage, or of the tunnel index, that went on to their second buckets.
  var secondPasses = SecondPasses()
  var tunnelProbes = ProbeLengths()
  /// Where the walk through the route trie is.
  var triePlace: TriePlace?
  var takenAtBegin: UInt64 { version.taken }
  /// The generation of the retired item before, while the queue is gone through.
  var lastRetired: UInt64 = 0

  /// When anything but quiescent reports changes, so does this.
  private struct Version: Equatable {
    let generation: UInt64
    let taken: UInt64
    let silentChanges: UInt64

    init(_ writer: TableWriter) {
      generation = writer.generation
      taken = writer.retired.taken
      silentChanges = writer.silentChanges
    }
  }

  /// Begins an audit; nothing is looked at yet.
  ///
  /// - Throws: `mapping` when the kernel refuses memory for its notes: two bits for each index that was ever in use.
  public init(_ writer: TableWriter) throws(FlowTableError) {
    self.writer = writer
    version = Version(writer)
    var allMarks: [IndexMarks] = []
    for pool in AuditedPool.allCases { allMarks.append(try IndexMarks(highWater: pool.contents(writer).highWater)) }
    self.allMarks = allMarks
    var blockMarks: [IndexMarks] = []
    for blocks in AuditedBlocks.allCases { blockMarks.append(try IndexMarks(highWater: blocks.neverUsed(writer))) }
    self.blockMarks = blockMarks
    users = [Int](repeating: 0, count: writer.tunnels.identifiers.highWater)
  }

  /// Audits the whole table at once.
  ///
  /// - Throws: `mapping`, as `init`.
  public static func run(_ writer: TableWriter) throws(FlowTableError) -> AuditReport {
    let audit = try TableAudit(writer)
    while !audit.step(.max) {}
    return audit.report
  }

  public var isFinished: Bool { if case .finished = stage { true } else { false } }

  /// Goes on by about `budget` entries (slots, retired items, identifiers): about 50 ns each.
  ///
  /// - Returns: whether the audit is finished.
  @discardableResult
  public func step(_ budget: Int) -> Bool {
    if isUnchanged { isUnchanged = version == Version(writer) }
    var left = budget
    while left > 0 && !isFinished {
      let done = advance(min(left, Self.stretch))
      entriesChecked += done
      left -= done
      if log.isFull { stage = .finished }
    }
    return isFinished
  }

  /// Entries that are checked together: their scratch memory is an array of a few kilobytes.
  private static let stretch = 8192

  /// One stretch of the present stage; at least one entry, so that an audit ends.
  private func advance(_ budget: Int) -> Int {
    switch stage {
    case .sums:
      checkSums()
      return enter(.freed(.bindingRecords))
    case .freed(let pool): return checkFreed(pool, budget)
    case .retired: return checkRetired(budget)
    case .freedBlocks(let blocks): return checkFreedBlocks(blocks, budget)
    case .retiredBlocks: return checkRetiredBlocks(budget)
    case .trie: return checkTrie(budget)
    case .prefixes(let number): return checkPrefixes(number, budget)
    case .tunnelIndex: return checkTunnelIndex(budget)
    case .localizedRoutes: return checkLocalizedRoutes(budget)
    case .tunnels: return checkTunnels(budget)
    case .nextHops: return checkNextHops(budget)
    case .lost(let pool): return checkLost(pool, budget)
    case .lostBlocks(let blocks): return checkLostBlocks(blocks, budget)
    case .totals:
      if isUnchanged { checkTotals() }
      return enter(.finished)
    case .finished: return 0
    }
  }

  /// Goes on to the next stage; counts as one entry.
  func enter(_ next: Stage) -> Int {
    stage = next
    position = 0
    return 1
  }

  /// What was found, so far or in the end.
  public var report: AuditReport {
    func shape(_ number: TableNumber) -> AuditReport.Shape {
      let table = writer.prefixTable(number)
      return AuditReport.Shape(
        entries: table.linked, slots: table.current.slotCount, probes: tables[Int(number.rawValue)].probes,
        isGrowing: table.isGrowing)
    }
    return AuditReport(
      findings: log.findings, findingCount: log.count, isWhole: isFinished && isUnchanged && !log.isFull,
      entriesChecked: entriesChecked, proxyTable: shape(.proxy), mobileTable: shape(.mobile),
      routeTable: shape(.routes),
      tunnelTable: AuditReport.Shape(
        entries: writer.tunnels.count, slots: writer.tunnels.index.slotCount, probes: tunnelProbes, isGrowing: false),
      memory: writer.memory)
  }
}
