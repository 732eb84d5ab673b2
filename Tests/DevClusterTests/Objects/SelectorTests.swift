import DevCluster
import Testing

@Suite("Selectors", .timeLimit(.minutes(10)))
struct SelectorTests {
    @Test(
        "a selector matches the labels a=1 and b=2 as in Kubernetes",
        arguments: [
            ("", true), ("a", true), ("!a", false), ("c", false), ("!c", true), ("a=1", true), ("a==1", true),
            ("a=2", false),
            ("a!=1", false), ("c!=1", true), ("a in (1,2)", true), ("a in (2)", false), ("a notin (2)", true),
            ("c notin (2)", true), ("a notin (1)", false), ("a=1,b=2", true), ("a=1,b=3", false),
            (" a in ( 1 , 2 ) , b ", true), ("x.io/y", false), ("a=", false),
        ] as [(String, Bool)]
    )
    func labelSelectorsMatchAsInKubernetes(_ selector: String, _ expected: Bool) throws {
        #expect(try LabelSelector(selector).matches(["a": "1", "b": "2"]) == expected)
    }

    @Test(
        "text that is not a selector is refused",
        arguments: ["a in (", "a in 1", "=1", "a b", "a=1 2", "!", "a)("]
    )
    func aMalformedSelectorIsRefused(_ selector: String) {
        #expect(throws: StatusFailure.self) { try LabelSelector(selector) }
    }

    @Test("objects are selected by the fields that their kind supports")
    func objectsAreSelectedByTheFieldsOfTheirKind() throws {
        let pod: JSONValue = ["metadata": ["name": "p"], "status": ["phase": "Running"]]
        #expect(try FieldSelector("status.phase=Running,metadata.name!=q", for: .pods).matches(pod))
        #expect(try FieldSelector("spec.nodeName=", for: .pods).matches(pod))
        #expect(try !FieldSelector("status.phase!=Running", for: .pods).matches(pod))
        #expect(throws: StatusFailure.self) { try FieldSelector("status.phase=Running", for: .configMaps) }
        #expect(throws: StatusFailure.self) { try FieldSelector("metadata.name", for: .pods) }
    }
}
