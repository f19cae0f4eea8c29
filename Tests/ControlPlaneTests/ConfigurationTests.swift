import ControlPlane
import FlowTable
import Testing

@Suite("Configuration")
struct ConfigurationTests {
  @Test("CONTRACT's example is read as written, with the documented defaults")
  func example() throws {
    let configuration = try SampleConfiguration.decode(SampleConfiguration.lma)
    #expect(configuration.role == .localMobilityAnchor)
    #expect(configuration.control.socket == "/run/fastpath/lma.sock")
    #expect(configuration.routerAddresses.map(\.description) == ["2001:db8:1::1", "192.0.2.1"])
    #expect(configuration.localAddresses.map(\.description) == ["2001:db8:1::1", "2001:db8:1::2"])
    #expect(configuration.pools.map(\.description) == ["2001:db8:100::/40", "2001:db8:200::/64", "203.0.113.0/24"])
    #expect(configuration.ports.map(\.name) == ["core", "transport"])
    #expect(configuration.ports.map(\.kinds) == [.core, .transport])
    #expect(configuration.workers == .automatic)
    #expect(configuration.mode == .automatic)
    #expect(configuration.kernelSync)
    #expect(configuration.routes.isEmpty && configuration.neighbors.isEmpty)
    #expect(configuration.tunnelDefaults.hopLimit == 64)
    #expect(configuration.tunnelDefaults.mtu == .automatic)
    #expect(configuration.tunnelDefaults.encapsulationLimit == nil)
    #expect(configuration.tunnelDefaults.dscp == .copy)
    #expect(configuration.tunnelDefaults.ecn == .rfc6040)
    #expect(configuration.tunnelDefaults.flowLabel == .hash)
    #expect(!configuration.localRouting)
    #expect(configuration.minDelayBeforeBCEDelete == .seconds(10))
    #expect(configuration.unbound == .drop)
    #expect(configuration.buffers.perMobileNode == 256)
    #expect(configuration.buffers.total == 16384)
    #expect(configuration.buffers.timeout == .seconds(5))
    #expect(configuration.icmp.rate == 10 && configuration.icmp.burst == 10)
    #expect(!configuration.poolSourcesAllowed)
    #expect(!configuration.homeAgentDiscovery)
    #expect(configuration.busyPoll == nil)
    #expect(configuration.flowLabelKey == nil)
  }

  @Test("Every optional key takes its other values")
  func otherValues() throws {
    let text =
      SampleConfiguration.lma + """
        workers: [1, 0]
        mode: generic
        kernel-sync: false
        routes:
          - {prefix: "::/0", via: "2001:db8:c::1", port: core}
          - {prefix: 198.51.100.0/24, port: core}
        neighbors:
          - {address: "2001:db8:c::1", port: core, mac: "02:00:00:00:0c:01"}
          - {address: "fe80::1", port: transport, mac: "02:00:00:00:0c:02", vlan: 4094}
        tunnel-defaults: {hop-limit: 255, mtu: 68, encapsulation-limit: none, dscp: 63, ecn: compatibility}
        local-routing: true
        min-delay-before-bce-delete: 500ms
        buffers: {per-mobile-node: 1, total: 1, timeout: 1h}
        icmp: {rate: 0, burst: 1}
        access-vlan: preserve
        pool-sources: allow
        home-agent-discovery: true
        flow-label-key: "000102030405060708090a0b0c0d0e0f"
        """
    let configuration = try SampleConfiguration.decode(text)
    #expect(configuration.workers == .processors([1, 0]))
    #expect(configuration.mode == .generic)
    #expect(!configuration.kernelSync)
    #expect(configuration.routes.map(\.via) == [IPAddress(text: "2001:db8:c::1"), nil])
    #expect(configuration.routes.map(\.port) == [0, 0])
    #expect(configuration.neighbors.map(\.vlan) == [nil, 4094])
    #expect(configuration.neighbors[1].mac == MACAddress(0x0200_0000_0c02))
    #expect(configuration.tunnelDefaults.hopLimit == 255)
    #expect(configuration.tunnelDefaults.mtu == .octets(68))
    #expect(configuration.tunnelDefaults.dscp == .fixed(63))
    #expect(configuration.tunnelDefaults.ecn == .compatibility)
    #expect(configuration.localRouting)
    #expect(configuration.minDelayBeforeBCEDelete == .milliseconds(500))
    #expect(configuration.buffers.timeout == .seconds(3600))
    #expect(configuration.poolSourcesAllowed)
    #expect(configuration.homeAgentDiscovery)
    #expect(configuration.flowLabelKey?.first == 0x0001_0203_0405_0607)
    #expect(configuration.flowLabelKey?.second == 0x0809_0a0b_0c0d_0e0f)
  }

  @Test("Busy polling has a budget or is off, and reads back what it prints")
  func busyPolling() throws {
    for (line, budget) in [
      ("busy-poll: 64", 64), ("busy-poll: 1", 1), ("busy-poll: 1024", 1024), ("busy-poll: off", nil),
    ] {
      let configuration = try SampleConfiguration.decode(SampleConfiguration.lma + line + "\n")
      #expect(configuration.busyPoll == budget)
      let printed = configuration.text(purpose: .daemon)
      #expect(printed.split(separator: "\n").contains(Substring(line)))
      #expect(try SampleConfiguration.decode(printed).busyPoll == budget)
    }
  }

  @Test("A router on a stick: one port of two kinds")
  func combinedPort() throws {
    let text = """
      role: lma
      local-addresses: ["2001:db8:1::1"]
      pools: ["2001:db8:100::/40"]
      ports: [{name: stick, interface: eth7, kind: [core, transport], mac: "02:00:00:00:00:07", mtu: 9000}]
      """
    let port = try SampleConfiguration.decode(text).ports[0]
    #expect(port.kinds == [.core, .transport])
    #expect(port.mac == MACAddress(0x0200_0000_0007))
    #expect(port.mtu == 9000)
  }

  @Test("Absent router addresses are the first tunnel end point")
  func routerAddressDefault() throws {
    let text = SampleConfiguration.lma.replacingLine("router-addresses", with: nil)
    #expect(try SampleConfiguration.decode(text).routerAddresses.map(\.description) == ["2001:db8:1::1"])
  }

  @Test("All wrong keys are reported at once, the first rule of each, as FILE: key: rule")
  func collected() throws {
    let text =
      SampleConfiguration.lma.replacingLine("control", with: "control: {socket: relative, grup: x}")
      + "mode: fast\nworkers: 2\n"
    #expect(
      SampleConfiguration.issues(text).map(\.key).sorted() == ["control.grup", "control.socket", "mode", "workers"])
    let error = #expect(throws: ConfigurationError.self) { try SampleConfiguration.decode(text) }
    let lines = try #require(error?.description.split(separator: "\n"))
    #expect(lines.count == 4)
    #expect(lines.contains("test.yaml: mode: must be auto or zero-copy or copy or generic, not fast"))
  }

  @Test("What is no YAML mapping is refused with its place")
  func notYAML() {
    #expect(SampleConfiguration.issues("").first?.key == "file")
    #expect(SampleConfiguration.issues("- a\n- b\n").first?.key == "file")
    #expect(SampleConfiguration.issues("role: lma\nports: [").first?.key.hasPrefix("line ") == true)
    #expect(SampleConfiguration.issues("role: lma\n---\nrole: mag\n").isEmpty == false)
    let control = SampleConfiguration.issues("role: lma\nmode: \u{1}\n").map(\.description)
    #expect(control == ["line 2: is not YAML: control characters are not allowed"])
  }

  @Test("A file that is not there is named")
  func missingFile() {
    let error = #expect(throws: ConfigurationError.self) {
      _ = try DaemonConfiguration(path: "/nonexistent/fastpath.yaml", purpose: .daemon)
    }
    #expect(error?.description.hasPrefix("/nonexistent/fastpath.yaml: file: ") == true)
  }

  @Test("Replay needs no interface and has fixed addresses; the daemon needs one for each port")
  func replay() throws {
    let text = SampleConfiguration.mag.replacingOccurrences(of: "interface: mag-a1, ", with: "")
      .replacingOccurrences(of: "interface: mag-a2, ", with: "").replacingOccurrences(
        of: "interface: mag-tr, ", with: "")
    let keys = SampleConfiguration.issues(text).map(\.key)
    #expect(keys == ["ports[0].interface", "ports[1].interface", "ports[2].interface"])
    let configuration = try SampleConfiguration.decode(text, .replay)
    let macs = (0..<3).map { configuration.effectiveMAC(ofPort: $0, purpose: .replay)?.description }
    #expect(macs == ["00:00:5e:00:52:13", "02:00:00:00:aa:02", "02:00:5e:10:00:03"])
    #expect((0..<3).map { configuration.effectiveMTU(ofPort: $0, purpose: .replay) } == [1500, 1500, 1600])
    #expect(configuration.effectiveMAC(ofPort: 2, purpose: .daemon) == nil)
    #expect(configuration.effectiveMTU(ofPort: 0, purpose: .daemon) == nil)
  }

  @Test(
    "The printed form reads back as the same configuration",
    arguments: [SampleConfiguration.lma, SampleConfiguration.mag])
  func printed(text: String) throws {
    let full =
      text + """
        workers: [3]
        routes: [{prefix: "2000::/3", via: "fe80::1", port: transport}]
        neighbors: [{address: "fe80::1", port: transport, mac: "02:00:00:00:00:99", vlan: 7}]
        tunnel-defaults: {mtu: 1400, dscp: 12}
        flow-label-key: "0123456789abcdeffedcba9876543210"
        """
    let configuration = try SampleConfiguration.decode(full)
    // Whatever only the interface knows stays open; the fixed MAC of access ports is filled in.
    var expected = configuration
    for index in expected.ports.indices {
      expected.ports[index].mac = configuration.effectiveMAC(ofPort: index, purpose: .daemon)
    }
    #expect(try SampleConfiguration.decode(configuration.text(purpose: .daemon)) == expected)
    let replay = try SampleConfiguration.decode(configuration.text(purpose: .replay), .replay)
    #expect(replay.ports.allSatisfy { $0.mac != nil && $0.mtu != nil })
  }
}
