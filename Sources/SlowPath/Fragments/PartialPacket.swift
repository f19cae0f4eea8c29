import FastPath

/// The fragments of one packet that have come so far.
struct PartialPacket {
  /// One fragment's octets of the fragmentable part.
  private struct Piece {
    let offset: Int
    let octets: [UInt8]
    var end: Int { offset + octets.count }
  }

  /// How a further fragment goes with those that are here.
  enum Fit {
    /// New octets; to be stored at this place among the pieces.
    case fits(Int)
    /// The same octets at the same place once more.
    case duplicate
    /// Octets that are here already, or behind the packet's end: RFC 5722 gives up the packet.
    case overlap
    /// The packet would be too long for its Payload Length.
    case tooLong
  }

  let key: FragmentKey
  /// When the packet is given up, in nanoseconds of the caller's clock.
  let deadline: UInt64
  /// Octets charged to the source for it.
  var charge = 0
  /// Why the packet was given up already; what still comes of it goes the same way until the deadline.
  private(set) var abandoned: DropReason?
  private(set) var tokens: [UInt64] = []
  /// Without overlaps, in order of their offsets.
  private var pieces: [Piece] = []
  /// The headers of the fragment with offset 0, its Fragment header included; empty until it comes.
  private var headers: [UInt8] = []
  private var announcement = 0
  /// Length of the fragmentable part, known from the fragment that has no more behind it.
  private var end: Int?
  private var received = 0
  /// One bit for each ECN code point that a fragment carried.
  private var congestionSeen: UInt8 = 0

  init(key: FragmentKey, deadline: UInt64) {
    self.key = key
    self.deadline = deadline
  }

  var count: Int { pieces.count }

  /// - Parameter packet: the packet that `fragment` describes.
  func fit(of fragment: OuterFragment, in packet: [UInt8]) -> Fit {
    let place = firstPlace(from: fragment.offset)
    if place < pieces.count, pieces[place].offset == fragment.offset {
      let sameEnd = pieces[place].end == fragment.end && fragment.more == (end != fragment.end)
      return sameEnd && pieces[place].octets[...] == packet[fragment.data] ? .duplicate : .overlap
    }
    if place > 0, pieces[place - 1].end > fragment.offset { return .overlap }
    if place < pieces.count, fragment.end > pieces[place].offset { return .overlap }
    if let end {
      // The last fragment is here: there is no other, and nothing reaches the end or lies behind it.
      if !fragment.more || fragment.end >= end { return .overlap }
    } else if !fragment.more && place < pieces.count {
      return .overlap
    }
    return length(with: fragment) > Int(UInt16.max) ? .tooLong : .fits(place)
  }

  /// The least Payload Length that the reassembled packet has, `fragment` included (RFC 8200 section 4.5: the headers in
  /// front are the first fragment's).
  func length(with fragment: OuterFragment) -> Int {
    let ownHeaders = fragment.offset == 0 || headers.isEmpty
    let extensions =
      ownHeaders ? fragment.extensions : headers.count - OuterHeader.length - OuterFragment.headerLength
    return extensions + max(pieces.last?.end ?? 0, fragment.end)
  }

  /// Whether `fragment`, which fits, is the last one missing.
  func isCompleted(by fragment: OuterFragment) -> Bool {
    guard let end = fragment.more ? end : fragment.end else { return false }
    return received + fragment.data.count == end
  }

  mutating func insert(_ fragment: OuterFragment, of packet: [UInt8], at place: Int, token: UInt64) {
    // Copied: the caller's array may have room for far more than it holds, which nobody would be charged for.
    pieces.insert(Piece(offset: fragment.offset, octets: Array(packet[fragment.data])), at: place)
    received += fragment.data.count
    tokens.append(token)
    congestionSeen |= 1 << fragment.congestion
    if !fragment.more { end = fragment.end }
    if fragment.offset == 0 {
      headers = Array(packet[..<fragment.data.lowerBound])
      announcement = fragment.announcement
    }
  }

  mutating func ignore(duplicate token: UInt64) { tokens.append(token) }

  /// Lets all octets go. What comes later of the packet is dropped for the same reason.
  /// - Returns: the tokens of the fragments that were held.
  mutating func abandon(_ reason: DropReason) -> [UInt64] {
    let held = tokens
    abandoned = reason
    tokens = []
    pieces = []
    headers = []
    return held
  }

  /// The fragment with offset 0 as it arrived, if it has come.
  var firstFragment: [UInt8]? {
    guard !headers.isEmpty, let first = pieces.first else { return nil }
    return headers + first.octets
  }

  /// The packet without its Fragment header, or why there is none.
  ///
  /// Everything is checked before an octet is copied: that the pieces join without gap from 0 to the end, and that the
  /// length fits its field.
  func reassembled() -> Result<[UInt8], FragmentRefusal> {
    let header = headers.count - OuterFragment.headerLength
    var joined = 0
    for piece in pieces {
      guard piece.offset == joined else { return .failure(FragmentRefusal(reason: .malformed)) }
      joined = piece.end
    }
    let length = header - OuterHeader.length + joined
    guard joined == end, header >= OuterHeader.length, length <= Int(UInt16.max) else {
      return .failure(FragmentRefusal(reason: .malformed))
    }
    guard let congestion = FragmentCongestion.combined(congestionSeen, first: headers[1] >> 4 & 3) else {
      return .failure(FragmentRefusal(reason: .ecn))
    }
    var packet: [UInt8] = []
    packet.reserveCapacity(header + joined)
    packet += headers[..<header]
    for piece in pieces { packet += piece.octets }
    packet[announcement] = headers[header]
    packet[1] = packet[1] & 0xcf | congestion << 4
    OuterHeader.setPayloadLength(&packet, length)
    return .success(packet)
  }

  /// The place of the first piece whose offset is `offset` or more.
  private func firstPlace(from offset: Int) -> Int {
    // Fragments mostly come in order: then the place is behind the last.
    if let last = pieces.last, last.offset < offset { return pieces.count }
    var low = 0
    var high = pieces.count
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
