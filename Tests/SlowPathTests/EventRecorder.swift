import FlowTable
import SlowPath
import Synchronization

/// A sink that plays events into sets, the way the next-hop resolver must, and keeps their order.
final class EventRecorder: Sendable {
  struct State {
    var events: [KernelEvent] = []
    var routes: Set<KernelRoute> = []
    var neighbors: [String: KernelNeighbor] = [:]
    var links: [UInt32: KernelEvent] = [:]
    var synchronized = 0
    var resynchronized = 0
    /// Events that contradict what was told before.
    var contradictions: [String] = []
    var errors: [NetlinkError] = []
  }

  let state = Mutex(State())

  var now: State { state.withLock { $0 } }

  func follow(receiveBuffer: Int32 = 8 << 20) throws(NetlinkError) -> KernelMirror {
    try KernelMirror(
      receiveBuffer: receiveBuffer, report: { error in self.state.withLock { $0.errors.append(error) } },
      sink: { events in self.state.withLock { for event in events { $0.play(event) } } })
  }
}

extension EventRecorder.State {
  mutating func play(_ event: KernelEvent) {
    events.append(event)
    switch event {
    case .routeAdded(let route):
      if !routes.insert(route).inserted { contradictions.append("added twice: \(route)") }
    case .routeRemoved(let route):
      if routes.remove(route) == nil { contradictions.append("removed but unknown: \(route)") }
    case .neighborChanged(let neighbor):
      neighbors["\(neighbor.interface) \(neighbor.address)"] = neighbor
    case .neighborRemoved(let interface, let address):
      if neighbors.removeValue(forKey: "\(interface) \(address)") == nil {
        contradictions.append("neighbour removed but unknown: \(address)")
      }
    case .linkChanged(let interface, _, _, _, _): links[interface] = event
    case .resynchronized:
      resynchronized += 1
      (routes, neighbors, links) = ([], [:], [:])
    case .synchronized: synchronized += 1
    }
  }
}
