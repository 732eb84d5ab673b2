import HummingbirdCore
import Logging
import NIOCore
import Synchronization

extension HTTPSPeer {
    /// Counts the connections of a server, whatever their protocol.
    final class ConnectionCounter: Sendable {
        let count = Mutex(0)
    }

    /// A channel like `base` that counts its connections.
    struct CountingChannel<Base: ServerChildChannel>: ServerChildChannel {
        let base: Base
        let counter: ConnectionCounter

        func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
            counter.count.withLock { $0 += 1 }
            return base.setup(channel: channel, logger: logger)
        }

        func handle(value: Base.Value, logger: Logger) async {
            await base.handle(value: value, logger: logger)
        }
    }
}
