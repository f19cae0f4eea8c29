import ControlPlane
import FlowTable

/// Configuration texts that hold, for tests that change one thing. Addresses are those of REQUIREMENTS 0.3.
enum SampleConfiguration {
  static let lma = """
    role: lma
    control: {socket: /run/fastpath/lma.sock}
    router-addresses: ["2001:db8:1::1", 192.0.2.1]
    local-addresses: ["2001:db8:1::1", "2001:db8:1::2"]
    pools: ["2001:db8:100::/40", "2001:db8:200::/64", 203.0.113.0/24]
    ports:
      - {name: core, interface: lma-core, kind: core}
      - {name: transport, interface: lma-tr, kind: transport}

    """

  static let mag = """
    role: mag
    router-addresses: ["2001:db8:a::1"]
    local-addresses: ["2001:db8:a::1"]
    ports:
      - {name: access1, interface: mag-a1, kind: access}
      - {name: access2, interface: mag-a2, kind: access, mac: "02:00:00:00:aa:02"}
      - {name: transport, interface: mag-tr, kind: transport, mtu: 1600}

    """

  static func decode(
    _ text: String, _ purpose: ConfigurationPurpose = .daemon, supporting: Set<ConfigurationFeature> = []
  ) throws -> DaemonConfiguration {
    try DaemonConfiguration.decode(text, file: "test.yaml", purpose: purpose, supporting: supporting)
  }

  /// What is wrong with a text: `key: rule` lines; empty when it holds.
  static func issues(
    _ text: String, _ purpose: ConfigurationPurpose = .daemon, supporting: Set<ConfigurationFeature> = []
  ) -> [ConfigurationIssue] {
    do throws(ConfigurationError) {
      _ = try DaemonConfiguration.decode(text, file: "test.yaml", purpose: purpose, supporting: supporting)
      return []
    } catch {
      return error.issues
    }
  }
}
