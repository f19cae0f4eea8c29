import FastPath
import SlowPath

/// Reassembly as RFC 8200 section 4.5 and RFC 5722 tell it, one octet at a time, without limits on memory: a map from
/// octet numbers to octets for each packet, searched through whole whenever something is asked of it.
struct ReassemblyModel {
  private struct Fragment {
    let headers: [UInt8]
    let headersWithoutFragment: [UInt8]
    let congestion: UInt8
    let offset: Int
    let more: Bool
    let data: [UInt8]
    var octetNumbers: Range<Int> { offset..<offset + data.count }
    /// What lies between the IPv6 header and the Fragment header.
    var extensions: Int { headersWithoutFragment.count - 40 }
  }

  private struct Packet {
    let key: [UInt8]
    let begun: UInt64
    var octets: [Int: UInt8] = [:]
    var fragments: [Fragment] = []
    var tokens: [UInt64] = []
    var gaveUp: DropReason?

    var first: Fragment? { fragments.first { $0.offset == 0 } }
    var length: Int? { fragments.first { !$0.more }?.octetNumbers.upperBound }
  }

  let fragmentsPerPacket: Int
  /// In the order they were begun.
  private var packets: [Packet] = []
  private var ended: [ExpiredReassembly] = []

  init(fragmentsPerPacket: Int) { self.fragmentsPerPacket = fragmentsPerPacket }

  var count: Int { packets.count }
  var nextDeadline: UInt64? { packets.map { $0.begun + 60_000_000_000 }.min() }

  mutating func expire(now: UInt64) -> [ExpiredReassembly] {
    end(now)
    defer { ended = [] }
    return ended
  }

  private mutating func end(_ now: UInt64) {
    for packet in packets where packet.begun + 60_000_000_000 <= now && packet.gaveUp == nil {
      let first = packet.first.map { $0.headers + $0.data }
      ended.append(ExpiredReassembly(reason: .reassemblyTimeout, tokens: packet.tokens, firstFragment: first))
    }
    packets.removeAll { $0.begun + 60_000_000_000 <= now }
  }

  mutating func add(_ octets: [UInt8], now: UInt64, token: UInt64) -> ReassemblyOutcome {
    end(now)
    let length = Int(octets[4]) * 256 + Int(octets[5])
    let packet = Array(octets[..<(40 + length)])
    var header = 40
    var announcement = 6
    while packet[announcement] != 44 {
      announcement = header
      header += 8 + 8 * Int(packet[header + 1])
    }
    var without = Array(packet[..<header])
    without[announcement] = packet[header]
    let fragment = Fragment(
      headers: Array(packet[..<(header + 8)]), headersWithoutFragment: without, congestion: packet[1] / 16 % 4,
      offset: (Int(packet[header + 2]) * 256 + Int(packet[header + 3])) / 8 * 8, more: packet[header + 3] % 2 == 1,
      data: Array(packet[(header + 8)...]))
    if fragment.offset == 0 && !fragment.more {
      return .complete(ReassembledPacket(octets: Self.packet(without, fragment.data), tokens: [token]))
    }
    if let refused = refusal(fragment, nextHeader: packet[header]) { return refused }
    let key = Array(packet[8..<40]) + packet[(header + 4)..<(header + 8)]
    return add(fragment, key: key, now: now, token: token)
  }

  /// Headers and payload as a packet whose Payload Length says how long it is.
  private static func packet(_ headers: [UInt8], _ payload: [UInt8]) -> [UInt8] {
    var octets = headers + payload
    octets[4] = UInt8((octets.count - 40) / 256)
    octets[5] = UInt8((octets.count - 40) % 256)
    return octets
  }

  private func refusal(_ fragment: Fragment, nextHeader: UInt8) -> ReassemblyOutcome? {
    if fragment.more && fragment.data.count % 8 != 0 {
      return .dropped(.malformed, answer: FragmentProblem(code: 0, pointer: 4))
    }
    if fragment.extensions + fragment.octetNumbers.upperBound > 65535 { return tooLong(fragment) }
    if fragment.data.isEmpty { return .dropped(.malformed, answer: nil) }
    // The sample traffic fragments nothing but IPv6 packets, with or without an encapsulation limit, and protocol 253.
    let needed = nextHeader == 41 ? 40 : nextHeader == 60 ? 48 : 0
    if fragment.offset == 0 && fragment.data.count < needed {
      return .dropped(.malformed, answer: FragmentProblem(code: 3, pointer: 0))
    }
    return nil
  }

  private func tooLong(_ fragment: Fragment) -> ReassemblyOutcome {
    let pointer = UInt32(fragment.headersWithoutFragment.count + 2)
    return .dropped(.reassembledTooBig, answer: FragmentProblem(code: 0, pointer: pointer))
  }

  private mutating func add(_ fragment: Fragment, key: [UInt8], now: UInt64, token: UInt64) -> ReassemblyOutcome {
    let place: Int
    if let known = packets.firstIndex(where: { $0.key == key }) {
      place = known
    } else {
      packets.append(Packet(key: key, begun: now))
      place = packets.count - 1
    }
    if let reason = packets[place].gaveUp { return .dropped(reason, answer: nil) }
    if packets[place].fragments.contains(where: {
      $0.offset == fragment.offset && $0.more == fragment.more && $0.data == fragment.data
    }) {
      if packets[place].tokens.count >= 2 * fragmentsPerPacket { return .dropped(.reassemblyFull, answer: nil) }
      packets[place].tokens.append(token)
      return .held
    }
    var whole = packets[place]
    let overlaps = fragment.octetNumbers.contains { whole.octets[$0] != nil }
    whole.fragments.append(fragment)
    let lasts = whole.fragments.filter { !$0.more }
    let beyond = whole.fragments.contains { $0.octetNumbers.upperBound > whole.length ?? Int.max }
    if overlaps || lasts.count > 1 || beyond { return giveUp(place, .reassemblyOverlap) }
    let reach = whole.fragments.map(\.octetNumbers.upperBound).max() ?? 0
    if (whole.first ?? fragment).extensions + reach > 65535 { return tooLong(fragment) }
    for (number, octet) in zip(fragment.octetNumbers, fragment.data) { whole.octets[number] = octet }
    whole.tokens.append(token)
    if let length = whole.length, let first = whole.first, (0..<length).allSatisfy({ whole.octets[$0] != nil }) {
      packets.remove(at: place)
      return complete(whole, first, length, token)
    }
    if packets[place].fragments.count >= fragmentsPerPacket { return giveUp(place, .reassemblyFull) }
    packets[place] = whole
    return .held
  }

  private mutating func giveUp(_ place: Int, _ reason: DropReason) -> ReassemblyOutcome {
    ended.append(ExpiredReassembly(reason: reason, tokens: packets[place].tokens, firstFragment: nil))
    packets[place].gaveUp = reason
    return .dropped(reason, answer: nil)
  }

  private mutating func complete(
    _ packet: Packet, _ first: Fragment, _ length: Int, _ token: UInt64
  ) -> ReassemblyOutcome {
    let marks = packet.fragments.map(\.congestion)
    if marks.contains(3) && marks.contains(0) {
      ended.append(ExpiredReassembly(reason: .ecn, tokens: packet.tokens.dropLast(), firstFragment: nil))
      return .dropped(.ecn, answer: nil)
    }
    var octets = Self.packet(first.headersWithoutFragment, (0..<length).compactMap { packet.octets[$0] })
    if marks.contains(3) { octets[1] |= 0x30 }
    return .complete(ReassembledPacket(octets: octets, tokens: packet.tokens))
  }
}
