import ControlProtocol

/// A transaction that makes what is sent the whole content of its tables, as one generation, or changes nothing.
///
/// One that ends without `commit` is aborted; one that `abort` ends has shown which records the daemon would refuse.
public struct ReplaceTransaction: ~Copyable {
  private let connection: DaemonConnection
  private var waiting: [Int] = []
  private var count: UInt64 = 0
  /// Records that the daemon has checked and laid aside.
  private var accepted: UInt64 = 0
  private var checksum = CRC32()
  private var isOpen = true

  /// Frames whose replies are not awaited: below the 64 at which the daemon stops reading.
  private static let mostWaiting = 32

  /// Begins one; while it is open the connection's UPSERTs belong to it.
  ///
  /// - Parameter scope: the tables that are replaced.
  public init(on connection: DaemonConnection, _ scope: TableScope = TableScope()) throws(TransactionError) {
    do throws(ClientError) {
      _ = try connection.outcome(.transactionBegin(scope), flags: .replace)
    } catch {
      throw TransactionError(error, count: 0)
    }
    self.connection = connection
  }

  deinit {
    // The connection's end aborts too: a failure here leaves nothing behind.
    if isOpen { _ = try? connection.outcome(.transactionAbort) }
  }

  /// Sends records, and takes replies only as far as needed: a refusal may come with a later call.
  public mutating func upsert(_ records: [TableRecord]) throws(TransactionError) {
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: records)).encode(requestID: 0, into: &frame)
    try upsert(frame: frame, records: records.count)
  }

  /// Sends an UPSERT frame of so many records that was encoded before.
  public mutating func upsert(frame: [UInt8], records: Int) throws(TransactionError) {
    var sum = CRC32()
    // Safe: UInt8 has no padding, and the span does not outlive the statement.
    sum.add(unsafe frame.span.extracting((FrameHeader.size + UpsertRequest.preludeOctets)..<frame.count).bytes)
    try upsert(frame: frame, records: records, checksum: sum)
  }

  /// As above, with the checksum of the frame's record octets computed before.
  public mutating func upsert(frame: [UInt8], records: Int, checksum sum: CRC32) throws(TransactionError) {
    while waiting.count >= Self.mostWaiting { try receiveOne() }
    do throws(ClientError) { try connection.send(frame: frame) } catch { throw failure(error) }
    waiting.append(records)
    count += UInt64(records)
    checksum.add(sum, octets: frame.count - FrameHeader.size - UpsertRequest.preludeOctets)
  }

  /// Publishes everything. A refusal leaves the tables as they were.
  ///
  /// - Returns: applied, unchanged and removed entries, and the generation.
  public consuming func commit() throws(TransactionError) -> Outcome {
    while !waiting.isEmpty { try receiveOne() }
    isOpen = false
    do throws(ClientError) {
      return try connection.outcome(.transactionCommit(TransactionCommit(count: count, checksum: checksum.value)))
    } catch {
      // COMMIT names records by their number in the whole transaction.
      throw TransactionError(error, count: 0)
    }
  }

  /// Ends it without a change, once the daemon has checked all that was sent: throws what it refused of that.
  public consuming func abort() throws(TransactionError) {
    while !waiting.isEmpty { try receiveOne() }
    isOpen = false
    do throws(ClientError) {
      _ = try connection.outcome(.transactionAbort)
    } catch {
      throw TransactionError(error, count: accepted)
    }
  }

  private mutating func receiveOne() throws(TransactionError) {
    do throws(ClientError) {
      let received = try connection.receive()
      if case .failure(let status, let outcome) = received.reply { throw ClientError.refused(status, outcome) }
      guard case .outcome = received.reply else { throw connection.unexpected(.upsert) }
    } catch {
      throw failure(error)
    }
    accepted += UInt64(waiting.removeFirst())
  }
}

extension ReplaceTransaction {
  /// A connection that is lost has aborted already, and one that is silent is not waited for again.
  private mutating func failure(_ cause: ClientError) -> TransactionError {
    if case .refused = cause {} else { isOpen = false }
    return TransactionError(cause, count: accepted)
  }
}

/// Why a transaction failed.
public struct TransactionError: Error {
  public let cause: ClientError
  /// Records of the transaction before the frame that was refused: the number of its first one.
  public let firstRecord: UInt64

  init(_ cause: ClientError, count: UInt64) {
    self.cause = cause
    firstRecord = count
  }
}
