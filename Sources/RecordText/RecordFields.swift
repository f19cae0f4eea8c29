import ControlProtocol
import FlowTable

/// The members of one JSON object of a record, read by name; every failure names the field and the rule.
struct RecordFields {
  let document: JSONDocument
  private let object: Int
  /// The key of this object; nil for the record itself.
  private let parent: RecordKey?

  /// Fails when the value is not an object, or has a key twice or one that is not in `known`.
  init(
    _ document: JSONDocument, object: Int = 0, parent: RecordKey? = nil, known: KnownKeys
  ) throws(RecordError) {
    self.document = document
    self.object = object
    self.parent = parent
    let node = document.node(object)
    guard node.kind == .object else {
      throw RecordError(field: parent?.name ?? "record", rule: "must be an object, not \(node.kindText)")
    }
    var seen: UInt64 = 0
    var index = object + 1
    while index < node.next {
      let member = document.node(index)
      guard let key = member.key, known.contains(key) else {
        throw RecordError(
          field: Self.path(parent, document.keyText(index)), rule: "unknown key (known: \(known.names))")
      }
      let bit = UInt64(1) << UInt64(key.rawValue)
      guard seen & bit == 0 else { throw error(key, "is given twice") }
      seen |= bit
      index = member.next
    }
  }

  private static func path(_ parent: RecordKey?, _ name: String) -> String {
    parent.map { $0.name + "." + name } ?? name
  }

  func error(_ key: RecordKey, _ rule: String) -> RecordError {
    RecordError(field: Self.path(parent, key.name), rule: rule)
  }

  private func index(_ key: RecordKey) -> Int? { document.member(key, of: object) }

  private func required(_ key: RecordKey) throws(RecordError) -> Int {
    guard let index = index(key) else { throw error(key, "is missing") }
    return index
  }

  private func requiredString(_ key: RecordKey) throws(RecordError) -> Int {
    let index = try required(key)
    let node = document.node(index)
    guard node.kind == .string else { throw error(key, "must be a string, not \(node.kindText)") }
    return index
  }

  func has(_ key: RecordKey) -> Bool { index(key) != nil }

  /// Whether the member is there and is this very string.
  func isString(_ key: RecordKey, _ word: StaticString) -> Bool {
    guard let index = index(key) else { return false }
    return document.isString(index, word)
  }

  /// Whether the member is there and is a string.
  func isString(_ key: RecordKey) -> Bool {
    guard let index = index(key) else { return false }
    return document.node(index).kind == .string
  }

  func fields(_ key: RecordKey, known: KnownKeys) throws(RecordError) -> RecordFields? {
    guard let index = index(key) else { return nil }
    return try RecordFields(document, object: index, parent: key, known: known)
  }

  func string(_ key: RecordKey) throws(RecordError) -> String? {
    guard has(key) else { return nil }
    return document.string(try requiredString(key))
  }

  func text(_ key: RecordKey) throws(RecordError) -> String { document.string(try requiredString(key)) }

  func bool(_ key: RecordKey) throws(RecordError) -> Bool? {
    guard let index = index(key) else { return nil }
    let node = document.node(index)
    switch node.kind {
    case .yes: return true
    case .no: return false
    default: throw error(key, "must be true or false, not \(node.kindText)")
    }
  }

  /// Nil when the member is missing, no integer, or out of range.
  func number<Number: FixedWidthInteger>(_ key: RecordKey, _ range: ClosedRange<Number>) -> Number? {
    guard let index = index(key), let integer = document.integer(index), let number = Number(exactly: integer),
      range.contains(number)
    else { return nil }
    return number
  }

  func integer<Number: FixedWidthInteger>(
    _ key: RecordKey, _ range: ClosedRange<Number>
  ) throws(RecordError) -> Number? {
    guard has(key) else { return nil }
    guard let number = number(key, range) else {
      throw error(key, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func address(_ key: RecordKey) throws(RecordError) -> WireAddress {
    let index = try requiredString(key)
    guard let address = document.withOctets(index, { WireAddress($0) }) else {
      throw error(key, "\"\(document.string(index))\" is not an IPv6 or IPv4 address")
    }
    return address
  }

  /// An address that a tunnel can end at.
  func unicastAddress(_ key: RecordKey) throws(RecordError) -> WireAddress {
    let address = try address(key)
    guard address.isUsable else { throw error(key, "must be a unicast address of an interface, not \(address)") }
    return address
  }

  func prefix(_ key: RecordKey) throws(RecordError) -> WirePrefix {
    let index = try requiredString(key)
    if let prefix = document.withOctets(index, { WirePrefix($0) }) { return prefix }
    throw error(key, WirePrefix.rule(for: document.string(index)))
  }

  private static let ends = KnownKeys(.local, .remote)

  /// `{"local":…,"remote":…}`.
  func tunnel(_ key: RecordKey) throws(RecordError) -> WireTunnel? {
    guard let ends = try fields(key, known: Self.ends) else { return nil }
    let tunnel = WireTunnel(local: try ends.address(.local), remote: try ends.address(.remote))
    for (name, address) in [(RecordKey.local, tunnel.local), (.remote, tunnel.remote)] where !address.isUsable {
      throw ends.error(name, "must be a unicast address of an interface, not \(address)")
    }
    guard tunnel.local.family == tunnel.remote.family else {
      throw ends.error(.remote, "must have the address family of local")
    }
    guard tunnel.local != tunnel.remote else { throw ends.error(.remote, "must differ from local") }
    return tunnel
  }

  func requiredTunnel(_ key: RecordKey) throws(RecordError) -> WireTunnel {
    guard let tunnel = try tunnel(key) else { throw error(key, "is missing") }
    return tunnel
  }

  func portName(_ key: RecordKey) throws(RecordError) -> String {
    let name = try text(key)
    guard (1...Limits.portNameOctets).contains(name.utf8.count), !name.utf8.contains(where: { $0 <= 0x20 }) else {
      throw error(key, "must be a port name of 1 to \(Limits.portNameOctets) octets without spaces")
    }
    return name
  }

  func macAddress(_ key: RecordKey) throws(RecordError) -> UInt64 {
    let text = try text(key)
    guard let address = MACAddress(text: text) else {
      throw error(key, "\"\(text)\" is not a MAC address like 02:00:00:00:00:01")
    }
    guard address.value != 0, address.value >> 40 & 1 == 0 else {
      throw error(key, "must be a unicast address, not \(text)")
    }
    return address.value
  }
}
