/// A rule that the table's structures keep between any two calls of the writer.
public enum TableInvariant: String, Sendable, Hashable, CaseIterable {
  /// A used slot names a record that was handed out and is complete: key, length and flags make sense.
  case slotNamesRecord = "slot-names-record"
  /// A slot's tag is that of its key's hash.
  case tag
  /// Every bucket between a key's home and its own sends searches on.
  case reachable
  /// A bucket counts exactly the keys whose probe passed it, and its filter is empty without any.
  case passedCount = "passed-count"
  /// A key has one slot.
  case uniqueKey = "unique-key"
  /// No linked record is newer than what is published.
  case generation
  /// A record's predecessors have its key, are not newer, and end.
  case predecessors
  /// A linked tombstone waits in the retire queue.
  case tombstone
  /// Tunnels and next hops that a record names exist.
  case target
  /// The account of held packets that a binding names is open.
  case account
  /// Every binding has a traffic cell of its own.
  case trafficCell = "traffic-cell"
  /// A tunnel is used as often as its count says.
  case tunnelUsers = "tunnel-users"
  /// As many records are linked and live as the counts say.
  case counts
  /// The lengths in use are those of the linked keys.
  case lengths
  /// The shared words that readers start from are the writer's.
  case published
  /// The copied part of a growing table agrees with the original.
  case growth
  /// The retire queue is in order, and its items are of their kind and not live.
  case retired
  /// Each index is free, live or waiting: none is lost, none is two things.
  case accounting
  /// Slots of tunnels and next hops name records of their own.
  case identifiers
  /// A node of the route trie has children and leaves that are there, in the order that its maps say.
  case trieNode = "trie-node"
  /// The route trie has the routes of the records, and no others.
  case trieRoutes = "trie-routes"
  /// A block of localized routes has the routes and the users that its owner wrote.
  case localizedRoutes = "localized-routes"
  /// No worker has reported a generation that is not published.
  case quiescence
}

/// One breach of an invariant.
public struct AuditFinding: Sendable, Hashable, CustomStringConvertible {
  public var invariant: TableInvariant
  /// Which part of which structure, by its number.
  public var place: String
  public var seen: String

  public var description: String { "\(invariant.rawValue): \(place): \(seen)" }
}

/// Takes in the findings of one audit. The first ones of each invariant are kept and all are counted: a table that is
/// damaged all over must not fill the memory as well, nor one damage hide another.
final class AuditLog {
  static let kept = 8
  /// After that many there is nothing more to learn, and searches in a damaged table are long.
  static let enough = 1000

  private(set) var findings: [AuditFinding] = []
  private(set) var count = 0
  private var counts: [TableInvariant: Int] = [:]

  var isFull: Bool { count >= Self.enough }

  /// The texts are made only for the findings that are kept.
  func note(_ invariant: TableInvariant, _ place: @autoclosure () -> String, _ seen: @autoclosure () -> String) {
    count += 1
    counts[invariant, default: 0] += 1
    if counts[invariant, default: 0] <= Self.kept {
      findings.append(AuditFinding(invariant: invariant, place: place(), seen: seen()))
    }
  }
}
