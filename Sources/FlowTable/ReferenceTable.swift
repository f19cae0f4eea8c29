/// The table as anyone would write it first: dictionaries and a walk over all lengths. Slow and obviously right; the
/// oracle that the real table is tested against. A value, so that a copy is the table as of then.
public struct ReferenceTable: Sendable {
  public private(set) var bindings: [BindingKey: Binding] = [:]
  public private(set) var routes: [Prefix: NextHopID] = [:]

  public init() {}

  /// In order, without any rule but the keys.
  public mutating func apply(_ changes: [TableWriter.BindingChange]) {
    for change in changes {
      switch change {
      case .set(let binding): bindings[binding.key] = binding
      case .remove(let key): bindings[key] = nil
      }
    }
  }

  public mutating func apply(routes changes: [RouteChange]) {
    for change in changes {
      switch change {
      case .set(let prefix, let nextHop): routes[prefix] = nextHop
      case .remove(let prefix): routes[prefix] = nil
      }
    }
  }

  /// The binding of one table with the longest prefix that contains `address`.
  public func longestMatch(_ table: BindingTable, _ address: IPAddress) -> Binding? {
    for length in (0...address.family.longestPrefix).reversed() {
      let key = BindingKey(table: table, prefix: Prefix(covering: address, length: length))
      if let binding = bindings[key] { return binding }
    }
    return nil
  }

  /// What a worker's lookup has to find: mobile bindings first, proxy bindings on a miss (RFC 6612 section 4.2).
  public func lookup(_ address: IPAddress) -> Binding? {
    longestMatch(.mobile, address) ?? longestMatch(.proxy, address)
  }

  /// The route with the longest prefix that contains `address`.
  public func longestRoute(_ address: IPAddress) -> NextHopID? {
    for length in (0...address.family.longestPrefix).reversed() {
      if let nextHop = routes[Prefix(covering: address, length: length)] { return nextHop }
    }
    return nil
  }
}
