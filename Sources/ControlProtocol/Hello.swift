/// HELLO: the first frame of a connection.
public struct HelloRequest: Hashable, Sendable {
  public var major: UInt16
  public var minor: UInt16
  /// Tags the entries of this client; 0 is the command line's.
  public var owner: UInt32
  /// For the daemon's log, at most 255 octets.
  public var client: String

  public init(
    major: UInt16 = Limits.majorVersion, minor: UInt16 = Limits.minorVersion, owner: UInt32 = 0, client: String
  ) {
    self.major = major
    self.minor = minor
    self.owner = owner
    self.client = client
  }
}

/// What HELLO returns.
public struct HelloReply: Hashable, Sendable {
  /// What the connection may do.
  public enum Access: UInt8, Sendable {
    case read = 1
    case write = 2
  }

  public enum Role: UInt8, Sendable {
    case lma = 1
    case mag = 2
  }

  public struct Table: Hashable, Sendable {
    /// The raw number: a newer daemon may have tables this client does not know.
    public var number: UInt16
    /// Octets of a full record there.
    public var recordSize: UInt16
    public var entries: UInt64
    /// Most entries the table can hold.
    public var capacity: UInt64
    /// The same for equal content, whatever the order it was set in; see the specification.
    public var digest: UInt64
    /// Entries that nobody has said since the daemon started, or since a synchronisation began.
    public var hasStaleEntries: Bool

    public init(
      number: UInt16, recordSize: UInt16, entries: UInt64, capacity: UInt64, digest: UInt64 = 0,
      hasStaleEntries: Bool = false
    ) {
      self.number = number
      self.recordSize = recordSize
      self.entries = entries
      self.capacity = capacity
      self.digest = digest
      self.hasStaleEntries = hasStaleEntries
    }
  }

  public var major: UInt16
  public var minor: UInt16
  public var access: Access
  public var role: Role
  /// Random for each start of the daemon; octets 0–7 and 8–15 as numbers, most significant first.
  public var bootID: (high: UInt64, low: UInt64) {
    get { (bootHigh, bootLow) }
    set { (bootHigh, bootLow) = newValue }
  }
  private var bootHigh: UInt64
  private var bootLow: UInt64
  /// The last published generation of the tables.
  public var generation: UInt64
  public var limits: Limits
  public var tables: [Table]
  /// At most 255 octets.
  public var software: String

  public init(
    major: UInt16 = Limits.majorVersion, minor: UInt16 = Limits.minorVersion, access: Access, role: Role,
    bootID: (high: UInt64, low: UInt64), generation: UInt64, limits: Limits, tables: [Table], software: String
  ) {
    self.major = major
    self.minor = minor
    self.access = access
    self.role = role
    self.bootHigh = bootID.high
    self.bootLow = bootID.low
    self.generation = generation
    self.limits = limits
    self.tables = tables
    self.software = software
  }
}

// Request, octets: 0–1 major, 2–3 minor, 4–7 owner, 8–9 name length, 10–11 reserved, then the name.

extension HelloRequest {
  init(payload: RawSpan) throws(DecodeError) {
    guard payload.byteCount >= 12 else { throw .truncated(what: "HELLO", need: 12, have: payload.byteCount) }
    major = payload.uint16(at: 0)
    minor = payload.uint16(at: 2)
    owner = payload.uint32(at: 4)
    guard payload.uint16(at: 10) == 0 else { throw .reservedNotZero(field: "hello.reserved") }
    client = try payload.tailText(from: 12, octets: Int(payload.uint16(at: 8)), field: "hello.client")
  }

  func encode(into buffer: inout [UInt8]) {
    let name = client.utf8.prefix(Limits.nameOctets)
    buffer.append(uint16: major)
    buffer.append(uint16: minor)
    buffer.append(uint32: owner)
    buffer.append(uint16: UInt16(name.count))
    buffer.append(uint16: 0)
    buffer.append(contentsOf: name)
  }
}

// Reply, octets: 0–1 major, 2–3 minor, 4 access, 5 role, 6–7 version length, 8–23 boot id, 24–31 generation,
// 32–35 largest payload, 36–39 records per frame, then count tables of record size octets (0–1 number, 2–3 record
// size, 4–7 flags, 8–15 entries, 16–23 capacity, 24–31 digest), then the version text.

extension HelloReply.Table {
  static let wireSize = 32
  /// Bit 0 of the flags; a reader passes over the bits of later versions.
  private static let staleFlag: UInt32 = 1

  func encode(into buffer: inout [UInt8]) {
    buffer.append(uint16: number)
    buffer.append(uint16: recordSize)
    buffer.append(uint32: hasStaleEntries ? Self.staleFlag : 0)
    buffer.append(uint64: entries)
    buffer.append(uint64: capacity)
    buffer.append(uint64: digest)
  }

  init(decoding payload: RawSpan, at base: Int) {
    number = payload.uint16(at: base)
    recordSize = payload.uint16(at: base + 2)
    entries = payload.uint64(at: base + 8)
    capacity = payload.uint64(at: base + 16)
    digest = payload.uint64(at: base + 24)
    hasStaleEntries = payload.uint32(at: base + 4) & Self.staleFlag != 0
  }
}

extension HelloReply {
  private static let preludeSize = 40

  init(header: FrameHeader, payload: RawSpan) throws(DecodeError) {
    let prelude = Self.preludeSize
    let stride = Int(header.recordSize)
    guard payload.byteCount >= prelude else {
      throw .truncated(what: "HELLO reply", need: prelude, have: payload.byteCount)
    }
    guard header.count <= 1024 else { throw .tooManyRecords(count: Int(header.count), limit: 1024) }
    guard header.count == 0 || (Table.wireSize...Limits.recordOctets).contains(stride) else {
      throw .recordSize(stride)
    }
    let textStart = prelude + Int(header.count) * stride
    guard payload.byteCount >= textStart else {
      throw .truncated(what: "HELLO tables", need: textStart, have: payload.byteCount)
    }
    guard let access = Access(rawValue: payload.uint8(at: 4)) else {
      throw .unknownValue(field: "hello.access", value: UInt64(payload.uint8(at: 4)))
    }
    guard let role = Role(rawValue: payload.uint8(at: 5)) else {
      throw .unknownValue(field: "hello.role", value: UInt64(payload.uint8(at: 5)))
    }
    var tables: [Table] = []
    for index in 0..<Int(header.count) {
      tables.append(Table(decoding: payload, at: prelude + index * stride))
    }
    let version = try payload.tailText(
      from: textStart, octets: Int(payload.uint16(at: 6)), field: "hello.software")
    self.init(
      major: payload.uint16(at: 0), minor: payload.uint16(at: 2), access: access, role: role,
      bootID: (payload.networkUInt64(at: 8), payload.networkUInt64(at: 16)), generation: payload.uint64(at: 24),
      limits: Limits(
        payloadOctets: Int(payload.uint32(at: 32)), recordsPerFrame: Int(payload.uint32(at: 36))),
      tables: tables, software: version)
  }

  func encode(into buffer: inout [UInt8]) {
    let version = software.utf8.prefix(Limits.nameOctets)
    buffer.append(uint16: major)
    buffer.append(uint16: minor)
    buffer.append(access.rawValue)
    buffer.append(role.rawValue)
    buffer.append(uint16: UInt16(version.count))
    buffer.append(networkUInt64: bootID.high)
    buffer.append(networkUInt64: bootID.low)
    buffer.append(uint64: generation)
    buffer.append(uint32: UInt32(clamping: limits.payloadOctets))
    buffer.append(uint32: UInt32(clamping: limits.recordsPerFrame))
    for table in tables { table.encode(into: &buffer) }
    buffer.append(contentsOf: version)
  }
}

extension RawSpan {
  /// The text that ends a payload: exactly `octets` from `start`, at most `Limits.nameOctets`.
  func tailText(from start: Int, octets: Int, field: String) throws(DecodeError) -> String {
    guard octets <= Limits.nameOctets else { throw .text(field: field) }
    guard byteCount >= start + octets else { throw .truncated(what: field, need: start + octets, have: byteCount) }
    guard byteCount == start + octets else { throw .trailingOctets(what: field, count: byteCount - start - octets) }
    guard let text = text(start..<start + octets) else { throw .text(field: field) }
    return text
  }
}
