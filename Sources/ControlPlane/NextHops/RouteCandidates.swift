import FlowTable

/// Where a route leads.
enum RouteTarget: Hashable {
  /// Out of a port, to a gateway, or to the destination itself.
  case port(UInt8, gateway: IPAddress?)
  /// Out of an interface that is not a port, or to this host: the kernel's.
  case kernel
  case unreachable
}

/// One route to a prefix, static or learned.
struct RouteCandidate: Hashable {
  let target: RouteTarget
  /// Static routes win over the kernel's, whatever their metrics.
  let isStatic: Bool
  let metric: UInt32
  /// Kernel interface index, part of a learned route's identity.
  let interface: UInt32
  let gateway: IPAddress?
  /// The dump in which it was last seen; older ones are swept.
  var epoch: UInt64

  func isSameRoute(as other: RouteCandidate) -> Bool {
    target == other.target && isStatic == other.isStatic && metric == other.metric && interface == other.interface
      && gateway == other.gateway
  }

  func isPreferred(to other: RouteCandidate) -> Bool {
    isStatic != other.isStatic ? isStatic : metric < other.metric
  }
}

/// All routes to one prefix; the first best one counts, so that an equal newcomer moves nothing.
struct RouteCandidates {
  private(set) var all: [RouteCandidate] = []

  var isEmpty: Bool { all.isEmpty }

  var best: RouteCandidate? {
    all.dropFirst().reduce(all.first) { best, next in
      guard let best else { return next }
      return next.isPreferred(to: best) ? next : best
    }
  }

  /// Adds a route, or marks the known one as seen.
  mutating func add(_ candidate: RouteCandidate) {
    if let index = all.firstIndex(where: { $0.isSameRoute(as: candidate) }) {
      all[index].epoch = candidate.epoch
    } else {
      all.append(candidate)
    }
  }

  mutating func remove(_ candidate: RouteCandidate) {
    all.removeAll { $0.isSameRoute(as: candidate) }
  }

  /// Drops learned routes that the last dump did not show.
  mutating func sweep(before epoch: UInt64) {
    all.removeAll { !$0.isStatic && $0.epoch < epoch }
  }
}
