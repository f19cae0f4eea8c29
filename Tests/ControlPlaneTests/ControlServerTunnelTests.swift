import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("What subscribers hear of tunnels")
struct ControlServerTunnelTests {
  private func words(_ report: EventReport) -> [String] { report.items.map { "\($0.key)=\($0.value)" } }

  private func subscriber(_ fixture: ServiceFixture, _ mask: EventMask) throws -> SocketClient {
    let client = try SocketClient.greeted(fixture.path, owner: 7)
    #expect(try client.ask(.subscribe(mask), id: 77).status == .ok)
    return client
  }

  @Test("A tunnel that was set never goes unheard: it stays without users, and another's transaction tells its end")
  func removal() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, EventMask(.changed))
      let other = try SocketClient.greeted(fixture.path, owner: 8)
      let tunnel = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag1, hopLimit: 33))
      let binding = TableRecord.binding(Sample.binding("2001:db8:100:1::/64"))
      #expect(try watcher.ask(.upsert(UpsertRequest(records: [tunnel, binding]))).status == .ok)
      #expect(try other.ask(.delete(DeleteRequest(keys: [binding.key]))).status == .ok)
      #expect(words(try watcher.event()).suffix(2) == ["table=pmip", "prefix=2001:db8:100:1::/64"])
      guard case .lookup(let entries) = try other.ask(.lookup(.tunnel(Sample.mag1))) else {
        Issue.record("the tunnel is gone")
        return
      }
      guard case .tunnel(let record)? = entries.first?.record else {
        Issue.record("a tunnel's lookup gives a tunnel")
        return
      }
      #expect(record.hopLimit == 33 && record.users == 0)
      #expect(try other.ask(.transactionBegin(TableScope()), flags: .replace).status == .ok)
      #expect(try other.ask(.transactionCommit(TransactionCommit(count: 0, checksum: 0))).status == .ok)
      #expect(
        words(try watcher.event()) == [
          "event=changed", "operation=delete", "owner=8", "tunnel.local=2001:db8:1::1", "tunnel.remote=2001:db8:a::1",
        ])
    }
  }

  @Test("A tunnel's automatic MTU that follows its egress port is told; one that was set does not change")
  func egressMTU() throws {
    try ServiceFixture().run { fixture in
      let watcher = try subscriber(fixture, EventMask(.pathMTU))
      fixture.service.handle(.routeAdded(try ResolverFixture.route("::/0", via: "fe80::1")))
      let records: [TableRecord] = [
        .binding(Sample.binding("2001:db8:100:1::/64")),
        .tunnel(TunnelRecord(tunnel: Sample.mag2, isStatic: true, mtu: .octets(1200))),
      ]
      #expect(try watcher.ask(.upsert(UpsertRequest(records: records))).status == .ok)
      for mtu in [1400, 1600] as [UInt32] {
        fixture.service.handle(
          .linkChanged(interface: 12, name: "lma-tr", up: true, mtu: mtu, mac: MACAddress(0x0200_0000_7001)))
        #expect(
          words(try watcher.event()) == [
            "event=path-mtu", "local=2001:db8:1::1", "remote=2001:db8:a::1", "mtu=\(mtu - 40)",
          ])
      }
    }
  }
}
