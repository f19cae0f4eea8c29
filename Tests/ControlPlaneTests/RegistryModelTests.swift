import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Registry against a plain model")
struct RegistryModelTests {
  private static let prefixes: [String] = [
    "2001:db8:100::/40", "2001:db8:100::/48", "2001:db8:100:1::/64", "2001:db8:100:1::10/128", "2001:db8:100:1::11/128",
    "2001:db8:100:2::/64", "2001:db8:100::/56", "2001:db8:100:2::/96", "2001:db8:200::3/128", "2001:db8:200::4/128",
    "203.0.113.0/24", "203.0.113.10/32", "203.0.113.11/32", "203.0.113.128/25",
  ]
  private static let tunnels = ["2001:db8:a::1", "2001:db8:b::1", "2001:db8:f::f"].flatMap { remote in
    ["2001:db8:1::1", "2001:db8:1::2"].map { Sample.tunnel(remote, local: $0) }
  }

  private static func record(_ random: inout SeededGenerator) -> TableRecord {
    let tunnel = tunnels.randomElement(using: &random) ?? Sample.mag1
    if Int.random(in: 0..<8, using: &random) == 0 {
      return .peer(PeerRecord(address: tunnel.remote, state: Bool.random(using: &random) ? .failed : .alive))
    }
    if Int.random(in: 0..<6, using: &random) == 0 {
      return .tunnel(
        TunnelRecord(
          tunnel: tunnel, isStatic: Bool.random(using: &random),
          hopLimit: Bool.random(using: &random) ? UInt8.random(in: 1...3, using: &random) : nil))
    }
    let states: [BindingRecord.State] = [.active, .active, .active, .pending, .deregistering]
    return .binding(
      Sample.binding(
        prefixes.randomElement(using: &random) ?? prefixes[0], tunnel,
        state: states.randomElement(using: &random) ?? .active,
        lifetime: Bool.random(using: &random) ? UInt32.random(in: 1...40, using: &random) : nil,
        table: Int.random(in: 0..<4, using: &random) == 0 ? .mobile : .proxy,
        mobileNode: Bool.random(using: &random) ? "mn\(Int.random(in: 0..<3, using: &random))" : nil))
  }

  @Test("Random sequences: outcome, dump, user counts and forwarding table agree at each step")
  func sequences() throws {
    let seed = testSeed("RegistryModelTests")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      let fixture = try RegistryFixture()
      var model = RegistryModel()
      for step in 0..<300 {
        try perform(&random, fixture, &model)
        try compare(fixture, model, "seed \(seed), step \(step)")
      }
    }
  }

  private func perform(_ random: inout SeededGenerator, _ fixture: RegistryFixture, _ model: inout RegistryModel) throws
  {
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<5:
      var records = (0..<Int.random(in: 1...6, using: &random)).map { _ in Self.record(&random) }
      let valid = records
      let spoiled = Int.random(in: 0..<4, using: &random) == 0
      let place = Int.random(in: 0...records.count, using: &random)
      if spoiled { records.insert(.binding(Sample.binding("2001:db9::/64")), at: place) }
      let atomic = Bool.random(using: &random)
      let outcome = fixture.registry.set(records, atomic: atomic, now: fixture.now)
      #expect(outcome.firstFailure?.index == (spoiled ? place : nil))
      let applied = spoiled && atomic ? 0 : model.set(valid, now: fixture.now)
      #expect(Int(outcome.applied) == applied)
      #expect(Int(outcome.failed) == (spoiled ? 1 : 0))
    case 5..<7:
      try deleteBinding(&random, fixture, &model)
    case 7 where Int.random(in: 0..<3, using: &random) == 0:
      let remote = (Self.tunnels.randomElement(using: &random) ?? Sample.mag1).remote
      let tables: [BindingRecord.Table?] = [nil, .proxy, .mobile]
      let table = tables.randomElement(using: &random) ?? nil
      #expect(Int(fixture.delete(.bindings(remote: remote, table)).applied) == model.revoke(remote, table))
    case 7:
      let tunnel = Self.tunnels.randomElement(using: &random) ?? Sample.mag1
      let outcome = fixture.delete(.tunnel(tunnel))
      let inUse = model.users(tunnel) > 0
      #expect(outcome.firstFailure?.code == (inUse ? .conflict : nil))
      #expect((outcome.applied == 1) == (!inUse && model.tunnels[tunnel] != nil))
      if !inUse { model.tunnels[tunnel] = nil }
    default:
      _ = fixture.advance(seconds: Double(Int.random(in: 0...12_000, using: &random)) / 1000)
      model.advance(to: fixture.now)
    }
  }

  private func deleteBinding(
    _ random: inout SeededGenerator, _ fixture: RegistryFixture, _ model: inout RegistryModel
  ) throws {
    let text = Self.prefixes.randomElement(using: &random) ?? Self.prefixes[0]
    let table: BindingRecord.Table = Bool.random(using: &random) ? .proxy : .mobile
    let expect = ["2001:db8:a::1", nil].randomElement(using: &random) ?? nil
    let key = Sample.key(text, table: table)
    let present = model.bindings[key]
    let stale = present != nil && expect != nil && present?.record.tunnel.remote != Sample.address("2001:db8:a::1")
    let outcome = fixture.delete(Sample.key(text, expect: expect, table: table))
    #expect(outcome.firstFailure?.code == (stale ? .stale : nil))
    #expect((outcome.applied == 1) == (present != nil && !stale))
    if !stale { model.remove(key) }
  }

  private func compare(_ fixture: RegistryFixture, _ model: RegistryModel, _ place: Comment) throws {
    // The first disagreement ends the test: what follows from it is noise.
    let dump = try fixture.dump()
    let expected = model.records(now: fixture.now)
    try #require(dump.count == Set(dump).count, place)
    try #require(expected.subtracting(dump) == [], place)
    try #require(Set(dump).subtracting(expected) == [], place)
    #expect(fixture.writer.statistics.bindings == model.bindings.count, place)
    #expect(fixture.writer.statistics.tunnels == model.tunnels.count, place)
    for (key, binding) in model.bindings {
      guard case .binding(let table, let prefix, _) = key else { continue }
      let stored = fixture.writer.binding(BindingKey(table: table == .proxy ? .proxy : .mobile, prefix: Prefix(prefix)))
      #expect(stored?.tunnel == fixture.writer.tunnel(TunnelEndpoints(binding.record.tunnel)), place)
      #expect(stored?.state.rawValue == binding.record.state.rawValue, place)
    }
    for (endpoints, tunnel) in model.tunnels {
      let settings = fixture.writer.tunnel(TunnelEndpoints(endpoints)).flatMap { fixture.writer.tunnelSettings($0) }
      #expect(settings?.hopLimit == tunnel.hopLimit ?? 64, place)
      #expect(settings?.isFailed == model.failed.contains(endpoints.remote), place)
    }
  }
}
