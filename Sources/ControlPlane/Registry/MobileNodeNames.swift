/// The names of mobile nodes, each once, and numbers for them: a binding names its mobile node in four octets, and
/// comparing two is comparing numbers.
final class MobileNodeNames {
  /// 0 is no name.
  typealias ID = UInt32

  private struct Name: SlotEntry {
    let slotKey: NameOctets
    /// Bindings and notes of the journal that have it.
    var users = 1
  }

  private let names = SlotMap<Name>()

  /// One user more of a name; 0 for none.
  func use(_ name: String?) -> ID {
    guard let name else { return 0 }
    let key = NameOctets(text: name)
    let hash = names.hash(key)
    if let slot = names.find(key, hash) {
      names[slot]?.users += 1
      return slot + 1
    }
    return names.insert(Name(slotKey: key), hash) + 1
  }

  /// One user more of a name that has some.
  func retain(_ id: ID) {
    if id != 0 { names[id - 1]?.users += 1 }
  }

  /// One user less; a name without any is forgotten.
  func release(_ id: ID) {
    guard id != 0, let name = names[id - 1] else { return }
    guard name.users == 1 else {
      names[id - 1]?.users -= 1
      return
    }
    names.unlink(id - 1)
    names.release(id - 1)
  }

  subscript(id: ID) -> String? { id == 0 ? nil : names[id - 1]?.slotKey.text }
}

/// A name by its UTF-8 octets. Strings are equal when they are canonically equivalent ("é" as one scalar or as two), but a
/// mobile node's identifier is what was sent: two that differ in an octet are two mobile nodes.
private struct NameOctets: SlotKey {
  let text: String

  static func == (left: NameOctets, right: NameOctets) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

  func hash(_ secret: SlotSecret) -> UInt64 {
    var (hash, word, octets) = (UInt64(0), UInt64(0), UInt64(0))
    for octet in text.utf8 {
      word = word << 8 | UInt64(octet)
      octets += 1
      if octets % 8 == 0 {
        hash = secret.hash((hash, word, octets))
        word = 0
      }
    }
    return secret.hash((hash, word, octets))
  }
}
