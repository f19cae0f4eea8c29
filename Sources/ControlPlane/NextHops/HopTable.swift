import FlowTable

/// What a next hop of the forwarding table stands for: one of these each, shared by all tunnels and routes that use it,
/// so that a changed neighbour is one write however many tunnels lie behind it.
enum HopKey: Hashable {
  case kernel
  case unreachable
  case neighbor(PortAddress)

  var neighbor: PortAddress? {
    if case .neighbor(let neighbor) = self { neighbor } else { nil }
  }
}

/// The next hops in the forwarding table, with their users counted.
struct HopTable {
  private struct Hop {
    let id: NextHopID
    var users: Int
    var state: NextHopState
  }

  private var hops: [HopKey: Hop] = [:]
  /// Unused hops whose removal the forwarding table has put off (its retire queue was full).
  private var postponed: [NextHopID] = []

  var keys: Dictionary<HopKey, some Any>.Keys { hops.keys }

  func contains(_ key: HopKey) -> Bool { hops[key] != nil }
  func state(_ key: HopKey) -> NextHopState? { hops[key]?.state }
  func id(_ key: HopKey) -> NextHopID? { hops[key]?.id }

  /// Counts one more user; the first one creates the hop in `state`.
  mutating func acquire(_ key: HopKey, state: NextHopState, _ writer: TableWriter) throws(FlowTableError) -> NextHopID {
    if let hop = hops[key] {
      hops[key]?.users += 1
      return hop.id
    }
    let id = try writer.addNextHop(state)
    hops[key] = Hop(id: id, users: 1, state: state)
    return id
  }

  /// Counts one user less; the last one removes the hop.
  mutating func release(_ key: HopKey, _ writer: TableWriter) {
    guard let hop = hops[key] else { return }
    if hop.users > 1 {
      hops[key]?.users -= 1
    } else {
      hops[key] = nil
      postponed.append(hop.id)
      reap(writer)
    }
  }

  /// Removes unused hops from the forwarding table, as far as it lets go of them now.
  mutating func reap(_ writer: TableWriter) {
    while let id = postponed.last {
      guard (try? writer.removeNextHop(id)) != nil else { return }
      postponed.removeLast()
    }
  }

  /// Publishes a hop's state; nothing is written when it is the one it has.
  mutating func update(_ key: HopKey, _ state: NextHopState, _ writer: TableWriter) throws(FlowTableError) {
    guard let hop = hops[key], hop.state != state else { return }
    try writer.updateNextHop(hop.id, state)
    hops[key]?.state = state
  }
}
