import ControlPlane
import ControlProtocol
import FlowTable
import Testing

/// A resolver over live-looking ports (interfaces 11 and 12), with a registry for its tunnels.
final class ResolverFixture {
  static let coreInterface: UInt32 = 11
  static let transportInterface: UInt32 = 12
  static let foreignInterface: UInt32 = 99
  static let coreMAC = MACAddress(0x0200_0000_c001)
  static let transportMAC = MACAddress(0x0200_0000_7001)

  let table: FlowTable
  let writer: TableWriter
  let resolver: NextHopResolver
  let registry: Registry
  private let asked = Questions()

  private final class Questions {
    var all: [ResolutionRequest] = []
  }

  /// What the kernel was asked so far, and forgets it.
  func questions() -> [ResolutionRequest] {
    defer { asked.all = [] }
    return asked.all
  }

  init(_ text: String = SampleConfiguration.lma, live: Bool = true, nextHops: Int = 512) throws {
    let configuration = try SampleConfiguration.decode(text)
    table = try FlowTable(
      limits: FlowTableLimits(bindings: 1024, tunnels: 256, nextHops: nextHops, routes: 1024, retired: 8192, workers: 1)
    )
    writer = try table.makeWriter()
    let interfaces = [
      PortInterface(index: Self.coreInterface, mac: Self.coreMAC, mtu: 1500),
      PortInterface(index: Self.transportInterface, mac: Self.transportMAC, mtu: 1600),
    ]
    let asked = asked
    resolver = NextHopResolver(
      configuration: configuration, interfaces: live ? interfaces : [], writer: writer,
      requestResolution: live ? { asked.all.append($0) } : nil)
    registry = Registry(configuration: configuration, writer: writer, resolver: resolver, steering: nil)
    resolver.settle()
  }

  func bind(_ prefix: String, _ remote: String) {
    #expect(registry.set([.binding(Sample.binding(prefix, Sample.tunnel(remote)))], atomic: true, now: 0).applied == 1)
  }

  func mtu(_ remote: String) -> UInt16? {
    writer.tunnel(TunnelEndpoints(Sample.tunnel(remote))).flatMap { writer.tunnelSettings($0)?.mtu }
  }

  func state(_ remote: String) throws -> NextHopState? {
    resolver.state(towards: try #require(IPAddress(text: remote)))
  }

  /// What the route table does with packets to an address; nil without a route.
  func route(_ address: String) throws -> NextHopState? {
    let address = try #require(IPAddress(text: address))
    return writer.longestRoute(address).flatMap { writer.nextHop($0.nextHop) }
  }

  static func route(
    _ prefix: String, via gateway: String? = nil, _ interface: UInt32 = transportInterface, metric: UInt32 = 1024,
    kind: KernelRoute.Kind = .unicast
  ) throws -> KernelRoute {
    KernelRoute(
      prefix: try #require(Prefix(text: prefix)), gateway: gateway.flatMap { IPAddress(text: $0) },
      interface: interface,
      metric: metric, kind: kind)
  }

  static func neighbor(_ address: String, _ mac: UInt64, _ interface: UInt32 = transportInterface) throws -> KernelEvent
  {
    .neighborChanged(
      KernelNeighbor(interface: interface, address: try #require(IPAddress(text: address)), mac: MACAddress(mac)))
  }

  static func resolved(_ mac: UInt64, port: UInt8 = 1, source: MACAddress = transportMAC) -> NextHopState {
    .resolved(Adjacency(port: port, destination: MACAddress(mac), source: source))
  }
}
