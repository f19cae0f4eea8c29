/// A request, decoded or to be sent.
public enum Request: Hashable, Sendable {
  case hello(HelloRequest)
  case upsert(UpsertRequest)
  case delete(DeleteRequest)
  case lookup(LookupRequest)
  case dump(DumpRequest)
  case status
  case counters(CountersRequest)
  /// Answered when no packet uses anything older than what this connection's requests before it published.
  case barrier
  case ping(PingPayload)
  /// With flag REPLACE: the tables named become what is sent until COMMIT.
  case transactionBegin(TableScope)
  case transactionCommit(TransactionCommit)
  case transactionAbort
  case syncBegin(TableScope)
  case syncEnd(SyncEndRequest)
  case subscribe(EventMask)
  case statistics

  public var type: MessageType {
    switch self {
    case .hello: .hello
    case .upsert: .upsert
    case .delete: .delete
    case .lookup: .lookup
    case .dump: .dump
    case .status: .status
    case .counters: .counters
    case .barrier: .barrier
    case .ping: .ping
    case .transactionBegin: .transactionBegin
    case .transactionCommit: .transactionCommit
    case .transactionAbort: .transactionAbort
    case .syncBegin: .syncBegin
    case .syncEnd: .syncEnd
    case .subscribe: .subscribe
    case .statistics: .statistics
    }
  }

  /// Reads the payload of a frame whose header was decoded.
  ///
  /// - Parameter payload: exactly the header's `payloadLength` octets.
  public init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    guard payload.byteCount == header.payloadLength else {
      throw .truncated(what: "payload", need: Int(header.payloadLength), have: payload.byteCount)
    }
    guard let type = MessageType(rawValue: header.type) else { throw .unsupportedType(header.type) }
    try Self.checkHeader(header, type)
    switch type {
    case .status, .barrier, .transactionAbort, .statistics: self = try Self.bare(type, payload)
    case .hello: self = .hello(try HelloRequest(payload: payload))
    case .upsert: self = .upsert(try UpsertRequest(header: header, payload: payload, limits: limits))
    case .delete: self = .delete(try DeleteRequest(header: header, payload: payload, limits: limits))
    case .lookup: self = .lookup(try LookupRequest(payload: payload))
    case .dump: self = .dump(try DumpRequest(payload: payload))
    case .counters: self = .counters(try CountersRequest(payload: payload))
    case .ping: self = .ping(try PingPayload(payload: payload))
    case .transactionBegin: self = .transactionBegin(try TableScope(payload: payload, what: "TXN_BEGIN"))
    case .transactionCommit: self = .transactionCommit(try TransactionCommit(payload: payload))
    case .syncBegin: self = .syncBegin(try TableScope(payload: payload, what: "SYNC_BEGIN"))
    case .syncEnd: self = .syncEnd(try SyncEndRequest(payload: payload))
    case .subscribe: self = .subscribe(try EventMask(payload: payload))
    case .event: throw .unsupportedType(header.type)
    }
  }

  /// A request that says all with its type.
  private static func bare(_ type: MessageType, _ payload: RawSpan) throws(DecodeError) -> Request {
    guard payload.isEmpty else { throw .trailingOctets(what: type.name, count: payload.byteCount) }
    return switch type {
    case .status: .status
    case .barrier: .barrier
    case .transactionAbort: .transactionAbort
    case .statistics: .statistics
    default: throw .unsupportedType(type.rawValue)
    }
  }

  /// What a request's header must and must not say.
  private static func checkHeader(_ header: FrameHeader, _ type: MessageType) throws(DecodeError) {
    let batch = type == .upsert || type == .delete
    guard header.status == 0 else { throw .reservedNotZero(field: "header.status") }
    guard header.reserved == 0 else { throw .reservedNotZero(field: "header.reserved") }
    guard header.flags.isSubset(of: .known) else { throw .unsupportedFlags(header.flags.rawValue) }
    let flags: FrameFlags = batch ? [.atomic, .quiesced] : type == .transactionBegin ? .replace : []
    guard header.flags.isSubset(of: flags) else {
      throw .unknownValue(field: "header.flags", value: UInt64(header.flags.rawValue))
    }
    guard batch || (header.count == 0 && header.recordSize == 0) else {
      throw .reservedNotZero(field: "header.count and header.recordSize")
    }
  }

  /// Appends the whole frame, header included.
  public func encode(requestID: UInt32, flags: FrameFlags = [], into buffer: inout [UInt8]) {
    switch self {
    case .upsert(let request): request.encode(requestID: requestID, flags: flags, into: &buffer)
    case .delete(let request): request.encode(requestID: requestID, flags: flags, into: &buffer)
    default:
      buffer.appendFrame(.init(type: type, flags: flags, requestID: requestID)) { encodePayload(into: &$0) }
    }
  }

  /// Of a request without records.
  private func encodePayload(into buffer: inout [UInt8]) {
    switch self {
    case .upsert, .delete, .status, .barrier, .transactionAbort, .statistics: break
    case .hello(let request): request.encode(into: &buffer)
    case .lookup(let request): request.encode(into: &buffer)
    case .dump(let request): request.encode(into: &buffer)
    case .counters(let request): request.encode(into: &buffer)
    case .ping(let payload): payload.encode(into: &buffer)
    case .transactionBegin(let scope), .syncBegin(let scope): scope.encode(into: &buffer)
    case .transactionCommit(let commit): commit.encode(into: &buffer)
    case .syncEnd(let request): request.encode(into: &buffer)
    case .subscribe(let mask): mask.encode(into: &buffer)
    }
  }
}

extension [UInt8] {
  /// Appends a header and the payload that `body` appends, and enters the payload's length into the header.
  mutating func appendFrame(_ header: FrameHeader, body: (inout [UInt8]) -> Void) {
    let start = count
    header.encode(into: &self)
    body(&self)
    replace(uint32: UInt32(count - start - FrameHeader.size), at: start)
  }
}
