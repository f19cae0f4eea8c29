import ControlPlane
import FastPath
import FlowTable

/// What happens to packets and tables in an offline domain, in the order it happens.
public struct OfflineEvent: Sendable {
  /// The last fate of a packet, until another is told.
  public enum Fate: Sendable, Hashable {
    case transmitted
    case kernel(reason: String)
    case dropped(DropReason)
    case held
  }

  public enum Kind: Sendable {
    /// Received packets, by the numbers the caller gave them, have this fate now.
    case fate([UInt64], Fate)
    /// A frame leaves by a port; it comes of these packets, or answers them.
    case sent([UInt64], port: Int, frame: [UInt8])
    /// The kernel gets a packet; nil: the frame as it was received.
    case kernel(UInt64, reason: String, packet: [UInt8]?)
    case expired(ExpiredBinding)
    /// A flush or a localized route ended, a peer failed or is alive again, or a tunnel has another MTU.
    case registry(RegistryEvent)
    /// Traffic that the control plane may want to act on.
    case notice(name: String, prefix: Prefix, address: IPAddress, mac: MACAddress?, port: Int)
  }

  /// Nanoseconds of the caller's clock.
  public let at: UInt64
  public let kind: Kind
}
