import ControlPlane
import ControlProtocol
import FlowTable
import Testing

/// One record that breaks one rule.
struct BrokenRecord: Sendable, CustomTestStringConvertible {
  let record: TableRecord
  let code: StatusCode
  let field: String
  let words: String

  var testDescription: String { "\(field): \(words)" }
}

@Suite("Record rules")
struct RecordRuleTests {
  private static func lma(_ change: (inout BindingRecord) -> Void) -> TableRecord {
    var record = Sample.binding("2001:db8:100:1::/64")
    change(&record)
    return .binding(record)
  }

  private static func mag(_ change: (inout BindingRecord) -> Void) -> TableRecord {
    var record = Sample.binding(
      "2001:db8:100:1::/64", Sample.toLMA, access: .init(port: "access1", mac: 0x0200_0000_0110))
    change(&record)
    return .binding(record)
  }

  static let atLMA: [BrokenRecord] = [
    .init(
      record: lma { $0.prefix = Sample.prefix("2001:db8:300::/64") }, code: .invalid, field: "prefix", words: "pools"),
    .init(record: lma { $0.prefix = Sample.prefix("2001:db8::/32") }, code: .invalid, field: "prefix", words: "pools"),
    .init(
      record: lma { $0.prefix = Sample.prefix("198.51.100.1/32") }, code: .invalid, field: "prefix", words: "pools"),
    .init(
      record: lma { $0.tunnel.local = Sample.address("2001:db8:1::3") }, code: .invalid, field: "tunnel.local",
      words: "local-addresses"),
    .init(
      record: lma { $0.tunnel.remote = Sample.address("2001:db8:1::2") }, code: .invalid, field: "tunnel.remote",
      words: "this machine"),
    .init(
      record: lma { $0.tunnel.remote = Sample.address("fe80::1") }, code: .invalid, field: "tunnel.remote",
      words: "link-local"),
    .init(
      record: lma { $0.tunnel.remote = Sample.address("ff0e::1") }, code: .invalid, field: "tunnel.remote",
      words: "multicast"),
    .init(
      record: lma { $0.tunnel.remote = Sample.address("::") }, code: .invalid, field: "tunnel.remote",
      words: "unspecified"),
    .init(
      record: lma { $0.tunnel.remote = Sample.address("192.0.2.9") }, code: .invalid, field: "tunnel.remote",
      words: "IPv6"),
    .init(
      record: lma { $0.access = .init(port: "core", mac: 0x0200_0000_0001) }, code: .invalid, field: "access",
      words: "belongs to a mag"),
    .init(record: lma { $0.localRouting = true }, code: .invalid, field: "localRouting", words: "belongs to a mag"),
    .init(record: lma { $0.requiresESP = true }, code: .invalid, field: "requireEsp", words: "mip binding"),
    .init(record: lma { $0.state = .buffering }, code: .invalid, field: "state", words: "buffering belongs to a mag"),
    .init(
      record: lma {
        $0.state = .redirecting
        $0.peer = Sample.mag2
      }, code: .invalid, field: "state", words: "redirecting belongs to a mag"),
    .init(record: lma { $0.state = .flushing }, code: .invalid, field: "state", words: "flushing belongs to a mag"),
    .init(record: lma { $0.state = .relaying }, code: .invalid, field: "state", words: "relaying belongs to a mag"),
    .init(record: lma { $0.peer = Sample.mag2 }, code: .invalid, field: "peer", words: "handover state"),
    .init(
      record: lma {
        $0.greUp = 1; $0.greDown = 2
      }, code: .unsupported, field: "greKey", words: "not supported by this version"),
    .init(record: lma { $0.lifetime = 0 }, code: .invalid, field: "lifetime", words: "one second"),
    .init(
      record: .visitor(VisitorRecord(prefix: Sample.prefix("2001:db8:aaaa::/64"), port: "core")), code: .invalid,
      field: "visitor", words: "belongs to a mag"),
    .init(
      record: .route(
        LocalizedRouteRecord(
          from: Sample.prefix("2001:db8:100:1::/64"), to: Sample.prefix("2001:db8:100:2::/64"), via: .local)),
      code: .invalid, field: "route", words: "belongs to a mag"),
    .init(
      record: .peer(PeerRecord(address: Sample.address("2001:db8:1::2"), state: .failed)), code: .invalid,
      field: "peer", words: "this machine"),
    .init(
      record: .peer(PeerRecord(address: Sample.address("192.0.2.9"), state: .failed)), code: .invalid, field: "peer",
      words: "IPv6"),
    .init(
      record: .peer(PeerRecord(address: Sample.address("fe80::1"), state: .alive)), code: .invalid, field: "peer",
      words: "link-local"),
    .init(
      record: .tunnel(TunnelRecord(tunnel: Sample.mag1, hopLimit: 0)), code: .invalid, field: "hopLimit", words: "1…255"
    ),
    .init(
      record: .tunnel(TunnelRecord(tunnel: Sample.mag1, mtu: .octets(67))), code: .invalid, field: "mtu",
      words: "68…65495"),
    .init(
      record: .tunnel(TunnelRecord(tunnel: Sample.mag1, dscp: .fixed(64))), code: .invalid, field: "dscp", words: "0…63"
    ),
    .init(
      record: .tunnel(TunnelRecord(tunnel: Sample.tunnel("2001:db8:1::1"))), code: .invalid, field: "tunnel.remote",
      words: "this machine"),
  ]

  private static let mag2 = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")

  private static func route(_ change: (inout LocalizedRouteRecord) -> Void) -> TableRecord {
    var record = LocalizedRouteRecord(
      from: Sample.prefix("2001:db8:100:1::/64"), to: Sample.prefix("2001:db8:100:2::/64"), via: .tunnel(mag2))
    change(&record)
    return .route(record)
  }

  static let atMAG: [BrokenRecord] = [
    .init(
      record: mag { $0.prefix = Sample.prefix("2001:db8:1::/64") }, code: .invalid, field: "tunnel.remote",
      words: "loop"),
    .init(record: mag { $0.state = .redirecting }, code: .invalid, field: "peer", words: "is missing"),
    .init(record: mag { $0.state = .relaying }, code: .invalid, field: "peer", words: "is missing"),
    .init(record: mag { $0.peer = mag2 }, code: .invalid, field: "peer", words: "not to active"),
    .init(
      record: mag {
        $0.state = .pending
        $0.peer = mag2
      }, code: .invalid, field: "peer", words: "not to pending"),
    .init(
      record: mag {
        $0.state = .relaying
        $0.peer = Sample.toLMA
      }, code: .invalid, field: "peer", words: "own tunnel"),
    .init(
      record: mag {
        $0.state = .buffering
        $0.peer = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::2")
      }, code: .invalid, field: "peer.local", words: "local-addresses"),
    .init(
      record: mag {
        $0.state = .flushing
        $0.peer = Sample.tunnel("2001:db8:100:1::9", local: "2001:db8:a::1")
      }, code: .invalid, field: "peer.remote", words: "loop"),
    .init(record: route { _ in }, code: .invalid, field: "route.from", words: "local routing is off"),
    .init(
      record: route { $0.to = Sample.prefix("2001:db8:100:1:8000::/65") }, code: .invalid, field: "route.to",
      words: "overlaps"),
    .init(
      record: route { $0.to = Sample.prefix("2001:db8:100::/48") }, code: .invalid, field: "route.to", words: "overlaps"
    ),
    .init(
      record: route { $0.from = Sample.prefix("ff02::/64") }, code: .invalid, field: "route.from", words: "unicast"),
    .init(record: route { $0.to = Sample.prefix("fe80::/64") }, code: .invalid, field: "route.to", words: "unicast"),
    .init(record: route { $0.lifetime = 0 }, code: .invalid, field: "lifetime", words: "one second"),
    .init(
      record: route {
        $0.via = .local
        $0.receiveOnly = true
      }, code: .invalid, field: "receiveOnly", words: "via"),
    .init(
      record: route { $0.via = .tunnel(Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::9")) }, code: .invalid,
      field: "via.local", words: "local-addresses"),
    .init(
      record: route { $0.via = .tunnel(Sample.tunnel("2001:db8:100:2::9", local: "2001:db8:a::1")) }, code: .invalid,
      field: "via.remote", words: "loop"),
    .init(record: mag { $0.access = nil }, code: .invalid, field: "access", words: "missing"),
    .init(record: mag { $0.access?.port = "access9" }, code: .invalid, field: "access.port", words: "no port"),
    .init(
      record: mag { $0.access?.port = "transport" }, code: .invalid, field: "access.port", words: "not an access port"),
    .init(
      record: mag { $0.access?.mac = 0x0100_5e00_0001 }, code: .invalid, field: "access.mac", words: "group address"),
    .init(
      record: mag { $0.access?.mac = 0xffff_ffff_ffff }, code: .invalid, field: "access.mac", words: "group address"),
    .init(record: mag { $0.access?.mac = 0 }, code: .invalid, field: "access.mac", words: "station"),
    .init(record: mag { $0.access?.vlan = 4095 }, code: .invalid, field: "access.vlan", words: "1…4094"),
    .init(record: mag { $0.table = .mobile }, code: .invalid, field: "table", words: "belong to an lma"),
    .init(
      record: mag { $0.prefix = Sample.prefix("fe80::/64") }, code: .invalid, field: "prefix", words: "not unicast"),
    .init(record: mag { $0.prefix = Sample.prefix("::/0") }, code: .invalid, field: "prefix", words: "not unicast"),
    .init(
      record: .visitor(VisitorRecord(prefix: Sample.prefix("2001:db8:aaaa::/64"), port: "transport")), code: .invalid,
      field: "port", words: "not an access port"),
    .init(
      record: .visitor(VisitorRecord(prefix: Sample.prefix("ff02::/16"), port: "access1")), code: .invalid,
      field: "visitor", words: "not unicast"),
  ]

  private func check(_ broken: BrokenRecord, _ text: String) throws {
    let fixture = try RegistryFixture(text)
    let outcome = fixture.set(broken.record)
    #expect(outcome.applied == 0 && outcome.failed == 1)
    #expect(outcome.firstFailure?.index == 0)
    #expect(outcome.firstFailure?.code == broken.code)
    #expect(outcome.firstFailure?.field == broken.field)
    #expect(outcome.firstFailure?.rule.contains(broken.words) == true, "\(outcome.firstFailure?.rule ?? "")")
    #expect(try fixture.dump() == [])
  }

  @Test("An LMA refuses, naming field and rule", arguments: atLMA)
  func refusedByLMA(_ broken: BrokenRecord) throws { try check(broken, SampleConfiguration.lma) }

  @Test("A MAG refuses, naming field and rule", arguments: atMAG)
  func refusedByMAG(_ broken: BrokenRecord) throws { try check(broken, SampleConfiguration.mag) }

  @Test(
    "Boundaries that hold",
    arguments: ["2001:db8:100::/40", "2001:db8:1ff:ffff:ffff:ffff:ffff:ffff/128", "203.0.113.255/32", "203.0.113.0/24"])
  func anchored(_ prefix: String) throws {
    #expect(try RegistryFixture().set(.binding(Sample.binding(prefix))).applied == 1)
  }

  @Test("R2473-15: a care-of address in a binding's own prefix is the packets' matter, not the record's")
  func nestedCareOf() throws {
    let fixture = try RegistryFixture()
    let record = Sample.binding("2001:db8:100:1::/64", Sample.tunnel("2001:db8:100:1::9"), table: .mobile)
    #expect(fixture.set(.binding(record)).applied == 1)
    let id = try #require(fixture.writer.tunnel(TunnelEndpoints(record.tunnel)))
    #expect(fixture.writer.tunnelSettings(id)?.isAnchored == true)
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:2::/64"))).applied == 1)
    let plain = try #require(fixture.writer.tunnel(TunnelEndpoints(Sample.mag1)))
    #expect(fixture.writer.tunnelSettings(plain)?.isAnchored == false)
  }

  @Test("The sample MAG record holds, with a VLAN and its own local routing")
  func heldByMAG() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let record = Self.mag {
      $0.access?.vlan = 4094
      $0.localRouting = true
    }
    #expect(fixture.set(record).applied == 1)
    #expect(try fixture.dump(.bindings) == [record])
  }
}
