import DevCluster
import Testing

@Suite("The pods' addresses", .timeLimit(.minutes(10)))
struct PodAddressesTests {
    @Test func everyPodHasAnAddressOfItsOwnUntilAllAreInUse() {
        var addresses = PodAddresses(seed: 7)
        let given = (0..<PodAddresses.capacity).compactMap { _ in addresses.allocate() }
        #expect(Set(given).count == PodAddresses.capacity)
        #expect(addresses.allocate() == nil)
        addresses.release(given[10])
        #expect(addresses.allocate() == given[10])
    }

    @Test func aReleasedAddressIsNotTheNextOne() throws {
        var addresses = PodAddresses(seed: 7)
        let given = addresses.allocate()
        let first = try #require(given)
        addresses.release(first)
        #expect(addresses.allocate() != first)
    }

    @Test(arguments: [0, 1, 255, 256, 16_383, 16_384, -1, Int.min, Int.max])
    func everySeedGivesALoopbackAddressAwayFromTheUsualOnes(seed: Int) throws {
        var addresses = PodAddresses(seed: seed)
        let given = addresses.allocate()
        let parts = try #require(given).split(separator: ".").compactMap { Int($0) }
        #expect(parts.count == 4 && parts[0] == 127)
        #expect((64...127).contains(parts[1]) && (0...255).contains(parts[2]) && parts[3] == 1)
    }

    @Test(arguments: ["", "10.0.0.1", "127.64.7.x", "127.64.8.1"])
    func releasingAnUnassignedAddressChangesNothing(address: String) {
        var addresses = PodAddresses(seed: 7)
        _ = addresses.allocate()
        addresses.release(address)
        #expect(addresses.allocate() == "127.64.7.2")
    }
}
