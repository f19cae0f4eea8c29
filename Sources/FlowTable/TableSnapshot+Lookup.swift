extension TableSnapshot {
  /// Longest match of a batch among the bindings: mobile bindings first, proxy bindings on a miss (RFC 6612 section 4.2).
  ///
  /// - Parameters:
  ///   - keys: any number; 64 and multiples of it overlap memory accesses best.
  ///   - results: for each key the index for `binding(_:)`, or 0 without a match.
  public func lookupBindings(_ keys: Span<LookupKey>, into results: inout MutableSpan<UInt32>) {
    precondition(results.count >= keys.count, "fewer results than keys")
    unsafe keys.withUnsafeBufferPointer { keys in
      unsafe results.withUnsafeMutableBufferPointer { results in
        // Both have at least `keys.count` elements; without any there is nothing to look up.
        guard let first = keys.baseAddress, let into = results.baseAddress else { return }
        unsafe lookupBindings(first, count: keys.count, into: into)
      }
    }
  }

  /// As above, for callers whose batches are raw memory of at least `count` elements each.
  public func lookupBindings(
    _ keys: UnsafePointer<LookupKey>, count: Int, into results: UnsafeMutablePointer<UInt32>
  ) {
    unsafe withUnsafeTemporaryAllocation(byteCount: BatchLookup.Scratch.bytes, alignment: 8) { memory in
      // The allocation is not empty, so it has an address; it lives until the closure ends. It stays on the stack: up to
      // 1024 octets, and no more alignment than the stack has (asking for 64 went to the heap in Swift 6.3.1).
      let scratch = unsafe BatchLookup.Scratch(memory.baseAddress.unsafelyUnwrapped)
      var start = 0
      while start < count {
        let chunk = min(count &- start, BatchLookup.width)
        // `start` and `chunk` stay within `count`.
        unsafe lookupChunk(mobile, then: proxy, bindingRecords, keys + start, chunk, results + start, scratch)
        start &+= chunk
      }
    }
  }

  /// Longest match of a batch among the routes.
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
    unsafe withUnsafeTemporaryAllocation(byteCount: BatchLookup.Scratch.bytes, alignment: 8) { memory in
      // As in `lookupBindings`.
      let scratch = unsafe BatchLookup.Scratch(memory.baseAddress.unsafelyUnwrapped)
      var start = 0
      while start < count {
        let chunk = min(count &- start, BatchLookup.width)
        unsafe lookupChunk(routes, then: nil, routeRecords, keys + start, chunk, results + start, scratch)
        start &+= chunk
      }
    }
    for position in 0..<count {
      // Record 0 has target 0, and every other result is the index of a record of this snapshot.
      let record = unsafe routeRecords + Int(results[position]) &* 64
      unsafe results[position] = unsafe record.assumingMemoryBound(to: BindingRecord.self).pointee.target
    }
  }

  /// At most `BatchLookup.width` keys: the first table, and a second one for what it does not have.
  @inline(__always)
  private func lookupChunk(
    _ first: PublishedTable, then second: PublishedTable?, _ records: UnsafeMutableRawPointer,
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch
  ) {
    unsafe results.update(repeating: 0, count: count)
    unsafe lookupFamily(.ipv6, first, second, records, keys, count, results, scratch)
    unsafe lookupFamily(.ipv4, first, second, records, keys, count, results, scratch)
  }

  private func lookupFamily(
    _ family: AddressFamily, _ first: PublishedTable, _ second: PublishedTable?, _ records: UnsafeMutableRawPointer,
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch
  ) {
    var pending = 0
    for position in 0..<count {
      // Below `width`, the size of `pending`.
      unsafe scratch.pending[pending] = UInt8(truncatingIfNeeded: position)
      pending &+= unsafe keys[position].family == family ? 1 : 0
    }
    let lengths = first.lengths.restricted(to: family)
    if pending > 0 && !lengths.isEmpty {
      let lookup = unsafe BatchLookup(storage: first.storage, records: records, generation: generation, hash: hash)
      pending = unsafe lookup.resolve(lengths, keys, pending, scratch, into: results)
    }
    guard let second, pending > 0 else { return }
    let others = second.lengths.restricted(to: family)
    if others.isEmpty { return }
    let lookup = unsafe BatchLookup(storage: second.storage, records: records, generation: generation, hash: hash)
    _ = unsafe lookup.resolve(others, keys, pending, scratch, into: results)
  }
}
