import FlowTable

/// One update of the steering program, and its opposite.
enum SteeringChange: Hashable {
  case source(Prefix, SteeringSource?)
  case station(Station, present: Bool)

  func apply(to table: any SteeringTable) throws(SteeringError) {
    switch self {
    case .source(let prefix, let kind): try table.setSource(prefix, kind)
    case .station(let station, let present):
      try table.setMobileNode(port: station.port, mac: station.mac, present: present)
    }
  }

  /// What undoes an addition.
  var removal: SteeringChange {
    switch self {
    case .source(let prefix, _): .source(prefix, nil)
    case .station(let station, _): .station(station, present: false)
    }
  }
}

/// What a request asks of the steering program: additions before the forwarding table is published (a refusal can still
/// undo the request), removals after it (packets of a binding that is going are dropped, not leaked to the kernel).
struct SteeringPlan {
  private(set) var additions: [SteeringChange] = []
  private(set) var removals: [SteeringChange] = []
  /// Prefixes of one kind that are of the other afterwards.
  private var converted: Set<SteeringChange> = []
  /// By how much each station's number of bindings changes.
  private(set) var stations: [Station: Int] = [:]
  /// By how much the number of bindings changes that turn local routing on for themselves.
  var localRouters = 0

  /// - Parameter counts: bindings at each station before the request.
  mutating func finish(counts: [Station: Int]) {
    for (station, change) in stations where change != 0 {
      let before = counts[station] ?? 0
      if before == 0 { additions.append(.station(station, present: true)) }
      if before + change == 0 { removals.append(.station(station, present: false)) }
    }
    guard !additions.isEmpty, !removals.isEmpty else { return }
    // A prefix that was a mobile node's and is ordinary hosts' now, or the reverse, is in both: it stays.
    converted = Set(additions.map(\.removal)).intersection(removals)
    if !converted.isEmpty { removals.removeAll { converted.contains($0) } }
  }

  mutating func replace(_ prefix: Prefix, previous: SteeringSource?, with kind: SteeringSource?) {
    guard previous != kind else { return }
    if kind == nil { removals.append(.source(prefix, nil)) } else { additions.append(.source(prefix, kind)) }
  }

  /// What undoes an addition of this plan.
  ///
  /// - Parameter visitors: the kind of visitors' prefixes.
  func reverse(of addition: SteeringChange, visitors: SteeringSource) -> SteeringChange {
    guard case .source(let prefix, let kind) = addition, converted.contains(addition.removal) else {
      return addition.removal
    }
    return .source(prefix, kind == .visitor ? .bound : visitors)
  }

  mutating func count(_ access: AccessLink?, by change: Int) {
    if let access { stations[Station(access), default: 0] += change }
  }
}
