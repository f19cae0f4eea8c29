/// What an audit found, and the shape of the tables it went through.
public struct AuditReport: Sendable, Hashable {
  /// How the keys of one bucket storage lie.
  public struct Shape: Sendable, Hashable {
    /// Used slots, those of tombstones included.
    public var entries: Int
    public var slots: Int
    public var probes: ProbeLengths
    public var isGrowing: Bool

    /// Share of slots in use, 0…1.
    public var loadFactor: Double { slots == 0 ? 0 : Double(entries) / Double(slots) }
  }

  /// The first findings of each invariant; none for a sound table.
  public var findings: [AuditFinding]
  /// All of them.
  public var findingCount: Int
  /// Whether the table stayed unchanged while it was audited, so that the invariants across the whole of it were
  /// checked too. Otherwise only those of each entry by itself, and the sums that the writer keeps.
  public var isWhole: Bool
  /// Bucket slots, retired items and identifiers that were looked at.
  public var entriesChecked: Int
  public var proxyTable: Shape
  public var mobileTable: Shape
  public var routeTable: Shape
  public var tunnelTable: Shape
  public var memory: TableMemory

  public var isSound: Bool { findingCount == 0 }
}

/// How many buckets the search for each key of a storage reads: 1 for a key in its home bucket.
public struct ProbeLengths: Sendable, Hashable {
  /// By length less one.
  private var counts: [Int] = []
  public private(set) var keys = 0

  /// Longer ones are counted with this one: in a sound table there are none.
  static let longestCounted = 1 << 12

  mutating func add(_ length: Int) {
    let position = min(length, Self.longestCounted) - 1
    while counts.count <= position { counts.append(0) }
    counts[position] += 1
    keys += 1
  }

  mutating func add(_ other: ProbeLengths) {
    while counts.count < other.counts.count { counts.append(0) }
    for position in other.counts.indices { counts[position] += other.counts[position] }
    keys += other.keys
  }

  public var longest: Int { counts.count }

  /// Buckets read beside the first ones, of all keys.
  var further: Int { counts.indices.reduce(0) { $0 + counts[$1] * $1 } }

  /// 0 without keys.
  public var mean: Double {
    keys == 0 ? 0 : 1 + Double(further) / Double(keys)
  }

  /// The shortest length that at least this share of the keys does not exceed; 0 without keys.
  public func quantile(_ share: Double) -> Int {
    var left = (Double(keys) * share).rounded(.up)
    for position in counts.indices {
      left -= Double(counts[position])
      if left <= 0 { return position + 1 }
    }
    return counts.count
  }
}
