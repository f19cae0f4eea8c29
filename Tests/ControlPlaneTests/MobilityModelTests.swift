import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("A gateway's registry against a plain model")
struct MobilityModelTests {
  private static let prefixes = [
    "2001:db8:100:1::/64", "2001:db8:100:2::/64", "2001:db8:100:3::/64", "2001:db8:200::3/128", "203.0.113.10/32",
    "203.0.113.11/32",
  ].map(Sample.prefix)
  private static let remotes = ["2001:db8:1::1", "2001:db8:1::2", "2001:db8:b::1", "2001:db8:c::1"]
  private static let tunnels = remotes.map { Sample.tunnel($0, local: "2001:db8:a::1") }

  /// One fixture with its model, and what the workers hold: the test is their stand-in.
  private final class Run {
    let fixture: RegistryFixture
    var model: MobilityModel
    var random: SeededGenerator
    let place: Comment

    init(_ random: SeededGenerator, _ place: Comment) throws {
      self.random = random
      self.place = place
      let localRouting = Bool.random(using: &self.random)
      fixture = try RegistryFixture(
        SampleConfiguration.mag + "local-routing: \(localRouting)\n", bindings: 4, tunnels: 3, retired: 12)
      model = MobilityModel(localRouting: localRouting)
    }

    func chance(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &random) == 0 }
    func pick<Element>(_ elements: [Element]) -> Element {
      elements[Int.random(in: 0..<elements.count, using: &random)]
    }
    func lifetime() -> UInt32? { chance(2) ? UInt32.random(in: 1...40, using: &random) : nil }

    func stored(_ prefix: WirePrefix) -> Binding? {
      fixture.writer.binding(BindingKey(table: .proxy, prefix: Prefix(prefix)))
    }

    /// Prefixes whose flush ended, by the registry's events.
    func flushes() -> Set<WirePrefix> {
      Set(
        fixture.registry.takeEvents().compactMap { event in
          if case .flushed(let key, _) = event { key.prefix.wire } else { nil }
        })
    }

    /// Packets held for each owner of an account.
    var held: [String: Int] {
      model.bindings.reduce(into: [:]) { held, binding in
        guard let id = stored(binding.key)?.holding else { return }
        held[binding.value.owner] = fixture.table.handoverLedger.held(id)
      }
    }
  }

  @Test(
    "Random sequences with refusals by table and steering: outcome, dump, digests and forwarding agree at each step")
  func sequences() throws {
    let seed = testSeed("MobilityModelTests")
    var random = SeededGenerator(seed: seed)
    for sequence in 0..<40 {
      let run = try Run(SeededGenerator(seed: random.next()), "seed \(seed), sequence \(sequence)")
      for _ in 0..<200 {
        if run.chance(6) { try withStuckWorker(run) } else { try step(run) }
        try compareDump(run)
        try compareForwarding(run)
      }
      #expect(try TableAudit.run(run.fixture.writer).findings.isEmpty, run.place)
      try reload(run)
    }
  }

  private func step(_ run: Run) throws {
    run.fixture.steering.room = run.chance(8) ? Int.random(in: 0...2, using: &run.random) : .max
    switch Int.random(in: 0..<10, using: &run.random) {
    case 0..<6: try set(run)
    case 6..<8: try delete(run)
    case 8: hold(run)
    default:
      run.fixture.now += UInt64.random(in: 0...8_000_000_000, using: &run.random)
      let flushed = run.model.advance(to: run.fixture.now, held: run.held)
      _ = run.fixture.registry.tick(now: run.fixture.now)
      try #require(run.flushes() == flushed, run.place)
    }
  }

  /// A worker that does not move for a few requests: the table runs out of room for what was replaced, in the midst of
  /// them. What was put off then is made up for by the next tick.
  private func withStuckWorker(_ run: Run) throws {
    run.fixture.steering.room = .max
    run.fixture.table.quiescence.online(0)
    for _ in 0..<4 {
      try set(run)
      try compareDump(run)
    }
    run.fixture.table.quiescence.offline(0)
    let flushed = run.model.advance(to: run.fixture.now, held: run.held)
    _ = run.fixture.registry.tick(now: run.fixture.now)
    try #require(run.flushes() == flushed, run.place)
  }

  private func set(_ run: Run) throws {
    let records = (0..<Int.random(in: 1...4, using: &run.random)).map { _ in record(run) }
    let before = run.model
    let (changed, refused) = run.model.set(records, now: run.fixture.now, held: run.held)
    let outcome = run.fixture.registry.set(records, atomic: true, now: run.fixture.now)
    guard let failure = outcome.firstFailure else {
      try #require(refused == nil && Int(outcome.applied) == changed && outcome.failed == 0, run.place)
      return
    }
    run.model = before
    if failure.code == .full || failure.code == .unavailable {
      // For want of room: of a record before the one that is wrong, or in the table or the steering program.
      try #require(failure.index ?? .max <= refused?.index ?? .max, run.place)
    } else {
      try #require(failure.index == refused?.index && failure.field == refused?.field, run.place)
    }
  }

  private func record(_ run: Run) -> TableRecord {
    let prefix = run.pick(Self.prefixes)
    switch Int.random(in: 0..<12, using: &run.random) {
    case 0:
      return .tunnel(
        TunnelRecord(tunnel: run.pick(Self.tunnels), isStatic: run.chance(2), hopLimit: run.chance(2) ? 7 : nil))
    case 1: return .visitor(VisitorRecord(prefix: prefix, port: run.pick(["access1", "access2"])))
    case 2:
      return .peer(
        PeerRecord(address: Sample.address(run.pick(Self.remotes)), state: run.chance(2) ? .failed : .alive))
    case 3..<6:
      let others = Self.prefixes.filter { $0.address.family == prefix.address.family && $0 != prefix }
      let isLocal = run.chance(4)
      return .route(
        LocalizedRouteRecord(
          from: prefix, to: run.pick(others), via: isLocal ? .local : .tunnel(run.pick(Self.tunnels)),
          receiveOnly: !isLocal && run.chance(3), lifetime: run.lifetime()))
    default:
      let state = run.pick(BindingRecord.State.allCases + [.active, .active, .flushing])
      let tunnel = run.pick(Self.tunnels)
      let others = Self.tunnels.filter { $0 != tunnel }
      let hasPeer = state.needsPeer || ((state == .buffering || state == .flushing) && run.chance(2))
      return .binding(
        BindingRecord(
          prefix: prefix, tunnel: tunnel, state: state, lifetime: run.lifetime(),
          localRouting: run.chance(2) ? run.chance(2) : nil,
          access: .init(port: run.pick(["access1", "access2"]), mac: run.pick([0x0200_0000_0110, 0x0200_0000_0220])),
          peer: hasPeer ? run.pick(others) : nil, mobileNode: run.pick([nil, "mn1", "mn2"])))
    }
  }

  private func delete(_ run: Run) throws {
    let prefix = run.pick(Self.prefixes)
    let remote = Sample.address(run.pick(Self.remotes))
    let key: TableKey =
      switch Int.random(in: 0..<8, using: &run.random) {
      case 0: .bindings(remote: remote, run.pick([nil, .proxy, .mobile]))
      case 1: .tunnel(run.pick(Self.tunnels))
      case 2: .visitor(prefix)
      case 3: .peer(remote)
      case 4, 5: .route(from: prefix, to: run.pick(Self.prefixes.filter { $0 != prefix }))
      default: .binding(.proxy, prefix, expect: nil)
      }
    let removed = run.model.remove(key)
    let outcome = run.fixture.delete(key)
    try #require(outcome.firstFailure?.code == (removed == nil ? .conflict : nil), run.place)
    try #require(Int(outcome.applied) == removed ?? 0, run.place)
  }

  /// Workers hold a packet more, or send all they hold for one account.
  private func hold(_ run: Run) {
    let accounts = run.fixture.table.handoverLedger.accounts
    guard let id = Self.prefixes.compactMap({ run.stored($0)?.holding }).randomElement(using: &run.random)
    else { return }
    if run.chance(2) {
      #expect(accounts.take(id, perNode: 1 << 16, total: 1 << 16))
    } else {
      while accounts.held(id) > 0 { accounts.give(id) }
    }
  }

  private func compareDump(_ run: Run) throws {
    let dump = try run.fixture.dump()
    let expected = run.model.records(now: run.fixture.now)
    try #require(dump.count == Set(dump).count, run.place)
    let missing = expected.subtracting(dump)
    let superfluous = Set(dump).subtracting(expected)
    try #require(missing == [] && superfluous == [], "\(run.place): missing \(missing), superfluous \(superfluous)")
    let entries = run.model.entries(now: run.fixture.now)
    for table in TableNumber.allCases {
      let digest = OwnershipModel.digest(entries.filter { $0.table == table })
      try #require(run.fixture.registry.contents(of: table).digest == digest, "\(run.place), digest of \(table)")
    }
  }

  private func compareForwarding(_ run: Run) throws {
    let (fixture, model) = (run.fixture, run.model)
    try #require(fixture.writer.statistics.bindings == model.bindings.count + model.visitors.count, run.place)
    try #require(fixture.writer.statistics.tunnels == model.tunnels.count, run.place)
    for endpoints in model.tunnels.keys {
      let settings = fixture.writer.tunnel(TunnelEndpoints(endpoints)).flatMap { fixture.writer.tunnelSettings($0) }
      try #require(settings?.isFailed == model.failed.contains(endpoints.remote), run.place)
    }
    for (prefix, binding) in model.bindings {
      let stored = try #require(run.stored(prefix), run.place)
      try #require(stored.tunnel == fixture.writer.tunnel(TunnelEndpoints(binding.record.tunnel)), run.place)
      try #require(stored.peer == binding.peer.flatMap { fixture.writer.tunnel(TunnelEndpoints($0)) }, run.place)
      try #require(stored.state.rawValue == binding.record.state.rawValue, run.place)
      try #require(stored.isFlushed == binding.isFlushed && (stored.holding != nil) == binding.holds, run.place)
      let block = stored.localizedRoutes.map { fixture.writer.localizedRoutes($0) } ?? []
      let wanted = model.routesInUse(from: prefix).map { route -> LocalizedRoute in
        guard case .tunnel(let via) = route.via else { preconditionFailure("routesInUse leaves local ones out") }
        let tunnel = fixture.writer.tunnel(TunnelEndpoints(via)) ?? TunnelID(0)
        return LocalizedRoute(to: Prefix(route.to), tunnel: tunnel, isReceiveOnly: route.receiveOnly)
      }
      try #require(Set(block) == Set(wanted) && block.count == wanted.count, run.place)
    }
    for (prefix, port) in model.visitors {
      let stored = try #require(run.stored(prefix), run.place)
      try #require(stored.isVisitor && stored.access?.port == (port == "access1" ? 0 : 1), run.place)
    }
    try compareShared(run)
  }

  /// Accounts of one mobile node are one, of two are two; the steering program knows every source.
  private func compareShared(_ run: Run) throws {
    let (fixture, model) = (run.fixture, run.model)
    var accounts: [String: Set<HoldingID>] = [:]
    for (prefix, binding) in model.bindings where binding.holds {
      if let id = run.stored(prefix)?.holding { accounts[binding.owner, default: []].insert(id) }
    }
    try #require(accounts.values.allSatisfy { $0.count == 1 }, run.place)
    try #require(Set(accounts.values.flatMap(\.self)).count == model.owners.count, run.place)
    try #require(fixture.table.handoverLedger.openCount == model.owners.count, run.place)
    var sources = model.bindings.keys.reduce(into: [Prefix: SteeringSource]()) { $0[Prefix($1)] = .bound }
    // Workers must see visitors' packets if any mobile node may be reached by local routing.
    let isSeen = model.localRouting || model.bindings.values.contains { $0.record.localRouting ?? false }
    for (prefix, port) in model.visitors {
      sources[Prefix(prefix)] = isSeen ? .bound : .visitor(port: port == "access1" ? 0 : 1)
    }
    try #require(fixture.steering.sources == sources, run.place)
  }

  /// A dump, loaded into an empty gateway in its order, is that dump.
  private func reload(_ run: Run) throws {
    let copy = try RegistryFixture(
      SampleConfiguration.mag + "local-routing: \(run.model.localRouting)\n", bindings: 4, tunnels: 3)
    copy.now = run.fixture.now
    let dump = try run.fixture.dump()
    for record in dump { try #require(copy.set(record).applied == 1, run.place) }
    // Users that only still hear a peer are of the past, and a dump's lifetimes are whole seconds.
    func comparable(_ records: [TableRecord]) -> Set<TableRecord> {
      Set(
        records.map { record in
          guard case .tunnel(var tunnel) = record else { return record }
          tunnel.users = 0
          return .tunnel(tunnel)
        })
    }
    try #require(comparable(try copy.dump()) == comparable(dump), run.place)
  }
}
