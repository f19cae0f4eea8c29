/// The ECN code point of a reassembled packet (RFC 3168 section 5.3). Code points: Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3.
enum FragmentCongestion {
  /// - Parameters:
  ///   - seen: one bit for each code point that a fragment carried.
  ///   - first: the first fragment's code point, which stays where the RFC demands nothing: mixtures without CE.
  /// - Returns: nil when the packet must be dropped: CE came with Not-ECT, and the mark may be neither lost nor put on a
  ///   packet whose sender does not understand it.
  static func combined(_ seen: UInt8, first: UInt8) -> UInt8? {
    let congestionExperienced = seen & 0b1000 != 0
    let notCapable = seen & 0b0001 != 0
    if congestionExperienced && notCapable { return nil }
    return congestionExperienced ? 3 : first
  }
}
