import ControlProtocol
import FlowTable

/// One entry that a request has changed.
enum EntryChange {
  case set(TableRecord)
  case delete(TableKey)
}

/// What a request has changed, for those who want to hear of others' changes.
struct ChangeLog {
  /// More than these are told by their number alone.
  static let limit = 1024

  /// The first ones.
  private(set) var changes: [EntryChange] = []
  private(set) var count = 0
  /// Nanoseconds, for lifetimes: asked when the change is made, so that none looks longer than it was said.
  let clock: @Sendable () -> UInt64
  /// What more of them than the limit are called.
  let operation: BulkOperation

  init(_ operation: BulkOperation = .changed, clock: @escaping @Sendable () -> UInt64) {
    self.operation = operation
    self.clock = clock
  }

  mutating func add(_ change: @autoclosure () -> EntryChange) {
    count += 1
    if count <= Self.limit { changes.append(change()) }
  }
}

extension Registry {
  /// Adds what the journal has published to the log, if there is one; what was removed is still in its slot.
  func logChanges() {
    guard var log = changeLog else { return }
    defer { changeLog = log }
    let now = log.clock()
    for note in journal.bindings {
      guard let entry = bindings[note.slot] else { continue }
      log.add(
        note.isRemoved ? .delete(record(entry, now: now).key) : .set(.binding(record(entry, now: now))))
    }
    for note in journal.tunnels {
      guard let entry = tunnels[note.slot] else { continue }
      if note.isRemoved || !entry.isConfigured {
        // What nobody had set is nobody's loss.
        if note.previous?.isConfigured ?? false { log.add(.delete(.tunnel(entry.endpoints.wire))) }
      } else if !(note.previous?.isSet(like: entry) ?? false) {
        log.add(.set(.tunnel(record(entry))))
      }
    }
    for note in journal.visitors {
      guard let entry = visitors[note.slot] else { continue }
      log.add(note.isRemoved ? .delete(.visitor(entry.prefix.wire)) : .set(.visitor(record(entry))))
    }
    for note in journal.routes {
      guard let entry = routes[note.slot] else { continue }
      let route = record(entry, now: now)
      log.add(note.isRemoved ? .delete(.route(from: route.from, to: route.to)) : .set(.route(route)))
    }
    for note in journal.peers {
      guard let entry = peers[note.slot] else { continue }
      let address = entry.address.wire
      log.add(note.isRemoved ? .delete(.peer(address)) : .set(.peer(PeerRecord(address: address, state: .failed))))
    }
  }
}

extension TunnelEntry {
  /// Whether a record has set it to the same; who uses it does not count.
  fileprivate func isSet(like other: TunnelEntry) -> Bool {
    isConfigured == other.isConfigured && isStatic == other.isStatic && choices == other.choices
  }
}

extension Registry {
  /// How full the tables are.
  func sizes(_ capacities: FlowTableLimits) -> [TableSize] {
    [
      TableSize(.bindings, bindingCount, of: capacities.bindings),
      TableSize(.tunnels, tunnelCount, of: capacities.tunnels),
      TableSize(.routes, routeCount, of: Self.routeCapacity),
      TableSize(.visitors, visitorCount, of: capacities.bindings),
      TableSize(.peers, failedPeerCount, of: Self.peerCapacity),
    ]
  }
}
