import FlowTable

/// A table with its writer and some tunnels, and the reading side reduced to what tests compare.
struct Fixture {
  let table: FlowTable
  let writer: TableWriter
  let tunnels: [TunnelID]
  let nextHop: NextHopID

  init(
    tunnels count: Int = 4, bindings: Int = 1 << 20, routes: Int = 1 << 20, retired: Int = 1 << 20, workers: Int = 1,
    nextHops: Int = 64, seed: UInt64 = 0x243f_6a88_85a3_08d3
  ) throws {
    let limits = FlowTableLimits(
      bindings: bindings, tunnels: 64, nextHops: nextHops, routes: routes, retired: retired, workers: workers)
    table = try FlowTable(limits: limits, seed: (seed, ~seed))
    writer = try table.makeWriter()
    let nextHop = try writer.addNextHop(.unresolved)
    self.nextHop = nextHop
    var added: [TunnelID] = []
    for number in 0..<count {
      added.append(try writer.addTunnel(TunnelSettings(endpoints: Self.endpoints(number)), nextHop: nextHop))
    }
    tunnels = added
  }

  static func endpoints(_ number: Int) -> TunnelEndpoints {
    TunnelEndpoints(
      local: IPAddress(ipv6High: 0x2001_0db8_0001_0000, low: 1),
      remote: IPAddress(ipv6High: 0x2001_0db8_000a_0000, low: UInt64(number + 1)))
  }

  func binding(_ prefix: String, _ tunnel: Int = 0, table: BindingTable = .proxy) throws -> Binding {
    Binding(key: BindingKey(table: table, prefix: try prefix.asPrefix), tunnel: tunnels[tunnel])
  }
}

extension HandoverLedger {
  /// Opens every account, so that random bindings may name any.
  func openAll() { while open() != nil {} }
}

struct NotAPrefix: Error { let text: String }

extension String {
  var asPrefix: Prefix {
    get throws {
      guard let prefix = Prefix(text: self) else { throw NotAPrefix(text: self) }
      return prefix
    }
  }
  var asAddress: IPAddress {
    get throws {
      guard let address = IPAddress(text: self) else { throw NotAPrefix(text: self) }
      return address
    }
  }
}

/// What a lookup found, in the fields that the reference table has as well.
struct Found: Hashable {
  var prefix: Prefix
  var tunnel: TunnelID
  var state: BindingState
  var access: AccessLink?
  var localRouting: Bool?
  var peer: TunnelID?
  var requiresESP: Bool
  var holding: HoldingID?
  var isFlushed: Bool
  var isVisitor: Bool

  init(_ binding: Binding) {
    prefix = binding.key.prefix
    tunnel = binding.tunnel
    state = binding.state
    access = binding.access
    localRouting = binding.localRouting
    peer = binding.peer
    requiresESP = binding.requiresESP
    holding = binding.holding
    isFlushed = binding.isFlushed
    isVisitor = binding.isVisitor
  }

  init(_ entry: BindingEntry) {
    prefix = Prefix(covering: entry.network, length: entry.prefixLength)
    tunnel = entry.tunnel
    state = entry.state
    let vlan = entry.accessVLAN == 0 ? nil : entry.accessVLAN
    access = entry.hasAccess ? AccessLink(port: entry.accessPort, mac: entry.accessMAC, vlan: vlan) : nil
    let (whenOff, whenOn) = (entry.localRouting(standard: false), entry.localRouting(standard: true))
    localRouting = whenOff == whenOn ? whenOn : nil
    peer = entry.peer
    requiresESP = entry.requiresESP
    holding = entry.holding
    isFlushed = entry.isFlushed
    isVisitor = entry.isVisitor
  }
}

extension TableSnapshot {
  /// The batch lookup, with its answers taken out of the table's memory.
  func find(_ addresses: [IPAddress]) -> [Found?] {
    let keys = addresses.map { LookupKey($0) }
    var results = [UInt32](repeating: .max, count: keys.count)
    var span = results.mutableSpan
    lookupBindings(keys.span, into: &span)
    return results.map { $0 == 0 ? nil : Found(binding($0)) }
  }

  func findProxy(_ address: IPAddress) -> Found? {
    let index = lookupProxyBinding(LookupKey(address))
    return index == 0 ? nil : Found(binding(index))
  }

  func findRoutes(_ addresses: [IPAddress]) -> [NextHopID?] {
    let keys = addresses.map { LookupKey($0) }
    var results = [UInt32](repeating: .max, count: keys.count)
    var span = results.mutableSpan
    lookupRoutes(keys.span, into: &span)
    return results.map { $0 == 0 ? nil : NextHopID($0) }
  }
}
