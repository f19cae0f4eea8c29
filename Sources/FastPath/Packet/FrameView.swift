/// The bytes of one frame, addressed by offsets from the start of what was received.
///
/// An offset may be negative down to the start of the frame's chunk: that is the headroom a tunnel header is pushed
/// into. Every reader bounds its offsets against the frame's length first (stage `parse`), every writer its first
/// offset against the headroom (`EgressPlan`); nothing here can check that again without cost.
@safe
struct FrameView: BitwiseCopyable {
  let start: UnsafeMutableRawPointer

  @inline(__always)
  init(base: UnsafeMutableRawPointer, address: UInt64) {
    // Safe: `address` came from a ring of this UMEM, so it lies inside the mapping `base` owns.
    unsafe start = base + Int(truncatingIfNeeded: address)
  }

  @inline(__always)
  func octet(_ offset: Int) -> UInt8 {
    // Safe: the caller has bounded `offset` against the frame's length.
    unsafe start.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  func word16(_ offset: Int) -> UInt16 {
    // Safe: as `octet`; the unaligned form, since headers start at any even offset.
    unsafe UInt16(bigEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func word32(_ offset: Int) -> UInt32 {
    // Safe: as `word16`.
    unsafe UInt32(bigEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func word64(_ offset: Int) -> UInt64 {
    // Safe: as `word16`.
    unsafe UInt64(bigEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// A word as it stands in memory.
  @inline(__always)
  func native64(_ offset: Int) -> UInt64 {
    // Safe: as `word16`.
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  func setOctet(_ offset: Int, _ value: UInt8) {
    // Safe: the caller has bounded `offset` against the frame's length or its headroom.
    unsafe start.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  func setWord16(_ offset: Int, _ value: UInt16) {
    // Safe: as `setOctet`.
    unsafe start.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inline(__always)
  func setWord32(_ offset: Int, _ value: UInt32) {
    // Safe: as `setOctet`.
    unsafe start.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// As `setNative64`, four octets.
  @inline(__always)
  func setNative32(_ offset: Int, _ value: UInt32) {
    // Safe: as `setOctet`.
    unsafe start.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }

  /// Stores a word that is in memory order already.
  @inline(__always)
  func setNative64(_ offset: Int, _ value: UInt64) {
    // Safe: as `setOctet`.
    unsafe start.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  func setWord64(_ offset: Int, _ value: UInt64) {
    // Safe: as `setOctet`.
    unsafe start.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
  }
}
