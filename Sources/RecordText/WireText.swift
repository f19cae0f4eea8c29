import ControlProtocol
import FlowTable

// Text of the wire's address types; parsing and printing themselves are FlowTable's.

extension WireAddress: CustomStringConvertible {
  package init(_ address: IPAddress) {
    switch address.family {
    case .ipv4: self.init(ipv4: address.ipv4Value)
    case .ipv6: self.init(ipv6High: address.high, low: address.low)
    }
  }

  package var address: IPAddress {
    switch family {
    case .ipv4: IPAddress(ipv4: ipv4Value)
    case .ipv6: IPAddress(ipv6High: high, low: low)
    }
  }

  /// An address that a tunnel can end at.
  var isUsable: Bool { !isUnspecified && !address.isMulticast && !address.isLoopback }

  public var description: String { address.description }
}

/// Why a text is not a prefix.
package struct PrefixTextError: Error {
  package let rule: String

  package init(rule: String) { self.rule = rule }
}

extension WirePrefix: CustomStringConvertible {
  package init(text: String) throws(PrefixTextError) {
    guard let prefix = WirePrefix(Array(text.utf8).span) else { throw PrefixTextError(rule: Self.rule(for: text)) }
    self = prefix
  }

  /// The rule that `text` breaks.
  static func rule(for text: String) -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return "\"\(text)\" is not a prefix like 2001:db8::/64: address/length" }
    guard let address = IPAddress(text: String(parts[0])) else {
      return "\"\(parts[0])\" is not an IPv6 or IPv4 address"
    }
    let longest = address.family.longestPrefix
    guard let length = Int(parts[1]), (0...longest).contains(length), String(length) == parts[1] else {
      return "prefix length \"\(parts[1])\" is not 0 to \(longest)"
    }
    return "has bits set after the prefix length (the prefix is \(Prefix(covering: address, length: length)))"
  }

  public var description: String { "\(address)/\(length)" }
}
