import ChannelTLS
import HummingbirdCore
import Logging
import NIOCore

/// Adds TLS by libssl to HTTP connections.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let context: TLSServerContext

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(TLSHandler(server: context))
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
