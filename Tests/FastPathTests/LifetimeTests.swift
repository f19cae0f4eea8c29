import FastPath
import FlowTable
import Testing

/// Who keeps what alive: a plane reads the tables' memory, so the tables live as long as the plane.
struct LifetimeTests {
  @Test func aPlaneKeepsItsTables() throws {
    weak var table: FlowTable?
    let plane = try {
      let made = try FlowTable(
        limits: FlowTableLimits(bindings: 64, tunnels: 8, nextHops: 8, routes: 8, retired: 64, workers: 1))
      table = made
      return try OfflinePlane(settings: SampleDomain.anchorSettings(), table: made)
    }()
    #expect(table != nil)
    #expect(plane.process([], port: 0).fate == .dropped(.truncated))
  }
}
