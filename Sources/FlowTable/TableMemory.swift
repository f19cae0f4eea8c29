/// Octets of memory in use, by part. Limits reserve address space only: what was never used takes no memory.
public struct TableMemory: Sendable, Hashable {
  /// Bucket storages of the prefix tables: current, growing, and replaced ones that a reader may still be in.
  public var buckets: Int
  /// Binding and route records that were ever in use.
  public var records: Int
  /// Traffic cells of bindings and tunnels, of all workers, that were ever in use.
  public var counters: Int
  public var retireQueue: Int
  /// Tunnels and next hops: records, slots and index.
  public var tunnels: Int
  /// The route trie: nodes and leaves, and the index of first bits once there is a node.
  public var routeTrie: Int
  public var localizedRoutes: Int
  /// Accounts of held packets that were ever open.
  public var handoverLedger: Int
  /// Free lists of the writer.
  public var freeLists: Int

  public var total: Int {
    buckets + records + counters + retireQueue + tunnels + routeTrie + localizedRoutes + handoverLedger + freeLists
  }
}

extension TableWriter {
  /// What the tables take now. Sums only: cheap at any size.
  public var memory: TableMemory {
    let tables = [proxyTable, mobileTable, routeTable].reduce(0) { $0 + $1.bytes }
    let replaced = retiredStorages.reduce(0) { $0 + $1.storage.bytes }
    let cells = counters.highWater + tunnels.identifiers.highWater
    let freed = [
      bindings.pool.contents, routes.pool.contents, counters.contents, tunnels.recordPool.contents,
      tunnels.identifiers.contents, nextHops.recordPool.contents, nextHops.identifiers.contents,
    ].reduce(0) { $0 + $1.freed }
    return TableMemory(
      buckets: tables + replaced,
      records: (bindings.pool.highWater + routes.pool.highWater) * MemoryLayout<BindingRecord>.stride,
      counters: cells * TrafficCounters.cellBytes * traffic.count,
      retireQueue: retired.highWater * MemoryLayout<RetireQueue.Item>.stride,
      tunnels: tunnels.recordPool.highWater * TunnelRecord.bytes + tunnels.index.bytes
        + nextHops.recordPool.highWater * MemoryLayout<NextHopRecord>.stride
        + (tunnels.identifiers.highWater + nextHops.identifiers.highWater) * 4,
      routeTrie: routeTrie.used == (0, 0)
        ? 0 : routeTrie.bytes + 4 * (TrieScan.rootCount(.ipv6) + TrieScan.rootCount(.ipv4)),
      localizedRoutes: localizedRoutes.pool.used == 0 ? 0 : localizedRoutes.pool.bytes,
      handoverLedger: table.handoverLedger.bytes,
      freeLists: freed * 4)
  }
}
