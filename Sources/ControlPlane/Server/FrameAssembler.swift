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
  /// The stream cannot be followed after this frame; answer it and close.
  let endsStream: Bool
}

/// Cuts a byte stream into requests. Total: any octets give frames or wait for more.
struct FrameAssembler {
  private var buffer = ByteBuffer()
  private let limits: Limits
  private var isBroken = false

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
    buffer.moveReaderIndex(forwardBy: length)
    // Frees the octets read before the buffer grows, without moving memory for each small frame.
    if buffer.readableBytes == 0 {
      buffer.clear(minimumCapacity: 0)
    } else if buffer.readerIndex > 1 << 20 {
      buffer.discardReadBytes()
    }
    return IncomingFrame(
      type: header.type, requestID: header.requestID, flags: header.flags, octets: length, content: content,
      endsStream: false)
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
