import ControlProtocol
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why the metrics address cannot be listened on.
public struct MetricsListenError: Error, CustomStringConvertible {
  public let description: String
}

/// What one answer is made of.
struct MetricsSample: Sendable {
  var items: [CounterItem]
  var gauges: [MetricsText.Gauge]
}

/// `GET /metrics` over HTTP/1.1; everything else is 404 or 405.
final class MetricsServer: Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let sample: @Sendable () -> EventLoopFuture<MetricsSample>
  private let logger: Logger

  /// - Parameter sample: what there is now, from the loop that owns the counters; its text is made here.
  init(logger: Logger, sample: @escaping @Sendable () -> EventLoopFuture<MetricsSample>) {
    self.logger = logger
    self.sample = sample
  }

  /// Blocks until the address is bound; not for an event loop.
  func start(host: String, port: Int) throws(MetricsListenError) {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { [sample] channel in
        channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
          try channel.pipeline.syncOperations.addHandler(MetricsHandler(sample: sample))
        }
      }
    do {
      _ = try bootstrap.bind(host: host, port: port).wait()
      logger.info("metrics open", metadata: ["address": "\(host)", "port": "\(port)"])
    } catch {
      throw MetricsListenError(
        description:
          "metrics.listen: cannot listen on \(host) port \(port): \(error); choose a free address of this host")
    }
  }

  func stop() {
    do {
      try group.syncShutdownGracefully()
    } catch {
      logger.error("metrics loop did not end", metadata: ["reason": "\(error)"])
    }
  }
}

/// One connection; requests have no body worth reading.
private final class MetricsHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let sample: @Sendable () -> EventLoopFuture<MetricsSample>
  private var head: HTTPRequestHead?

  init(sample: @escaping @Sendable () -> EventLoopFuture<MetricsSample>) { self.sample = sample }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      answer(head, context: context)
      self.head = nil
    }
  }

  private func answer(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
    guard head.method == .GET else {
      return respond(.methodNotAllowed, "only GET is served\n", keepAlive: head.isKeepAlive, context: context)
    }
    guard head.uri == "/metrics" else {
      return respond(.notFound, "only /metrics is served\n", keepAlive: head.isKeepAlive, context: context)
    }
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    sample().hop(to: context.eventLoop).whenComplete { result in
      let (handler, context) = bound.value
      switch result {
      case .success(let sample):
        handler.respond(
          .ok, MetricsText.text(sample.items, sample.gauges), keepAlive: head.isKeepAlive, context: context)
      case .failure(let error):
        handler.respond(.internalServerError, "\(error)\n", keepAlive: false, context: context)
      }
    }
  }

  private func respond(
    _ status: HTTPResponseStatus, _ text: String, keepAlive: Bool, context: ChannelHandlerContext
  ) {
    let body = context.channel.allocator.buffer(string: text)
    let headers: HTTPHeaders = [
      "content-type": "text/plain; version=0.0.4; charset=utf-8", "content-length": "\(body.readableBytes)",
      "connection": keepAlive ? "keep-alive" : "close",
    ]
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !keepAlive { channel.close(promise: nil) }
    }
  }
}
