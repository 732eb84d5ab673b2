internal import NIOCore

/// Watches one connection, below HTTP, and closes it when it takes too long or is one too many.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private let registry: ConnectionRegistry
    private var activity: ConnectionActivity?
    private var context: ChannelHandlerContext?
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(limits: ConnectionLimits, registry: ConnectionRegistry) {
        self.limits = limits
        self.registry = registry
    }

    // MARK: What the messages on the connection tell

    /// A request's head is complete.
    func exchangeBegan() {
        guard let context, activity != nil else { return }
        if activity?.isIdle == true { registry.becameBusy(context.channel) }
        activity?.exchangeBegan()
        schedule(context)
    }

    /// Whether the answer under way is the core API's. It may take as long as its reader likes.
    var isPassingOn: Bool {
        get { activity?.isPassingOn ?? false }
        set {
            guard let context, let activity, activity.isPassingOn != newValue else { return }
            self.activity?.passingOn(newValue, at: context.eventLoop.now)
            schedule(context)
        }
    }

    /// A request was read to its end, and answered.
    func exchangeEnded() {
        guard let context, activity != nil else { return }
        activity?.exchangeEnded(at: context.eventLoop.now)
        if activity?.isIdle == true { registry.becameIdle(context.channel) }
        schedule(context)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(context)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        activity?.bytesArrived(at: context.eventLoop.now)
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Not with every read: most requests' heads are complete with the read that brings their first byte.
        schedule(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        activity?.writabilityChanged(to: context.channel.isWritable, at: context.eventLoop.now)
        schedule(context)
        context.fireChannelWritabilityChanged()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard activity == nil else { return }
        switch registry.admit(context.channel) {
        case .admitted:
            break
        case .admittedInsteadOf(let other):
            registry.countClosed(.evicted)
            other.close(promise: nil)
        case .refused:
            registry.countClosed(.refused)
            context.close(promise: nil)
            return
        }
        activity = ConnectionActivity(openedAt: context.eventLoop.now)
        schedule(context)
    }

    private func close(_ context: ChannelHandlerContext) {
        guard activity != nil else { return }
        activity = nil
        timer?.task.cancel()
        timer = nil
        registry.remove(context.channel)
    }

    // MARK: Time

    /// One timer at most: one that is due too early looks again when it fires.
    private func schedule(_ context: ChannelHandlerContext) {
        guard let deadline = activity?.deadline(limits), deadline < timer?.deadline ?? .distantFuture else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired(context) }
        timer = (deadline, task)
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        guard let activity else { return }
        if activity.deadline(limits) <= context.eventLoop.now {
            registry.countClosed(.timedOut)
            context.close(promise: nil)
        } else {
            schedule(context)
        }
    }
}
