extension TableSnapshot {
  /// Longest match of a batch among the routes: the trie for all that are longer than its root, and for what it does not
  /// have the few short ones, by length.
  ///
  /// - Parameter results: for each key the identifier of the route's next hop, or 0 without a route.
  public func lookupRoutes(_ keys: Span<LookupKey>, into results: inout MutableSpan<UInt32>) {
    precondition(results.count >= keys.count, "fewer results than keys")
    unsafe keys.withUnsafeBufferPointer { keys in
      unsafe results.withUnsafeMutableBufferPointer { results in
        // Both have at least `keys.count` elements; without any there is nothing to look up.
        guard let first = keys.baseAddress, let into = results.baseAddress else { return }
        unsafe lookupRoutes(first, count: keys.count, into: into)
      }
    }
  }

  /// As above, for callers whose batches are raw memory of at least `count` elements each.
  public func lookupRoutes(
    _ keys: UnsafePointer<LookupKey>, count: Int, into results: UnsafeMutablePointer<UInt32>
  ) {
    // Two allocations: above 1024 octets the compiler takes one from the heap instead of the stack.
    unsafe withUnsafeTemporaryAllocation(byteCount: BatchLookup.Scratch.bytes, alignment: 8) { first in
      unsafe withUnsafeTemporaryAllocation(byteCount: RouteLookup.Scratch.bytes, alignment: 8) { second in
        // As in `lookupBindings`.
        let scratch = unsafe BatchLookup.Scratch(first.baseAddress.unsafelyUnwrapped)
        let trie = unsafe RouteLookup.Scratch(second.baseAddress.unsafelyUnwrapped)
        var start = 0
        while start < count {
          let chunk = min(count &- start, BatchLookup.width)
          // `start` and `chunk` stay within `count`.
          unsafe routeChunk(keys + start, chunk, results + start, scratch, trie)
          start &+= chunk
        }
      }
    }
  }

  /// At most `BatchLookup.width` keys.
  private func routeChunk(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch, _ trie: RouteLookup.Scratch
  ) {
    let ipv4 = unsafe BatchLookup.countIPv4(keys, count)
    if ipv4 == 0 || ipv4 == count {
      scratch.listAll()
      unsafe routeFamily(ipv4 == 0 ? .ipv6 : .ipv4, keys, count, results, scratch, trie)
      return
    }
    unsafe scratch.list(.ipv6, keys, count)
    unsafe routeFamily(.ipv6, keys, count &- ipv4, results, scratch, trie)
    unsafe scratch.list(.ipv4, keys, count)
    unsafe routeFamily(.ipv4, keys, ipv4, results, scratch, trie)
  }

  /// The pending keys, all of one family.
  private func routeFamily(
    _ family: AddressFamily, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch, _ trie: RouteLookup.Scratch
  ) {
    let all = routes.lengths.restricted(to: family)
    let short = all.upTo(RouteTrie.rootBits(family), family)
    if short == all {
      // No long routes: the trie is empty.
      var place = 0
      while place < count {
        unsafe results[Int(scratch.pending[place])] = 0
        place &+= 1
      }
    } else {
      let lookup = unsafe RouteLookup(
        roots: family == .ipv6 ? ipv6Roots : ipv4Roots, nodes: routeNodes, leaves: routeLeaves, family: family)
      unsafe lookup.resolve(keys, scratch.pending, count, trie, into: results)
    }
    let left = unsafe scratch.keepPending(count, without: results)
    if left == 0 || short.isEmpty { return }
    let lookup = unsafe BatchLookup(storage: routes.storage, records: routeRecords, generation: generation, hash: hash)
    if let whole = short.onlyDefault(family) {
      // The default route is everyone's: one search for all (a tenth of an uplink packet's instructions otherwise).
      let first = unsafe Int(scratch.pending[0])
      let record = unsafe routeRecords + Int(lookup.search(keys[first], whole)) &* 64
      let target = unsafe record.assumingMemoryBound(to: BindingRecord.self).pointee.target
      for place in 0..<left { unsafe results[Int(scratch.pending[place])] = target }
      return
    }
    // `resolve` moves the pending list; every key it was given has a record afterwards, number 0 without a match.
    unsafe scratch.copyPending(left, to: trie.positions)
    _ = unsafe lookup.resolve(short, keys, left, scratch, into: results)
    var place = 0
    while place < left {
      // Record 0 has target 0, and every other result is the index of a record of this snapshot.
      let position = unsafe Int(trie.positions[place])
      let record = unsafe routeRecords + Int(results[position]) &* 64
      unsafe results[position] = unsafe record.assumingMemoryBound(to: BindingRecord.self).pointee.target
      place &+= 1
    }
  }
}
