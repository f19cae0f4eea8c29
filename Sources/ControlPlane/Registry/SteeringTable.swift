import FlowTable

/// What the steering program must know of sources on access ports. Implemented over the XDP program's maps, and over
/// the Swift twin of the program in replay.
///
/// Every call replaces what was there and may be repeated. All calls come from the writer thread.
public protocol SteeringTable: AnyObject {
  /// - Parameter kind: nil removes the prefix; removing what is absent is no error.
  func setSource(_ prefix: Prefix, _ kind: SteeringSource?) throws(SteeringError)
}

/// Whose packets have a source in a prefix.
public enum SteeringSource: Sendable, Hashable {
  /// A mobile node's: redirected to the workers.
  case bound
  /// An ordinary host's on the link of this port: passed to the kernel from there.
  case visitor(port: UInt8)
}

/// The steering program's maps refused an update, e.g. because they are full.
public struct SteeringError: Error, Hashable, Sendable {
  /// What could not be done and why, for the operator.
  public let reason: String

  public init(reason: String) { self.reason = reason }
}
