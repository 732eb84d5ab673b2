import Foundation
import TestSupport
import Testing

/// `k8s/image/pins.json`, the versions of the Swift packages in an image.
@Suite("The image's Swift packages", .timeLimit(.minutes(1)))
struct ImagePinTests {
    private struct Pin {
        let identity: String
        let location: String
        let version: String
    }

    private static func pins() throws -> [Pin] {
        let text = try ProjectFiles.text("k8s/image/pins.json")
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return try #require(document?["pins"] as? [[String: Any]]).map { pin in
            let state = pin["state"] as? [String: Any]
            return Pin(
                identity: try #require(pin["identity"] as? String),
                location: try #require(pin["location"] as? String),
                version: try #require(state?["version"] as? String)
            )
        }
    }

    @Test("Each package of Package.swift is pinned to a version that it admits")
    func everyPackageIsPinned() throws {
        let pins = try Self.pins()
        let manifest = try ProjectFiles.text("Package.swift")
        let package = /\.package\(url: "https:\/\/github\.com\/[^"]*\/([^"\/]+)", from: "([^"]+)"/
        let declared = manifest.matches(of: package)
        #expect(declared.count > 10)
        #expect(declared.count == manifest.ranges(of: ".package(url:").count)
        for package in declared {
            let (name, lowest) = (String(package.output.1), String(package.output.2))
            let pin = try #require(pins.first { $0.identity == name }, "\(name) is not pinned")
            let major = lowest.prefix { $0 != "." } + "."
            #expect(pin.version.compare(lowest, options: .numeric) != .orderedAscending, "\(name) \(pin.version)")
            #expect(pin.version.hasPrefix(major), "\(name) \(pin.version)")
        }
    }

    @Test("Pins name no other host than the packages' own")
    func pinsNameOneHost() throws {
        for pin in try Self.pins() { #expect(pin.location.hasPrefix("https://github.com/"), "\(pin.location)") }
    }

    @Test("Both ways to build an image take the pins")
    func buildsTakeThePins() throws {
        let dockerfile = try ProjectFiles.text("k8s/image/Dockerfile")
        let copy = try #require(dockerfile.range(of: "COPY k8s/image/pins.json Package.resolved\n"))
        let resolve = try #require(dockerfile.range(of: "RUN swift package resolve\n"))
        #expect(copy.upperBound <= resolve.lowerBound)
        // A file of the working tree does not replace them.
        #expect(try ProjectFiles.text(".dockerignore").split(separator: "\n").contains("Package.resolved"))
        let script = try ProjectFiles.text("k8s/image/build.sh")
        let use = try #require(script.range(of: "    use_pins\n"))
        let build = try #require(script.range(of: "    swift build "))
        #expect(use.upperBound <= build.lowerBound)
    }
}
