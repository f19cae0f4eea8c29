/// Who said an entry last, and in which of that owner's synchronisations.
struct EntryOrigin: BitwiseCopyable {
  /// Number of the owner's account.
  var account: UInt32
  /// The owner's synchronisation at that time, of the entry's table; stale is what has an older one than the owner.
  var said: UInt32
  /// Of its record (`TableRecord.checksum`); 0 while that is to be computed.
  var checksum: UInt32 = 0

  static let nobody = EntryOrigin(account: 0, said: 0)
}
