import Synchronization

/// Owns the memory of bindings, routes, tunnels, next hops, counters and quiescent states, and hands out the three sides
/// of it: a view for the workers, counters for each of them, and the one writer.
///
/// Must be kept until no worker uses a view, counters or quiescent states any more. The writer keeps it by itself; what
/// is published stays readable when the writer has gone.
public final class FlowTable: @unchecked Sendable {
  public let limits: FlowTableLimits
  let hash: KeyHash
  let header: Mapping
  let quiescentWords: Mapping
  let bindingRecords: Mapping
  let routeRecords: Mapping
  let ipv6Roots: Mapping
  let ipv4Roots: Mapping
  let routeNodes: Mapping
  let routeLeaves: Mapping
  let localizedRoutes: Mapping
  /// Who holds how many packets for mobile nodes in handover.
  public let handoverLedger: HandoverLedger
  let tunnelRecords: Mapping
  let tunnelSlots: Mapping
  private let tunnelBuckets: Mapping
  let tunnelIndex: BucketStorage
  let nextHopRecords: Mapping
  let nextHopSlots: Mapping
  let counters: [Mapping]
  private let hasWriter = Atomic<Bool>(false)
  /// Storages that a writer had retired when it went, or had made when it failed to come about; readers may be in them
  /// as long as this object lives.
  var orphans: [BucketStorage] = []

  /// Records of a kind that may exist at once: the live ones, those in the retire queue, and the unused number 0.
  static func records(_ live: Int, _ limits: FlowTableLimits) -> Int { live + limits.retired + 1 }

  /// The same of bindings, of which a batch may retire more.
  static func bindingRecords(_ limits: FlowTableLimits) -> Int { limits.bindings + limits.retirePlaces + 1 }

  /// - Parameter seed: the hash seed, for repeatable runs; nil draws a random one.
  /// - Throws: `limitOutOfRange`, or `mapping` when the kernel refuses address space.
  public convenience init(limits: FlowTableLimits, seed: (UInt64, UInt64)? = nil) throws(FlowTableError) {
    // Generation 0 would mean offline in a quiescent word.
    try self.init(limits: limits, seed: seed, generation: 1)
  }

  /// A table that begins at a generation of the caller's choice, at least 1.
  ///
  /// The number of generations has no end that can be reached: one is published for each change, ten million a second
  /// would come to 2^63 in 29 000 years, and at 2^64 the writer traps rather than begin anew. A reader may therefore
  /// compare generations by the sign of their difference where it falls back on the exact comparison (`BatchLookup`).
  package init(limits: FlowTableLimits, seed: (UInt64, UInt64)?, generation: UInt64) throws(FlowTableError) {
    try limits.validate()
    // Readers reach records by these sizes.
    precondition(MemoryLayout<BindingRecord>.stride == 64 && MemoryLayout<NextHopRecord>.stride == 32)
    precondition(MemoryLayout<TunnelRecord>.stride <= TunnelRecord.bytes)
    self.limits = limits
    hash = KeyHash(seed ?? KeyHash.randomSeed())
    header = try Mapping(bytes: Header.bytes)
    quiescentWords = try Mapping(bytes: limits.workers * QuiescentStates.stride)
    let bindings = Self.bindingRecords(limits)
    bindingRecords = try Mapping(bytes: bindings * MemoryLayout<BindingRecord>.stride)
    routeRecords = try Mapping(bytes: Self.records(limits.routes, limits) * MemoryLayout<BindingRecord>.stride)
    ipv6Roots = try Mapping(bytes: 4 << RouteTrie.rootBits(.ipv6))
    ipv4Roots = try Mapping(bytes: 4 << RouteTrie.rootBits(.ipv4))
    routeNodes = try Mapping(bytes: RouteTrie.nodes(limits) * RouteNode.bytes)
    routeLeaves = try Mapping(bytes: RouteTrie.leaves(limits) * RouteLeaf.bytes)
    localizedRoutes = try Mapping(
      bytes: LocalizedRouteBlocks.units(limits.localizedRoutes) * LocalizedRouteRecord.unitBytes)
    let tunnels = Self.records(limits.tunnels, limits)
    tunnelRecords = try Mapping(bytes: tunnels * TunnelRecord.bytes)
    tunnelSlots = try Mapping(bytes: tunnels * 4)
    let logBuckets = Self.tunnelLogBuckets(limits.tunnels)
    tunnelBuckets = try Mapping(bytes: BucketStorage.bucketBytes << logBuckets)
    tunnelIndex = BucketStorage(address: tunnelBuckets.address, logBuckets: logBuckets)
    let nextHops = Self.records(limits.nextHops, limits)
    nextHopRecords = try Mapping(bytes: nextHops * MemoryLayout<NextHopRecord>.stride)
    nextHopSlots = try Mapping(bytes: nextHops * 4)
    var counters: [Mapping] = []
    for _ in 0..<limits.workers {
      counters.append(try Mapping(bytes: (tunnels + bindings) * TrafficCounters.cellBytes))
    }
    self.counters = counters
    handoverLedger = try HandoverLedger(words: quiescentWords, header: header, workers: limits.workers)
    // Record 0 is no key's: its length class is none. The arenas are page-aligned and have room for it.
    unsafe bindingRecords.base.storeBytes(of: BindingRecord(), as: BindingRecord.self)
    unsafe routeRecords.base.storeBytes(of: BindingRecord(), as: BindingRecord.self)
    precondition(generation > 0, "generation 0 would mean offline in a quiescent word")
    // Nobody reads yet.
    unsafe header.base.word64(Header.generation).pointee.store(generation, ordering: .releasing)
  }

  deinit {
    for line in [Header.mobile, Header.proxy, Header.routes] {
      // The header is mapped until the end of this; the word is of the last storage published, or 0 without a writer.
      orphans.append(BucketStorage(word: unsafe header.base.word64(line).pointee.load(ordering: .acquiring)))
    }
    for storage in orphans where !storage.isNone { storage.unmap() }
  }

  /// The tunnel index does not grow: it has room for the limit at 60 % of its slots.
  private static func tunnelLogBuckets(_ tunnels: Int) -> Int {
    var log = 1
    while tunnels > 6 << log { log += 1 }
    return log
  }

  /// What workers read through. A trivial value, valid as long as this object.
  public var view: FlowTableView {
    // All addresses are of mappings that live as long as this object.
    unsafe FlowTableView(
      header: header.base, bindings: bindingRecords.base, routes: routeRecords.base, tunnels: tunnelRecords.base,
      tunnelSlots: tunnelSlots.base, nextHops: nextHopRecords.base, nextHopSlots: nextHopSlots.base,
      tunnelIndex: tunnelIndex, ipv6Roots: ipv6Roots.base,
      ipv4Roots: ipv4Roots.base, routeNodes: routeNodes.base, routeLeaves: routeLeaves.base,
      localizedRoutes: localizedRoutes.base, hash: hash)
  }

  /// The counters of one worker, which alone may add to them.
  public func traffic(worker: Int) -> TrafficCounters {
    precondition(worker >= 0 && worker < limits.workers, "no such worker")
    let base = unsafe counters[worker].base
    let tunnelBytes = Self.records(limits.tunnels, limits) * TrafficCounters.cellBytes
    // The mapping holds the tunnels' cells, then the bindings'.
    return unsafe TrafficCounters(tunnels: base, bindings: base + tunnelBytes)
  }

  public var quiescence: QuiescentStates {
    // Both words' mappings live as long as this object.
    unsafe QuiescentStates(
      words: quiescentWords.base, generation: header.base.word64(Header.generation), workers: limits.workers)
  }

  /// The one writer. A second call is a programming error, unless the first one threw.
  ///
  /// - Throws: `mapping` when the kernel refuses memory; it may be tried again.
  public func makeWriter() throws(FlowTableError) -> TableWriter {
    let isFirst = !hasWriter.exchange(true, ordering: .relaxed)
    precondition(isFirst, "a table has one writer")
    do throws(FlowTableError) {
      return try TableWriter(table: self)
    } catch {
      takeBackStorages()
      hasWriter.store(false, ordering: .relaxed)
      throw error
    }
  }

  /// The storages of a writer that did not come about: readers may have seen them, so they stay until the end.
  private func takeBackStorages() {
    for line in [Header.mobile, Header.proxy, Header.routes] {
      // The word is in the header; without any length in use no reader looks a key up behind it.
      orphans.append(
        BucketStorage(word: unsafe header.base.word64(line).pointee.exchange(0, ordering: .acquiringAndReleasing)))
    }
  }
}
