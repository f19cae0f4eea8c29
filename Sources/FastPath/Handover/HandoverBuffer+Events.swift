import FlowTable

/// What goes into the buffer, and what comes out of it.
extension HandoverBuffer {
  /// A packet to be held, and for which binding.
  package struct Arrival: BitwiseCopyable {
    package var binding: HandoverKey
    package var holding: HoldingID?
    package var tunnel: TunnelID
    package var port: UInt8
    package var length: Int
    /// The generation in which the binding says to hold.
    package var generation: UInt64

    package init(
      binding: HandoverKey, holding: HoldingID?, tunnel: TunnelID, port: UInt8, length: Int, generation: UInt64
    ) {
      self.binding = binding
      self.holding = holding
      self.tunnel = tunnel
      self.port = port
      self.length = length
      self.generation = generation
    }
  }

  /// What happened to a held packet. Its octets stay in its slot until the next packet is held.
  package struct Event: BitwiseCopyable {
    package enum Kind: UInt8, BitwiseCopyable {
      case release
      case timeout
      case cancel
    }
    package let kind: Kind
    package let slot: UInt32
    package let length: Int
    package let port: UInt8
    package let tunnel: TunnelID
  }

  /// What is to be done next.
  package enum Step: BitwiseCopyable, Equatable {
    case nothing
    /// It is not known what this queue is to do in the present generation (`setMode`).
    case check(UInt32)
    /// The first packet of this queue is due (`takeFirst`).
    case serve(UInt32)
  }
}
