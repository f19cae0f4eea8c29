import ControlProtocol
import NIOCore

/// One request of a connection: decoded, or refused with the reason.
struct IncomingFrame: Sendable {
  let type: UInt16
  let requestID: UInt32
  let flags: FrameFlags
  /// Payload octets, for the connection's memory bound.
  let octets: Int
  let content: Result<Request, DecodeError>
  /// Of the records of an UPSERT that may be part of a transaction.
  var sum: RecordSum?
  /// The stream cannot be followed after this frame; answer it and close.
  let endsStream: Bool
}

/// What TXN_COMMIT's checksum needs of one frame, taken where the octets still are.
struct RecordSum: Sendable {
  var checksum = CRC32()
  var octets = 0
}

/// Cuts a byte stream into requests. Total: any octets give frames or wait for more.
struct FrameAssembler {
  private var buffer = ByteBuffer()
  private let limits: Limits
  private var isBroken = false
  /// A transaction has been asked for on this connection: only then are records worth a checksum.
  private var mayTransact = false

  init(limits: Limits) { self.limits = limits }

  /// Octets that are no whole frame yet.
  var pendingOctets: Int { buffer.readableBytes }

  mutating func append(_ bytes: inout ByteBuffer) {
    guard !isBroken else { return }
    if buffer.readableBytes == 0 { swap(&buffer, &bytes) } else { buffer.writeBuffer(&bytes) }
  }

  /// The next whole frame, or nil when its octets are not all there.
  mutating func next() -> IncomingFrame? {
    guard !isBroken, buffer.readableBytes >= FrameHeader.size else { return nil }
    let header: FrameHeader
    do throws(DecodeError) {
      header = try FrameHeader(decoding: buffer.readableBytesSpan, limits: limits)
    } catch {
      isBroken = true
      return refusedHeader(error)
    }
    let length = FrameHeader.size + Int(header.payloadLength)
    guard buffer.readableBytes >= length else { return nil }
    let content = decode(header, length: length)
    let sum = sum(content, length: length)
    buffer.moveReaderIndex(forwardBy: length)
    // An idle connection keeps no memory, and a busy one does not move it for each small frame.
    if buffer.readableBytes == 0 {
      buffer = ByteBuffer()
    } else if buffer.readerIndex > 1 << 20 {
      buffer.discardReadBytes()
    }
    return IncomingFrame(
      type: header.type, requestID: header.requestID, flags: header.flags, octets: length, content: content,
      sum: sum, endsStream: false)
  }

  private mutating func sum(_ content: Result<Request, DecodeError>, length: Int) -> RecordSum? {
    guard case .success(let request) = content else { return nil }
    switch request {
    case .transactionBegin: mayTransact = true
    case .transactionCommit, .transactionAbort: mayTransact = false
    case .upsert where mayTransact:
      let payload = buffer.readableBytesSpan.extracting(FrameHeader.size..<length)
      let records = UpsertRequest.recordOctets(payload)
      var sum = RecordSum(octets: records.count)
      sum.checksum.add(payload.extracting(records))
      return sum
    default: break
    }
    return nil
  }

  private func decode(_ header: FrameHeader, length: Int) -> Result<Request, DecodeError> {
    do throws(DecodeError) {
      let payload = buffer.readableBytesSpan.extracting(FrameHeader.size..<length)
      return .success(try Request(header: header, payload: payload, limits: limits))
    } catch {
      return .failure(error)
    }
  }

  /// The type and id are where every header has them, so that the peer can tell which request was refused.
  private func refusedHeader(_ error: DecodeError) -> IncomingFrame {
    let start = buffer.readerIndex
    return IncomingFrame(
      type: buffer.getInteger(at: start + 4, endianness: .little) ?? 0,
      requestID: buffer.getInteger(at: start + 8, endianness: .little) ?? 0, flags: [], octets: 0,
      content: .failure(error), endsStream: true)
  }
}
