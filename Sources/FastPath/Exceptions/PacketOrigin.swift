/// Where a packet of a batch came from. Raw values go through the injection ring.
enum PacketOrigin: UInt8, BitwiseCopyable {
  /// Received on a port.
  case wire
  /// Reassembled from outer fragments: runs through the pipeline as if received as it is.
  case arrived
  /// Of this machine: no ingress check, and the way is the binding's or the route's.
  case originated
  /// A finished outer packet: leaves by its tunnel's next hop.
  case outer
  /// Held for a mobile node in handover until now; decapsulated when it came.
  case released
}
