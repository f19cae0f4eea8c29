import ControlPlane
import ControlProtocol
import FlowTable
import Testing

/// Registry, resolver and a small forwarding table, without threads.
final class RegistryFixture {
  let configuration: DaemonConfiguration
  let table: FlowTable
  let writer: TableWriter
  let resolver: NextHopResolver
  let registry: Registry
  let steering = SteeringRecorder()
  /// Hand-cranked, nanoseconds.
  var now: UInt64 = 1_000_000_000

  init(
    _ text: String = SampleConfiguration.lma, bindings: Int = 4096, tunnels: Int = 256, retired: Int = 8192
  ) throws {
    configuration = try SampleConfiguration.decode(text)
    let limits = FlowTableLimits(
      bindings: bindings, tunnels: tunnels, nextHops: 512, routes: 1024, retired: retired, workers: 1)
    table = try FlowTable(limits: limits)
    writer = try table.makeWriter()
    resolver = NextHopResolver(configuration: configuration, writer: writer)
    registry = Registry(configuration: configuration, writer: writer, resolver: resolver, steering: steering)
    resolver.settle()
  }

  func set(_ records: TableRecord..., atomic: Bool = true) -> Outcome {
    registry.set(records, atomic: atomic, now: now)
  }

  func delete(_ keys: TableKey..., atomic: Bool = true) -> Outcome {
    registry.delete(keys, atomic: atomic, now: now)
  }

  func advance(seconds: Double) -> [ExpiredBinding] {
    now += UInt64(seconds * 1e9)
    return registry.tick(now: now)
  }

  /// Everything, as DUMP gives it in slices.
  func dump(_ table: TableNumber? = nil, slice: Int = 3) throws -> [TableRecord] {
    var request = DumpRequest(table: table)
    var all: [TableRecord] = []
    while true {
      let part = try #require(registry.dump(request, limit: slice, now: now))
      guard !part.records.isEmpty else { return all }
      #expect(part.records.count <= slice && part.records.allSatisfy { $0.table == part.table })
      all += part.records
      request.cookie = part.cookie
    }
  }

  func tunnel(_ wire: WireTunnel) throws -> TunnelRecord? {
    guard let entry = registry.lookup(.tunnel(wire), now: now).first else { return nil }
    guard case .tunnel(let record) = entry.record else {
      Issue.record("a tunnel's lookup gives a tunnel")
      return nil
    }
    return record
  }
}

/// The steering program's maps as plain collections; refuses on demand.
final class SteeringRecorder: SteeringTable {
  var sources: [Prefix: SteeringSource] = [:]
  /// Additions that still succeed.
  var room = Int.max
  var refusesRemovals = false

  func setSource(_ prefix: Prefix, _ kind: SteeringSource?) throws(SteeringError) {
    // What replaces an entry needs no room.
    if kind == nil || sources[prefix] == nil { try check(isAddition: kind != nil) }
    sources[prefix] = kind
  }

  private func check(isAddition: Bool) throws(SteeringError) {
    guard isAddition ? room > 0 : !refusesRemovals else { throw SteeringError(reason: "no room in the map") }
    if isAddition && room != Int.max { room -= 1 }
  }
}

/// Short forms for records of tests.
enum Sample {
  static func address(_ text: String) -> WireAddress {
    guard let address = IPAddress(text: text) else { preconditionFailure("\(text) is a literal of a test") }
    return address.wire
  }

  static func prefix(_ text: String) -> WirePrefix {
    guard let prefix = Prefix(text: text) else { preconditionFailure("\(text) is a literal of a test") }
    return prefix.wire
  }

  static func tunnel(_ remote: String, local: String = "2001:db8:1::1") -> WireTunnel {
    WireTunnel(local: address(local), remote: address(remote))
  }

  /// The n-th of 65536 different /64 prefixes of the first pool.
  static func pooled(_ index: Int) -> String {
    "2001:db8:\(String(0x100 + index / 256, radix: 16)):\(String(index % 256, radix: 16))::/64"
  }

  static let mag1 = tunnel("2001:db8:a::1")
  static let mag2 = tunnel("2001:db8:b::1")
  /// The LMA's end of a MAG's tunnel.
  static let toLMA = tunnel("2001:db8:1::1", local: "2001:db8:a::1")

  static func binding(
    _ text: String, _ tunnel: WireTunnel = mag1, state: BindingRecord.State = .active, lifetime: UInt32? = nil,
    table: BindingRecord.Table = .proxy, access: BindingRecord.Access? = nil, mobileNode: String? = nil
  ) -> BindingRecord {
    BindingRecord(
      table: table, prefix: prefix(text), tunnel: tunnel, state: state, lifetime: lifetime, access: access,
      mobileNode: mobileNode)
  }

  static func key(_ text: String, expect: String? = nil, table: BindingRecord.Table = .proxy) -> TableKey {
    .binding(table, prefix(text), expect: expect.map(address))
  }
}
