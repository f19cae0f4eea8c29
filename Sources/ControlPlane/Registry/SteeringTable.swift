import FlowTable

/// What the steering program must know of sources on access ports. Implemented over the XDP program's maps, and over
/// the Swift twin of the program in replay.
///
/// Every call replaces what was there and may be repeated. All calls come from the writer thread.
public protocol SteeringTable: AnyObject {
  /// - Parameter kind: nil removes the prefix; removing what is absent is no error.
  func setSource(_ prefix: Prefix, _ kind: SteeringSource?) throws(SteeringError)
  /// Frames from this station on this port are ours even when their source address is unknown.
  func setMobileNode(port: UInt8, mac: MACAddress, present: Bool) throws(SteeringError)
}

/// Whose packets have a source in a prefix.
public enum SteeringSource: Sendable, Hashable {
  /// A mobile node's: redirected to the workers.
  case bound
  /// An ordinary host's: passed to the kernel.
  case visitor
}

/// The steering program's maps refused an update, e.g. because they are full.
public struct SteeringError: Error, Hashable, Sendable {
  /// What could not be done and why, for the operator.
  public let reason: String

  public init(reason: String) { self.reason = reason }
}

/// One station on one access port.
struct Station: Hashable {
  let port: UInt8
  let mac: MACAddress

  init(_ access: AccessLink) {
    port = access.port
    mac = access.mac
  }
}
