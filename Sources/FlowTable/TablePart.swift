/// The parts of a table's memory by name, for tests that damage them to see that the audit notices.
package enum TablePart: Sendable {
  /// The published words: the generation at 0; root and lengths of the mobile, proxy and route tables at 128, 192, 256.
  case header
  /// Lines of 64 octets: ten tags of 16 bits, how many keys passed (16 bits at 20), the filter of their tags (16 bits at
  /// 22), ten record numbers (at 24).
  case proxyBuckets
  case mobileBuckets
  /// What the proxy table grows into; empty when it does not grow.
  case growingBuckets
  /// 64 octets each, as `BindingRecord`.
  case bindingRecords
  /// As `bindingRecords`; a route's target is its next hop.
  case routeRecords
  case tunnelIndex
  /// 128 octets each, as `TunnelRecord`.
  case tunnelRecords
  /// 32 bits each, by identifier: the number of the record.
  case tunnelSlots
  /// 32 octets each, as `NextHopRecord`.
  case nextHopRecords
  case nextHopSlots
  /// The first 64 of IPv6: 32 bits each, by the first 24 bits of the address, the number of the node.
  case routeRoots
  /// 32 octets each, as `RouteNode`: maps of children, own slots and runs, then the numbers of the first child and leaf.
  case routeNodes
  /// 32 bits each, as `RouteLeaf`.
  case routeLeaves
  /// Units of 128 octets: blocks of a count and 24 octets a route from 16 on, as `LocalizedRouteRecord`.
  case localizedRoutes
  /// 24 octets each, as `RetireQueue.Item`, oldest first if the queue did not wrap.
  case retireQueue
  /// 32 bits each: free indices, last freed last.
  case freeBindingRecords
  case freeTrafficCells
  /// 128 octets for each worker, the generation it reported at 0.
  case quiescentWords
}

extension TableWriter {
  /// The octets of one part that are in use. Writing to them breaks what the table relies on.
  @unsafe
  package func octets(of part: TablePart) -> UnsafeMutableRawBufferPointer {
    switch part {
    case .header: return unsafe Self.octets(table.header, Header.bytes)
    case .proxyBuckets: return unsafe Self.octets(proxyTable.current)
    case .mobileBuckets: return unsafe Self.octets(mobileTable.current)
    case .growingBuckets:
      guard let growing = proxyTable.growing else { return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0) }
      return unsafe Self.octets(growing)
    case .bindingRecords: return unsafe Self.octets(table.bindingRecords, bindings.pool.highWater * 64)
    case .routeRecords: return unsafe Self.octets(table.routeRecords, routes.pool.highWater * 64)
    case .tunnelIndex: return unsafe Self.octets(tunnels.index)
    case .tunnelRecords:
      return unsafe Self.octets(table.tunnelRecords, tunnels.recordPool.highWater * TunnelRecord.bytes)
    case .tunnelSlots: return unsafe Self.octets(table.tunnelSlots, tunnels.identifiers.highWater * 4)
    case .nextHopRecords: return unsafe Self.octets(table.nextHopRecords, nextHops.recordPool.highWater * 32)
    case .nextHopSlots: return unsafe Self.octets(table.nextHopSlots, nextHops.identifiers.highWater * 4)
    case .routeRoots: return unsafe Self.octets(table.ipv6Roots, 64 * 4)
    case .routeNodes: return unsafe Self.octets(table.routeNodes, routeTrie.nodes.neverUsed * RouteNode.bytes)
    case .routeLeaves: return unsafe Self.octets(table.routeLeaves, routeTrie.leaves.neverUsed * RouteLeaf.bytes)
    case .localizedRoutes:
      let units = localizedRoutes.pool.neverUsed
      return unsafe Self.octets(table.localizedRoutes, units * LocalizedRouteRecord.unitBytes)
    case .retireQueue:
      let bytes = retired.count * MemoryLayout<RetireQueue.Item>.stride
      // The oldest item; the others follow.
      return unsafe UnsafeMutableRawBufferPointer(
        start: UnsafeMutableRawPointer(mutating: retired.octets(0)), count: bytes)
    case .freeBindingRecords:
      return unsafe Self.octets(bindings.pool.contents.mapping, bindings.pool.contents.freed * 4)
    case .freeTrafficCells: return unsafe Self.octets(counters.contents.mapping, counters.contents.freed * 4)
    case .quiescentWords:
      return unsafe Self.octets(table.quiescentWords, quiescence.workers * QuiescentStates.stride)
    }
  }

  private static func octets(_ mapping: Mapping, _ count: Int) -> UnsafeMutableRawBufferPointer {
    // Nothing was ever used beyond the mapping.
    unsafe UnsafeMutableRawBufferPointer(start: mapping.base, count: count)
  }

  private static func octets(_ storage: BucketStorage) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: storage.base, count: storage.bytes)
  }
}
