// swift-tools-version: 6.2
import PackageDescription

/// The x86 processors that the code is made for, by a name that clang's -march takes: servers since 2013, unless
/// FASTPATH_CPU says otherwise when the package is built. Others may fetch the package nevertheless: since version 6.2 of
/// the tools SwiftPM lets them, where the manifest is of that version.
let processor = Context.environment["FASTPATH_CPU"] ?? "x86-64-v3"

#if arch(x86_64)
let processorFlags: [SwiftSetting] = processor == "x86-64" ? [] : [.unsafeFlags(["-Xcc", "-march=\(processor)"])]
let processorCheck: [CSetting] = processor == "x86-64-v3" ? [.define("FP_NEEDS_X86_64_V3")] : []
#else
let processorFlags: [SwiftSetting] = []
let processorCheck: [CSetting] = []
#endif

/// Language rules every Swift target keeps: Swift 6 mode, strict memory safety, and no warning survives.
let strict: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
  ] + processorFlags

let package = Package(
  name: "fastpath",
  products: [
    .library(name: "FlowTable", targets: ["FlowTable"]),
    .library(name: "FastPath", targets: ["FastPath"]),
    .library(name: "ControlProtocol", targets: ["ControlProtocol"]),
    .library(name: "FastpathClient", targets: ["FastpathClient"]),
    .executable(name: "fastpathd", targets: ["fastpathd"]),
    .executable(name: "fastpathctl", targets: ["fastpathctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .target(
      name: "CXdp",
      linkerSettings: [.linkedLibrary("xdp"), .linkedLibrary("bpf")]),
    .target(name: "CInstructions", cSettings: processorCheck),
    .target(name: "FlowTable", dependencies: ["CInstructions"], swiftSettings: strict),
    .target(name: "FastPath", dependencies: ["CInstructions", "CXdp", "FlowTable"], swiftSettings: strict),
    .target(
      name: "SlowPath",
      dependencies: ["CXdp", "FastPath", "FlowTable", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: strict),
    .target(name: "ControlProtocol", swiftSettings: strict),
    .target(name: "FastpathClient", dependencies: ["ControlProtocol"], swiftSettings: strict),
    .target(name: "RecordText", dependencies: ["ControlProtocol", "FlowTable"], swiftSettings: strict),
    .target(
      name: "ControlPlane",
      dependencies: [
        "CInstructions", "ControlProtocol", "FlowTable",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .target(
      name: "Assembly", dependencies: ["ControlPlane", "ControlProtocol", "FastPath", "FlowTable", "SlowPath"],
      swiftSettings: strict),
    .executableTarget(
      name: "fastpathd",
      dependencies: [
        "Assembly", "CXdp", "ControlPlane", "ControlProtocol", "FastPath", "FlowTable", "SlowPath",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "fastpathctl",
      dependencies: [
        "Assembly", "CXdp", "ControlPlane", "ControlProtocol", "FastPath", "FastpathClient", "FlowTable", "RecordText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // The suite `engine` (Benchmarks/engine). It is of this package, not of the benchmarks', because the gate on
    // instruction counts replays with it, on the very objects that ship.
    .target(name: "CEngineFrames", path: "Benchmarks/engine/frames"),
    .executableTarget(
      name: "enginebench", dependencies: ["CEngineFrames", "FastPath", "FlowTable"],
      path: "Benchmarks/engine/enginebench", swiftSettings: strict),
    .testTarget(
      name: "CXdpTests", dependencies: ["CXdp", "FastPath", "FlowTable"], exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(name: "FlowTableTests", dependencies: ["FlowTable"], swiftSettings: strict),
    .testTarget(name: "FastPathTests", dependencies: ["FastPath", "FlowTable"], swiftSettings: strict),
    .testTarget(
      name: "SlowPathTests", dependencies: ["SlowPath", "FastPath", "FlowTable"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "ControlProtocolTests", dependencies: ["ControlProtocol"], exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "FastpathClientTests", dependencies: ["ControlProtocol", "FastpathClient"], swiftSettings: strict),
    .testTarget(
      name: "RecordTextTests", dependencies: ["ControlProtocol", "FlowTable", "RecordText"], swiftSettings: strict),
    .testTarget(
      name: "ControlPlaneTests", dependencies: ["ControlPlane", "ControlProtocol", "FlowTable"], swiftSettings: strict),
  ]
)
