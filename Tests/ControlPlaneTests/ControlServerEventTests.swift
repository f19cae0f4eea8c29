import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Subscriptions over the socket")
struct ControlServerEventTests {
  private func subscriber(_ fixture: ServiceFixture, owner: UInt32 = 7, _ mask: EventMask = .all) throws -> SocketClient
  {
    let client = try SocketClient.greeted(fixture.path, owner: owner)
    #expect(try client.ask(.subscribe(mask), id: 77).status == .ok)
    return client
  }

  private func set(_ records: TableRecord..., by client: SocketClient) throws {
    #expect(try client.ask(.upsert(UpsertRequest(records: records))).status == .ok)
  }

  /// The items as `key=value` words.
  private func words(_ report: EventReport) -> [String] { report.items.map { "\($0.key)=\($0.value)" } }

  @Test("Others' changes are told field by field, one's own are not")
  func changes() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, EventMask(.changed))
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      try set(.binding(Sample.binding("2001:db8:100:9::/64")), by: watcher)
      var record = Sample.binding("2001:db8:100:1::/64")
      record.lifetime = 3600
      record.mobileNode = "mn1@example"
      try set(.binding(record), by: other)
      #expect(
        words(try watcher.event()) == [
          "event=changed", "operation=set", "owner=9", "table=pmip", "prefix=2001:db8:100:1::/64",
          "tunnel.local=2001:db8:1::1", "tunnel.remote=2001:db8:a::1", "mn=mn1@example", "lifetime=3600",
          "state=active",
        ])
      try set(
        .tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, hopLimit: 9, mtu: .octets(1400), dscp: .copy)),
        by: other)
      #expect(
        words(try watcher.event()) == [
          "event=changed", "operation=set", "owner=9", "tunnel.local=2001:db8:1::1", "tunnel.remote=2001:db8:a::1",
          "static=true", "hopLimit=9", "mtu=1400", "dscp=copy",
        ])
      // Nothing changes here, so nothing is told.
      try set(
        .tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, hopLimit: 9, mtu: .octets(1400), dscp: .copy)),
        by: other)
      try set(.peer(PeerRecord(address: Sample.address("2001:db8:b::1"), state: .failed)), by: other)
      #expect(words(try watcher.event()).suffix(2) == ["peer=2001:db8:b::1", "state=failed"])
      let keys = [Sample.key("2001:db8:100:1::/64")]
      #expect(try other.ask(.delete(DeleteRequest(keys: keys))).status == .ok)
      let last = try watcher.event()
      #expect(
        words(last) == [
          "event=changed", "operation=delete", "owner=9", "table=pmip", "prefix=2001:db8:100:1::/64",
        ])
      #expect(last.sequence == 4)
      #expect(!other.hasReply)
    }
  }

  @Test("A refused ATOMIC frame is told to nobody, and of a partial one what was applied")
  func refusals() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, EventMask(.changed))
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      let records = ["2001:db8:100:1::/64", "2001:db8:999::/64", "2001:db8:100:2::/64"].map {
        TableRecord.binding(Sample.binding($0))
      }
      let request = Request.upsert(UpsertRequest(records: records))
      #expect(try other.ask(request, flags: .atomic).status == .invalid)
      #expect(try other.ask(request).status == .invalid)
      #expect(words(try watcher.event()).contains("prefix=2001:db8:100:1::/64"))
      let second = try watcher.event()
      #expect(words(second).contains("prefix=2001:db8:100:2::/64") && second.sequence == 2)
    }
  }

  @Test("More than 1024 changes of one frame are told as one number")
  func bulk() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture)
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      let records = (0..<1025).map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
      #expect(try other.ask(.upsert(UpsertRequest(records: records)), flags: .atomic).status == .ok)
      #expect(words(try watcher.event()) == ["event=bulk", "operation=changed", "owner=9", "count=1025"])
      let revocation = DeleteRequest(keys: [.bindings(remote: Sample.mag1.remote, nil)])
      #expect(try other.ask(.delete(revocation)).status == .ok)
      #expect(words(try watcher.event()) == ["event=bulk", "operation=revoked", "owner=9", "count=1025"])
    }
  }

  @Test("Lifetimes, failed peers and path MTUs are told")
  func lives() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, owner: 0)
      let client = try SocketClient.greeted(fixture.path)
      try set(.peer(PeerRecord(address: Sample.address("2001:db8:b::1"), state: .failed)), by: client)
      #expect(words(try watcher.event()) == ["event=peer", "remote=2001:db8:b::1", "state=failed"])
      #expect(
        try client.ask(.delete(DeleteRequest(keys: [.peer(Sample.address("2001:db8:b::1"))]))).status == .ok)
      #expect(words(try watcher.event()) == ["event=peer", "remote=2001:db8:b::1", "state=alive"])
      var record = Sample.binding("203.0.113.10/32")
      record.lifetime = 1
      record.mobileNode = "mn"
      try set(.binding(record), by: client)
      fixture.service.setPathMTU(of: TunnelEndpoints(Sample.mag1), octets: 1400)
      // 1400 less the outer header's 40.
      #expect(
        words(try watcher.event()) == [
          "event=path-mtu", "local=2001:db8:1::1", "remote=2001:db8:a::1", "mtu=1360",
        ])
      #expect(
        words(try watcher.event()) == [
          "event=expired", "table=pmip", "prefix=203.0.113.10/32", "mn=mn", "reason=lifetime",
        ])
    }
  }

  @Test("Traffic without a binding, lost neighbours and links are told with the port's name")
  func surroundings() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture)
      let service = fixture.service
      let address = IPAddress(Sample.address("2001:db8:100:77::5"))
      let prefix = Prefix(covering: address, length: 64)
      service.tell(TrafficReport(kind: .unbound, prefix: prefix, address: address, port: 0))
      #expect(
        words(try watcher.event()) == [
          "event=unbound", "prefix=2001:db8:100:77::/64", "address=2001:db8:100:77::5", "port=core",
        ])
      let mac = MACAddress(0x0200_0000_0110)
      service.tell(TrafficReport(kind: .unknownSource(mac), prefix: prefix, address: address, port: 1))
      #expect(words(try watcher.event()).suffix(2) == ["mac=02:00:00:00:01:10", "port=transport"])
      service.tell(TrafficReport(kind: .bufferOverflow, prefix: prefix, address: address, port: 1))
      #expect(words(try watcher.event()).first == "event=buffer-overflow")
      // A port that does not exist is nobody's.
      service.tell(TrafficReport(kind: .unbound, prefix: prefix, address: address, port: 9))

      let gateway = IPAddress(Sample.address("2001:db8:7::1"))
      let everywhere = Prefix(covering: IPAddress(Sample.address("2001:db8::")), length: 32)
      service.handle(.routeAdded(KernelRoute(prefix: everywhere, gateway: gateway, interface: 12, metric: 1)))
      service.handle(.neighborChanged(KernelNeighbor(interface: 12, address: gateway, mac: mac)))
      service.handle(
        .neighborChanged(KernelNeighbor(interface: 12, address: IPAddress(Sample.address("2001:db8:7::2")), mac: mac)))
      let client = try SocketClient.greeted(fixture.path, owner: 7)
      try set(.binding(Sample.binding("2001:db8:100:1::/64")), by: client)
      // Nothing leads by this one, so nobody misses it.
      service.handle(.neighborRemoved(interface: 12, address: IPAddress(Sample.address("2001:db8:7::3"))))
      service.handle(.neighborRemoved(interface: 12, address: gateway))
      #expect(words(try watcher.event()) == ["event=neighbor-lost", "address=2001:db8:7::1", "port=transport"])
      for up in [true, false, false, true] {
        service.handle(.linkChanged(interface: 11, name: "lma-core", up: up, mtu: 1500, mac: mac))
      }
      #expect(words(try watcher.event()) == ["event=port", "port=core", "what=link", "value=down"])
      #expect(words(try watcher.event()) == ["event=port", "port=core", "what=link", "value=up"])
    }
  }

  @Test("A table nine tenths full is told once, and once that it has room")
  func fill() throws {
    try ServiceFixture(bindings: 1000).run { fixture in
      let watcher = try subscriber(fixture, EventMask(.tableNearlyFull))
      let capacity = try #require(try watcher.hello(owner: 7).tables.first { $0.number == 1 }).capacity
      let client = try SocketClient.greeted(fixture.path)
      let most = Int(capacity) * 9 / 10 + 1
      let records = (0..<most).map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
      #expect(try client.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      let told = try watcher.event()
      #expect(words(told).contains("state=nearly-full") && words(told).contains("table=bindings"))
      let keys = (0..<most / 2).map { Sample.key(Sample.pooled($0)) }
      #expect(try client.ask(.delete(DeleteRequest(keys: keys))).status == .ok)
      let relieved = try watcher.event()
      #expect(words(relieved).contains("state=relieved") && relieved.sequence == 2)
    }
  }

  @Test("A subscriber that stops reading holds up nobody, loses the newest, hears so, and goes on")
  func stoppedReader() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, [EventMask(.changed), EventMask(.peer)])
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      let remotes = [Sample.mag1, Sample.mag2]
      let count = 12_000
      for turn in 0..<count / 1000 {
        let records = (0..<1000).map {
          TableRecord.binding(Sample.binding(Sample.pooled($0), remotes[turn % 2]))
        }
        #expect(try other.ask(.upsert(UpsertRequest(records: records)), flags: .atomic).status == .ok)
      }
      try set(.peer(PeerRecord(address: Sample.address("2001:db8:b::1"), state: .failed)), by: other)
      var sequence: UInt64 = 0
      var losses = 0
      while sequence < UInt64(count) + 2 {
        let report = try watcher.event()
        if report.kind == EventKind.overflow.rawValue {
          losses += 1
          #expect(report.items[1].value == "\(sequence + 1)")
          #expect(report.sequence == sequence + (try #require(UInt64(report.items[2].value))))
        } else {
          try #require(report.sequence == sequence + 1)
        }
        sequence = report.sequence
      }
      #expect(losses >= 1)
      try set(.peer(PeerRecord(address: Sample.address("2001:db8:a::1"), state: .failed)), by: other)
      #expect(try watcher.event().sequence == sequence + 1)
    }
  }

  @Test("Another SUBSCRIBE replaces the first, an empty one ends it, and replies come in between")
  func replacing() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, EventMask(.changed))
      let other = try SocketClient.greeted(fixture.path, owner: 9)
      try set(.binding(Sample.binding("2001:db8:100:1::/64")), by: other)
      #expect(try watcher.event().sequence == 1)
      #expect(try watcher.ask(.subscribe(EventMask(.peer)), id: 78).status == .ok)
      try set(.binding(Sample.binding("2001:db8:100:2::/64")), by: other)
      try set(.peer(PeerRecord(address: Sample.address("2001:db8:b::1"), state: .failed)), by: other)
      let report = try watcher.event(id: 78)
      #expect(report.sequence == 1 && report.kind == EventKind.peer.rawValue)
      #expect(try watcher.ask(.ping(try #require(PingPayload([5]))), id: 6) == .ping(try #require(PingPayload([5]))))
      #expect(try watcher.ask(.subscribe([]), id: 79).status == .ok)
      #expect(try other.ask(.delete(DeleteRequest(keys: [.peer(Sample.address("2001:db8:b::1"))]))).status == .ok)
      #expect(try watcher.ask(.status, id: 80).status == .ok)
      #expect(!watcher.hasReply)
    }
  }
}
