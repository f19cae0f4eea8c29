import FlowTable
import Glibc
import SlowPath
import Testing

/// Resolution asked of the kernel, across a veth pair between two namespaces.
@Suite(.serialized) struct NeighborResolutionTests {
  /// Two namespaces joined by a link; the far end has 192.0.2.2 and 2001:db8:1::2 with a fixed MAC address.
  private func pair(_ near: borrowing Namespace, _ far: borrowing Namespace) throws {
    try run("ip -n \(near.name) link add fpn type veth peer name fpf netns \(far.name)")
    try near.batch(["link set fpn up", "addr add 192.0.2.1/24 dev fpn", "addr add 2001:db8:1::1/64 dev fpn nodad"])
    try far.batch(["link set fpf address 02:00:00:00:0f:02", "link set fpf up"])
    try addAddresses(far)
    _ = try eventually { try !near.ip("-6 addr show dev fpn").contains("tentative") }
  }

  private func addAddresses(_ far: borrowing Namespace) throws {
    try far.batch(["addr add 192.0.2.2/24 dev fpf", "addr add 2001:db8:1::2/64 dev fpf nodad"])
  }

  private func index(_ recorder: EventRecorder) -> UInt32 {
    recorder.now.links.values.compactMap { $0.index(ofLink: "fpn") }.first ?? 0
  }

  private static let farAddresses = ["192.0.2.2", "2001:db8:1::2"]
  private static let farMAC = MACAddress(0x0200_0000_0f02)

  @Test(arguments: farAddresses) func aNewNeighborIsResolved(_ text: String) throws {
    let near = try Namespace()
    let far = try Namespace()
    try pair(near, far)
    let recorder = EventRecorder()
    let mirror = try near.inside { try recorder.follow() }
    defer { mirror.stop() }
    #expect(eventually { recorder.now.synchronized == 1 && index(recorder) > 0 })
    let address = try #require(IPAddress(text: text))
    #expect(recorder.now.neighbors["\(index(recorder)) \(address)"] == nil)
    try mirror.requestResolution(interface: index(recorder), address: address)
    #expect(eventually { recorder.now.neighbors["\(index(recorder)) \(address)"]?.mac == Self.farMAC })
  }

  @Test(arguments: farAddresses) func aFailedNeighborIsAskedForAgain(_ text: String) throws {
    let near = try Namespace()
    let far = try Namespace()
    try pair(near, far)
    try far.ip("addr flush dev fpf scope global")
    let recorder = EventRecorder()
    let mirror = try near.inside { try recorder.follow() }
    defer { mirror.stop() }
    #expect(eventually { recorder.now.synchronized == 1 && index(recorder) > 0 })
    let address = try #require(IPAddress(text: text))
    try mirror.requestResolution(interface: index(recorder), address: address)
    #expect(try eventually { try near.ip("neigh show \(text) dev fpn nud failed").contains("FAILED") })
    try addAddresses(far)
    try mirror.requestResolution(interface: index(recorder), address: address)
    #expect(eventually { recorder.now.neighbors["\(index(recorder)) \(address)"]?.mac == Self.farMAC })
  }

  @Test func validEntriesKeepTheirAddressAndPermanentOnesTheirState() throws {
    let near = try Namespace()
    let far = try Namespace()
    try pair(near, far)
    try near.batch([
      "neigh add 2001:db8:1::2 lladdr 02:00:00:00:00:99 dev fpn nud permanent",
      "neigh add 192.0.2.2 lladdr 02:00:00:00:00:98 dev fpn nud stale",
      "neigh add 192.0.2.9 lladdr 02:00:00:00:00:97 dev fpn nud noarp",
    ])
    let recorder = EventRecorder()
    let mirror = try near.inside { try recorder.follow() }
    defer { mirror.stop() }
    #expect(eventually { recorder.now.synchronized == 1 && index(recorder) > 0 })
    for text in ["2001:db8:1::2", "192.0.2.2", "192.0.2.9"] {
      try mirror.requestResolution(interface: index(recorder), address: try #require(IPAddress(text: text)))
    }
    #expect(try near.ip("neigh show 2001:db8:1::2 dev fpn nud all").contains("02:00:00:00:00:99 PERMANENT"))
    #expect(try near.ip("neigh show 192.0.2.9 dev fpn nud all").contains("02:00:00:00:00:97 NOARP"))
    // Stale: probed, and meanwhile usable with the address it has.
    let stale = try near.ip("neigh show 192.0.2.2 dev fpn nud all")
    #expect(stale.contains("02:00:00:00:00:98 DELAY") || stale.contains("02:00:00:00:00:98 PROBE"))
  }

  @Test func anInterfaceThatIsNotThereIsRefused() throws {
    let near = try Namespace()
    let mirror = try near.inside { try EventRecorder().follow() }
    defer { mirror.stop() }
    let address = try #require(IPAddress(text: "2001:db8::1"))
    #expect(throws: NetlinkError.refused(request: "entry of 2001:db8::1", .operationNotSupportedByDevice)) {
      try mirror.requestResolution(interface: 4711, address: address)
    }
  }
}
