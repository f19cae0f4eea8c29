/// The 24 octets before every payload. All numbers are little-endian.
///
/// | octets | field |
/// | --- | --- |
/// | 0–3 | payload length |
/// | 4–5 | message type |
/// | 6–7 | flags |
/// | 8–11 | request id, chosen by the client, echoed |
/// | 12–15 | status, 0 in requests |
/// | 16–19 | record count |
/// | 20–21 | record size |
/// | 22–23 | reserved, 0 |
public struct FrameHeader: Hashable, Sendable, BitwiseCopyable {
  public static let size = 24
  static let requestIDOffset = 8

  public var payloadLength: UInt32
  /// The raw number, so that an unknown type can be answered.
  public var type: UInt16
  public var flags: FrameFlags
  public var requestID: UInt32
  public var status: UInt32
  public var count: UInt32
  /// Octets of each record; 0 where records have no fixed size.
  public var recordSize: UInt16
  /// 0 in this version; kept, so that a frame which has something here is refused by itself and the stream goes on.
  public var reserved: UInt16 = 0

  public init(
    payloadLength: UInt32 = 0, type: MessageType, flags: FrameFlags = [], requestID: UInt32, status: StatusCode = .ok,
    count: UInt32 = 0, recordSize: UInt16 = 0
  ) {
    self.payloadLength = payloadLength
    self.type = type.rawValue
    self.flags = flags
    self.requestID = requestID
    self.status = status.rawValue
    self.count = count
    self.recordSize = recordSize
  }

  /// Reads a header from the first 24 octets.
  ///
  /// Fails with `truncated` or `payloadTooLarge`. After `payloadTooLarge` the stream cannot be followed any more: the
  /// peer must answer and close.
  public init(decoding bytes: RawSpan, limits: Limits) throws(DecodeError) {
    guard bytes.byteCount >= Self.size else {
      throw .truncated(what: "frame header", need: Self.size, have: bytes.byteCount)
    }
    payloadLength = bytes.uint32(at: 0)
    type = bytes.uint16(at: 4)
    flags = FrameFlags(rawValue: bytes.uint16(at: 6))
    requestID = bytes.uint32(at: 8)
    status = bytes.uint32(at: 12)
    count = bytes.uint32(at: 16)
    recordSize = bytes.uint16(at: 20)
    reserved = bytes.uint16(at: 22)
    guard payloadLength <= limits.payloadOctets else {
      throw .payloadTooLarge(octets: Int(payloadLength), limit: limits.payloadOctets)
    }
  }

  /// Appends the 24 octets.
  public func encode(into buffer: inout [UInt8]) {
    buffer.append(uint32: payloadLength)
    buffer.append(uint16: type)
    buffer.append(uint16: flags.rawValue)
    buffer.append(uint32: requestID)
    buffer.append(uint32: status)
    buffer.append(uint32: count)
    buffer.append(uint16: recordSize)
    buffer.append(uint16: reserved)
  }

  /// Gives a whole frame another id: one that was encoded before the order of the requests was known.
  public static func setRequestID(_ id: UInt32, in frame: inout [UInt8]) { frame.replace(uint32: id, at: 8) }
}
