import DevCluster
import Testing

@Suite("Hostnames of listeners and routes", .timeLimit(.minutes(10)))
struct HostnameRuleTests {
    @Test(
        arguments: [
            ("*.localhost", "a.localhost", "a.localhost"),
            ("*.localhost", "a.b.localhost", "a.b.localhost"),
            ("*.localhost", "*.b.localhost", "*.b.localhost"),
            ("a.localhost", "*.localhost", "a.localhost"),
            ("a.localhost", "a.localhost", "a.localhost"),
            (nil, "a.localhost", "a.localhost"),
            ("*.localhost", nil, "*.localhost"),
            (nil, nil, "*"),
        ] as [(String?, String?, String)]
    )
    func theNarrowerOfTwoHostnamesIsServed(listener: String?, route: String?, served: String) {
        #expect(HostnameRule.intersection(listener: listener, route: route) == served)
    }

    @Test(
        arguments: [
            ("*.localhost", "localhost"), ("*.localhost", "a.example"), ("*.localhost", "alocalhost"),
            ("a.localhost", "b.localhost"), ("*.a.localhost", "b.localhost"), ("*.localhost", "localhost.example"),
        ]
    )
    func hostnamesWithNothingInCommonServeNothing(listener: String, route: String) {
        #expect(HostnameRule.intersection(listener: listener, route: route) == nil)
    }

    @Test(arguments: ["a.localhost", "*.localhost", "a-b.c1.localhost", String(repeating: "a", count: 63) + ".x"])
    func domainNamesAreValidHostnames(name: String) {
        #expect(HostnameRule.isValid(name))
    }

    @Test(
        arguments: [
            "", "*", "*.", ".", "a..b", "-a.localhost", "a-.localhost", "A.localhost", "a_b.localhost",
            "a.localhost:80",
            "a.localhost/", "a b", "*a.localhost", "a.*.localhost", "\u{0}", "ä.localhost", "\"],\"x\":[\"",
            String(repeating: "a", count: 64) + ".x", String(repeating: "a.", count: 127) + "ab",
        ]
    )
    func otherNamesAreInvalidHostnames(name: String) {
        #expect(!HostnameRule.isValid(name))
    }
}
