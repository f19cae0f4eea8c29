/// A request, decoded or to be sent.
public enum Request: Hashable, Sendable {
  case hello(HelloRequest)
  case upsert(UpsertRequest)
  case delete(DeleteRequest)
  case lookup(LookupRequest)
  case dump(DumpRequest)
  case status
  case counters(CountersRequest)

  public var type: MessageType {
    switch self {
    case .hello: .hello
    case .upsert: .upsert
    case .delete: .delete
    case .lookup: .lookup
    case .dump: .dump
    case .status: .status
    case .counters: .counters
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
    case .hello: self = .hello(try HelloRequest(payload: payload))
    case .upsert: self = .upsert(try UpsertRequest(header: header, payload: payload, limits: limits))
    case .delete: self = .delete(try DeleteRequest(header: header, payload: payload, limits: limits))
    case .lookup: self = .lookup(try LookupRequest(payload: payload))
    case .dump: self = .dump(try DumpRequest(payload: payload))
    case .status:
      guard payload.isEmpty else { throw .trailingOctets(what: "STATUS", count: payload.byteCount) }
      self = .status
    case .counters: self = .counters(try CountersRequest(payload: payload))
    case .barrier, .ping, .transactionBegin, .transactionCommit, .transactionAbort, .syncBegin, .syncEnd, .subscribe,
      .event, .statistics:
      throw .unsupportedType(header.type)
    }
  }

  /// What a request's header must and must not say.
  private static func checkHeader(_ header: FrameHeader, _ type: MessageType) throws(DecodeError) {
    let batch = type == .upsert || type == .delete
    guard header.status == 0 else { throw .reservedNotZero(field: "header.status") }
    guard header.flags.isSubset(of: batch ? [.atomic, .quiesced] : []) else {
      throw .unknownValue(field: "header.flags", value: UInt64(header.flags.rawValue))
    }
    guard batch || (header.count == 0 && header.recordSize == 0) else {
      throw .reservedNotZero(field: "header.count and header.recordSize")
    }
  }

  /// Appends the whole frame, header included.
  public func encode(requestID: UInt32, flags: FrameFlags = [], into buffer: inout [UInt8]) {
    switch self {
    case .hello(let request):
      buffer.appendFrame(.init(type: .hello, flags: flags, requestID: requestID)) { request.encode(into: &$0) }
    case .upsert(let request): request.encode(requestID: requestID, flags: flags, into: &buffer)
    case .delete(let request): request.encode(requestID: requestID, flags: flags, into: &buffer)
    case .lookup(let request):
      buffer.appendFrame(.init(type: .lookup, flags: flags, requestID: requestID)) { request.encode(into: &$0) }
    case .dump(let request):
      buffer.appendFrame(.init(type: .dump, flags: flags, requestID: requestID)) { request.encode(into: &$0) }
    case .status: buffer.appendFrame(.init(type: .status, flags: flags, requestID: requestID)) { _ in }
    case .counters(let request):
      buffer.appendFrame(.init(type: .counters, flags: flags, requestID: requestID)) { request.encode(into: &$0) }
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
