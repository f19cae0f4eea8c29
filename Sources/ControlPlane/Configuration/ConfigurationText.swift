import FlowTable

/// The small text forms of configuration values.
enum ConfigurationText {
  static let longestDurationText = "24h"
  /// Longer waits than a day are mistakes, and the bound keeps every nanosecond sum far from 64 bits.
  private static let longestMilliseconds = 24 * 3600 * 1000

  static func isDecimal(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// `500ms`, `10s`, `5m`, `1h`; nil for anything else, a missing unit included.
  static func duration(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard isDecimal(digits), let amount = Int(digits) else { return nil }
    let factor: Int
    switch text.dropFirst(digits.count) {
    case "ms": factor = 1
    case "s": factor = 1000
    case "m": factor = 60 * 1000
    case "h": factor = 3600 * 1000
    default: return nil
    }
    let (milliseconds, overflow) = amount.multipliedReportingOverflow(by: factor)
    guard !overflow, milliseconds <= longestMilliseconds else { return nil }
    return .milliseconds(milliseconds)
  }

  /// The shortest form `duration(_:)` reads back.
  static func text(_ duration: Duration) -> String {
    let milliseconds = duration.nanoseconds / 1_000_000
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }

  /// Why text is not a prefix: the usual slip, host bits, is told apart and answered with the prefix that was meant.
  static func prefixViolation(_ text: String) -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let address = IPAddress(text: String(parts[0])), isDecimal(parts[1]),
      let length = Int(parts[1]),
      length <= (address.family == .ipv4 ? 32 : 128)
    {
      return "\(text) has host bits set; did you mean \(Prefix(covering: address, length: length))?"
    }
    return "must be a prefix such as 2001:db8::/32, not \(text)"
  }

  /// 32 hexadecimal digits as two words, first ones most significant.
  static func hashKey(_ text: String) -> DaemonConfiguration.HashKey? {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ $0 < 128 }), text.allSatisfy(\.isHexDigit),
      let first = UInt64(text.prefix(16), radix: 16), let second = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    return DaemonConfiguration.HashKey(first: first, second: second)
  }
}

extension Duration {
  /// Whole nanoseconds; zero for negative durations. Saturates after 584 years.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
    return overflow || carry ? .max : sum
  }
}
