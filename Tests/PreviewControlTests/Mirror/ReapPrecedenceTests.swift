import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Which replica deletes first", .timeLimit(.minutes(2)))
struct ReapPrecedenceTests {
    @Test func aReplicaThatIsAloneDoesNotWait() {
        var precedence = ReapPrecedence()
        for _ in 0..<10 {
            #expect(precedence.delay(for: .idle, share: 0.99) == .zero)
            precedence.recordOwnDeletion(for: .idle)
        }
    }

    @Test func aReplicaThatWasOvertakenWaitsWithinTheLimits() {
        var precedence = ReapPrecedence()
        precedence.recordDeletionByOther(for: .hardCap)
        #expect(precedence.delay(for: .idle, share: 0) == ReapPrecedence.shortestDelay)
        let longest = precedence.delay(for: .idle, share: 0.999_999)
        #expect(longest <= ReapPrecedence.longestDelay && longest > ReapPrecedence.longestDelay - .milliseconds(1))
    }

    @Test func aReplicaThatIsNoLongerOvertakenIsFirstAfterSomeDeletions() {
        var precedence = ReapPrecedence()
        precedence.recordDeletionByOther(for: .idle)
        var delays = [precedence.delay(for: .idle, share: 0.5)]
        for _ in 0..<ReapPrecedence.leadToBeFirst {
            precedence.recordOwnDeletion(for: .idle)
            delays.append(precedence.delay(for: .idle, share: 0.5))
        }
        #expect(delays == delays.sorted(by: >))
        #expect(delays.last == .zero)
    }

    /// The garbage collector deletes the objects of a pod that is gone, however many replicas there are.
    @Test(arguments: [ReapReason.podGone, .orphan, .claimGone])
    func aDeletionForAReasonOtherThanAgeDoesNotAffectPrecedence(reason: ReapReason) {
        var precedence = ReapPrecedence()
        precedence.recordDeletionByOther(for: reason)
        #expect(precedence.isFirst)
        #expect(precedence.delay(for: reason, share: 0.5) == ReapPrecedence.longestDelay * 0.5)
    }

    // MARK: Several replicas

    /// The limits of Docs/Performance.md, with deletions and watches that are as slow as those of a busy API server.
    @Test(arguments: [1, 2, 3, 5], UInt64(1)...20)
    func previewsEndSoonAndMostlyOnce(replicas: Int, seed: UInt64) throws {
        var model = try ReplicaModel(replicas: replicas, previews: 300, seed: seed)
        model.run()
        let lags = model.lags.sorted()
        #expect(lags.count == 300)
        #expect(lags[150] <= (replicas == 1 ? 0.03 : 0.08))
        #expect(lags[299] <= 0.25)
        #expect(Double(model.deletions) / 300 <= (replicas == 1 ? 1 : 1.2))
    }

    @Test(arguments: UInt64(1)...20)
    func whenTheFirstReplicaEndsAnotherOneBecomesFirst(seed: UInt64) throws {
        var model = try ReplicaModel(replicas: 3, previews: 300, seed: seed)
        model.endsFirstReplica(after: 150)
        model.run()
        #expect(model.lags.count == 300)
        #expect(model.lags.max() ?? 1 <= 0.25)
        let lastLags = model.lags.suffix(100).sorted()
        #expect(lastLags[50] <= 0.03)
        #expect(Double(model.deletions) / 300 <= 1.2)
    }
}

/// Copies of several replicas on one cluster, in steps of a millisecond: a deletion takes effect some milliseconds
/// after it was sent, and all copies receive it some milliseconds later.
private struct ReplicaModel {
    private struct Replica {
        let mirror: ClusterMirror
        var isRunning = true
    }

    private enum Step {
        case takeEffect(DueDeletion, replica: Int)
        case respond(ReapOutcome, DueDeletion, replica: Int)
        case deliver(PreviewToken, replica: Int)
    }

    private static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private static let always: MinExpiry = { _, _ in .distantPast }
    /// The seconds between the ends of two previews.
    private static let spacing = 0.06

    private var replicas: [Replica] = []
    private let random: SeededRandom
    private var live: [PreviewToken: Date] = [:]
    private var steps: [Int: [Step]] = [:]
    private var millisecond = 0
    private var endsFirstAfter: Int?
    /// The seconds from a preview's deadline to its deletion, in the order of the deletions.
    private(set) var lags: [Double] = []
    /// The number of deletions that were sent.
    private(set) var deletions = 0

    init(replicas count: Int, previews: Int, seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        self.random = random
        let policy = PreviewPolicy.testing()
        let run = ControlHarness.run
        var previewsMade: [Preview] = []
        for number in 0..<previews {
            let token = try PreviewToken.mint { random.bytes($0) }
            let expiry = Self.start.addingTimeInterval(1 + Self.spacing * Double(number))
            let facts = PreviewAnnotations(
                expiresAt: expiry,
                maxUntil: Self.start.addingTimeInterval(28_800),
                runID: run,
                claimUID: "uid-of-claim",
                token: token,
                owner: "ada",
                pod: "pod",
                podUID: "uid-of-pod",
                targetPort: 3000,
                startedAt: Self.start
            )
            let preview = Preview(
                name: token.objectName,
                labels: PreviewLabel.labels(token: token, run: run.label),
                annotations: facts.encoded(),
                uid: "uid-\(number)",
                resourceVersion: "1",
                createdAt: Self.start,
                isBeingDeleted: false
            )
            previewsMade.append(try #require(preview))
            live[token] = expiry
        }
        for _ in 0..<count {
            let salt = random.next()
            let mirror = ClusterMirror(policy: policy) { token in
                SeededRandom(seed: token.text.utf8.reduce(salt) { $0 &* 31 &+ UInt64($1) }).unit()
            }
            mirror.apply(.pods(.replaced([PodRecord(identity: PodIdentity(name: "pod", uid: "uid-of-pod"))])))
            mirror.apply(.backends(.replaced(previewsMade.map(Self.backend))))
            mirror.apply(.routes(.replaced(previewsMade)))
            replicas.append(Replica(mirror: mirror))
        }
    }

    private static func backend(of preview: Preview) -> PreviewBackend {
        PreviewBackend(
            token: preview.token,
            run: preview.run,
            uid: "uid-of-\(preview.uid)",
            resourceVersion: "1",
            createdAt: start,
            isBeingDeleted: false
        )
    }

    /// Ends the replica that sends the next deletion, once this many previews are gone.
    mutating func endsFirstReplica(after previews: Int) { endsFirstAfter = previews }

    mutating func run() {
        let limit = 60_000
        while !live.isEmpty, millisecond < limit {
            for step in steps.removeValue(forKey: millisecond) ?? [] { perform(step) }
            let now = Self.start.addingTimeInterval(Double(millisecond) / 1000)
            for index in replicas.indices where replicas[index].isRunning { deleteDue(index, now) }
            millisecond += 1
        }
    }

    private mutating func deleteDue(_ index: Int, _ now: Date) {
        let mirror = replicas[index].mirror
        for key in mirror.takeDue(now: now) {
            guard let deletion = mirror.dueDeletion(for: key, now: now, minExpiry: Self.always),
                case .route = deletion.target
            else { continue }
            if let after = endsFirstAfter, lags.count >= after, replicas.count > 1 {
                endsFirstAfter = nil
                replicas[index].isRunning = false
                return
            }
            deletions += 1
            after(2...6, .takeEffect(deletion, replica: index))
        }
    }

    private mutating func perform(_ step: Step) {
        switch step {
        case .takeEffect(let deletion, let replica):
            guard let deadline = live.removeValue(forKey: deletion.token) else {
                return after(2...6, .respond(.alreadyGone, deletion, replica: replica))
            }
            let now = Self.start.addingTimeInterval(Double(millisecond) / 1000)
            lags.append(now.timeIntervalSince(deadline))
            after(2...6, .respond(.reaped(deletion.reason), deletion, replica: replica))
            for other in replicas.indices { after(3...20, .deliver(deletion.token, replica: other)) }
        case .respond(let outcome, let deletion, let replica):
            replicas[replica].mirror.record(outcome, of: deletion)
        case .deliver(let token, let replica):
            replicas[replica].mirror.apply(.routes(.deleted(token)))
        }
    }

    private mutating func after(_ delay: ClosedRange<Int>, _ step: Step) {
        var random = random
        steps[millisecond + Int.random(in: delay, using: &random), default: []].append(step)
    }
}
