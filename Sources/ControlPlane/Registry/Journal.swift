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

  /// Of this request; each request has its own.
  let number: UInt64
  var bindings: [Note<BindingEntry>] = []
  var tunnels: [Note<TunnelEntry>] = []
  var visitors: [Note<VisitorEntry>] = []
  var routes: [Note<RouteEntry>] = []
  var peers: [Note<FailedPeer>] = []
  /// Packets may be held for one of the bindings, before or after the request: a bulk load is spared looking.
  var concernsHandovers = false
  /// Bulk revocations that begin with this request.
  var revocations: [Revocation] = []

  init(number: UInt64) { self.number = number }

  var isEmpty: Bool {
    bindings.isEmpty && tunnels.isEmpty && visitors.isEmpty && routes.isEmpty && peers.isEmpty && revocations.isEmpty
  }
}
