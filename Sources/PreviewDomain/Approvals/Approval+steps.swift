public import FoundationEssentials

extension Approval {
    /// Something that can happen to a request.
    public enum Step: Hashable, Sendable {
        /// A human said yes.
        case approve(scope: ApprovalScope, by: String, at: Date, usableFor: Duration)
        /// A standing grant or an option said yes.
        case approveAutomatically(AutomaticGrant, at: Date, usableFor: Duration)
        /// A human said no.
        case deny(by: String, reason: String?, at: Date)
        /// The grant is used for one start, which the text names.
        case use(String)
        /// The instant is the earliest that the cluster's clock can show now: nothing ends before its time.
        case expire(now: Date)
        /// What was approved is no more.
        case withdraw(reason: String, at: Date)
    }

    /// The request after a step, or nil when the step cannot be taken from where the request stands.
    public func after(_ step: Step) -> Approval? {
        switch (state, step) {
        case (.pending, .approve(let scope, let decider, let instant, let window)):
            changed(to: .granted) {
                $0.scope = scope
                $0.decidedBy = Self.cut(decider)
                $0.decidedAt = instant
                $0.usableUntil = instant + window
            }
        case (.pending, .approveAutomatically(let ground, let instant, let window)):
            changed(to: .granted) {
                $0.scope = .once
                $0.automatic = ground
                $0.decidedAt = instant
                $0.usableUntil = instant + window
            }
        case (.pending, .deny(let decider, let reason, let instant)):
            changed(to: .denied) {
                $0.decidedBy = Self.cut(decider)
                $0.decidedAt = instant
                $0.reason = reason.map(Self.cut)
            }
        case (.granted, .use(let use)):
            changed(to: .consumed) { $0.use = use }
        case (.pending, .expire(let now)) where now >= deadline:
            changed(to: .timedOut) { $0.decidedAt = deadline }
        case (.granted, .expire(let now)) where now >= lastUse:
            changed(to: .withdrawn) { $0.reason = "The grant was not used in time." }
        case (.pending, .withdraw(let reason, let instant)):
            changed(to: .withdrawn) {
                $0.decidedAt = instant
                $0.reason = Self.cut(reason)
            }
        case (.granted, .withdraw(let reason, _)):
            changed(to: .withdrawn) { $0.reason = Self.cut(reason) }
        default:
            nil
        }
    }

    /// Whether nothing can happen to the request any more.
    public var isSettled: Bool { state != .pending && state != .granted }

    /// The instant from which ``Step/expire(now:)`` changes something; nil when nothing does.
    public var expiry: Date? {
        switch state {
        case .pending: deadline
        case .granted: lastUse
        case .consumed, .denied, .timedOut, .withdrawn: nil
        }
    }

    /// Whether the grant can be used.
    ///
    /// - Parameter now: The latest instant that the cluster's clock can show now: a grant is not used too late.
    public func isUsable(now: Date) -> Bool { state == .granted && now < lastUse }

    /// A grant that does not say until when it holds, because somebody wrote it by hand, holds until the deadline of
    /// the request, and so not for ever.
    private var lastUse: Date { usableUntil ?? deadline }

    private static let useByteCount = 10

    /// Draws a name for a start that uses a grant.
    public static func mintUse(randomBytes: RandomBytes) throws -> String {
        Base32.encode(try randomBytes(useByteCount))
    }

    private func changed(to state: State, _ change: (inout Approval) -> Void) -> Approval {
        var next = self
        next.state = state
        change(&next)
        return next
    }
}
