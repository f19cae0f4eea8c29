// One address at a time, for packets off the common way: one probe a length, not batched.
extension TableSnapshot {
  /// The binding of one address, mobile bindings first; 0 without one.
  public func lookupBinding(_ key: LookupKey) -> UInt32 {
    let found = longest(in: mobile, key)
    return found != 0 ? found : longest(in: proxy, key)
  }

  /// The proxy binding of one address, whatever the mobile bindings say; 0 without one.
  public func lookupProxyBinding(_ key: LookupKey) -> UInt32 { longest(in: proxy, key) }

  /// The binding of exactly this prefix whose packets count in this traffic cell; 0 if it is gone.
  public func lookupBinding(network: IPAddress, length: Int, counter: UInt32) -> UInt32 {
    let found = exact(in: proxy, network, length)
    if binding(found).counter == counter { return found }
    let other = exact(in: mobile, network, length)
    return binding(other).counter == counter ? other : 0
  }

  private func longest(in table: PublishedTable, _ key: LookupKey) -> UInt32 {
    var lengths = table.lengths.restricted(to: key.family)
    // Safe: the storage and the records belong to this snapshot.
    let lookup = unsafe BatchLookup(storage: table.storage, records: bindingRecords, generation: generation, hash: hash)
    while let lengthClass = lengths.removeLongest() {
      let found = lookup.search(key, lengthClass)
      if found != 0 { return found }
    }
    return 0
  }

  private func exact(in table: PublishedTable, _ network: IPAddress, _ length: Int) -> UInt32 {
    // Before there is a writer there is no storage; lengths keep the other look-ups from it.
    if table.storage.isNone { return 0 }
    // Safe: as above.
    let lookup = unsafe BatchLookup(storage: table.storage, records: bindingRecords, generation: generation, hash: hash)
    return lookup.search(LookupKey(network), LengthClass(Prefix(covering: network, length: length)))
  }
}
