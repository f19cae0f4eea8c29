import FlowTable
import Yams

/// One value of the file with its path; every reader returns the typed value, or reports why not and returns nil.
struct ConfigurationNode {
  let node: Node
  let path: String
  let findings: ConfigurationFindings

  /// Reports against this value's key.
  func report(_ rule: String) {
    findings.report(path, rule)
  }

  /// A non-empty scalar's text, quoted or not.
  func text(_ expected: String = "text") -> String? {
    guard case .scalar(let scalar) = node, !isNull, !scalar.string.isEmpty else {
      report("must be \(expected)")
      return nil
    }
    return scalar.string
  }

  /// A plain (unquoted) scalar: numbers and booleans in quotes are text, and text is not a number.
  private func plain(_ expected: String) -> String? {
    guard case .scalar(let scalar) = node, scalar.style != .singleQuoted, scalar.style != .doubleQuoted, !isNull else {
      report("must be \(expected)")
      return nil
    }
    return scalar.string
  }

  /// YAML's null: an empty plain value, `~` or `null`.
  private var isNull: Bool {
    guard case .scalar(let scalar) = node else { return false }
    guard scalar.style != .singleQuoted, scalar.style != .doubleQuoted else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  func integer(in range: ClosedRange<Int>, unit: String = "") -> Int? {
    let expected = "a number\(unit.isEmpty ? "" : " of \(unit)") in \(range.lowerBound)…\(range.upperBound)"
    guard let digits = plain(expected) else { return nil }
    // Decimal digits only: YAML's octal, hexadecimal and sexagesimal forms are traps in a network configuration.
    guard ConfigurationText.isDecimal(digits), let value = Int(digits), range.contains(value) else {
      report("must be \(expected)")
      return nil
    }
    return value
  }

  func boolean() -> Bool? {
    switch plain("true or false") {
    case "true": return true
    case "false": return false
    case nil: return nil
    default:
      report("must be true or false")
      return nil
    }
  }

  /// One word of a closed list.
  func word<Value>(_ choices: KeyValuePairs<String, Value>) -> Value? {
    let expected = choices.map(\.key).joined(separator: " or ")
    guard let text = text(expected) else { return nil }
    guard let value = choices.first(where: { $0.key == text })?.value else {
      report("must be \(expected), not \(text)")
      return nil
    }
    return value
  }

  func list() -> [ConfigurationNode]? {
    guard case .sequence(let sequence) = node else {
      report("must be a list")
      return nil
    }
    return sequence.enumerated().map { index, element in
      ConfigurationNode(node: element, path: "\(path)[\(index)]", findings: findings)
    }
  }

  /// - Parameter keys: all keys that may stand here; another one is reported with its own path.
  func mapping(keys: [String]) -> ConfigurationMapping? {
    guard case .mapping(let mapping) = node else {
      report("must be a mapping with the keys \(keys.joined(separator: ", "))")
      return nil
    }
    return ConfigurationMapping(mapping, path: path, keys: keys, findings: findings)
  }

  func address(_ family: AddressFamily? = nil) -> IPAddress? {
    let expected = family == .ipv6 ? "an IPv6 address" : family == .ipv4 ? "an IPv4 address" : "an IP address"
    guard let text = text(expected) else { return nil }
    guard let address = IPAddress(text: text), family == nil || address.family == family else {
      report("must be \(expected), not \(text)")
      return nil
    }
    return address
  }

  func prefix() -> Prefix? {
    guard let text = text("a prefix such as 2001:db8::/32") else { return nil }
    guard let prefix = Prefix(text: text) else {
      report(ConfigurationText.prefixViolation(text))
      return nil
    }
    return prefix
  }

  func mac() -> MACAddress? {
    guard let text = text("a MAC address such as 02:00:00:00:00:01") else { return nil }
    guard let mac = MACAddress(text: text) else {
      report("must be a MAC address such as 02:00:00:00:00:01, not \(text)")
      return nil
    }
    if let violation = AddressRule.violation(mac) {
      report(violation)
      return nil
    }
    return mac
  }

  func duration() -> Duration? {
    let expected = "a duration such as 10s or 500ms"
    guard let text = text(expected) else { return nil }
    guard let duration = ConfigurationText.duration(text) else {
      report("must be \(expected) (ms, s, m or h, at most \(ConfigurationText.longestDurationText)), not \(text)")
      return nil
    }
    return duration
  }
}
