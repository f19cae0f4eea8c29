import ControlProtocol

/// JSON records to table records: the shapes and ranges of docs/CONTROL_PROTOCOL.md, "JSON records".
///
/// What needs the tables or the configuration (is this a port, is that prefix in a pool) is the data plane's to say.
package enum RecordJSON {
  /// - Parameter extraKeys: keys of the record that the caller reads itself, as `at` and `op` of a replay script.
  package static func record(
    _ value: JSONDocument, extraKeys: KnownKeys = KnownKeys()
  ) throws(RecordError) -> TableRecord {
    switch try kind(of: value) {
    case .bindings: .binding(try binding(value, extraKeys))
    case .tunnels: .tunnel(try tunnel(value, extraKeys))
    case .routes: .route(try route(value, extraKeys))
    case .visitors: .visitor(try visitor(value, extraKeys))
    case .peers: .peer(try peer(value, extraKeys))
    }
  }

  /// The key fields of a record, for `delete`. The record's other fields may be there and are not looked at.
  ///
  /// `{"remote":…}` with an optional `table` is every binding whose tunnel has that remote.
  package static func key(_ value: JSONDocument, extraKeys: KnownKeys = KnownKeys()) throws(RecordError) -> TableKey {
    if isRevocation(value) {
      let fields = try RecordFields(value, known: revocationKeys + extraKeys)
      let remote = try fields.unicastAddress(.remote)
      return .bindings(remote: remote, !fields.has(.table) ? nil : try cache(fields))
    }
    switch try kind(of: value) {
    case .bindings:
      let fields = try RecordFields(value, known: bindingKeys + KnownKeys(.expect) + extraKeys)
      let expect = !fields.has(.expect) ? nil : try fields.address(.expect)
      return .binding(try cache(fields), try fields.prefix(.prefix), expect: expect)
    case .tunnels:
      let fields = try RecordFields(value, known: tunnelKeys + extraKeys)
      return .tunnel(try fields.requiredTunnel(.tunnel))
    case .routes:
      let pair = try routePair(try RecordFields(value, known: routeKeys + extraKeys))
      return .route(from: pair.from, to: pair.to)
    case .visitors:
      let fields = try RecordFields(value, known: visitorKeys + extraKeys)
      return .visitor(try fields.prefix(.visitor))
    case .peers:
      let fields = try RecordFields(value, known: peerKeys + extraKeys)
      return .peer(try fields.unicastAddress(.peer))
    }
  }

  private static func isRevocation(_ value: JSONDocument) -> Bool {
    value.node(0).kind == .object && value.member(.remote, of: 0) != nil && value.member(.prefix, of: 0) == nil
  }

  /// Which record an object is, by the key fields it has.
  private static func kind(of value: JSONDocument) throws(RecordError) -> TableNumber {
    let object = value.node(0)
    guard object.kind == .object else {
      throw RecordError(field: "record", rule: "must be an object, not \(object.kindText)")
    }
    var other: TableNumber?
    var index = 1
    while index < object.next {
      let member = value.node(index)
      switch member.key {
      case .table, .prefix: return .bindings
      case .route: return .routes
      case .visitor: return .visitors
      case .tunnel: other = .tunnels
      case .peer: other = other ?? .peers
      default: break
      }
      index = member.next
    }
    guard let other else {
      throw RecordError(
        field: "record",
        rule: "needs \"table\" and \"prefix\", or \"tunnel\", or \"route\", or \"visitor\", or \"peer\"")
    }
    return other
  }

  static let tunnelKeys = KnownKeys(.tunnel, .static, .hopLimit, .mtu, .encapsulationLimit, .dscp, .ecn)
  static let routeKeys = KnownKeys(.route, .via, .lifetime, .receiveOnly)
  static let visitorKeys = KnownKeys(.visitor, .port)
  static let peerKeys = KnownKeys(.peer, .state)
  private static let revocationKeys = KnownKeys(.remote, .table)
  private static let routeEnds = KnownKeys(.from, .to)

  private static func tunnel(_ value: JSONDocument, _ extraKeys: KnownKeys) throws(RecordError) -> TunnelRecord {
    let fields = try RecordFields(value, known: tunnelKeys + extraKeys)
    return TunnelRecord(
      tunnel: try fields.requiredTunnel(.tunnel), isStatic: try fields.bool(.static) ?? false,
      hopLimit: try fields.integer(.hopLimit, 1...255), mtu: try mtu(fields),
      encapsulationLimit: try encapsulationLimit(fields), dscp: try dscp(fields), ecn: try ecn(fields))
  }

  private static func mtu(_ fields: RecordFields) throws(RecordError) -> TunnelRecord.MTU? {
    guard fields.has(.mtu) else { return nil }
    if fields.isString(.mtu, "auto") { return .automatic }
    guard let mtu = fields.number(.mtu, 68...UInt16.max) else {
      throw fields.error(.mtu, "must be \"auto\" or an integer from 68 to 65535")
    }
    return .octets(mtu)
  }

  private static func encapsulationLimit(
    _ fields: RecordFields
  ) throws(RecordError) -> TunnelRecord.EncapsulationLimit? {
    guard fields.has(.encapsulationLimit) else { return nil }
    if fields.isString(.encapsulationLimit, "none") { return TunnelRecord.EncapsulationLimit.none }
    guard let limit = fields.number(.encapsulationLimit, 0...UInt8.max) else {
      throw fields.error(.encapsulationLimit, "must be \"none\" or an integer from 0 to 255")
    }
    return .limit(limit)
  }

  private static func dscp(_ fields: RecordFields) throws(RecordError) -> TunnelRecord.DSCP? {
    guard fields.has(.dscp) else { return nil }
    if fields.isString(.dscp, "copy") { return .copy }
    if fields.isString(.dscp, "uniform") { return .uniform }
    guard let value: UInt8 = fields.number(.dscp, 0...63) else {
      throw fields.error(.dscp, "must be \"copy\", \"uniform\" or an integer from 0 to 63")
    }
    return .fixed(value)
  }

  private static func ecn(_ fields: RecordFields) throws(RecordError) -> TunnelRecord.ECN? {
    guard let name = try fields.string(.ecn) else { return nil }
    guard let ecn = TunnelRecord.ECN.allCases.first(where: { $0.text == name }) else {
      throw fields.error(.ecn, "must be \"rfc6040\", \"compatibility\" or \"rfc5213-strict\"")
    }
    return ecn
  }

  private static func route(_ value: JSONDocument, _ extraKeys: KnownKeys) throws(RecordError) -> LocalizedRouteRecord {
    let fields = try RecordFields(value, known: routeKeys + extraKeys)
    let pair = try routePair(fields)
    return LocalizedRouteRecord(
      from: pair.from, to: pair.to, via: try via(fields), receiveOnly: try fields.bool(.receiveOnly) ?? false,
      lifetime: try fields.integer(.lifetime, 1...UInt32.max))
  }

  private static func routePair(_ fields: RecordFields) throws(RecordError) -> (from: WirePrefix, to: WirePrefix) {
    guard let pair = try fields.fields(.route, known: routeEnds) else {
      throw fields.error(.route, "is missing")
    }
    let (from, to) = (try pair.prefix(.from), try pair.prefix(.to))
    guard from.address.family == to.address.family else {
      throw pair.error(.to, "must have the address family of from")
    }
    return (from, to)
  }

  private static func via(_ fields: RecordFields) throws(RecordError) -> LocalizedRouteRecord.Via {
    if fields.isString(.via, "local") { return .local }
    if fields.isString(.via) { throw fields.error(.via, "must be \"local\" or an object with local and remote") }
    return .tunnel(try fields.requiredTunnel(.via))
  }

  private static func visitor(_ value: JSONDocument, _ extraKeys: KnownKeys) throws(RecordError) -> VisitorRecord {
    let fields = try RecordFields(value, known: visitorKeys + extraKeys)
    return VisitorRecord(prefix: try fields.prefix(.visitor), port: try fields.portName(.port))
  }

  private static func peer(_ value: JSONDocument, _ extraKeys: KnownKeys) throws(RecordError) -> PeerRecord {
    let fields = try RecordFields(value, known: peerKeys + extraKeys)
    let address = try fields.unicastAddress(.peer)
    let name = try fields.text(.state)
    guard let state = PeerRecord.State.allCases.first(where: { $0.name == name }) else {
      throw fields.error(.state, "must be \"failed\" or \"alive\", not \"\(name)\"")
    }
    return PeerRecord(address: address, state: state)
  }
}
