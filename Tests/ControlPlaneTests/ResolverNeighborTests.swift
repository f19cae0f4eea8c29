import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Next-hop resolver: neighbours")
struct ResolverNeighborTests {
  private typealias Fixture = ResolverFixture
  private let second: UInt64 = 1_000_000_000

  @Test("A configured neighbour is on its port's link, whatever covers its address, unless a host route says otherwise")
  func staticNeighborIsOnLink() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma + """
        routes:
          - {prefix: "::/0", via: "2001:db8:c::1", port: core}
          - {prefix: "2001:db8:b::1/128", via: "2001:db8:c::1", port: core}
        neighbors:
          - {address: "2001:db8:c::1", port: core, mac: "02:00:00:00:0c:01"}
          - {address: "2001:db8:a::1", port: transport, mac: "02:00:00:00:0a:01"}
          - {address: "2001:db8:b::1", port: transport, mac: "02:00:00:00:0b:01"}
          - {address: "198.51.100.1", port: core, mac: "02:00:00:00:0c:04"}
        """, live: false)
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    fixture.bind("2001:db8:100:2::/64", "2001:db8:b::1")
    let core = MACAddress(0x0200_5e10_0001)
    let transport = MACAddress(0x0200_5e10_0002)
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01, port: 1, source: transport))
    #expect(try fixture.state("2001:db8:b::1") == Fixture.resolved(0x0200_0000_0c01, port: 0, source: core))
    #expect(try fixture.route("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01, port: 1, source: transport))
    #expect(try fixture.route("198.51.100.1") == Fixture.resolved(0x0200_0000_0c04, port: 0, source: core))
    #expect(try fixture.route("198.51.100.2") == nil)
  }

  @Test("An unresolved neighbour is asked for once a second, for ever; a known one not at once")
  func retries() throws {
    let fixture = try Fixture()
    fixture.resolver.handle([.routeAdded(try Fixture.route("::/0", via: "fe80::1"))])
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    #expect(fixture.questions().count == 1)
    for turn in 1...50 {
      fixture.resolver.tick(now: UInt64(turn) * second)
      fixture.resolver.tick(now: UInt64(turn) * second + second / 2)
      #expect(
        fixture.questions() == [
          ResolutionRequest(port: 1, interface: 12, address: try #require(IPAddress(text: "fe80::1")))
        ])
    }
    fixture.resolver.handle([try Fixture.neighbor("fe80::1", 0x0200_0000_0a01)])
    fixture.resolver.tick(now: 51 * second)
    #expect(fixture.questions() == [])
  }

  @Test("Many unresolved neighbours share a bounded rate, in turn")
  func boundedRate() throws {
    let fixture = try Fixture()
    fixture.resolver.handle([.routeAdded(try Fixture.route("2001:db8:a::/48"))])
    for index in 1...200 { fixture.bind(Sample.pooled(index), "2001:db8:a::\(index)") }
    #expect(fixture.questions().count == 128)
    fixture.resolver.tick(now: second)
    let first = Set(fixture.questions().map(\.address))
    fixture.resolver.tick(now: 2 * second)
    let then = Set(fixture.questions().map(\.address))
    #expect(first.count == 128 && then.count == 128 && first.union(then).count == 200)
  }

  @Test(
    "A learned neighbour in use is asked about twice a minute, since the kernel sees none of its traffic; a configured one never"
  )
  func verification() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma + "\nneighbors: [{address: \"fe80::2\", port: core, mac: \"02:00:00:00:0c:02\"}]")
    fixture.resolver.handle([
      .routeAdded(try Fixture.route("2001:db8:a::/48", via: "fe80::1")),
      .routeAdded(try Fixture.route("::/0", via: "fe80::2", Fixture.coreInterface)),
      try Fixture.neighbor("fe80::1", 0x0200_0000_0a01),
    ])
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    _ = fixture.questions()
    var asked: [UInt64] = []
    for turn in 1...121 {
      fixture.resolver.tick(now: UInt64(turn) * second)
      for question in fixture.questions() {
        #expect(question.address == IPAddress(text: "fe80::1"))
        asked.append(UInt64(turn))
      }
    }
    #expect(asked == [31, 61, 91, 121])
  }
}
