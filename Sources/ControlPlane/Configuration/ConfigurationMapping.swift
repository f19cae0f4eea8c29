import Yams

/// A mapping whose keys have been checked against the ones that may stand there.
struct ConfigurationMapping {
  let path: String
  let findings: ConfigurationFindings
  private var entries: [String: ConfigurationNode] = [:]

  init(_ mapping: Node.Mapping, path: String, keys: [String], findings: ConfigurationFindings) {
    self.path = path
    self.findings = findings
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        findings.report(path.isEmpty ? "file" : path, "has a key that is not text")
        continue
      }
      let child = Self.join(path, scalar.string)
      guard keys.contains(scalar.string) else {
        findings.report(child, "unknown key; known here: \(keys.joined(separator: ", "))")
        continue
      }
      entries[scalar.string] = ConfigurationNode(node: value, path: child, findings: findings)
    }
  }

  subscript(key: String) -> ConfigurationNode? { entries[key] }

  func has(_ key: String) -> Bool { entries[key] != nil }

  /// The full path of a key here, present or not.
  func path(_ key: String) -> String { Self.join(path, key) }

  func report(_ key: String, _ rule: String) {
    findings.report(path(key), rule)
  }

  /// A key that must be there.
  func required<Value>(_ key: String, _ read: (ConfigurationNode) -> Value?) -> Value? {
    guard let node = entries[key] else {
      report(key, "is missing")
      return nil
    }
    return read(node)
  }

  /// A key that may be absent; a wrong value is reported, and the default only lets reading go on.
  func value<Value>(_ key: String, default standard: Value, _ read: (ConfigurationNode) -> Value?) -> Value {
    guard let node = entries[key] else { return standard }
    return read(node) ?? standard
  }

  func optional<Value>(_ key: String, _ read: (ConfigurationNode) -> Value?) -> Value? {
    entries[key].flatMap(read)
  }

  private static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : "\(path).\(key)"
  }
}
