/// Who said an entry last, and in which of that owner's synchronisations.
///
/// Twelve octets, since each binding has one.
package struct EntryOrigin: BitwiseCopyable {
  /// Number of the owner's account.
  package let account: UInt16
  private let saidHigh: UInt16
  private let saidLow: UInt32
  /// Of its record (`TableRecord.checksum`); 0 while that is to be computed.
  package var checksum: UInt32

  /// - Parameter said: of 48 bits, which last nine years at a million synchronisations a second.
  @inline(__always)
  package init(account: UInt16, said: UInt64, checksum: UInt32 = 0) {
    self.account = account
    saidHigh = UInt16(truncatingIfNeeded: said >> 32)
    saidLow = UInt32(truncatingIfNeeded: said)
    self.checksum = checksum
  }

  /// The owner's synchronisation at that time, of the entry's table; stale is what has an older one than the owner.
  @inline(__always)
  package var said: UInt64 { UInt64(saidHigh) << 32 | UInt64(saidLow) }

  static let nobody = EntryOrigin(account: 0, said: 0)
}
