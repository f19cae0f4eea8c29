/// A key of a record in JSON form: the case's name is the key.
package enum RecordKey: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  case table, prefix, tunnel, mn, lifetime, state, greKey, access, localRouting, requireEsp, peer
  case local, remote, up, down, port, mac, vlan, expect
  case `static`, hopLimit, mtu, encapsulationLimit, dscp, ecn
  case route, via, receiveOnly, from, to, visitor
  /// Of a replay's script only.
  case at, op

  var name: String { String(describing: self) }

  /// All keys with their octets, those of one length together: a key is compared with the few of its length, as a word.
  private static let byLength: [Entry] = allCases.map(Entry.init).sorted { $0.octets.count < $1.octets.count }

  /// Where the keys of each length begin in `byLength`, and behind the last one where they end.
  private static let starts: [Int] = {
    let longest = byLength.last?.octets.count ?? 0
    return (0...longest + 1).map { length in byLength.firstIndex { $0.octets.count >= length } ?? byLength.count }
  }()

  private struct Entry {
    let key: RecordKey
    let octets: [UInt8]
    /// The first eight octets, or as many as there are.
    let word: UInt64

    init(_ key: RecordKey) {
      let octets = Array(key.name.utf8)
      self.key = key
      self.octets = octets
      word = RecordKey.word(octets.span)
    }
  }

  /// The key with exactly this text.
  init?(_ text: Span<UInt8>) {
    guard text.count + 1 < Self.starts.count else { return nil }
    let word = Self.word(text)
    for index in Self.starts[text.count]..<Self.starts[text.count + 1] where Self.byLength[index].word == word {
      let octets = Self.byLength[index].octets
      guard (min(8, text.count)..<text.count).allSatisfy({ text[$0] == octets[$0] }) else { continue }
      self = Self.byLength[index].key
      return
    }
    return nil
  }

  private static func word(_ text: Span<UInt8>) -> UInt64 {
    var word: UInt64 = 0
    for position in 0..<min(8, text.count) { word = word << 8 | UInt64(text[position]) }
    return word
  }
}

/// The keys that one object may have.
package struct KnownKeys: Sendable {
  /// In the order of the messages.
  private(set) var keys: [RecordKey]
  private var mask: UInt64

  package init(_ keys: RecordKey...) {
    self.keys = keys
    mask = keys.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
  }

  func contains(_ key: RecordKey) -> Bool { mask >> UInt64(key.rawValue) & 1 == 1 }

  static func + (left: KnownKeys, right: KnownKeys) -> KnownKeys {
    guard right.mask != 0 else { return left }
    var sum = left
    sum.keys += right.keys
    sum.mask |= right.mask
    return sum
  }

  var names: String { keys.map(\.name).joined(separator: ", ") }
}
