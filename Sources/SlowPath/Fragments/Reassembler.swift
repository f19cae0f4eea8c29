import FastPath
import FlowTable

/// Puts fragmented outer IPv6 packets together again (RFC 8200 section 4.5, RFC 5722, RFC 6946; ECN by RFC 3168 section
/// 5.3).
///
/// A value without clock or I/O: the caller gives the time in nanoseconds, and a time before an earlier one counts as the
/// earlier one. Every fragment has one fate: `complete` and `dropped` are told by `add` at once, and one that was `held`
/// is found under its token in a later `complete` or in what `expire` returns.
///
/// What a source holds is bounded, and so is the sum. Where the sum is reached, the oldest packet of the source that
/// holds most makes room: a source that floods loses its own packets, never those of one that holds less.
public struct Reassembler: Sendable {
  private let limits: ReassemblyLimits
  private var packets = PartialPackets()
  private var ended: [ExpiredReassembly] = []
  private var clock: UInt64 = 0

  public init(limits: ReassemblyLimits = ReassemblyLimits()) { self.limits = limits }

  /// Octets charged at the moment (`ReassemblyLimits`).
  public var octets: Int { packets.shares.octets }
  /// Packets in parts at the moment, with those given up whose later fragments are still refused.
  public var count: Int { packets.count }
  /// When `expire` has something to do next.
  public var nextExpiry: UInt64? {
    if !ended.isEmpty { return clock }
    return packets.oldest.flatMap { packets[$0]?.deadline }
  }

  /// Takes a fragment.
  ///
  /// It may end packets in parts, its own or others: `expire` is to be called after it.
  /// - Parameters:
  ///   - packet: the octets from the outer IPv6 header on; what is behind its Payload Length is ignored.
  ///   - now: nanoseconds of the caller's clock.
  ///   - token: the caller's name for this fragment.
  public mutating func add(_ packet: [UInt8], now: UInt64, token: UInt64 = 0) -> ReassemblyOutcome {
    endDue(at: now)
    let fragment: OuterFragment
    do throws(FragmentRefusal) {
      fragment = try OuterFragment(packet)
    } catch {
      return .dropped(error.reason, answer: error.answer)
    }
    if fragment.isAtomic {
      return .complete(ReassembledPacket(octets: fragment.wholePacket(packet), tokens: [token]))
    }
    guard let slot = packets.slot(of: fragment.key), let partial = packets[slot] else {
      return begin(fragment, of: packet, token: token)
    }
    if let reason = partial.abandoned { return .dropped(reason, answer: nil) }
    switch partial.fit(of: fragment, in: packet) {
    case .duplicate: return ignore(token, slot)
    case .overlap: return abandon(slot, .reassemblyOverlap)
    case .tooLong: return .dropped(.reassembledTooBig, answer: .offset(fragmentHeader: fragment.header))
    case .fits(let place): return add(fragment, of: packet, at: place, to: slot, token: token)
    }
  }

  /// Ends what has waited too long.
  /// - Returns: every packet given up since the last call, for whatever reason, in the order it happened.
  public mutating func expire(now: UInt64) -> [ExpiredReassembly] {
    endDue(at: now)
    defer { ended = [] }
    return ended
  }

  /// The first fragment of a packet to arrive: its time starts.
  private mutating func begin(_ fragment: OuterFragment, of packet: [UInt8], token: UInt64) -> ReassemblyOutcome {
    let (deadline, overflow) = clock.addingReportingOverflow(ReassemblyLimits.timeout)
    let slot = packets.append(PartialPacket(key: fragment.key, deadline: overflow ? .max : deadline))
    let outcome = add(fragment, of: packet, at: 0, to: slot, token: token)
    // A packet that was refused with its first fragment is not worth remembering: nothing of it was held.
    if case .dropped = outcome { _ = packets.remove(slot) }
    return outcome
  }

  private mutating func add(
    _ fragment: OuterFragment, of packet: [UInt8], at place: Int, to slot: Int32, token: UInt64
  ) -> ReassemblyOutcome {
    guard let partial = packets[slot] else { return .dropped(.malformed, answer: nil) }
    if OuterHeader.length + partial.length(with: fragment) > limits.largestPacket {
      return abandon(slot, .reassembledTooBig)
    }
    if partial.isCompleted(by: fragment) {
      packets[slot]?.insert(fragment, of: packet, at: place, token: token)
      return complete(slot, token: token)
    }
    if partial.count >= limits.fragmentsPerPacket { return abandon(slot, .reassemblyFull) }
    let headers = fragment.offset == 0 ? fragment.data.lowerBound : 0
    let charge = headers + fragment.data.count + ReassemblyLimits.fragmentCharge
    guard makeRoom(charge, for: slot) else { return abandon(slot, .reassemblyFull) }
    packets[slot]?.insert(fragment, of: packet, at: place, token: token)
    packets.charge(slot, charge)
    return .held
  }

  /// A duplicate shares its packet's fate and changes nothing else; there are at most as many as fragments may be.
  private mutating func ignore(_ token: UInt64, _ slot: Int32) -> ReassemblyOutcome {
    guard let partial = packets[slot], partial.tokens.count < 2 * limits.fragmentsPerPacket,
      makeRoom(ReassemblyLimits.duplicateCharge, for: slot)
    else { return .dropped(.reassemblyFull, answer: nil) }
    packets[slot]?.ignore(duplicate: token)
    packets.charge(slot, ReassemblyLimits.duplicateCharge)
    return .held
  }

  private mutating func complete(_ slot: Int32, token: UInt64) -> ReassemblyOutcome {
    guard let partial = packets.remove(slot) else { return .dropped(.malformed, answer: nil) }
    switch partial.reassembled() {
    case .success(let octets): return .complete(ReassembledPacket(octets: octets, tokens: partial.tokens))
    case .failure(let refusal):
      // The fragment that came last is answered for by the outcome.
      ended.append(
        ExpiredReassembly(reason: refusal.reason, tokens: partial.tokens.dropLast(), firstFragment: nil))
      return .dropped(refusal.reason, answer: refusal.answer)
    }
  }

  /// Gives a packet up silently, and remembers that until its deadline: RFC 5722 section 4 drops "those not yet received"
  /// too.
  private mutating func abandon(_ slot: Int32, _ reason: DropReason) -> ReassemblyOutcome {
    if let partial = packets[slot] {
      packets.charge(slot, ReassemblyLimits.packetCharge - partial.charge)
      let tokens = packets[slot]?.abandon(reason) ?? []
      if !tokens.isEmpty { ended.append(ExpiredReassembly(reason: reason, tokens: tokens, firstFragment: nil)) }
    }
    return .dropped(reason, answer: nil)
  }

  /// Ends packets until `charge` more octets for the packet in `slot` keep the limits; false if only that packet is left
  /// to be ended.
  private mutating func makeRoom(_ charge: Int, for slot: Int32) -> Bool {
    guard let source = packets[slot]?.key.source else { return false }
    while packets.shares.octets(of: source) + charge > limits.octetsPerSource {
      guard endOldest(of: source, except: slot) else { return false }
    }
    while packets.shares.octets + charge > limits.octets {
      let own = packets.shares.octets(of: source) + charge
      var victim = source
      if let largest = packets.shares.largest, packets.shares.octets(of: largest) > own { victim = largest }
      guard endOldest(of: victim, except: slot) else { return false }
    }
    return true
  }

  private mutating func endOldest(of source: IPAddress, except kept: Int32) -> Bool {
    guard let victim = packets.shares.oldestPacket(of: source, except: kept) else { return false }
    end(victim, .reassemblyFull)
    return true
  }

  private mutating func endDue(at now: UInt64) {
    clock = max(clock, now)
    while let oldest = packets.oldest, let partial = packets[oldest], partial.deadline <= clock {
      end(oldest, .reassemblyTimeout)
    }
  }

  private mutating func end(_ slot: Int32, _ reason: DropReason) {
    guard let partial = packets.remove(slot), !partial.tokens.isEmpty else { return }
    let first = reason == .reassemblyTimeout ? partial.firstFragment : nil
    ended.append(ExpiredReassembly(reason: reason, tokens: partial.tokens, firstFragment: first))
  }
}
