import SlowPath
import Testing

/// Identifications of fragments: unique for each pair of addresses, not to be foretold (RFC 7739).
@Suite struct FragmentIdentificationTests {
  private static func identifications(
    _ fragmenter: inout OuterFragmenter, _ count: Int, destination: UInt8 = 2
  ) -> [UInt32] {
    let packet = SampleFragment(destination: destination).packet([UInt8](repeating: 0, count: 32))
    return (0..<count).map { _ in
      fragmenter.fragments(of: packet, mtu: 64).first.map { $0[44..<48].reduce(0) { $0 << 8 | UInt32($1) } } ?? 0
    }
  }

  /// What OpenSSL's SIPHASH (size 8) says of messages 00 01 02 … of 0, 8, 16 and 24 octets under the key 00…0f, as the
  /// vectors of the reference code do; words are little-endian.
  @Test func theHashIsSipHash24() {
    let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
    let words: [UInt64] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, 0x1716_1514_1312_1110, 0x1f1e_1d1c_1b1a_1918]
    let expected: [UInt64] = [
      0x726f_db47_dd0e_0e31, 0x93f5_f579_9a93_2462, 0x3f2a_cc7f_57c2_9bdb, 0xb8ad_50c6_f649_af94,
    ]
    for count in 0..<4 {
      var hash = SipHash(key: key)
      for word in words[..<count] { hash.add(word) }
      #expect(hash.value() == expected[count])
    }
  }

  @Test func noneComesTwiceForAPairOfAddresses() {
    var fragmenter = OuterFragmenter(secret: FragmentSecret(first: 1, second: 2))
    let count = 300_000
    // Of so many random numbers ten would have come twice.
    #expect(Set(Self.identifications(&fragmenter, count)).count == count)
  }

  /// Neighbours in the sequence differ in half of their bits, in each of them as often as not; so do the sequences of
  /// another destination and of another secret.
  @Test func theNextOneIsNotToBeForetold() {
    var fragmenter = OuterFragmenter(secret: FragmentSecret(first: 3, second: 4))
    var other = OuterFragmenter(secret: FragmentSecret(first: 3, second: 5))
    var elsewhere = OuterFragmenter(secret: FragmentSecret(first: 3, second: 4))
    let count = 20_000
    let sequence = Self.identifications(&fragmenter, count)
    let pairs = [
      zip(sequence, Array(sequence.dropFirst())), zip(sequence, Self.identifications(&other, count)),
      zip(sequence, Self.identifications(&elsewhere, count, destination: 3)),
    ]
    for pair in pairs {
      var flips = [Int](repeating: 0, count: 32)
      for (a, b) in pair { for bit in 0..<32 where (a ^ b) >> UInt32(bit) & 1 == 1 { flips[bit] += 1 } }
      // Six standard deviations of a fair coin thrown 20000 times are 424.
      #expect(flips.allSatisfy { abs($0 - count / 2) < 424 }, "\(flips)")
      // Differences neither: 256 classes, each within six standard deviations of its share (78, deviation 8.8).
      var classes = [Int](repeating: 0, count: 256)
      for (a, b) in pair { classes[Int((b &- a) >> 24)] += 1 }
      #expect(classes.allSatisfy { abs($0 - count / 256) < 53 }, "\(classes)")
    }
  }

  @Test func aSecretGivesTheSameSequenceAgain() {
    var one = OuterFragmenter(secret: FragmentSecret(first: 7, second: 8))
    var two = OuterFragmenter(secret: FragmentSecret(first: 7, second: 8))
    #expect(Self.identifications(&one, 100) == Self.identifications(&two, 100))
    #expect(FragmentSecret.random() != FragmentSecret.random())
  }
}
