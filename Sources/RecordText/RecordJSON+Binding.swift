import ControlProtocol

extension RecordJSON {
  static let bindingKeys = KnownKeys(
    .table, .prefix, .tunnel, .mn, .lifetime, .state, .greKey, .access, .localRouting, .requireEsp, .peer)
  private static let greKeys = KnownKeys(.up, .down)
  private static let accessKeys = KnownKeys(.port, .mac, .vlan)

  static func binding(_ value: JSONDocument, _ extraKeys: KnownKeys) throws(RecordError) -> BindingRecord {
    let fields = try RecordFields(value, known: bindingKeys + extraKeys)
    var record = BindingRecord(
      table: try cache(fields), prefix: try fields.prefix(.prefix), tunnel: try fields.requiredTunnel(.tunnel))
    record.state = try state(fields)
    record.lifetime = try fields.integer(.lifetime, 1...UInt32.max)
    record.localRouting = try fields.bool(.localRouting)
    record.requiresESP = try fields.bool(.requireEsp) ?? false
    record.access = try access(fields)
    if let keys = try fields.fields(.greKey, known: greKeys) {
      record.greUp = try keys.integer(.up, 0...UInt32.max)
      record.greDown = try keys.integer(.down, 0...UInt32.max)
      guard record.greUp != nil || record.greDown != nil else { throw fields.error(.greKey, "needs up or down") }
    }
    record.peer = try peer(fields, record)
    record.mobileNode = try mobileNode(fields)
    return record
  }

  static func cache(_ fields: RecordFields) throws(RecordError) -> BindingRecord.Table {
    if fields.isString(.table, "pmip") { return .proxy }
    if fields.isString(.table, "mip") { return .mobile }
    throw fields.error(.table, "must be \"pmip\" or \"mip\", not \"\(try fields.text(.table))\"")
  }

  private static func state(_ fields: RecordFields) throws(RecordError) -> BindingRecord.State {
    guard let name = try fields.string(.state) else { return .active }
    guard let state = BindingRecord.State.allCases.first(where: { $0.name == name }) else {
      let names = BindingRecord.State.allCases.map(\.name).joined(separator: ", ")
      throw fields.error(.state, "must be one of \(names), not \"\(name)\"")
    }
    return state
  }

  private static func access(_ fields: RecordFields) throws(RecordError) -> BindingRecord.Access? {
    guard let access = try fields.fields(.access, known: accessKeys) else { return nil }
    return BindingRecord.Access(
      port: try access.portName(.port), mac: try access.macAddress(.mac),
      vlan: try access.integer(.vlan, 1...4094))
  }

  private static func peer(_ fields: RecordFields, _ record: BindingRecord) throws(RecordError) -> WireTunnel? {
    guard let peer = try fields.tunnel(.peer) else {
      guard !record.state.needsPeer else {
        throw fields.error(.peer, "is missing: state \"\(record.state.name)\" needs the other MAG's tunnel")
      }
      return nil
    }
    guard peer.local.family == record.tunnel.local.family else {
      throw fields.error(.peer, "must have the address family of tunnel")
    }
    return peer
  }

  private static func mobileNode(_ fields: RecordFields) throws(RecordError) -> String? {
    guard let name = try fields.string(.mn) else { return nil }
    guard (1...Limits.mobileNodeOctets).contains(name.utf8.count), !name.utf8.contains(0) else {
      throw fields.error(.mn, "must be 1 to \(Limits.mobileNodeOctets) octets of UTF-8")
    }
    return name
  }
}
