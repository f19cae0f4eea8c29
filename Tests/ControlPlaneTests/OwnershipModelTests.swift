import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Owners, marks, digests and replacements against a plain model")
struct OwnershipModelTests {
  private static let prefixes: [String] = [
    "2001:db8:100::/48", "2001:db8:100:1::/64", "2001:db8:100:1::10/128", "2001:db8:100:2::/64", "2001:db8:100:3::/64",
    "2001:db8:200::3/128", "203.0.113.10/32", "203.0.113.128/25",
  ]
  private static let tunnels = ["2001:db8:a::1", "2001:db8:b::1", "2001:db8:c::"].map { Sample.tunnel($0) }
  private static let scopes: [TableScope] = [
    TableScope(), TableScope(), TableScope(.bindings), TableScope(.tunnels), TableScope(.peers),
  ]

  private var fixture: RegistryFixture
  private var model = OwnershipModel()
  private var open: [UInt32: Synchronization] = [:]

  init() throws { fixture = try RegistryFixture() }

  private static func record(_ random: inout SeededGenerator, _ scope: TableScope) -> TableRecord {
    let tunnel = tunnels.randomElement(using: &random) ?? Sample.mag1
    let kinds: [TableNumber] = [.bindings, .bindings, .bindings, .tunnels, .peers].filter(scope.contains)
    switch kinds.randomElement(using: &random) {
    case .peers: return .peer(PeerRecord(address: tunnel.remote, state: .failed))
    case .tunnels:
      return .tunnel(
        TunnelRecord(
          tunnel: tunnel, isStatic: Bool.random(using: &random),
          hopLimit: [nil, 3].randomElement(using: &random) ?? nil))
    default:
      return .binding(
        Sample.binding(
          prefixes.randomElement(using: &random) ?? prefixes[0], tunnel,
          state: [.active, .active, .pending].randomElement(using: &random) ?? .active,
          lifetime: Int.random(in: 0..<4, using: &random) == 0 ? UInt32.random(in: 1...40, using: &random) : nil,
          table: Int.random(in: 0..<4, using: &random) == 0 ? .mobile : .proxy,
          mobileNode: Int.random(in: 0..<3, using: &random) == 0 ? "mn\(Int.random(in: 0..<3, using: &random))" : nil))
    }
  }

  private static func records(_ random: inout SeededGenerator, _ scope: TableScope = TableScope()) -> [TableRecord] {
    let count = Int.random(in: 1...8, using: &random)
    // Frames of bindings without anything rare have a form of their own.
    let plain = Bool.random(using: &random) && scope.contains(.bindings)
    return (0..<count).map { _ in
      guard plain, case .binding(var binding) = record(&random, TableScope(.bindings)) else {
        return record(&random, scope)
      }
      binding.mobileNode = nil
      return .binding(binding)
    }
  }

  /// As the socket brings it.
  static func received(_ records: [TableRecord]) throws -> (UpsertRequest, CRC32, Int) {
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: records)).encode(requestID: 1, into: &frame)
    // Safe: octets have no padding, and the span ends with the expression.
    let header = try FrameHeader(decoding: unsafe frame.span.bytes, limits: .standard)
    let request = try Request(
      header: header, payload: unsafe frame.span.bytes.extracting(FrameHeader.size..<frame.count), limits: .standard)
    guard case .upsert(let upsert) = request else { preconditionFailure("it was encoded as one") }
    var sum = CRC32()
    sum.add(Array(frame.dropFirst(32)))
    return (upsert, sum, frame.count - 32)
  }

  @Test("Random sequences of three owners: dumps, digests, stale marks, counts and what forwards agree at each step")
  mutating func sequences() throws {
    let seed = testSeed("OwnershipModelTests")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<30 {
      fixture = try RegistryFixture()
      model = OwnershipModel()
      open = [:]
      for step in 0..<200 {
        try perform(&random)
        try compare("seed \(seed), step \(step)")
      }
    }
  }

  private mutating func perform(_ random: inout SeededGenerator) throws {
    let owner = UInt32.random(in: 0...2, using: &random) * 1000
    let scope = Self.scopes.randomElement(using: &random) ?? TableScope()
    switch Int.random(in: 0..<12, using: &random) {
    case 0..<5: try set(Self.records(&random), owner, spoiled: Int.random(in: 0..<6, using: &random) == 0)
    case 5:
      let key = Self.record(&random, TableScope(.bindings)).key
      _ = fixture.delete(key)
      model.tables.remove(key)
      model.forgetAbsent()
    case 6:
      _ = fixture.advance(seconds: Double(Int.random(in: 0...12_000, using: &random)) / 1000)
      model.tables.advance(to: fixture.now)
      model.forgetAbsent()
    case 7, 8:
      open[owner] = try fixture.registry.beginSynchronization(of: owner, scope)
      model.beginSynchronization(owner, scope)
    case 9: try endSynchronization(owner)
    default:
      let records = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.records(&random, scope) }
      try replace(scope, records, owner, spoiled: Int.random(in: 0..<4, using: &random) == 0)
    }
  }

  private mutating func set(_ records: [TableRecord], _ owner: UInt32, spoiled: Bool) throws {
    let wrong = TableRecord.binding(Sample.binding("2001:db9::/64"))
    let outcome: Outcome
    switch try Self.received(spoiled ? records + [wrong] : records).0.content {
    case .plain(let bindings):
      outcome = fixture.registry.set(bindings[...], atomic: true, now: fixture.now, owner: owner)
    case .records(let records):
      outcome = fixture.registry.set(records, atomic: true, now: fixture.now, owner: owner)
    }
    #expect((outcome.firstFailure == nil) == !spoiled)
    if !spoiled { model.set(records, owner: owner, now: fixture.now) }
  }

  private mutating func endSynchronization(_ owner: UInt32) throws {
    guard let synchronization = open.removeValue(forKey: owner) else { return }
    #expect(fixture.registry.isOpen(synchronization))
    #expect(fixture.registry.saidCount(synchronization) == model.said(owner, synchronization.scope))
    var steps = 0
    while case .again = fixture.registry.sweep(synchronization) {
      steps += 1
      try #require(steps < 100)
    }
    fixture.registry.close(synchronization)
    #expect(synchronization.removed == model.sweep(owner, synchronization.scope))
  }

  private mutating func replace(
    _ scope: TableScope, _ frames: [[TableRecord]], _ owner: UInt32, spoiled: Bool
  ) throws {
    let replacement = Replacement(scope)
    let before = model.tables
    for frame in frames {
      let (request, checksum, octets) = try Self.received(frame)
      #expect(fixture.registry.check(request, 0..<request.count, for: replacement).firstFailure == nil)
      replacement.add(request, (checksum, octets))
    }
    var all = CRC32()
    for frame in frames { all.add(Array(try Self.octets(frame))) }
    #expect(replacement.checksum == all && replacement.count == frames.joined().count)
    if spoiled {
      // A visitor at an LMA passes no check; here it comes by a way round it, and only the commit can refuse.
      let visitor = TableRecord.visitor(VisitorRecord(prefix: Sample.prefix("2001:db8:9::/64"), port: "core"))
      replacement.add(UpsertRequest(records: [visitor]), (CRC32(), 0))
    }
    let generation = fixture.registry.generation
    let outcome = fixture.registry.replace(replacement, owner: owner, now: fixture.now)
    guard !spoiled || !scope.contains(.visitors) else {
      #expect(outcome.firstFailure?.index == frames.joined().count && fixture.registry.generation == generation)
      return
    }
    #expect(outcome.firstFailure == nil)
    model.replace(scope, with: Array(frames.joined()), owner: owner, now: fixture.now)
    let keys = model.tables.keys.filter { scope.contains($0.table) }
    let same = keys.count { before.value($0) == model.tables.value($0) }
    #expect(Int(outcome.applied) == keys.count - same)
    #expect(Int(outcome.unchanged) == same)
    #expect(Int(outcome.removed) == before.keys.subtracting(keys).count { scope.contains($0.table) })
  }

  private static func octets(_ records: [TableRecord]) throws -> [UInt8] {
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: records)).encode(requestID: 1, into: &frame)
    return Array(frame.dropFirst(32))
  }

  private func compare(_ place: Comment) throws {
    let dump = Set(try fixture.dump())
    let expected = model.tables.records(now: fixture.now)
    try #require(expected.subtracting(dump) == [], place)
    try #require(dump.subtracting(expected) == [], place)
    for table in [TableNumber.bindings, .tunnels, .peers, .visitors, .routes] {
      let contents = fixture.registry.contents(of: table)
      try #require(contents.digest == model.digest(table), "\(place), digest of \(table)")
      try #require(contents.hasStale == model.hasStale(table), "\(place), stale entries in \(table)")
    }
    #expect(fixture.writer.statistics.bindings == model.tables.bindings.count, place)
    for (key, binding) in model.tables.bindings {
      guard case .binding(let table, let prefix, _) = key else { continue }
      let stored = fixture.writer.binding(BindingKey(table: table == .proxy ? .proxy : .mobile, prefix: Prefix(prefix)))
      #expect(stored?.tunnel == fixture.writer.tunnel(TunnelEndpoints(binding.record.tunnel)), place)
      #expect(stored?.state.rawValue == binding.record.state.rawValue, place)
    }
  }
}
