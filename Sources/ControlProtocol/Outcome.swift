/// What became of an UPSERT or DELETE, and the payload of every reply whose status is not `ok`.
public struct Outcome: Hashable, Sendable {
  public struct Failure: Hashable, Sendable {
    /// Position of the record in the frame from 0; nil when the frame as a whole is at fault.
    public var index: Int?
    public var code: StatusCode
    /// Dotted JSON field name, or `frame`.
    public var field: String
    public var rule: String

    public init(index: Int?, code: StatusCode, field: String, rule: String) {
      self.index = index
      self.code = code
      self.field = field
      self.rule = rule
    }
  }

  public var applied: UInt32
  /// UPSERT: equal to what was there. DELETE: absent.
  public var unchanged: UInt32
  public var failed: UInt32
  /// TXN_COMMIT and SYNC_END, which carry no records: entries that went. It has the place of `failed`.
  public var removed: UInt32 {
    get { failed }
    set { failed = newValue }
  }
  public var firstFailure: Failure?
  /// The table generation in which what was applied is visible.
  public var generation: UInt64

  public init(
    applied: UInt32 = 0, unchanged: UInt32 = 0, failed: UInt32 = 0, firstFailure: Failure? = nil,
    generation: UInt64 = 0
  ) {
    self.applied = applied
    self.unchanged = unchanged
    self.failed = failed
    self.firstFailure = firstFailure
    self.generation = generation
  }

  /// Of TXN_COMMIT and SYNC_END.
  public init(applied: UInt32 = 0, unchanged: UInt32 = 0, removed: UInt32, generation: UInt64 = 0) {
    self.init(applied: applied, unchanged: unchanged, failed: removed, generation: generation)
  }
}

// Octets: 0–3 applied, 4–7 unchanged, 8–11 failed, 12–15 index of the first failure (0xffffffff: none, or the frame),
// 16–19 its code (0: none), 20–21 field length, 22–23 rule length, 24–31 generation, then field and rule.

extension Outcome {
  private static let preludeSize = 32
  private static let noIndex = UInt32.max

  init(payload: RawSpan) throws(DecodeError) {
    let prelude = Self.preludeSize
    guard payload.byteCount >= prelude else {
      throw .truncated(what: "outcome", need: prelude, have: payload.byteCount)
    }
    let fieldLength = Int(payload.uint16(at: 20))
    let ruleLength = Int(payload.uint16(at: 22))
    guard fieldLength <= Limits.textOctets, ruleLength <= Limits.textOctets else { throw .text(field: "outcome") }
    let end = prelude + fieldLength + ruleLength
    guard payload.byteCount >= end else { throw .truncated(what: "outcome", need: end, have: payload.byteCount) }
    guard payload.byteCount == end else { throw .trailingOctets(what: "outcome", count: payload.byteCount - end) }
    applied = payload.uint32(at: 0)
    unchanged = payload.uint32(at: 4)
    failed = payload.uint32(at: 8)
    generation = payload.uint64(at: 24)
    let code = payload.uint32(at: 16)
    guard code != 0 else {
      guard fieldLength + ruleLength == 0 else { throw .reservedNotZero(field: "outcome text") }
      firstFailure = nil
      return
    }
    guard let field = payload.text(prelude..<prelude + fieldLength),
      let rule = payload.text(prelude + fieldLength..<end)
    else { throw .text(field: "outcome") }
    let index = payload.uint32(at: 12)
    firstFailure = Failure(
      index: index == Self.noIndex ? nil : Int(index), code: StatusCode(rawValue: code) ?? .internalFailure,
      field: field, rule: rule)
  }

  func encode(into buffer: inout [UInt8]) {
    let field = firstFailure.map { Self.bounded($0.field) } ?? []
    let rule = firstFailure.map { Self.bounded($0.rule) } ?? []
    buffer.append(uint32: applied)
    buffer.append(uint32: unchanged)
    buffer.append(uint32: failed)
    buffer.append(uint32: firstFailure?.index.map { UInt32(clamping: $0) } ?? Self.noIndex)
    buffer.append(uint32: firstFailure?.code.rawValue ?? 0)
    buffer.append(uint16: UInt16(field.count))
    buffer.append(uint16: UInt16(rule.count))
    buffer.append(uint64: generation)
    buffer.append(contentsOf: field)
    buffer.append(contentsOf: rule)
  }

  /// At most `Limits.textOctets`, cut between characters so that it stays UTF-8.
  private static func bounded(_ text: String) -> [UInt8] {
    var octets: [UInt8] = []
    for character in text {
      guard octets.count + character.utf8.count <= Limits.textOctets else { break }
      octets.append(contentsOf: character.utf8)
    }
    return octets
  }
}
