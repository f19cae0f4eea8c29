import FastPath
import SlowPath
import Testing

/// The header chain of first fragments (RFC 7112), ECN of reassembled packets (RFC 3168 section 5.3), and packets that
/// are no fragments.
@Suite struct ReassemblyHeaderTests {
  private func first(_ nextHeader: UInt8, _ data: [UInt8]) -> [UInt8] {
    var fragment = SampleFragment()
    (fragment.nextHeader, fragment.data, fragment.more) = (nextHeader, data, true)
    return fragment.octets
  }

  private static let options: [UInt8] = [41, 0, 4, 1, 4, 1, 1, 0]
  private static let zeros = [UInt8](repeating: 0, count: 64)

  /// Next Header and octets of first fragments that end inside of the chain.
  @Test(
    arguments: [
      (41, Array(sampleInnerPacket(80)[..<32])),
      (60, options + Array(sampleInnerPacket(80)[..<32])),
      (60, [41, 1, 1, 4, 0, 0, 0, 0]),
      (60, [41, 255] + Array(zeros[..<38])),
      (4, Array(([0x45] + zeros)[..<16])),
      (4, Array(([0x4f] + zeros)[..<56])),
      (47, [0xb0, 0, 0x86, 0xdd, 0, 0, 0, 0]),
      (6, Array(zeros[..<16])),
      (51, [41, 4, 0, 0, 0, 0, 0, 0]),
      (0, [17, 0, 1, 4, 0, 0, 0, 0]),
    ] as [(UInt8, [UInt8])])
  func aFirstFragmentWithoutItsWholeChainIsAProblemWithCode3(_ nextHeader: UInt8, _ data: [UInt8]) {
    var reassembler = Reassembler()
    guard case .dropped(.malformed, let answer) = reassembler.add(first(nextHeader, data), now: 0) else {
      Issue.record("taken")
      return
    }
    #expect(answer?.code == 3 && answer?.pointer == 0)
    #expect(reassembler.count == 0)
  }

  /// Next Header and octets of first fragments that have all of it, with nothing to spare where that can be.
  @Test(
    arguments: [
      (41, Array(sampleInnerPacket(80)[..<40])),
      (60, options + Array(sampleInnerPacket(80)[..<40])),
      (4, Array(([0x45] + zeros)[..<24])),
      (4, Array(([0x4f] + zeros)[..<64])),
      (47, [0x20, 0, 0x86, 0xdd, 0, 0, 0, 0]),
      (47, [0xb0, 0, 0x86, 0xdd] + Array(zeros[..<12])),
      (6, Array(zeros[..<24])),
      (17, Array(zeros[..<8])),
      (58, Array(zeros[..<8])),
      (59, Array(zeros[..<8])),
      (50, Array(zeros[..<8])),
      (253, Array(zeros[..<8])),
      (51, [17, 1, 0, 0, 0, 0, 0, 0] + Array(zeros[..<16])),
      (0, [17, 0, 1, 4, 0, 0, 0, 0] + Array(zeros[..<8])),
    ] as [(UInt8, [UInt8])])
  func aFirstFragmentWithItsWholeChainIsTaken(_ nextHeader: UInt8, _ data: [UInt8]) {
    var reassembler = Reassembler()
    #expect(reassembler.add(first(nextHeader, data), now: 0) == .held)
  }

  @Test func laterFragmentsNeedNoHeaders() {
    var fragment = SampleFragment()
    (fragment.offset, fragment.more, fragment.data) = (800, true, [1, 2, 3, 4, 5, 6, 7, 8])
    var reassembler = Reassembler()
    #expect(reassembler.add(fragment.octets, now: 0) == .held)
  }

  /// Fragments inside of fragments would send one packet round as often as it has such headers.
  @Test func aFragmentHeaderInsideOfAFragmentIsRefused() {
    var reassembler = Reassembler()
    let nested = [41, 0, 0, 0, 0, 0, 0, 9] + sampleInnerPacket(80)
    #expect(reassembler.add(first(44, nested), now: 0) == .dropped(.malformed, answer: nil))
    #expect(
      reassembler.add(first(60, [44, 0, 1, 4, 0, 0, 0, 0] + nested), now: 0) == .dropped(.malformed, answer: nil))
    var atomic = SampleFragment()
    (atomic.nextHeader, atomic.data) = (44, nested)
    #expect(reassembler.add(atomic.octets, now: 0) == .dropped(.malformed, answer: nil))
  }

  @Test func anEmptyFragmentIsRefused() {
    var fragment = SampleFragment()
    var reassembler = Reassembler()
    for (offset, more) in [(0, true), (80, true), (80, false)] {
      (fragment.offset, fragment.more) = (offset, more)
      #expect(reassembler.add(fragment.octets, now: 0) == .dropped(.malformed, answer: nil))
    }
    #expect(reassembler.count == 0)
  }

  /// ECN of first and second fragment, and what R3168-1 says of the packet; nil is a drop.
  @Test(
    arguments: [
      (0b10, 0b11, 0b11), (0b11, 0b10, 0b11), (0b01, 0b11, 0b11), (0b11, 0b01, 0b11), (0b11, 0b11, 0b11),
      (0b00, 0b11, nil), (0b11, 0b00, nil), (0b10, 0b10, 0b10), (0b01, 0b01, 0b01), (0b00, 0b00, 0b00),
      // RFC 3168 demands nothing of these: the first fragment's stays.
      (0b00, 0b10, 0b00), (0b10, 0b00, 0b10), (0b01, 0b10, 0b01), (0b10, 0b01, 0b10), (0b00, 0b01, 0b00),
      (0b01, 0b00, 0b01),
    ] as [(UInt8, UInt8, UInt8?)])
  func congestionMarksOfFragmentsAreCombined(_ first: UInt8, _ second: UInt8, _ combined: UInt8?) {
    let inner = sampleInnerPacket(120)
    for reversed in [false, true] {
      var a = SampleFragment()
      (a.congestion, a.more, a.data) = (first, true, Array(inner[..<64]))
      var b = SampleFragment()
      (b.congestion, b.offset, b.data) = (second, 64, Array(inner[64...]))
      let pieces = reversed ? [b.octets, a.octets] : [a.octets, b.octets]
      var reassembler = Reassembler()
      #expect(reassembler.add(pieces[0], now: 0, token: 1) == .held)
      let outcome = reassembler.add(pieces[1], now: 0, token: 2)
      let ended = reassembler.expire(now: 0)
      if let combined {
        let packet = a.packet(inner, congestion: combined)
        guard case .complete(let whole) = outcome else {
          Issue.record("\(outcome)")
          continue
        }
        #expect(whole.octets == packet)
        #expect(ended.isEmpty)
      } else {
        #expect(outcome == .dropped(.ecn, answer: nil))
        #expect(ended == [ExpiredReassembly(reason: .ecn, tokens: [1], firstFragment: nil)])
      }
      #expect(reassembler.count == 0 && reassembler.octets == 0)
    }
  }

  @Test func octetsThatAreNoFragmentAreRefused() {
    var reassembler = Reassembler()
    let sample = SampleFragment(data: sampleInnerPacket(80))
    let whole = sample.octets
    for length in [0, 1, 39, whole.count - 1] {
      #expect(reassembler.add(Array(whole[..<length]), now: 0) == .dropped(.truncated, answer: nil))
    }
    #expect(reassembler.add([0x45] + whole[1...], now: 0) == .dropped(.malformed, answer: nil))
    #expect(reassembler.add(sample.packet(sample.data), now: 0) == .dropped(.malformed, answer: nil))
    // Payload Length 0 (a jumbogram), a Fragment header cut off, options that run past the end, ten headers.
    #expect(reassembler.add(whole[..<4] + [0, 0] + whole[6...], now: 0) == .dropped(.malformed, answer: nil))
    #expect(reassembler.add(whole[..<4] + [0, 7] + whole[6...], now: 0) == .dropped(.malformed, answer: nil))
    var long = sample
    long.headers = [(60, [0, 255] + [UInt8](repeating: 0, count: 6))]
    #expect(reassembler.add(long.octets, now: 0) == .dropped(.malformed, answer: nil))
    long.headers = Array(repeating: SampleFragment.encapsulationLimit, count: 10)
    #expect(reassembler.add(long.octets, now: 0) == .dropped(.malformed, answer: nil))
    #expect(reassembler.count == 0)
  }
}
