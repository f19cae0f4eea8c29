/// How full the tables are, for status output and alarms.
public struct TableStatistics: Hashable, Sendable {
  public struct Prefixes: Hashable, Sendable {
    /// Slots in use, removed keys that wait for their grace period included.
    public var entries: Int
    public var slots: Int
    public var isGrowing: Bool
    /// The most buckets that any insertion had to probe.
    public var longestProbe: Int
    /// Octets of bucket memory.
    public var bytes: Int

    /// Share of slots in use, 0…1.
    public var loadFactor: Double { Double(entries) / Double(slots) }
  }

  public var generation: UInt64
  public var bindings: Int
  public var routes: Int
  public var tunnels: Int
  public var nextHops: Int
  public var proxyTable: Prefixes
  public var mobileTable: Prefixes
  public var routeTable: Prefixes
  /// Replaced records that wait for a grace period, and how many may.
  public var retired: Int
  public var retiredCapacity: Int
  /// Online workers that hold up the oldest of what waits, be it records, blocks of routes or storages: one that stays
  /// here for long is stuck.
  public var laggingWorkers: [Int]
  /// Octets of buckets and of the records that were ever in use.
  public var memoryBytes: Int
}

extension TableWriter {
  public var statistics: TableStatistics {
    let waitsFor =
      [
        retired.oldestGeneration, routeTrie.oldestGeneration, localizedRoutes.oldestGeneration,
        retiredStorages.first?.generation,
      ].compactMap { $0 }.min() ?? 0
    let lagging = (0..<quiescence.workers).filter { worker in
      let reported = quiescence.reported(by: worker)
      return reported != 0 && reported < waitsFor
    }
    let tables = [proxyTable, mobileTable, routeTable]
    let records = (bindings.pool.highWater + routes.pool.highWater) * MemoryLayout<BindingRecord>.stride
    return TableStatistics(
      generation: generation, bindings: bindings.live, routes: routes.live, tunnels: tunnels.count,
      nextHops: nextHops.count, proxyTable: proxyTable.statistics, mobileTable: mobileTable.statistics,
      routeTable: routeTable.statistics, retired: retired.count, retiredCapacity: retired.limit,
      laggingWorkers: lagging, memoryBytes: tables.reduce(records + routeTrie.bytes) { $0 + $1.bytes })
  }
}

extension PrefixTable {
  var statistics: TableStatistics.Prefixes {
    TableStatistics.Prefixes(
      entries: linked, slots: current.slotCount, isGrowing: isGrowing, longestProbe: longestProbe, bytes: bytes)
  }
}
