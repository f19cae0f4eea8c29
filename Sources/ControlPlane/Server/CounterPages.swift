import ControlProtocol

/// How far a list of all counters has come. Tunnels by the ten thousand take many slices, so that no update waits for their
/// names.
struct CounterPages: Sendable {
  /// Items of a frame: far below the smallest payload limit at 300 octets each.
  static let size = 2048
  /// Tunnels of a slice: four counters each.
  static let tunnels = size / 4

  /// Zero values too.
  let isComplete: Bool
  /// The source's counters that are still to come; nil before the first page.
  fileprivate var rest: ArraySlice<CounterItem>?
  /// Nil: no tunnel is left.
  fileprivate var slot: UInt32? = 0

  init(isComplete: Bool) { self.isComplete = isComplete }

  var isAtEnd: Bool { rest?.isEmpty == true && slot == nil }
}

extension RequestResponder {
  /// The next page; empty if there is nothing but zeros, and at the end.
  func nextPage(_ pages: inout CounterPages) -> [CounterItem] {
    var items: [CounterItem] = []
    let rest = pages.rest ?? source.counterItems[...]
    pages.rest = rest.dropFirst(CounterPages.size)
    items += rest.prefix(CounterPages.size)
    if items.count <= CounterPages.size / 2, let slot = pages.slot {
      pages.slot = core.registry.tunnelTraffic(from: slot, limit: CounterPages.tunnels) { endpoints, traffic in
        let name = "tunnel.\(endpoints.local).\(endpoints.remote)"
        items.append(CounterItem(name: "\(name).up.packets", value: traffic.up.packets))
        items.append(CounterItem(name: "\(name).up.bytes", value: traffic.up.bytes))
        items.append(CounterItem(name: "\(name).down.packets", value: traffic.down.packets))
        items.append(CounterItem(name: "\(name).down.bytes", value: traffic.down.bytes))
      }
    }
    return pages.isComplete ? items : items.filter { $0.value != 0 }
  }

  /// The memory of STATS.
  func share(with connection: UInt64) -> RequestStep {
    do throws(StatisticsAreaError) {
      let area = try statistics.share(with: connection)
      return .share(.statistics(StatisticsReply(size: UInt64(area.size))), area)
    } catch {
      let failure = Outcome.Failure(index: nil, code: .unavailable, field: "frame", rule: "\(error)")
      return .reply(.failure(.unavailable, Outcome(firstFailure: failure)))
    }
  }
}
