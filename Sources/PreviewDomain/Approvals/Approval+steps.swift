public import FoundationEssentials

extension Approval {
    /// A transition of a request.
    public enum Step: Hashable, Sendable {
        /// A human approved the request.
        case approve(scope: ApprovalScope, by: String, at: Date, usableFor: Duration)
        /// A standing grant or an option approved the request.
        case approveAutomatically(AutomaticGrant, at: Date, usableFor: Duration)
        /// A human denied the request.
        case deny(by: String, reason: String?, at: Date)
        /// The grant is used for one start, which the text names, and which creates the preview with that fingerprint.
        ///
        /// The same start may repeat the transition, if it has to create its preview with another token.
        case use(String, preview: String? = nil, at: Date? = nil)
        /// Another call is about to return the preview of the start that the text names.
        case share(use: String)
        /// The start that the text names failed, it is certain that it left nothing behind, and its preview was not
        /// returned to any caller.
        case returnGrant(use: String)
        /// The instant is the earliest that the cluster's clock can show now: nothing expires early.
        case expire(now: Date)
        /// The subject of the approval no longer exists.
        case withdraw(reason: String, at: Date)
    }

    /// The request after a transition, or nil if its state does not allow the transition.
    public func after(_ step: Step) -> Approval? {
        switch (state, step) {
        case (.pending, .approve(let scope, let decider, let instant, let window)):
            changed(to: .granted) {
                $0.scope = scope
                $0.decidedBy = Self.truncated(decider)
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
                $0.decidedBy = Self.truncated(decider)
                $0.decidedAt = instant
                $0.reason = reason.map(Self.truncated)
            }
        case (.granted, .use(let use, let preview, let instant)):
            changed(to: .consumed) {
                $0.use = use
                $0.preview = preview
                $0.usedAt = instant
            }
        case (.consumed, .use(let use, let preview?, _)) where use == self.use && !isShared:
            changed(to: .consumed) { $0.preview = preview }
        case (.consumed, .share(let use)) where use == self.use && !isShared:
            changed(to: .consumed) { $0.isShared = true }
        case (.consumed, .returnGrant(let use)) where use == self.use && !isShared:
            returned
        case (.pending, .expire(let now)) where now >= deadline:
            changed(to: .timedOut) { $0.decidedAt = deadline }
        case (.granted, .expire(let now)) where now >= lastUse:
            changed(to: .withdrawn) { $0.reason = "The grant was not used in time." }
        case (.pending, .withdraw(let reason, let instant)):
            changed(to: .withdrawn) {
                $0.decidedAt = instant
                $0.reason = Self.truncated(reason)
            }
        case (.granted, .withdraw(let reason, _)):
            changed(to: .withdrawn) { $0.reason = Self.truncated(reason) }
        default:
            nil
        }
    }

    /// The request after its start has failed: granted as before. An automatic grant is not restored, because its
    /// ground may be gone; a ground is looked for again when the caller repeats the request.
    private var returned: Approval {
        changed(to: automatic == nil ? .granted : .withdrawn) {
            $0.use = nil
            $0.preview = nil
            $0.usedAt = nil
            if $0.automatic != nil { $0.reason = "The start failed and left nothing behind." }
        }
    }

    /// Whether the request can change no more, except that a start returns its grant.
    public var isFinal: Bool { state != .pending && state != .granted }

    /// The instant from which ``Step/expire(now:)`` changes something; nil if nothing does.
    public var expiry: Date? {
        switch state {
        case .pending: deadline
        case .granted: lastUse
        case .consumed, .denied, .timedOut, .withdrawn: nil
        }
    }

    /// Whether the grant can be used.
    ///
    /// - Parameter now: The latest instant that the cluster's clock can show now: a grant is not used late.
    public func isUsable(now: Date) -> Bool { state == .granted && now < lastUse }

    /// How long after the deadline a grant without an expiry, which was written by hand, is valid. A waiting call may
    /// observe it only at the deadline, although it was given in time.
    public static let unlimitedGrantGrace = Duration.seconds(60)

    /// A grant without an expiry is valid as long as the request, and a little longer.
    private var lastUse: Date { usableUntil ?? deadline + Self.unlimitedGrantGrace }

    private static let useByteCount = 10

    /// Generates a name for a start that uses a grant.
    public static func generateUseName(randomBytes: RandomBytes) throws -> String {
        Base32.encode(try randomBytes(useByteCount))
    }

    private func changed(to state: State, _ change: (inout Approval) -> Void) -> Approval {
        var next = self
        next.state = state
        change(&next)
        return next
    }
}
