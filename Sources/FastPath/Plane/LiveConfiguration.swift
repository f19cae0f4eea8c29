/// How frames get in and out, as configured.
public enum AttachMode: String, Sendable {
  /// Zero-copy, else copy; both native.
  case auto
  case zeroCopy = "zero-copy"
  case copy
  /// The kernel's slow emulation; only when asked for.
  case generic
}

/// What a live plane needs besides the pipeline's settings.
public struct LiveConfiguration: Sendable {
  public var settings: PlaneSettings
  /// Interface names, in the order of `settings.ports`, in the calling thread's network namespace.
  public var interfaces: [String]
  public var mode: AttachMode
  /// Receive queues that every port serves; worker *q* owns queue *q* of all ports.
  public var queues: Int
  /// CPU of each worker, or nil to leave it to the scheduler.
  public var cpus: [Int]?
  /// The other threads have CPUs besides those of the workers: these may be kept busy for a while without packets.
  public var hasOwnCPUs: Bool
  /// Workers never sleep, and let the driver receive so many packets at a time where the kernel knows what to poll; nil
  /// leaves that to interrupts, and a worker that has nothing to do sleeps.
  public var busyPoll: Int?

  public init(
    settings: PlaneSettings, interfaces: [String], mode: AttachMode, queues: Int, cpus: [Int]?,
    hasOwnCPUs: Bool = false, busyPoll: Int? = nil
  ) {
    self.settings = settings
    self.interfaces = interfaces
    self.mode = mode
    self.queues = queues
    self.cpus = cpus
    self.hasOwnCPUs = hasOwnCPUs
    self.busyPoll = busyPoll
  }
}

/// One AF_XDP socket of a running plane, for the steering program's map and for status.
public struct SocketFacts: Sendable {
  public let port: Int
  public let queue: Int
  public let descriptor: Int32
  public let isZeroCopy: Bool
  public let busyPoll: BusyPoll

  /// What a worker does that has nothing to do.
  public enum BusyPoll: String, Sendable {
    /// It sleeps.
    case off
    /// It looks at its rings without a pause; interrupts, or the kernel's threads, fill them. The kernel knows no NAPI
    /// instance to poll: not before the first packet, or never, as kernel and driver have it.
    case rings
    /// It runs the receive path of the socket's queue.
    case driver
  }
}

/// The kernel's own loss counters of one socket (`struct xdp_statistics`).
public struct SocketStatistics: Sendable {
  public let rxDropped: UInt64
  public let rxInvalidDescriptors: UInt64
  public let txInvalidDescriptors: UInt64
  public let rxRingFull: UInt64
  public let rxFillRingEmpty: UInt64
  public let txRingEmpty: UInt64
}

/// Where the frames of one worker are when it has stopped: the conservation law free + fill + transmit = total.
public struct FrameAudit: Sendable {
  public let total: Int
  public let free: Int
  public let inFill: Int
  public let inTransmit: Int
  public var isBalanced: Bool { free + inFill + inTransmit == total }
}
