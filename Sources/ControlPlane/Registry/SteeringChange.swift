import FlowTable

/// One update of the steering program: whose packets have a source in a prefix, before and after it.
struct SteeringChange {
  let prefix: Prefix
  var previous: SteeringSource?
  let source: SteeringSource?

  func apply(to table: any SteeringTable) throws(SteeringError) { try table.setSource(prefix, source) }

  /// What undoes it.
  var reverse: SteeringChange { SteeringChange(prefix: prefix, previous: source, source: previous) }
}

/// What a request asks of the steering program: additions before the forwarding table is published (a refusal can still
/// undo the request), removals after it (nothing reaches the maps that is not true of the table).
struct SteeringPlan {
  private(set) var additions: [SteeringChange] = []
  private(set) var removals: [SteeringChange] = []
  /// By how much the number of bindings changes that turn local routing on for themselves.
  var localRouters = 0

  mutating func replace(_ prefix: Prefix, previous: SteeringSource?, with source: SteeringSource?) {
    guard previous != source else { return }
    let change = SteeringChange(prefix: prefix, previous: previous, source: source)
    if source == nil { removals.append(change) } else { additions.append(change) }
  }

  /// A prefix that was a mobile node's and is ordinary hosts' now, or the reverse, is in both: it stays.
  mutating func finish() {
    guard !additions.isEmpty, !removals.isEmpty else { return }
    let removed = Dictionary(removals.map { ($0.prefix, $0.previous) }) { first, _ in first }
    var converted: Set<Prefix> = []
    for index in additions.indices {
      guard let previous = removed[additions[index].prefix] else { continue }
      additions[index].previous = previous
      converted.insert(additions[index].prefix)
    }
    if !converted.isEmpty { removals.removeAll { converted.contains($0.prefix) } }
  }
}
