/// What a gateway's localized routes say of a packet that came from another gateway.
public enum LocalizedArrival: Sendable, BitwiseCopyable {
  /// No route of the destination's prefix is by that tunnel.
  case otherTunnel
  /// There is one by that tunnel, but not to where the packet comes from.
  case foreignSource
  case accepted
}

// Blocks are gone through one record after the other: they are short (256 routes at most), and only packets between two
// mobile nodes with such routes get here.
extension TableSnapshot {
  /// The tunnel by which packets from a binding's prefix go to `destination` past the anchor; 0 without such a route.
  public func localizedTunnel(from binding: BindingEntry, to destination: IPAddress) -> TunnelID {
    guard let id = binding.localizedRoutes else { return TunnelID(0) }
    for number in 0..<localizedRouteCount(id) {
      let record = localizedRoute(id, number)
      // The longest prefixes come first.
      if !record.isReceiveOnly && record.contains(destination) { return TunnelID(record.tunnel) }
    }
    return TunnelID(0)
  }

  /// Whether a packet to a binding's prefix may come from `source` by a tunnel that is not the binding's own.
  public func localizedArrival(
    to binding: BindingEntry, from source: IPAddress, by tunnel: TunnelID
  ) -> LocalizedArrival {
    guard let id = binding.localizedRoutes else { return .otherTunnel }
    var answer = LocalizedArrival.otherTunnel
    for number in 0..<localizedRouteCount(id) {
      let record = localizedRoute(id, number)
      guard record.tunnel == tunnel.rawValue else { continue }
      if record.contains(source) { return .accepted }
      answer = .foreignSource
    }
    return answer
  }

  private func localizedRouteCount(_ id: LocalizedRoutesID) -> Int {
    // The binding that names the block belongs to this snapshot, so the block was written before and is not freed yet.
    unsafe Int(block(id).load(as: UInt64.self))
  }

  private func localizedRoute(_ id: LocalizedRoutesID, _ number: Int) -> LocalizedRouteRecord {
    // As above; the number is below the block's count.
    let offset = LocalizedRouteRecord.headerBytes &+ number &* LocalizedRouteRecord.bytes
    return unsafe block(id).load(fromByteOffset: offset, as: LocalizedRouteRecord.self)
  }

  @unsafe
  private func block(_ id: LocalizedRoutesID) -> UnsafeMutableRawPointer {
    unsafe localizedRoutes + Int(id.rawValue) &* LocalizedRouteRecord.unitBytes
  }
}
