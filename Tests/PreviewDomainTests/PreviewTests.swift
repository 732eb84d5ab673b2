import FoundationEssentials
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewTests {
    static let policy = LifetimePolicy()
    static let idle = 30 * 60
    static let cap = 8 * 60 * 60

    /// Texts that are not timestamps.
    static let brokenInstants: [String] =
        HostileTexts.all + [
            "never", "0", "-1", "1767323045", "2026-13-01T00:00:00Z", "2026-01-02", "tomorrow", "null",
        ]

    @Test func objectsThatAreNotOursAreNotRead() {
        let preview = Preview(
            name: "frontend",
            labels: [:],
            annotations: [:],
            uid: "u",
            resourceVersion: "1",
            createdAt: Samples.createdAt,
            isBeingDeleted: false
        )
        #expect(preview == nil)
    }

    @Test func bareMetadataIsReadLeniently() {
        let preview = Samples.preview(isBeingDeleted: true)
        #expect(preview.run == Samples.runLabel(), "the label stands in for the annotation")
        #expect(preview.owner == nil)
        #expect(preview.podName == nil)
        #expect(preview.podUID == nil)
        #expect(preview.targetPort == nil)
        #expect(preview.startedAt == Samples.createdAt)
        #expect(preview.expiresAt == nil)
        #expect(preview.maxUntil == nil)
        #expect(preview.uid == "uid-1")
        #expect(preview.resourceVersion == "7")
        #expect(preview.isBeingDeleted)
    }

    @Test func missingAndUnusableAnnotationsAreNamed() {
        typealias Key = PreviewAnnotations.Key
        let all: Set = [
            Key.expiresAt, Key.maxUntil, Key.run, Key.runID, Key.claimUID, Key.owner, Key.pod, Key.podUID,
            Key.targetPort, Key.startedAt,
        ]
        let bare = Samples.preview()
        #expect(bare.missingAnnotations == all)
        #expect(bare.unusableAnnotations.isEmpty)
        let broken = Samples.preview(annotations: Dictionary(uniqueKeysWithValues: all.map { ($0, "") }))
        #expect(broken.missingAnnotations.isEmpty)
        #expect(broken.unusableAnnotations == all)
        let run = Samples.runID
        let whole = Samples.preview(
            annotations: PreviewAnnotations(
                expiresAt: Samples.createdAt,
                maxUntil: Samples.createdAt,
                runID: run,
                claimUID: "claim",
                token: Samples.token(),
                owner: "ada",
                pod: "pod",
                podUID: "pod-uid",
                targetPort: 3000,
                startedAt: Samples.createdAt
            ).encoded()
        )
        #expect(whole.missingAnnotations.isEmpty && whole.unusableAnnotations.isEmpty)
    }

    @Test func aRunIDThatDisagreesWithItsLabelCannotBeUsed() {
        let preview = Samples.preview(
            annotations: [PreviewAnnotations.Key.run: "other-run", PreviewAnnotations.Key.runID: Samples.runID.text]
        )
        #expect(preview.runID == nil)
        #expect(preview.unusableAnnotations == [PreviewAnnotations.Key.runID])
    }

    @Test func theRunAnnotationComesBeforeTheLabel() {
        let other = Samples.preview(annotations: [PreviewAnnotations.Key.run: "other-run"])
        #expect(other.run?.text == "other-run")
        let broken = Samples.preview(annotations: [PreviewAnnotations.Key.run: "../x"])
        #expect(broken.run == Samples.runLabel())
    }

    @Test(
        arguments: HostileTexts.all + ["0", "65536", "-1", "+80", "3000.0", "0x50", "99999999999999999999", "٣٠٠٠"]
    )
    func aPortThatIsNoneIsNil(text: String) {
        #expect(Samples.preview(annotations: [PreviewAnnotations.Key.targetPort: text]).targetPort == nil)
    }

    @Test(arguments: [("1", 1), ("3000", 3000), ("65535", 65_535)])
    func aPortIsRead(text: String, port: Int) {
        #expect(Samples.preview(annotations: [PreviewAnnotations.Key.targetPort: text]).targetPort == port)
    }

    @Test(arguments: brokenInstants)
    func brokenInstantsFallBackToTheCreationTime(text: String) {
        let preview = Samples.preview(
            annotations: [PreviewAnnotations.Key.expiresAt: text, PreviewAnnotations.Key.maxUntil: text]
        )
        #expect(preview.effectiveExpiresAt(policy: Self.policy) == Samples.createdAt + Self.policy.idleTimeout)
        #expect(preview.effectiveMaxUntil(policy: Self.policy) == Samples.createdAt + Self.policy.maxLifetime)
        #expect(preview.deadline(policy: Self.policy) == Samples.createdAt + Self.policy.idleTimeout)
    }

    @Test(
        "The deadline is the earliest of expiry, max-until and cap",
        arguments: [
            // (expires-at, max-until, deadline), in seconds after the creation; nil is missing.
            (nil, nil, idle),
            (60, nil, 60),
            (cap + 1, nil, cap),
            (nil, 60, 60),
            (nil, cap * 10, idle),
            (60, 120, 60),
            (120, 60, 60),
            (cap * 10, cap * 10, cap),
            (cap - 1, cap + 1, cap - 1),
            (-60, cap, -60),
            (60, -60, -60),
        ] as [(Int?, Int?, Int)]
    )
    func deadlineIsTheEarliest(expiresAfter: Int?, maxUntilAfter: Int?, deadline: Int) {
        let preview = Samples.preview(expiresAfter: expiresAfter, maxUntilAfter: maxUntilAfter)
        #expect(preview.deadline(policy: Self.policy) == Samples.createdAt + .seconds(deadline))
    }

    @Test func noTextInTheAnnotationsMakesAPreviewPermanent() {
        let instants =
            Self.brokenInstants + ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:60Z", "0001-01-01T00:00:00Z"]
        let cap = Samples.createdAt + Self.policy.maxLifetime
        for expiresAt in instants {
            for maxUntil in instants {
                let preview = Samples.preview(
                    annotations: [
                        PreviewAnnotations.Key.expiresAt: expiresAt, PreviewAnnotations.Key.maxUntil: maxUntil,
                    ]
                )
                #expect(preview.deadline(policy: Self.policy) <= cap)
                for pod in Presence.allCases {
                    let decision = reapDecision(preview, pod: pod, claim: .unknown, now: cap, policy: Self.policy)
                    guard case .reap = decision else {
                        Issue.record("kept with \(expiresAt) and \(maxUntil)")
                        continue
                    }
                }
            }
        }
    }
}
