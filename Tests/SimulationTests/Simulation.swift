import FoundationEssentials
import PreviewDomain
import Synchronization

@testable import PreviewControl
@testable import TestSupport

/// One run of a simulation.
struct Simulation: Sendable {
    struct Outcome: Sendable {
        let violation: SimulationModel.Violation?
        let eventCount: Int
        let jobCount: Int
        let fingerprint: UInt64
        let history: [String]
    }

    let seed: UInt64
    var plan: SimulationPlan
    let mutant: Mutant?

    /// The time for callers and the cluster to end everything after the plan.
    private static let ending = Duration.seconds(1800 + 900)
    private static let maxJobs = 4_000_000
    private static let maxShrinkingRuns = 60

    init(seed: UInt64, mutant: Mutant? = nil) {
        self.seed = seed
        self.mutant = mutant
        plan = SimulationPlan(seed: seed)
    }

    /// Runs the simulation to its end or to the first violation, on the calling thread.
    func run(recordsHistory: Bool = false) -> Outcome {
        let world = SimulatedWorld(seed: seed, mutant: mutant, recordsHistory: recordsHistory)
        let model = world.model
        let everything = UncancelledWork.$executor.withValue(world.executor) {
            Task(executorPreference: world.executor) { await carryOut(in: world) }
        }
        world.executor.run {
            world.isOver || model.violation != nil || world.executor.jobCount > Self.maxJobs
        } advanced: {
            world.cluster.advance(exactlyBy: $0)
        }
        if world.executor.jobCount > Self.maxJobs { model.fail("liveness", "the simulation does not come to an end") }
        if model.violation == nil, !world.isOver {
            model.fail("liveness", "somebody waits for something that never comes")
        }
        let outcome = Outcome(
            violation: model.violation,
            eventCount: world.eventCount,
            jobCount: world.executor.jobCount,
            fingerprint: world.executor.fingerprint,
            history: world.history
        )
        everything.cancel()
        world.shutDown()
        return outcome
    }

    private func carryOut(in world: SimulatedWorld) async {
        for number in 0..<SimulatedWorld.replicaCount { world.startReplica(number) }
        await withTaskGroup(of: Void.self) { group in
            for (index, event) in plan.events.enumerated() {
                group.addTask {
                    guard (try? await world.executor.sleep(event.at)) != nil else { return }
                    world.carryOut(event.kind)
                    let caller = SimulatedCaller(
                        world: world,
                        random: SeededRandom(seed: seed &+ UInt64(index) &* 7919)
                    )
                    await caller.carryOut(event.kind)
                }
            }
            group.addTask { await SimulatedCaller(world: world, random: SeededRandom(seed: seed &+ 3)).decide() }
            group.addTask {
                while world.executor.now < SimulationPlan.length + Self.ending, !Task.isCancelled {
                    try? await world.executor.sleep(.seconds(5))
                    world.updateDisturbance()
                    world.model.checkProgress()
                }
            }
        }
        guard !Task.isCancelled else { return }
        world.model.checkEnd()
        world.end()
    }

    /// Removes the events that the violation does not need.
    ///
    /// - Returns: A smaller simulation, which violates the same invariant.
    func shrunk(from violation: SimulationModel.Violation) -> Simulation {
        var smallest = self
        var runs = 0
        var chunk = max(plan.events.count / 2, 1)
        while true {
            var start = 0
            while start < smallest.plan.events.count {
                var candidate = smallest
                let end = min(start + chunk, candidate.plan.events.count)
                candidate.plan.events.removeSubrange(start..<end)
                runs += 1
                guard runs <= Self.maxShrinkingRuns else { return smallest }
                if candidate.run().violation?.invariant == violation.invariant {
                    smallest = candidate
                } else {
                    start += chunk
                }
            }
            if chunk == 1 { return smallest }
            chunk /= 2
        }
    }
}

/// A user of the service.
struct SimulatedCaller: Sendable {
    let world: SimulatedWorld
    let random: SeededRandom

    /// The web front end pings less often, with a longer idle time-out.
    private static let pingPause = Duration.seconds(30)
    /// The time-out of the agent's HTTP client.
    private static let agentPatience = Duration.seconds(100)

    func carryOut(_ kind: SimulationPlan.Kind) async {
        switch kind {
        case .preview(let run, let port, let pings, let stops):
            await operate(SimulatedWorld.runs[run], port, pings: pings, stops: stops)
        case .agent(let run, let port, let pings, let isTwice):
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<(isTwice ? 2 : 1) {
                    group.addTask { await request(SimulatedWorld.runs[run], port, pings: pings) }
                }
            }
        case .autoApprove(let run, let isOn):
            _ = await world.call {
                try await $0.gate.setAutoApprove(run: SimulatedWorld.runs[run], to: isOn, by: "ada")
            }
        case .crash(let replica, let away):
            world.crash(replica)
            guard (try? await world.executor.sleep(away)) != nil else { return }
            world.startReplica(replica)
        case .podReplaced, .outage, .split, .frozenWatches, .faults, .refusedDeletions:
            break
        }
    }

    private func operate(_ run: RunID, _ port: Int, pings: Int, stops: Bool) async {
        let call = world.model.callBegins(run)
        let answer = await world.call { try await $0.previews.start(run: run, port: port, requester: "ada") }
        guard let token = token(from: answer, of: call, run) else { return }
        await view(token, of: run, pings: pings)
        if stops { await stop(token, of: run) }
    }

    private func request(_ run: RunID, _ port: Int, pings: Int) async {
        for _ in 0..<4 {
            let call = world.model.callBegins(run)
            let model = world.model
            let answer = await withTaskGroup(of: SimulatedWorld.CallResult<StartedPreview>?.self) { group in
                group.addTask {
                    let waiting = WaitingID()
                    defer { waiting.id.map { model.waits(for: $0, false) } }
                    return await world.call {
                        try await $0.gate.start(run: run, port: port, requester: SimulatedWorld.agent) { approval in
                            waiting.id = approval.id
                            model.waits(for: approval.id, true)
                        }
                    }
                }
                group.addTask {
                    try? await world.executor.sleep(Self.agentPatience)
                    return nil
                }
                defer { group.cancelAll() }
                return await group.next() ?? nil
            }
            if let answer, let token = token(from: answer, of: call, run) {
                return await view(token, of: run, pings: pings)
            }
            if answer == nil { world.model.callEnded(call) }
            if case .refused(let error) = answer, error.kind == .approvalDenied { return }
            guard (try? await world.executor.sleep(.seconds(Int64(random.next() % 40)))) != nil else { return }
        }
    }

    private func token(from answer: SimulatedWorld.CallResult<StartedPreview>, of call: Int, _ run: RunID)
        -> PreviewToken?
    {
        defer { world.model.callEnded(call) }
        switch answer {
        case .value(let started):
            world.model.startWasAnswered(call, run: run, started)
            return started.session.token
        case .refused(let error):
            world.model.startWasRefused(call, run: run, error)
            return nil
        case .lost:
            return nil
        }
    }

    /// Pings for as long as the viewer's page is open.
    private func view(_ token: PreviewToken, of run: RunID, pings: Int) async {
        defer { world.model.watch(token, false) }
        for ping in 0..<pings {
            var pause = Self.pingPause
            // A viewer that has been away returns shortly before or after the last moment.
            if ping % 8 == 7, let end = world.model.promisedExpiry(of: token) {
                world.model.watch(token, false)
                pause = end.duration(since: world.cluster.now) + .milliseconds(Int64(random.next() % 1100) - 50)
            }
            guard (try? await world.executor.sleep(pause)) != nil else { return }
            for _ in 0..<3 {
                let before = world.model.snapshot(of: token)
                let sent = world.cluster.now
                let answer = await world.call { try await $0.previews.keepAlive(run: run, token: token) }
                if case .value(let kept) = answer {
                    world.model.pingWasAnswered(token, sentAt: sent, kept)
                    world.model.watch(token, true)
                }
                if case .refused(let error) = answer, error.kind == .previewNotFound {
                    return world.model.tokenWasNotFound(token, before: before)
                }
                if case .value = answer { break }
            }
        }
    }

    private func stop(_ token: PreviewToken, of run: RunID) async {
        let before = world.model.snapshot(of: token)
        world.model.stopBegins(token)
        let answer = await world.call { try await $0.previews.stop(run: run, token: token) }
        if case .value = answer, world.model.snapshot(of: token).preview?.uid == before.preview?.uid,
            before.preview != nil
        {
            world.model.fail("truth", "a stop was acknowledged and the preview lives")
        }
    }

    /// Decides requests until the plan has ended.
    func decide() async {
        while world.executor.now < SimulationPlan.length + .seconds(600), !Task.isCancelled {
            try? await world.executor.sleep(.seconds(Int64(1 + random.next() % 25)))
            let run = SimulatedWorld.runs[Int(random.next() % 2)]
            guard case .value(let approvals) = await world.call({ try await $0.gate.approvals(run: run) }) else {
                continue
            }
            for approval in approvals where approval.state == .pending && random.next() % 3 > 0 {
                if random.next() % 5 == 0 {
                    _ = await world.call { try await $0.gate.deny(run: run, requestID: approval.id.text, by: "ada") }
                    continue
                }
                let scope: ApprovalScope = random.next() % 8 == 0 ? .run : .once
                let answer = await world.call {
                    try await $0.gate.approve(run: run, requestID: approval.id.text, scope: scope, by: "ada")
                }
                if case .value(let approved) = answer { world.model.wasApproved(approved, run: run) }
            }
        }
    }
}

/// The ID of the request that a call waits for, once it waits.
private final class WaitingID: Sendable {
    private let box = Mutex<ApprovalRequestID?>(nil)
    var id: ApprovalRequestID? {
        get { box.withLock { $0 } }
        set { box.withLock { $0 = newValue } }
    }
}
