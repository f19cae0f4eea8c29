import FlowTable
import Foundation
import Yams

extension DaemonConfiguration {
  /// Reads and checks a configuration file.
  ///
  /// - Parameters:
  ///   - purpose: a replay configuration may leave out `interface`, and nothing it listens on is opened.
  ///   - features: the behaviours of `ConfigurationFeature` that this build has; others are refused by name.
  /// - Throws: everything that is wrong with the file at once.
  public init(path: String, purpose: ConfigurationPurpose, supporting features: Set<ConfigurationFeature> = [])
    throws(ConfigurationError)
  {
    let text: String
    do {
      text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
    } catch {
      throw ConfigurationError(
        file: path,
        issues: [ConfigurationIssue(key: "file", rule: "cannot be read as UTF-8 text: \(error.localizedDescription)")])
    }
    self = try Self.decode(text, file: path, purpose: purpose, supporting: features)
  }

  /// Checks a configuration's text; `file` only names it in errors.
  public static func decode(
    _ text: String, file: String, purpose: ConfigurationPurpose, supporting features: Set<ConfigurationFeature> = []
  ) throws(ConfigurationError) -> DaemonConfiguration {
    let findings = ConfigurationFindings()
    let decoder = ConfigurationDecoder(findings: findings, purpose: purpose, features: features)
    let configuration = decoder.root(of: text).flatMap(decoder.configuration)
    guard let configuration, findings.issues.isEmpty else {
      throw ConfigurationError(file: file, issues: findings.issues)
    }
    return configuration
  }
}

/// Turns the node tree into values. Each rule is checked where its key is read; rules between keys come last.
struct ConfigurationDecoder {
  let findings: ConfigurationFindings
  let purpose: ConfigurationPurpose
  let features: Set<ConfigurationFeature>

  private static let keys = [
    "role", "control", "metrics", "router-addresses", "local-addresses", "pools", "ports", "workers", "mode",
    "busy-poll", "kernel-sync", "routes", "neighbors", "tunnel-defaults", "local-routing",
    "min-delay-before-bce-delete", "unbound",
    "buffers", "icmp", "access-vlan", "pool-sources", "home-agent-discovery",
    "flow-label-key",
  ]

  /// The top-level mapping; nil, with a report, when the text is not one YAML document with a mapping.
  func root(of text: String) -> ConfigurationMapping? {
    do {
      guard let node = try Yams.compose(yaml: text) else {
        findings.report("file", "is empty")
        return nil
      }
      return ConfigurationNode(node: node, path: "", findings: findings).rootMapping(keys: Self.keys)
    } catch let YamlError.duplicatedKeysInMapping(duplicates, context) {
      for key in duplicates.sorted() {
        findings.report(key, "is repeated (in the mapping at line \(context.mark.line))")
      }
    } catch let error as YamlError {
      report(error)
    } catch {
      findings.report("file", "cannot be parsed: \(error)")
    }
    return nil
  }

  private func report(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      findings.report("line \(mark.line)", "is not YAML: \(problem)")
    case .reader(let problem, let offset?, _, let yaml):
      let line = yaml.prefix(offset).count(where: \.isNewline) + 1
      findings.report("line \(line)", "is not YAML: \(problem)")
    default:
      findings.report("file", "is not YAML: \(error)")
    }
  }

  func configuration(_ root: ConfigurationMapping) -> DaemonConfiguration? {
    let role = root.required("role") {
      $0.word(["lma": DaemonConfiguration.Role.localMobilityAnchor, "mag": .mobileAccessGateway])
    }
    let ports = ports(root)
    guard let role, let ports else {
      // Without these the rest cannot be judged; still name what is wrong in it alone.
      _ = localAddresses(root)
      return nil
    }
    checkKinds(ports, role: role, root)
    let locals = localAddresses(root)
    var result = DaemonConfiguration(
      role: role, routerAddresses: routerAddresses(root, locals: locals), localAddresses: locals, ports: ports)
    result.pools = pools(root, role: role)
    result.control = root.value("control", default: result.control, control)
    result.metrics = root.optional("metrics", metrics)
    result.workers = root.value("workers", default: .automatic, workers)
    result.mode = root.value("mode", default: .automatic) {
      $0.word(["auto": .automatic, "zero-copy": .zeroCopy, "copy": .copy, "generic": .generic])
    }
    result.busyPoll = root.optional("busy-poll", busyPoll)
    if result.busyPoll != nil && result.mode == .generic {
      root.report("busy-poll", "contradicts mode: generic, where no driver receives")
    }
    result.kernelSync = root.value("kernel-sync", default: true) { $0.boolean() }
    result.routes = routes(root, ports: ports)
    result.neighbors = neighbors(root, ports: ports)
    readForwarding(root, into: &result)
    return result
  }

  /// The keys that say how packets are treated.
  private func readForwarding(_ root: ConfigurationMapping, into result: inout DaemonConfiguration) {
    result.tunnelDefaults = root.value("tunnel-defaults", default: TunnelDefaults(), tunnelDefaults)
    result.localRouting = root.value("local-routing", default: false) { $0.boolean() }
    result.minDelayBeforeBCEDelete = root.value("min-delay-before-bce-delete", default: .seconds(10)) { $0.duration() }
    result.unbound = root.value("unbound", default: .drop, unbound)
    result.buffers = root.value("buffers", default: result.buffers, buffers)
    result.icmp = root.value("icmp", default: result.icmp, icmp)
    _ = root.optional("access-vlan") { $0.word(["preserve": true]) }
    result.poolSourcesAllowed = root.value("pool-sources", default: false) { $0.word(["drop": false, "allow": true]) }
    result.homeAgentDiscovery = root.value("home-agent-discovery", default: false) { $0.boolean() }
    result.flowLabelKey = root.optional("flow-label-key", hashKey)
    if result.flowLabelKey != nil && result.tunnelDefaults.flowLabel == .zero {
      root.report("flow-label-key", "contradicts tunnel-defaults.flow-label: zero")
    }
  }
}

extension ConfigurationNode {
  /// The whole file's mapping, whose path is empty and which therefore reports as `file`.
  fileprivate func rootMapping(keys: [String]) -> ConfigurationMapping? {
    guard case .mapping(let mapping) = node else {
      findings.report("file", "must be a mapping with the keys \(keys.joined(separator: ", "))")
      return nil
    }
    return ConfigurationMapping(mapping, path: "", keys: keys, findings: findings)
  }
}
