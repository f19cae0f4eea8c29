extension TableSnapshot {
  /// The proxy binding of one address, whatever the mobile bindings say; 0 without one.
  ///
  /// For the rare packet whose source has a Mobile IPv6 binding and yet comes by its gateway: one probe a length, not
  /// batched.
  public func lookupProxyBinding(_ key: LookupKey) -> UInt32 {
    var lengths = proxy.lengths.restricted(to: key.family)
    // Safe: the storage and the records belong to this snapshot.
    let lookup = unsafe BatchLookup(storage: proxy.storage, records: bindingRecords, generation: generation, hash: hash)
    while let lengthClass = lengths.removeLongest() {
      let found = lookup.search(key, lengthClass)
      if found != 0 { return found }
    }
    return 0
  }
}
