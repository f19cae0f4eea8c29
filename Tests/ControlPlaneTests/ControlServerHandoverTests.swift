import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Handover over the socket")
struct ControlServerHandoverTests {
  private func record(_ state: BindingRecord.State) -> BindingRecord {
    var record = Sample.binding(
      "2001:db8:100:1::/64", Sample.toLMA, state: state, access: .init(port: "access1", mac: 0x0200_0000_0110),
      mobileNode: "mn1")
    record.peer = state == .active ? nil : Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")
    return record
  }

  /// The binding as LOOKUP shows it.
  private func shown(_ client: SocketClient) throws -> TableRecord? {
    guard case .lookup(let entries) = try client.ask(.lookup(.prefix(Sample.prefix("2001:db8:100:1::/64")))) else {
      throw SocketClient.Failure(description: "LOOKUP was refused")
    }
    return entries.first?.record
  }

  @Test("A flush stays one while something is held, and ends by itself when nothing is")
  func flush() throws {
    try ServiceFixture(SampleConfiguration.mag).run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      let accounts = fixture.table.handoverLedger.accounts
      // The first account of a table; the workers would take from it.
      let account = HoldingID(1)
      #expect(try client.ask(.upsert(UpsertRequest(records: [.binding(record(.buffering))]))).status == .ok)
      #expect(accounts.take(account, perNode: 1, total: 1))
      #expect(try client.ask(.upsert(UpsertRequest(records: [.binding(record(.flushing))]))).status == .ok)
      let looksLater = ContinuousClock.now + .milliseconds(50)
      while ContinuousClock.now < looksLater { #expect(try shown(client) == .binding(record(.flushing))) }
      accounts.give(account)
      let end = ContinuousClock.now + .seconds(20)
      while try shown(client) != .binding(record(.active)) {
        guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "the flush does not end") }
      }
    }
  }
}
