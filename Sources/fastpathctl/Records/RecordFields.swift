import ControlProtocol
import FlowTable

/// The members of one JSON object of a record, read by name; every failure names the field and the rule.
struct RecordFields {
  private let members: [JSONMember]
  /// Dotted path of this object, with a dot at its end; empty for the record itself.
  private let path: String

  /// Fails when `value` is not an object, or has a key twice or one that is not in `known`.
  init(_ value: JSONValue, path: String = "", known: [String]) throws(RecordError) {
    guard case .object(let members) = value else {
      throw RecordError(
        field: path.isEmpty ? "record" : String(path.dropLast()), rule: "must be an object, not \(value.kind)")
    }
    for (index, member) in members.enumerated() {
      guard known.contains(member.key) else {
        throw RecordError(field: path + member.key, rule: "unknown key (known: \(known.joined(separator: ", ")))")
      }
      guard !members[..<index].contains(where: { $0.key == member.key }) else {
        throw RecordError(field: path + member.key, rule: "is given twice")
      }
    }
    self.members = members
    self.path = path
  }

  func error(_ key: String, _ rule: String) -> RecordError { RecordError(field: path + key, rule: rule) }

  func value(_ key: String) -> JSONValue? {
    for member in members where member.key == key { return member.value }
    return nil
  }

  func required(_ key: String) throws(RecordError) -> JSONValue {
    guard let value = value(key) else { throw error(key, "is missing") }
    return value
  }

  func object(_ key: String, known: [String]) throws(RecordError) -> RecordFields? {
    guard let value = value(key) else { return nil }
    return try RecordFields(value, path: path + key + ".", known: known)
  }

  func string(_ key: String) throws(RecordError) -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else { throw error(key, "must be a string, not \(value.kind)") }
    return text
  }

  func requiredString(_ key: String) throws(RecordError) -> String {
    guard let text = try string(key) else { throw error(key, "is missing") }
    return text
  }

  func bool(_ key: String) throws(RecordError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let flag) = value else { throw error(key, "must be true or false, not \(value.kind)") }
    return flag
  }

  func integer<Number: FixedWidthInteger>(
    _ key: String, _ range: ClosedRange<Number>
  ) throws(RecordError) -> Number? {
    guard let value = value(key) else { return nil }
    let rule = "must be an integer from \(range.lowerBound) to \(range.upperBound)"
    guard case .integer(let integer) = value, let number = Number(exactly: integer), range.contains(number) else {
      throw error(key, rule)
    }
    return number
  }

  func address(_ key: String) throws(RecordError) -> WireAddress {
    let text = try requiredString(key)
    guard let address = IPAddress(text: text) else {
      throw error(key, "\"\(text)\" is not an IPv6 or IPv4 address")
    }
    return WireAddress(address)
  }

  /// An address that a tunnel can end at.
  func unicastAddress(_ key: String) throws(RecordError) -> WireAddress {
    let address = try address(key)
    guard address.isUsable else { throw error(key, "must be a unicast address of an interface, not \(address)") }
    return address
  }

  func prefix(_ key: String) throws(RecordError) -> WirePrefix {
    let text = try requiredString(key)
    do throws(PrefixTextError) {
      return try WirePrefix(text: text)
    } catch {
      throw self.error(key, error.rule)
    }
  }

  /// `{"local":…,"remote":…}`.
  func tunnel(_ key: String) throws(RecordError) -> WireTunnel? {
    guard let ends = try object(key, known: ["local", "remote"]) else { return nil }
    let tunnel = WireTunnel(local: try ends.address("local"), remote: try ends.address("remote"))
    for (name, address) in [("local", tunnel.local), ("remote", tunnel.remote)] where !address.isUsable {
      throw ends.error(name, "must be a unicast address of an interface, not \(address)")
    }
    guard tunnel.local.family == tunnel.remote.family else {
      throw ends.error("remote", "must have the address family of local")
    }
    guard tunnel.local != tunnel.remote else { throw ends.error("remote", "must differ from local") }
    return tunnel
  }

  func requiredTunnel(_ key: String) throws(RecordError) -> WireTunnel {
    guard let tunnel = try tunnel(key) else { throw error(key, "is missing") }
    return tunnel
  }

  func portName(_ key: String) throws(RecordError) -> String {
    let name = try requiredString(key)
    guard (1...Limits.portNameOctets).contains(name.utf8.count), !name.utf8.contains(where: { $0 <= 0x20 }) else {
      throw error(key, "must be a port name of 1 to \(Limits.portNameOctets) octets without spaces")
    }
    return name
  }

  func macAddress(_ key: String) throws(RecordError) -> UInt64 {
    let text = try requiredString(key)
    guard let address = MACAddress(text: text) else {
      throw error(key, "\"\(text)\" is not a MAC address like 02:00:00:00:00:01")
    }
    guard address.value != 0, address.value >> 40 & 1 == 0 else {
      throw error(key, "must be a unicast address, not \(text)")
    }
    return address.value
  }
}
