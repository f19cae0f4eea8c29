import FastPath
import FlowTable
import Testing

/// MAG1 of the reference topology with its tunnels to the anchor and to MAG2, and what a test says of MN1 and MN2.
struct MobilityDomain {
  let table: FlowTable
  let writer: TableWriter
  /// One for each worker.
  let planes: [OfflinePlane]
  let anchor: TunnelID
  let peer: TunnelID
  let transport: NextHopID

  static let gatewayMAC: [UInt8] = [0x02, 0, 0, 0, 0x0a, 0x01]
  static let accessMAC: [UInt8] = [0, 0, 0x5e, 0, 0x52, 0x13]
  static let node1MAC: [UInt8] = [0x02, 0, 0, 0, 0x01, 0x10]
  static let node2MAC: [UInt8] = [0x02, 0, 0, 0, 0x02, 0x20]
  static let hostMAC: [UInt8] = [0x02, 0, 0, 0, 0x09, 0x99]
  static let host = SamplePackets.address([0x2001, 0xdb8, 0xaaaa, 0, 0, 0, 0, 0x99])
  static let rogue = SamplePackets.address([0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 1])
  static let millisecond: UInt64 = 1_000_000

  var plane: OfflinePlane { planes[0] }

  init(
    localRouting: Bool = false, buffers: HandoverLimits = HandoverLimits(), workers: Int = 1, ringSlots: Int = 512
  ) throws {
    let settings = PlaneSettings(
      role: .mobileAccessGateway,
      ports: [
        PortSettings(name: "transport", kinds: .transport, mac: try SampleDomain.mac("02:00:00:00:0a:01"), mtu: 1600),
        PortSettings(name: "access1", kinds: .access, mac: try SampleDomain.mac("00:00:5e:00:52:13"), mtu: 1500),
        PortSettings(name: "access2", kinds: .access, mac: try SampleDomain.mac("00:00:5e:00:52:13"), mtu: 1500),
      ],
      localAddresses: [try SampleDomain.address("2001:db8:a::1")], localRouting: localRouting, buffers: buffers)
    table = try FlowTable(
      limits: FlowTableLimits(bindings: 64, tunnels: 8, nextHops: 8, routes: 8, retired: 1024, workers: workers))
    writer = try table.makeWriter()
    let transport = try writer.addNextHop(
      .resolved(
        Adjacency(
          port: 0, destination: try SampleDomain.mac("02:00:00:00:01:02"),
          source: try SampleDomain.mac("02:00:00:00:0a:01"))))
    self.transport = transport
    let writer = writer
    func tunnel(_ remote: String) throws -> TunnelID {
      let endpoints = TunnelEndpoints(
        local: try SampleDomain.address("2001:db8:a::1"), remote: try SampleDomain.address(remote))
      return try writer.addTunnel(TunnelSettings(endpoints: endpoints), nextHop: transport)
    }
    anchor = try tunnel("2001:db8:1::1")
    peer = try tunnel("2001:db8:b::1")
    // The planes hold on to the rings.
    let rings = try (1..<workers).map { _ in try #require(PuntRingMemory(slots: ringSlots, payload: 4096)) }
    let table = table
    planes = try (0..<workers).map { worker in
      try OfflinePlane(settings: settings, table: table, worker: worker, handoverRings: rings)
    }
  }

  func node1(
    _ state: BindingState = .active, peer: TunnelID? = nil, isFlushed: Bool = false, holding: HoldingID? = nil,
    localRouting: Bool? = nil, routes: LocalizedRoutesID? = nil
  ) throws -> Binding {
    Binding(
      key: BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:1::/64")), tunnel: anchor,
      state: state, access: AccessLink(port: 1, mac: try SampleDomain.mac("02:00:00:00:01:10"), vlan: nil),
      localRouting: localRouting, peer: peer, holding: holding, isFlushed: isFlushed, localizedRoutes: routes)
  }

  func node2(_ state: BindingState = .active, localRouting: Bool? = nil) throws -> Binding {
    Binding(
      key: BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:2::/64")), tunnel: anchor,
      state: state, access: AccessLink(port: 2, mac: try SampleDomain.mac("02:00:00:00:02:20"), vlan: nil),
      localRouting: localRouting)
  }

  func visitors(port: UInt8 = 1) throws -> Binding {
    Binding(
      key: BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:aaaa::/64")), tunnel: TunnelID(0),
      access: AccessLink(port: port, mac: MACAddress(0), vlan: nil), isVisitor: true)
  }

  func set(_ bindings: Binding...) throws {
    try writer.apply(bindings.map { .set($0) })
    writer.reclaim()
  }

  // MARK: Packets

  /// An inner packet that says its number.
  static func inner(from source: [UInt8], to destination: [UInt8], _ number: UInt8 = 0, hopLimit: UInt8 = 64) -> [UInt8]
  {
    SamplePackets.ipv6(source: source, destination: destination, next: 253, hopLimit: hopLimit, [number, 1, 2, 3])
  }

  /// As it comes out: one hop less.
  static func forwarded(from source: [UInt8], to destination: [UInt8], _ number: UInt8 = 0) -> [UInt8] {
    inner(from: source, to: destination, number, hopLimit: 63)
  }

  /// What a gateway sends through a tunnel of the default settings.
  static func outer(from source: [UInt8] = SamplePackets.gateway1, to destination: [UInt8], _ inner: [UInt8]) -> [UInt8]
  {
    SamplePackets.ipv6(source: source, destination: destination, next: 41, inner)
  }

  /// A tunnel packet arrives on the transport port.
  func arrive(
    from source: [UInt8], _ inner: [UInt8], now: UInt64 = 0, worker: Int = 0
  ) -> OfflinePlane.Outcome {
    let outer = Self.outer(from: source, to: SamplePackets.gateway1, inner)
    return planes[worker].process(
      SamplePackets.ethernet(to: Self.gatewayMAC, from: SamplePackets.transportMAC, type: 0x86dd, outer), port: 0,
      now: now)
  }

  /// A packet arrives on an access port.
  func leave(_ mac: [UInt8], _ packet: [UInt8], port: Int = 1) -> OfflinePlane.Outcome {
    plane.process(SamplePackets.ethernet(to: Self.accessMAC, from: mac, type: 0x86dd, packet), port: port)
  }

  func expectInvariant(_ location: SourceLocation = #_sourceLocation) {
    let all = planes.map(\.counters)
    func sum(_ count: (PlaneCounters) -> UInt64) -> UInt64 { all.reduce(0) { $0 + count($1) } }
    let received = (0..<3).reduce(UInt64(0)) { total, port in total + sum { $0.receivedPackets(port: port) } }
    let sent = (0..<3).reduce(UInt64(0)) { total, port in total + sum { $0.transmittedPackets(port: port) } }
    let dropped = DropReason.allCases.reduce(UInt64(0)) { total, reason in total + sum { $0.drops(reason) } }
    let punted = PuntReason.allCases.reduce(UInt64(0)) { total, reason in total + sum { $0.punts(reason) } }
    let held = sum(\.buffered) - sum(\.unbuffered)
    #expect(received == sent + dropped + punted + held, sourceLocation: location)
    #expect(held == UInt64(table.handoverLedger.heldTotal), sourceLocation: location)
    #expect(plane.ledgerFault == nil, sourceLocation: location)
  }
}

extension OfflinePlane.Outcome {
  /// The port and the packet behind the link-layer header, of the one frame that was sent.
  var only: (port: Int, packet: [UInt8])? {
    sent.count == 1 ? (sent[0].port, Array(sent[0].frame.dropFirst(14))) : nil
  }
}
