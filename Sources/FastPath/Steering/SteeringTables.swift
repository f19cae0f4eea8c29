import FlowTable

/// What a source prefix on an access link belongs to: `struct steer_source` of steer_abi.h.
public enum SteeringSource: Hashable, Sendable, BitwiseCopyable {
  /// A mobile node's home network prefix or home address.
  case bound
  /// Ordinary hosts on the link of this port, whom the kernel routes.
  case visitor(port: Int)
}

/// The steering program's tables in readable form, for offline replay; the live ones are BPF maps.
public struct SteeringTables: Sendable {
  struct Port: Hashable, Sendable {
    var mac: MACAddress
    var kinds: PortKinds
  }

  private(set) var ports: [Int: Port] = [:]
  private(set) var localAddresses: Set<IPAddress> = []
  private(set) var pools = SteeringPrefixes<Bool>()
  private(set) var sources = SteeringPrefixes<SteeringSource>()

  /// Empty tables: every packet is ignored.
  public init() {}

  /// What the configuration alone determines; sources follow the bindings.
  public init(settings: PlaneSettings) {
    for (index, port) in settings.ports.enumerated() { setPort(index, mac: port.mac, kinds: port.kinds) }
    for address in settings.localAddresses { setLocal(address, present: true) }
    for pool in settings.pools { setPool(pool, present: true) }
  }

  /// - Parameter index: position in the configuration; frames arriving there are asked about under this number.
  public mutating func setPort(_ index: Int, mac: MACAddress, kinds: PortKinds) {
    ports[index] = Port(mac: mac, kinds: kinds)
  }

  public mutating func removePort(_ index: Int) { ports[index] = nil }

  public mutating func setLocal(_ address: IPAddress, present: Bool) {
    if present { localAddresses.insert(address) } else { localAddresses.remove(address) }
  }

  public mutating func setPool(_ prefix: Prefix, present: Bool) { pools[prefix] = present ? true : nil }

  /// - Parameter kind: nil removes.
  public mutating func setSource(_ prefix: Prefix, kind: SteeringSource?) { sources[prefix] = kind }
}

/// Values by prefix with longest match: a dictionary, asked once for each prefix length in use.
struct SteeringPrefixes<Value: Sendable>: Sendable {
  private var values: [Prefix: Value] = [:]
  /// How many prefixes there are of each length, 0…128.
  private var countsIPv4 = [Int](repeating: 0, count: 129)
  private var countsIPv6 = [Int](repeating: 0, count: 129)

  subscript(prefix: Prefix) -> Value? {
    get { values[prefix] }
    set {
      let change = (newValue == nil ? 0 : 1) - (values[prefix] == nil ? 0 : 1)
      values[prefix] = newValue
      if prefix.family == .ipv4 {
        countsIPv4[Int(prefix.length)] += change
      } else {
        countsIPv6[Int(prefix.length)] += change
      }
    }
  }

  func longestMatch(_ address: IPAddress) -> Value? {
    let counts = address.family == .ipv4 ? countsIPv4 : countsIPv6
    for length in stride(from: address.family.longestPrefix, through: 0, by: -1) where counts[length] > 0 {
      if let value = values[Prefix(covering: address, length: length)] { return value }
    }
    return nil
  }
}
