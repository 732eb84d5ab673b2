import Foundation
import TestSupport
import Testing

@Suite("Simulation", .serialized, .timeLimit(.minutes(10)))
struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    /// Dictionaries are iterated in the same order in every run only if the process was started with this variable.
    private static let isReproducible = environment["SWIFT_DETERMINISTIC_HASHING"] != nil

    /// The number of seeds by default; `make simulate SEEDS=…` runs more.
    private static let seeds = environment["SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 60
    private static let onlySeed = environment["SIMULATION_SEED"].flatMap { UInt64($0) }
    /// The number of seeds within which each mutant must be detected.
    static let seedsPerMutant: UInt64 = 60

    @Test func everyInvariantHoldsForEverySeed() async throws {
        let range = Self.onlySeed.map { $0...$0 } ?? 1...Self.seeds
        var events = 0
        let began = ContinuousClock.now
        for outcome in await Self.outcomes(of: range) {
            events += outcome.1.eventCount
            guard let violation = outcome.1.violation else { continue }
            let report = await onThreadOfItsOwn { Self.report(outcome.0, violation) }
            Issue.record("seed \(outcome.0) violates \(violation)\n\(report)")
            break
        }
        let count = range.count
        print("simulation: \(count) seeds, \(events / count) events a seed, \(ContinuousClock.now - began)")
    }

    @Test(
        .enabled(
            if: isReproducible,
            "needs SWIFT_DETERMINISTIC_HASHING in the environment, which make test and make simulate set"
        )
    )
    func oneSeedGivesOneRun() async throws {
        let outcomes = await onThreadOfItsOwn { (0..<2).map { _ in Simulation(seed: 5).run(recordsHistory: true) } }
        #expect(outcomes[0].fingerprint == outcomes[1].fingerprint)
        #expect(outcomes[0].history == outcomes[1].history)
        #expect(outcomes[0].eventCount > 1000)
    }

    @Test(arguments: Mutant.allCases)
    func theMutantIsCaught(_ mutant: Mutant) async throws {
        let caught = await onThreadOfItsOwn { () -> (UInt64, SimulationModel.Violation)? in
            for seed in 1...Self.seedsPerMutant {
                if let violation = Simulation(seed: seed, mutant: mutant).run().violation { return (seed, violation) }
            }
            return nil
        }
        let (seed, violation) = try #require(caught, "\(mutant) was not caught")
        print("simulation: \(mutant) is caught by seed \(seed): \(violation)")
        #expect(mutant.violates.contains(violation.invariant), "\(mutant): \(violation)")
    }

    @Test func aFailingHistoryIsMadeSmaller() async throws {
        let (plan, smaller) = try #require(
            await onThreadOfItsOwn { () -> (Int, Simulation)? in
                for seed in 1...Self.seedsPerMutant {
                    // This mutant is detected with the fewest seeds.
                    let simulation = Simulation(seed: seed, mutant: .localClock)
                    guard let violation = simulation.run().violation else { continue }
                    return (simulation.plan.events.count, simulation.shrunk(from: violation))
                }
                return nil
            }
        )
        #expect(smaller.plan.events.count < plan / 2, "\(smaller.plan.events)")
        #expect(await onThreadOfItsOwn { smaller.run().violation } != nil)
    }

    // MARK: Running

    /// The smallest plan of a failing seed, and its history.
    private static func report(_ seed: UInt64, _ violation: SimulationModel.Violation) -> String {
        let smallest = Simulation(seed: seed).shrunk(from: violation)
        let history = smallest.run(recordsHistory: true).history
        let plan = smallest.plan.events.map { "  \($0)" }.joined(separator: "\n")
        return "plan:\n\(plan)\nhistory:\n\(history.suffix(80).joined(separator: "\n"))"
    }

    private static func outcomes(of seeds: ClosedRange<UInt64>) async -> [(UInt64, Simulation.Outcome)] {
        await withTaskGroup(of: (UInt64, Simulation.Outcome).self) { group in
            var outcomes: [(UInt64, Simulation.Outcome)] = []
            for (number, seed) in seeds.enumerated() {
                if number >= 2, let outcome = await group.next() { outcomes.append(outcome) }
                group.addTask { (seed, await onThreadOfItsOwn { Simulation(seed: seed).run() }) }
            }
            for await outcome in group { outcomes.append(outcome) }
            return outcomes.sorted { $0.0 < $1.0 }
        }
    }
}

extension Mutant {
    /// The invariants of which it violates at least one.
    fileprivate var violates: Set<String> {
        switch self {
        case .unconditionalDeletion, .localClock: ["I4", "I5", "I15", "truth"]
        case .blindConsumption: ["I2", "I1", "consent"]
        case .reorderedDelivery: ["waiter"]
        case .brakeAsReadiness: ["readiness", "I15"]
        case .refusalFromCopy: ["truth", "I15"]
        }
    }
}
