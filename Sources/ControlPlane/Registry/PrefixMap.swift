import FlowTable

/// Prefixes of both families with values, for longest-match questions off the packet path.
///
/// One hash probe for each prefix length in use, longest first: at most 129 probes, in practice about ten.
struct PrefixMap<Value> {
  private var values: [Prefix: Value] = [:]
  private var lengthsIPv6 = [Int](repeating: 0, count: 129)
  private var lengthsIPv4 = [Int](repeating: 0, count: 33)

  var count: Int { values.count }
  var keys: Dictionary<Prefix, Value>.Keys { values.keys }

  subscript(prefix: Prefix) -> Value? {
    get { values[prefix] }
    set {
      let had = values[prefix] != nil
      values[prefix] = newValue
      let change = (newValue != nil ? 1 : 0) - (had ? 1 : 0)
      guard change != 0 else { return }
      switch prefix.family {
      case .ipv6: lengthsIPv6[Int(prefix.length)] += change
      case .ipv4: lengthsIPv4[Int(prefix.length)] += change
      }
    }
  }

  /// The value of the longest prefix that contains `address` and for which `accept` holds.
  func longestMatch(_ address: IPAddress, where accept: (Value) -> Bool = { _ in true }) -> (Prefix, Value)? {
    let lengths = address.family == .ipv6 ? lengthsIPv6 : lengthsIPv4
    for length in lengths.indices.reversed() where lengths[length] > 0 {
      let prefix = Prefix(covering: address, length: length)
      if let value = values[prefix], accept(value) { return (prefix, value) }
    }
    return nil
  }
}
