import ControlProtocol
import FlowTable

// What a record would make too many is refused while it is staged: the forwarding table refuses requests as a whole, and
// the one record that finds no room must be named and the others applied.

extension Registry {
  /// Refuses another binding or visitor prefix when there are as many as there may be.
  @inline(__always)
  func checkRoomForPrefix() throws(RecordRefusal) {
    guard bindings.count + visitors.count < capacities.bindings else {
      throw RecordRefusal(
        code: .full, field: "prefix", rule: "\(capacities.bindings) bindings and visitor prefixes are the most")
    }
  }

  /// Refuses a record that names more new tunnels than there may be now.
  func checkRoom(for named: [TunnelEndpoints?]) throws(RecordRefusal) {
    let new = Set(named.compactMap(\.self).filter { tunnels.find($0) == nil }).count
    guard new > 0, tunnels.count + new > writer.tunnelRoom else { return }
    // Removed ones may have passed their grace period by now.
    writer.reclaim()
    guard tunnels.count + new > writer.tunnelRoom else { return }
    throw RecordRefusal(code: .full, field: "tunnel", rule: "\(capacities.tunnels) tunnels are the most")
  }
}
