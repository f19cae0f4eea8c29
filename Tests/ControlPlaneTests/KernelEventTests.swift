import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("What the kernel says, on its way to the tables")
struct KernelEventTests {
  /// More than the writer takes in at a time.
  private static let earlier = 20_000

  @Test("Who has waited for the kernel's word finds it in the tables, however much came before it")
  func awaited() throws {
    try ServiceFixture().run { fixture in
      let gateway = IPAddress(Sample.address("2001:db8:7::1"))
      for number in 0..<Self.earlier {
        let route = KernelRoute(
          prefix: Prefix(covering: IPAddress(Sample.address("2001:db8::")), length: 32), gateway: gateway,
          interface: 12, metric: UInt32(1 + number % 2))
        fixture.service.handle(number % 4 < 2 ? .routeAdded(route) : .routeRemoved(route))
      }
      let wanted = IPAddress(Sample.address("2001:db9::1"))
      fixture.service.handle(
        .routeAdded(
          KernelRoute(prefix: Prefix(covering: wanted, length: 48), gateway: gateway, interface: 12, metric: 1)))
      fixture.service.awaitHandled()
      #expect(nextHop(fixture.table, towards: wanted) != 0)
      #expect(nextHop(fixture.table, towards: IPAddress(Sample.address("2001:dba::1"))) == 0)
    }
  }

  /// What a worker would find; 0 without a route.
  private func nextHop(_ table: FlowTable, towards address: IPAddress) -> UInt32 {
    let keys = [LookupKey(address)]
    var results: [UInt32] = [0]
    var span = results.mutableSpan
    table.view.snapshot().lookupRoutes(keys.span, into: &span)
    return results[0]
  }
}
