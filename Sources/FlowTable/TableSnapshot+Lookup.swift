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
        unsafe lookupChunk(keys + start, chunk, results + start, scratch)
        start &+= chunk
      }
    }
  }

  /// At most `BatchLookup.width` keys.
  @inline(__always)
  private func lookupChunk(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch
  ) {
    let ipv4 = unsafe BatchLookup.countIPv4(keys, count)
    if ipv4 == 0 || ipv4 == count {
      unsafe lookupWhole(ipv4 == 0 ? .ipv6 : .ipv4, keys, count, results, scratch)
      return
    }
    unsafe scratch.list(.ipv6, keys, count)
    unsafe lookupFamily(.ipv6, keys, count &- ipv4, results, scratch)
    unsafe scratch.list(.ipv4, keys, count)
    unsafe lookupFamily(.ipv4, keys, ipv4, results, scratch)
  }

  /// All keys of a batch, all of one family: as `lookupFamily`, but the first length needs no list of them.
  @inline(__always)
  private func lookupWhole(
    _ family: AddressFamily, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch
  ) {
    let mobileLengths = mobile.lengths.restricted(to: family)
    let first = mobileLengths.isEmpty ? proxy : mobile
    let lengths = first.lengths.restricted(to: family)
    if lengths.isEmpty {
      unsafe results.update(repeating: 0, count: count)
      return
    }
    let lookup = unsafe BatchLookup(storage: first.storage, records: bindingRecords, generation: generation, hash: hash)
    let left = unsafe lookup.resolveInOrder(lengths, keys, count, scratch, into: results)
    // What has no match is pending, and its result is 0.
    if !mobileLengths.isEmpty { _ = unsafe self.lookup(proxy, family, keys, left, results, scratch) }
  }

  /// The pending keys, all of one family: mobile bindings first, proxy bindings for what those do not have.
  private func lookupFamily(
    _ family: AddressFamily, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ results: UnsafeMutablePointer<UInt32>,
    _ scratch: BatchLookup.Scratch
  ) {
    var left = unsafe lookup(mobile, family, keys, count, results, scratch)
    left = unsafe lookup(proxy, family, keys, left, results, scratch)
    // Without any length of this family nothing has been written yet.
    var place = 0
    while place < left {
      unsafe results[Int(scratch.pending[place])] = 0
      place &+= 1
    }
  }

  @inline(__always)
  private func lookup(
    _ table: PublishedTable, _ family: AddressFamily, _ keys: UnsafePointer<LookupKey>, _ count: Int,
    _ results: UnsafeMutablePointer<UInt32>, _ scratch: BatchLookup.Scratch
  ) -> Int {
    let lengths = table.lengths.restricted(to: family)
    if count == 0 || lengths.isEmpty { return count }
    let lookup = unsafe BatchLookup(storage: table.storage, records: bindingRecords, generation: generation, hash: hash)
    return unsafe lookup.resolve(lengths, keys, count, scratch, into: results)
  }
}
