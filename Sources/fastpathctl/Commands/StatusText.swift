import ControlProtocol
import RecordText

/// The STATUS list as one screen, or as one JSON object.
enum StatusText {
  /// One flat object: a value that is a decimal number is a number, but for `version`, which only looks like one;
  /// `warning.N` becomes the array `warnings`.
  static func json(_ items: [StatusItem]) -> String {
    let warnings = items.filter(isWarning).map { JSONText.quoted($0.value) }
    let members = items.filter { !isWarning($0) }.map {
      ($0.key, $0.key != "version" && isNumber($0.value) ? $0.value : JSONText.quoted($0.value))
    }
    return JSONText.object([("warnings", "[" + warnings.joined(separator: ",") + "]")] + members)
  }

  /// Warnings, the daemon, the tables in one line each, then a block for each port.
  static func screen(_ items: [StatusItem]) -> [String] {
    var lines = items.filter(isWarning).map { "warning: \($0.value)" }
    if !lines.isEmpty { lines.append("") }
    let plain = items.filter { !isWarning($0) && !$0.key.contains(".") }
    lines += aligned(plain.map { ($0.key, $0.key == "uptime" ? duration($0.value) : $0.value) })
    var groups: [(name: String, fields: [(String, String)])] = []
    for item in items where !isWarning(item) && item.key.contains(".") {
      let (name, field) = split(item.key)
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].fields.append((field, item.value))
      } else {
        groups.append((name, [(field, item.value)]))
      }
    }
    let width = groups.map(\.name.count).max() ?? 0
    if !groups.isEmpty { lines.append("") }
    for group in groups {
      let fields = group.fields.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
      lines.append(group.name + String(repeating: " ", count: width - group.name.count + 2) + fields)
    }
    return lines
  }

  private static func isWarning(_ item: StatusItem) -> Bool { item.key.hasPrefix("warning.") }

  /// JSON's own form of a number without sign and exponent, so that it can be printed without quotes.
  private static func isNumber(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = UInt64(parts[0]), String(whole) == parts[0] else { return false }
    return parts.count == 1 || (!parts[1].isEmpty && parts[1].allSatisfy { $0.isASCII && $0.isNumber })
  }

  /// `port.core.queue.0.mode` is field `mode` of `port core queue 0`.
  private static func split(_ key: String) -> (String, String) {
    let dot = key.lastIndex(of: ".") ?? key.startIndex
    let name = key[..<dot].split(separator: ".").joined(separator: " ")
    return (name, String(key[key.index(after: dot)...]))
  }

  private static func aligned(_ rows: [(String, String)]) -> [String] {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
  }

  /// Seconds as days, hours, minutes and seconds; other text unchanged.
  private static func duration(_ text: String) -> String {
    guard let seconds = UInt64(text) else { return text }
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
    let clock = "\(hours)h \(minutes)m \(seconds % 60)s"
    return days > 0 ? "\(days)d \(clock)" : clock
  }
}
