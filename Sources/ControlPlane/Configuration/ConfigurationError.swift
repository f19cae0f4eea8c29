/// One key of a configuration file that breaks a rule.
public struct ConfigurationIssue: Hashable, Sendable, CustomStringConvertible {
  /// Dotted path of the key (`ports[1].mac`), or `line N` where the text is not YAML.
  public let key: String
  /// What must hold, or what is wrong, for the operator.
  public let rule: String

  public init(key: String, rule: String) {
    self.key = key
    self.rule = rule
  }

  public var description: String { "\(key): \(rule)" }
}

/// Everything wrong with one configuration file: never empty, at most one issue for each key.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  public let issues: [ConfigurationIssue]

  public init(file: String, issues: [ConfigurationIssue]) {
    self.file = file
    self.issues = issues
  }

  /// CONTRACT's form, one line for each issue: `FILE: key: rule`.
  public var description: String {
    issues.map { "\(file): \($0)" }.joined(separator: "\n")
  }
}

/// Collects issues while a file is read, so that an operator sees all of them in one go.
///
/// Only the first issue of a key is kept: what follows from a wrong value is noise.
final class ConfigurationFindings {
  private(set) var issues: [ConfigurationIssue] = []
  private var keys: Set<String> = []

  func report(_ key: String, _ rule: String) {
    if keys.insert(key).inserted {
      issues.append(ConfigurationIssue(key: key, rule: rule))
    }
  }

  /// Reports a value that is valid but asks for what this version cannot do: refused, because ignoring it would
  /// promise a behaviour that packets do not get.
  func reportUnsupported(_ key: String, _ value: String) {
    report(key, "\(value) is not supported by this version")
  }
}

/// What a configuration is read for.
public enum ConfigurationPurpose: Sendable {
  /// `fastpathd`: every port names an interface.
  case daemon
  /// `fastpathctl replay`: no interface is needed and nothing is listened on.
  case replay
}

/// Configurable behaviours that a version may lack; a configuration that asks for a missing one is refused by name.
public enum ConfigurationFeature: Hashable, Sendable, CaseIterable {
  /// `metrics.listen`
  case metrics
  /// `unbound: unreachable`
  case unboundUnreachable
  /// `icmp.check-flow-label: true`
  case checkFlowLabel
}
