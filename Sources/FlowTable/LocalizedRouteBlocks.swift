/// The writer's side of the blocks of localized routes: their memory, and who names them.
@safe
final class LocalizedRouteBlocks {
  struct Block {
    let routes: Int
    /// Bindings that name the block.
    var users = 0
    /// Its owner has given it up: it goes when the last binding that names it goes.
    var isEnded = false
  }

  /// A block that readers may still be in.
  struct Waiting {
    let generation: UInt64
    let block: UInt32
    let units: Int
  }

  private(set) var pool: BlockPool
  private(set) var live: [UInt32: Block] = [:]
  private(set) var waiting: [Waiting] = []
  /// How many of `waiting` have gone already: they are removed together.
  private(set) var firstWaiting = 0
  /// Routes in the live blocks.
  private(set) var routeCount = 0
  let limit: Int

  init(table: FlowTable) {
    // The mapping lives as long as the table, which the writer keeps.
    pool = BlockPool(table.localizedRoutes, unitBytes: LocalizedRouteRecord.unitBytes)
    limit = table.limits.localizedRoutes
  }

  /// Units of memory for a limit on routes: a block takes at most one a route. Three times as many for those that wait.
  static func units(_ limit: Int) -> Int { limit * 4 + 2 * BlockPool.slack }

  func hasRoom(_ routes: Int) -> Bool { pool.hasBlock(LocalizedRouteRecord.units(routes)) }

  /// The generation that the oldest block waits for; nil when none waits.
  var oldestGeneration: UInt64? { firstWaiting == waiting.count ? nil : waiting[firstWaiting].generation }

  /// A block that no binding names yet; the caller has made sure of its room.
  func add(_ routes: [LocalizedRoute]) -> UInt32 {
    let block = pool.take(LocalizedRouteRecord.units(routes.count))
    let start = unsafe pool.pointer(block)
    // The block has room for header and routes, and no reader can reach it.
    unsafe start.storeBytes(of: UInt64(routes.count), as: UInt64.self)
    unsafe start.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    for (number, route) in routes.enumerated() {
      let offset = LocalizedRouteRecord.headerBytes + number * LocalizedRouteRecord.bytes
      unsafe start.storeBytes(of: LocalizedRouteRecord(route), toByteOffset: offset, as: LocalizedRouteRecord.self)
    }
    live[block] = Block(routes: routes.count)
    routeCount += routes.count
    return block
  }

  /// The routes of a live block.
  func routes(_ block: UInt32) -> [LocalizedRoute] {
    (0..<(live[block]?.routes ?? 0)).map { number in
      let record = record(block, number)
      let prefix = TableKey(high: record.high, low: record.low, lengthClass: record.lengthClass).prefix
      return LocalizedRoute(to: prefix, tunnel: TunnelID(record.tunnel), isReceiveOnly: record.isReceiveOnly)
    }
  }

  /// A record of a live block.
  func record(_ block: UInt32, _ number: Int) -> LocalizedRouteRecord {
    let offset = LocalizedRouteRecord.headerBytes + number * LocalizedRouteRecord.bytes
    // Callers stay below the block's count of routes.
    return unsafe pool.pointer(block).load(fromByteOffset: offset, as: LocalizedRouteRecord.self)
  }

  // MARK: Use by bindings

  func retain(_ record: BindingRecord) { live[record.localizedRoutes]?.users += 1 }

  /// - Returns: the block's number if this was the last use of an ended block: it waits for `generation` then.
  func release(_ record: BindingRecord) -> UInt32? {
    guard record.localizedRoutes != 0, var block = live[record.localizedRoutes] else { return nil }
    block.users -= 1
    live[record.localizedRoutes] = block
    return block.isEnded && block.users == 0 ? record.localizedRoutes : nil
  }

  /// - Returns: whether nothing names the block, so that it may go.
  func end(_ block: UInt32) -> Bool {
    live[block]?.isEnded = true
    return live[block]?.users == 0
  }

  /// From now on the block waits until every reader has passed `generation`.
  func retire(_ block: UInt32, _ generation: UInt64) {
    guard let gone = live.removeValue(forKey: block) else { return }
    routeCount -= gone.routes
    let units = LocalizedRouteRecord.units(gone.routes)
    waiting.append(Waiting(generation: generation, block: block, units: units))
  }

  /// Frees the blocks that every reader has passed.
  ///
  /// - Returns: how many.
  func reclaim(upTo generation: UInt64) -> Int {
    let before = firstWaiting
    while firstWaiting < waiting.count && waiting[firstWaiting].generation <= generation {
      pool.give(waiting[firstWaiting].block, waiting[firstWaiting].units)
      firstWaiting += 1
    }
    let freed = firstWaiting - before
    guard firstWaiting == waiting.count || firstWaiting > 4096 else { return freed }
    waiting.removeFirst(firstWaiting)
    firstWaiting = 0
    return freed
  }
}
