import ControlProtocol
import FlowTable

/// What one request has changed in the registry so far, with what was there before: the request is staged first, then
/// published as a whole or undone as a whole.
///
/// An entry is noted when the request touches it for the first time (`touched` holds the request's number), so the value
/// noted is the one before the request, and each entry is published once.
struct Journal {
  struct Note<Entry> {
    let slot: UInt32
    /// Nil: the request created the entry.
    let previous: Entry?
    /// The request removed the entry; it stays in its slot until published.
    var isRemoved = false
  }

  /// The same of a binding, without its value: a bulk load creates bindings by the thousand, which had none.
  struct BindingNote: BitwiseCopyable {
    let slot: UInt32
    /// Position of the value before the request; see `previous`.
    fileprivate let position: UInt32
    let isRemoved: Bool

    /// The request created the binding.
    var isNew: Bool { position == .max }
  }

  struct Renewal: BitwiseCopyable {
    let table: TableNumber
    let slot: UInt32
  }

  /// Of this request; each request has its own.
  private(set) var number: UInt64 = 0
  /// When a client's request began, in nanoseconds of the injected clock: lifetimes count from then.
  private(set) var now: UInt64 = 0
  private(set) var bindings: [BindingNote] = []
  private var previousBindings: [BindingEntry] = []
  var tunnels: [Note<TunnelEntry>] = []
  var visitors: [Note<VisitorEntry>] = []
  var routes: [Note<RouteEntry>] = []
  var peers: [Note<FailedPeer>] = []
  /// Packets may be held for one of the bindings, before or after the request: a bulk load is spared looking.
  var concernsHandovers = false
  /// Entries that were said again and are as they were, but another's now, not stale any more, or with a lifetime.
  var renewed: [Renewal] = []
  /// Bulk revocations that begin with this request.
  var revocations: [Revocation] = []

  /// Notes whose memory is kept for the next request.
  private static let keptNotes = 4096

  var isEmpty: Bool {
    bindings.isEmpty && tunnels.isEmpty && visitors.isEmpty && routes.isEmpty && peers.isEmpty && revocations.isEmpty
      && renewed.isEmpty
  }

  /// Begins a client's request.
  mutating func begin(now: UInt64) {
    self.now = now
    begin()
  }

  /// Begins a request of the registry's own.
  mutating func begin() {
    number += 1
    clear()
  }

  /// Forgets what the request has done.
  mutating func clear() {
    bindings.removeAll(keepingCapacity: bindings.count <= Self.keptNotes)
    previousBindings.removeAll(keepingCapacity: previousBindings.count <= Self.keptNotes)
    tunnels.removeAll(keepingCapacity: tunnels.count <= Self.keptNotes)
    visitors.removeAll()
    routes.removeAll()
    peers.removeAll()
    renewed.removeAll(keepingCapacity: renewed.count <= Self.keptNotes)
    concernsHandovers = false
    revocations.removeAll()
  }

  /// Notes a binding that the request has created.
  mutating func noteNew(_ slot: UInt32) {
    bindings.append(BindingNote(slot: slot, position: .max, isRemoved: false))
  }

  /// The same of many.
  mutating func noteNew(_ slots: [UInt32]) {
    bindings.reserveCapacity(bindings.count + slots.count)
    for slot in slots { bindings.append(BindingNote(slot: slot, position: .max, isRemoved: false)) }
  }

  /// Notes a binding that the request has changed or removed.
  mutating func note(_ slot: UInt32, previous: BindingEntry, isRemoved: Bool = false) {
    bindings.append(BindingNote(slot: slot, position: UInt32(previousBindings.count), isRemoved: isRemoved))
    previousBindings.append(previous)
  }

  /// The binding before the request; nil if it created it.
  @inline(__always)
  func previous(_ note: BindingNote) -> BindingEntry? {
    note.isNew ? nil : previousBindings[Int(note.position)]
  }
}
