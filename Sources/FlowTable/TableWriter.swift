import Synchronization

/// The only one that changes a `FlowTable`. Owned by one thread at a time.
///
/// Every change is reserved whole before it begins: a call that throws has changed nothing. Changes of bindings are
/// atomic for packets: records are written with the next generation, linked in front of those they replace, and one
/// release store of the generation shows all of them. What they replace waits in the retire queue until every online
/// worker has reported that generation.
@safe
public final class TableWriter {
  let table: FlowTable
  let quiescence: QuiescentStates
  let traffic: [TrafficCounters]
  let bindings: RecordArena
  let routes: RecordArena
  let proxyTable: PrefixTable
  let mobileTable: PrefixTable
  let routeTable: PrefixTable
  let routeTrie: RouteTrie
  let tunnels: TunnelTable
  let nextHops: NextHopTable
  let localizedRoutes: LocalizedRouteBlocks
  var counters: IndexPool
  var retired: RetireQueue
  var retiredStorages: [(generation: UInt64, storage: BucketStorage)] = []
  // This object's own, for its life. Behind a pointer, since every change of a stored property is checked for exclusivity
  // at run time, which a bulk load paid for each binding.
  private let batchMemory: UnsafeMutablePointer<[PrefixChange]>
  /// Working memory of `commit`, kept to spare its allocation.
  var batch: [PrefixChange] {
    @inline(__always) _read { yield unsafe batchMemory.pointee }
    @inline(__always) _modify { yield unsafe &batchMemory.pointee }
  }

  /// Changes of what an audit goes through that publish no generation and take nothing out of the retire queue.
  var silentChanges: UInt64 = 0

  public var limits: FlowTableLimits { table.limits }

  /// The last published generation.
  public private(set) var generation: UInt64

  init(table: FlowTable) throws(FlowTableError) {
    self.table = table
    let limits = table.limits
    quiescence = table.quiescence
    traffic = (0..<limits.workers).map { table.traffic(worker: $0) }
    // All addresses are of mappings of `table`, which this object keeps; the header's lines are one for each table.
    let header = unsafe table.header.base
    bindings = try unsafe RecordArena(
      base: table.bindingRecords.base, limit: limits.bindings, capacity: limits.bindings + limits.retirePlaces)
    routes = try unsafe RecordArena(
      base: table.routeRecords.base, limit: limits.routes, capacity: limits.routes + limits.retired)
    proxyTable = try unsafe PrefixTable(line: header + Header.proxy, records: bindings, keyed: table.hash)
    mobileTable = try unsafe PrefixTable(line: header + Header.mobile, records: bindings, keyed: table.hash)
    routeTable = try unsafe PrefixTable(line: header + Header.routes, records: routes, keyed: table.hash)
    routeTrie = RouteTrie(table: table)
    tunnels = try TunnelTable(table: table)
    nextHops = try NextHopTable(table: table)
    localizedRoutes = LocalizedRouteBlocks(table: table)
    counters = try IndexPool(capacity: limits.bindings + limits.retirePlaces)
    retired = try RetireQueue(limit: limits.retired, capacity: limits.retirePlaces)
    generation = table.view.generation
    unsafe batchMemory = .allocate(capacity: 1)
    unsafe batchMemory.initialize(to: [])
  }

  deinit {
    unsafe batchMemory.deinitialize(count: 1)
    unsafe batchMemory.deallocate()
    table.orphans += retiredStorages.map(\.storage)
  }

  /// Shows everything linked so far to the readers' next snapshots.
  func publish() {
    generation += 1
    // Pairs with the acquire loads in `FlowTableView.snapshot` and `QuiescentStates.report`. The word is in the header.
    unsafe table.header.base.word64(Header.generation).pointee.store(generation, ordering: .releasing)
  }

  func prefixTable(_ number: TableNumber) -> PrefixTable {
    switch number {
    case .proxy: proxyTable
    case .mobile: mobileTable
    case .routes: routeTable
    }
  }

  /// Items that are freed before it is seen whether that was enough.
  private static let reclaimStep = 8192

  /// Makes sure that the retire queue takes `count` items more, by reclaiming if need be.
  func reserveRetired(_ count: Int) throws(FlowTableError) {
    // Room is negative behind a batch that went beyond the limit.
    if count == 0 || retired.room >= count { return }
    while reclaim(limit: Self.reclaimStep), retired.room < count {}
    if retired.room < count { throw .retireQueueFull(capacity: retired.limit) }
  }

  /// The same for a batch of bindings, which may go beyond the limit: a table's whole content is replaced at once, however
  /// large it is, and what a worker that does not move keeps from being freed stays bounded all the same.
  func canRetireBatch(of count: Int) -> Bool {
    while !retired.takesBatch(of: count) {
      if !reclaim(limit: Self.reclaimStep) { return retired.takesBatch(of: count) }
    }
    return true
  }

  /// The generation that a worker reported last; 0 while it is offline.
  public func reportedGeneration(by worker: Int) -> UInt64 { quiescence.reported(by: worker) }

  /// Accounts of packets held for mobile nodes: opened and closed on the writer's thread.
  public var handoverLedger: HandoverLedger { table.handoverLedger }

  /// Whether every online worker has reported `generation`: none sees anything older any more.
  public func isQuiesced(_ generation: UInt64) -> Bool { quiescence.oldestReported() >= generation }
}
