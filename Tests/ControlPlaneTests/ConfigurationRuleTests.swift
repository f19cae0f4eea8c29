import ControlPlane
import Testing

/// One rule broken: the text, the key that must be named, and words of the rule.
struct BrokenRule: Sendable, CustomTestStringConvertible {
  let text: String
  let key: String
  let words: String

  var testDescription: String { "\(key): \(words)" }

  /// An LMA configuration with lines added.
  static func lma(adding lines: String, _ key: String, _ words: String) -> BrokenRule {
    BrokenRule(text: SampleConfiguration.lma + lines, key: key, words: words)
  }

  /// A sample with the line of one top-level key replaced.
  static func replace(_ sample: String, _ line: String?, at top: String, _ key: String, _ words: String) -> BrokenRule {
    BrokenRule(text: sample.replacingLine(top, with: line), key: key, words: words)
  }

  /// An LMA whose ports are these.
  static func ports(_ list: String, _ key: String, _ words: String) -> BrokenRule {
    BrokenRule(
      text: "role: lma\nlocal-addresses: ['2001:db8:1::1']\npools: ['2001:db8:100::/40']\nports: \(list)\n", key: key,
      words: words)
  }
}

@Suite("Configuration rules")
struct ConfigurationRuleTests {
  private static let good = "{name: core, interface: c, kind: core}, {name: tr, interface: t, kind: transport}"

  static let structure: [BrokenRule] = [
    .lma(adding: "poools: []\n", "poools", "unknown key"),
    .lma(adding: "role: lma\n", "role", "repeated"),
    .lma(adding: "icmp: {rate: 1, rate: 2}\n", "rate", "repeated"),
    .replace(SampleConfiguration.lma, nil, at: "role", "role", "missing"),
    .replace(SampleConfiguration.lma, "role: hss", at: "role", "role", "lma or mag"),
    .replace(SampleConfiguration.lma, nil, at: "local-addresses", "local-addresses", "missing"),
    .replace(SampleConfiguration.lma, nil, at: "pools", "pools", "missing"),
    .replace(SampleConfiguration.lma, "pools: []", at: "pools", "pools", "1…64"),
    .replace(SampleConfiguration.lma, "control: 5", at: "control", "control", "mapping"),
    .replace(SampleConfiguration.lma, "control: {socket: a/b}", at: "control", "control.socket", "absolute path"),
    .replace(
      SampleConfiguration.lma, "control: {socket: /\(String(repeating: "x", count: 107))}", at: "control",
      "control.socket", "107 octets"),
    .replace(SampleConfiguration.lma, "control: {group: a b}", at: "control", "control.group", "group name"),
    .replace(
      SampleConfiguration.lma, "control: {snapshot: lma.snapshot}", at: "control", "control.snapshot", "absolute path"),
    .replace(
      SampleConfiguration.lma, "control: {socket: /run/a, snapshot: /run/a}", at: "control", "control.snapshot",
      "other than the socket"),
    .replace(SampleConfiguration.lma, "control: {socket: }", at: "control", "control.socket", "must be"),
    .lma(adding: "metrics: {listen: 9101}\n", "metrics.listen", "ADDRESS:PORT"),
    .lma(adding: "metrics: {}\n", "metrics.listen", "missing"),
    .lma(adding: "metrics: {listen: '127.0.0.1:9101'}\n", "metrics.listen", "not supported by this version"),
    .lma(adding: "unbound: unreachable\n", "unbound", "not supported by this version"),
    .lma(adding: "unbound: reject\n", "unbound", "drop or unreachable"),
    .lma(adding: "icmp: {check-flow-label: true}\n", "icmp.check-flow-label", "not supported by this version"),
    .lma(adding: "access-vlan: strip\n", "access-vlan", "preserve"),
    .lma(adding: "pool-sources: yes\n", "pool-sources", "drop or allow"),
    .lma(adding: "busy-poll: 0\n", "busy-poll", "1…1024"),
    .lma(adding: "busy-poll: 1025\n", "busy-poll", "1…1024"),
    .lma(adding: "busy-poll: on\n", "busy-poll", "number of packets (or off)"),
    .lma(adding: "mode: generic\nbusy-poll: 64\n", "busy-poll", "contradicts mode: generic"),
    .lma(adding: "kernel-sync: yes\n", "kernel-sync", "true or false"),
    .lma(adding: "local-routing: 'true'\n", "local-routing", "true or false"),
  ]

  static let addresses: [BrokenRule] = [
    .replace(
      SampleConfiguration.lma, "local-addresses: ['192.0.2.1']", at: "local-addresses", "local-addresses[0]",
      "IPv6 address"),
    .replace(
      SampleConfiguration.lma, "local-addresses: ['fe80::1']", at: "local-addresses", "local-addresses[0]", "link-local"
    ),
    .replace(
      SampleConfiguration.lma, "local-addresses: ['ff02::1']", at: "local-addresses", "local-addresses[0]", "multicast"),
    .replace(
      SampleConfiguration.lma, "local-addresses: ['::']", at: "local-addresses", "local-addresses[0]", "unspecified"),
    .replace(
      SampleConfiguration.lma, "local-addresses: ['::1']", at: "local-addresses", "local-addresses[0]", "loopback"),
    .replace(
      SampleConfiguration.lma, "local-addresses: ['2001:db8::1', '2001:DB8:0::1']", at: "local-addresses",
      "local-addresses[1]", "repeated"),
    .replace(SampleConfiguration.lma, "local-addresses: []", at: "local-addresses", "local-addresses", "1…63"),
    .replace(
      SampleConfiguration.lma, "router-addresses: ['2001:db8::1', '2001:db8::2']", at: "router-addresses",
      "router-addresses", "at most one IPv6"),
    .replace(
      SampleConfiguration.lma, "router-addresses: ['192.0.2.1']", at: "router-addresses", "router-addresses",
      "an IPv6 address"),
    .replace(
      SampleConfiguration.lma, "pools: ['2001:db8:100::1/40']", at: "pools", "pools[0]",
      "did you mean 2001:db8:100::/40?"),
    .replace(SampleConfiguration.lma, "pools: ['203.0.113.0/33']", at: "pools", "pools[0]", "must be a prefix"),
    .replace(SampleConfiguration.lma, "pools: ['2001:db8::1']", at: "pools", "pools[0]", "must be a prefix"),
    .replace(SampleConfiguration.lma, "pools: ['ff00::/8']", at: "pools", "pools[0]", "not unicast"),
    .replace(SampleConfiguration.lma, "pools: ['::/0']", at: "pools", "pools[0]", "not unicast"),
    .replace(
      SampleConfiguration.lma, "pools: ['2001:db8::/32', '2001:db8:1::/48']", at: "pools", "pools[1]", "overlaps"),
    BrokenRule(
      text: SampleConfiguration.mag + "pools: ['2001:db8:100::/40']\n", key: "pools", words: "contradicts role mag"),
    .lma(
      adding: "routes: [{prefix: '::/0', via: '192.0.2.1', port: core}]\n", "routes[0].via", "address family of ::/0"),
    .lma(adding: "routes: [{prefix: '::/0', via: 'ff02::1', port: core}]\n", "routes[0].via", "multicast"),
    .lma(adding: "routes: [{prefix: '::/0', port: cor}]\n", "routes[0].port", "no port has the name cor"),
    .lma(adding: "routes: [{port: core}]\n", "routes[0].prefix", "missing"),
    .lma(
      adding: "routes: [{prefix: '::/0', port: core}, {prefix: '::/0', port: transport}]\n", "routes[1].prefix",
      "has a route already"),
    .lma(adding: "routes: [{prefix: '::/0', port: core, metric: 5}]\n", "routes[0].metric", "unknown key"),
    .lma(
      adding: "neighbors: [{address: '2001:db8:c::1', port: core, mac: '01:00:00:00:00:01'}]\n", "neighbors[0].mac",
      "group address"),
    .lma(
      adding: "neighbors: [{address: '2001:db8:c::1', port: core, mac: '02:00:00:00:00'}]\n", "neighbors[0].mac",
      "MAC address"),
    .lma(
      adding: "neighbors: [{address: '2001:db8:c::1', port: core, mac: '02:00:00:00:00:01', vlan: 4095}]\n",
      "neighbors[0].vlan", "1…4094"),
    .lma(
      adding: "neighbors:\n"
        + String(repeating: "  - {address: '::5', port: core, mac: '02:00:00:00:00:01'}\n", count: 2),
      "neighbors[1].address", "listed already"),
  ]

  static let ports: [BrokenRule] = [
    .ports("[]", "ports", "1…8 ports"),
    .ports("{name: core}", "ports", "must be a list"),
    .ports(
      "[" + (0..<9).map { "{name: p\($0), interface: i\($0), kind: core}" }.joined(separator: ",") + "]", "ports",
      "1…8 ports, not 9"),
    .ports("[{name: core, interface: c, kind: core}]", "ports", "kind transport"),
    .ports("[{name: tr, interface: t, kind: transport}]", "ports", "kind core"),
    .ports("[\(good), {name: core, interface: x, kind: core}]", "ports[2].name", "name of an earlier port"),
    .ports("[\(good), {name: core2, interface: c, kind: core}]", "ports[2].interface", "interface of an earlier port"),
    .ports("[\(good), {name: a, interface: x, kind: access}]", "ports[2].kind", "contradicts role lma"),
    .ports("[{name: a, interface: x, kind: [access, transport]}]", "ports[0].kind", "cannot be combined"),
    .ports("[{name: a, interface: x, kind: []}]", "ports[0].kind", "at least one"),
    .ports("[{name: a, interface: x, kind: [core, core]}]", "ports[0].kind[1]", "repeated"),
    .ports("[{name: a, interface: x, kind: edge}]", "ports[0].kind", "core or transport or access"),
    .ports("[{name: a, interface: x}]", "ports[0].kind", "missing"),
    .ports("[{interface: x, kind: core}]", "ports[0].name", "missing"),
    .ports("[{name: kernel, interface: x, kind: core}]", "ports[0].name", "reserved"),
    .ports("[{name: a/b, interface: x, kind: core}]", "ports[0].name", "letters"),
    .ports("[{name: sixteenletters16, interface: x, kind: core}]", "ports[0].name", "1…15"),
    .ports("[{name: a, interface: sixteenletters16, kind: core}]", "ports[0].interface", "15 octets"),
    .ports("[{name: a, interface: x/y, kind: core}]", "ports[0].interface", "interface name"),
    .ports("[{name: a, interface: x, kind: core, mtu: 1279}]", "ports[0].mtu", "1280…65535"),
    .ports("[{name: a, interface: x, kind: core, mtu: 65536}]", "ports[0].mtu", "1280…65535"),
    .ports("[{name: a, interface: x, kind: core, mac: '00:00:00:00:00:00'}]", "ports[0].mac", "not a station"),
    BrokenRule(
      text: SampleConfiguration.mag.replacingOccurrences(of: "kind: transport", with: "kind: access"), key: "ports",
      words: "role mag needs a port of kind transport"),
  ]

  static let numbers: [BrokenRule] = [
    .lma(adding: "workers: []\n", "workers", "1…64 CPUs"),
    .lma(adding: "workers: [0, 0]\n", "workers[1]", "repeated"),
    .lma(adding: "workers: [-1]\n", "workers[0]", "0…4095"),
    .lma(adding: "tunnel-defaults: {hop-limit: 0}\n", "tunnel-defaults.hop-limit", "1…255"),
    .lma(adding: "tunnel-defaults: {hop-limit: 256}\n", "tunnel-defaults.hop-limit", "1…255"),
    .lma(adding: "tunnel-defaults: {hop-limit: '64'}\n", "tunnel-defaults.hop-limit", "number"),
    .lma(adding: "tunnel-defaults: {hop-limit: 0x40}\n", "tunnel-defaults.hop-limit", "number"),
    .lma(adding: "tunnel-defaults: {mtu: 67}\n", "tunnel-defaults.mtu", "68…65495"),
    .lma(adding: "tunnel-defaults: {mtu: 65496}\n", "tunnel-defaults.mtu", "68…65495"),
    .lma(adding: "tunnel-defaults: {dscp: 64}\n", "tunnel-defaults.dscp", "0…63"),
    .lma(adding: "tunnel-defaults: {ecn: none}\n", "tunnel-defaults.ecn", "rfc6040 or compatibility or rfc5213-strict"),
    .lma(adding: "tunnel-defaults: {encapsulation-limit: 256}\n", "tunnel-defaults.encapsulation-limit", "0…255"),
    .lma(adding: "tunnel-defaults: {encapsulation-limit: off}\n", "tunnel-defaults.encapsulation-limit", "number"),
    .lma(adding: "tunnel-defaults: {flow-label: 5}\n", "tunnel-defaults.flow-label", "hash or zero"),
    .lma(adding: "flow-label-key: '0123'\n", "flow-label-key", "32 hexadecimal digits"),
    .lma(
      adding: "tunnel-defaults: {flow-label: zero}\nflow-label-key: '000102030405060708090a0b0c0d0e0f'\n",
      "flow-label-key", "contradicts"),
    .lma(adding: "min-delay-before-bce-delete: 10\n", "min-delay-before-bce-delete", "duration"),
    .lma(adding: "min-delay-before-bce-delete: 10 s\n", "min-delay-before-bce-delete", "duration"),
    .lma(adding: "min-delay-before-bce-delete: 25h\n", "min-delay-before-bce-delete", "24h"),
    .lma(adding: "min-delay-before-bce-delete: 99999999999999999999s\n", "min-delay-before-bce-delete", "duration"),
    .lma(adding: "buffers: {per-mobile-node: 10, total: 9}\n", "buffers.total", "less than per-mobile-node"),
    .lma(adding: "buffers: {timeout: soon}\n", "buffers.timeout", "duration"),
    .lma(adding: "icmp: {rate: -1}\n", "icmp.rate", "number"),
  ]

  @Test("A broken rule is named by its key", arguments: structure + addresses + ports + numbers)
  func broken(_ rule: BrokenRule) {
    let issues = SampleConfiguration.issues(rule.text)
    let matching = issues.filter { $0.key == rule.key && $0.rule.contains(rule.words) }
    #expect(matching.count == 1, "reported: \(issues)")
    // A list of ports cut short for one rule also lacks a kind that the role needs.
    let others = issues.filter { $0.key != rule.key && !($0.key == "ports" && rule.key.hasPrefix("ports[")) }
    #expect(others == [])
  }

  @Test("A feature that is built is accepted", arguments: ConfigurationFeature.allCases)
  func supported(_ feature: ConfigurationFeature) {
    let line =
      switch feature {
      case .metrics: "metrics: {listen: '[::1]:9101'}\n"
      case .unboundUnreachable: "unbound: unreachable\n"
      case .checkFlowLabel: "icmp: {check-flow-label: true}\n"
      }
    #expect(SampleConfiguration.issues(SampleConfiguration.lma + line).count == 1)
    #expect(SampleConfiguration.issues(SampleConfiguration.lma + line, supporting: [feature]).isEmpty)
  }

  @Test(
    "Bounds that hold",
    arguments: [
      "tunnel-defaults: {hop-limit: 1, mtu: 65495, dscp: 0}\n", "tunnel-defaults: {encapsulation-limit: 0}\n",
      "tunnel-defaults: {encapsulation-limit: 255, dscp: uniform, ecn: rfc5213-strict}\n", "workers: [4095]\n",
      "min-delay-before-bce-delete: 24h\n",
      "min-delay-before-bce-delete: 0s\n", "buffers: {per-mobile-node: 0, total: 0}\n",
      "neighbors: [{address: '2001:db8:c::1', port: core, mac: '02:00:00:00:00:01', vlan: 1}]\n",
    ])
  func boundary(_ lines: String) {
    #expect(SampleConfiguration.issues(SampleConfiguration.lma + lines) == [])
  }
}
