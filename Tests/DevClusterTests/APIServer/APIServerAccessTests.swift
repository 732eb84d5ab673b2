import DevCluster
import HTTPTypes
import Testing

@Suite("Access to the API server", .timeLimit(.minutes(10)))
struct APIServerAccessTests {
    static let reader = APIUser(name: "reader", groups: ["readers"], token: "reader-token")

    static var configuration: APIServer.Configuration {
        var configuration = APIServer.Configuration(
            users: [APIServer.Configuration.newAdministrator(), reader])
        configuration.authorizationMode = .rbac
        return configuration
    }

    @Test("an unknown or missing token is refused with 401, and the answer does not repeat it")
    func anUnknownOrMissingTokenIsA401ThatDoesNotRepeatIt() async throws {
        try await APIClient.withServer { _, client async throws in
            let wrong = try await client.with(token: "wrong-token").get(Samples.services)
            #expect((wrong.status, wrong.reason) == (401, "Unauthorized"))
            #expect(!wrong.text.contains("wrong-token"))
            #expect(try await client.with(token: nil).get(Samples.services).status == 401)
            #expect(try await client.with(token: nil).get("/readyz").text == "ok")
        }
    }

    @Test(
        "discovery is for authenticated users, and health and version are for everybody",
        arguments: [
            ("/api", false), ("/apis", false), ("/api/v1", false), ("/apis/gateway.networking.k8s.io", false),
            ("/openapi/v3", false), ("/version", true), ("/readyz", true),
        ]
    )
    func discoveryNeedsAuthenticationUnlikeHealthAndVersion(path: String, isPublic: Bool) async throws {
        try await APIClient.withServer(Self.configuration) { _, client async throws in
            #expect(try await client.with(token: Self.reader.token).get(path).status == 200)
            #expect(try await client.with(token: nil).get(path).status == (isPublic ? 200 : 403))
        }
    }

    @Test("an unauthenticated user cannot ask about its own permissions")
    func anUnauthenticatedUserCannotReviewItsPermissions() async throws {
        try await APIClient.withServer(Self.configuration) { _, client async throws in
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            let review: JSONValue = ["spec": ["resourceAttributes": ["verb": "get", "resource": "pods"]]]
            #expect(try await client.with(token: Self.reader.token).post(path, review).status == 201)
            #expect(try await client.with(token: nil).post(path, review).status == 403)
        }
    }

    @Test("roles and bindings decide what a user may do")
    func rolesAndBindingsDecideWhatAUserMayDo() async throws {
        try await APIClient.withServer(Self.configuration) { server, client async throws in
            let reader = client.with(token: Self.reader.token)
            let refused = try await reader.get(Samples.services)
            #expect((refused.status, refused.reason) == (403, "Forbidden"))
            #expect(
                refused.json["message"]?.stringValue?.contains("User \"reader\" cannot list resource \"services\"")
                    == true
            )
            #expect(try await client.with(token: nil).get(Samples.services).status == 403)
            try server.store.create(
                .roles,
                namespace: "default",
                [
                    "metadata": ["name": "reader"],
                    "rules": [
                        ["apiGroups": [""], "resources": ["services"], "verbs": ["list"]],
                        ["apiGroups": [""], "resources": ["services"], "verbs": ["get"], "resourceNames": ["a"]],
                    ],
                ]
            )
            try server.store.create(
                .roleBindings,
                namespace: "default",
                [
                    "metadata": ["name": "reader"], "roleRef": ["kind": "Role", "name": "reader"],
                    "subjects": [["kind": "Group", "name": "readers"]],
                ]
            )
            try server.store.create(.services, namespace: "default", Samples.service("a"))
            #expect(try await reader.get(Samples.services).names == ["a"])
            #expect(try await reader.get("\(Samples.services)/a").status == 200)
            #expect(try await reader.get("\(Samples.services)/b").status == 403)
            #expect(try await reader.delete("\(Samples.services)/a").status == 403)
            #expect(try await reader.get("/api/v1/services").status == 403)
            #expect(try await reader.get("/apis").status == 200)
        }
    }

    @Test("a rule that names an object allows the lists that select this object alone")
    func listsOfOneName() async throws {
        try await APIClient.withServer(Self.configuration) { server, client async throws in
            let reader = client.with(token: Self.reader.token)
            let rule: JSONValue = [
                "apiGroups": [""], "resources": ["services"], "verbs": ["list"], "resourceNames": ["a"],
            ]
            try server.store.create(.roles, namespace: "default", ["metadata": ["name": "reader"], "rules": [rule]])
            try server.store.create(
                .roleBindings,
                namespace: "default",
                [
                    "metadata": ["name": "reader"], "roleRef": ["kind": "Role", "name": "reader"],
                    "subjects": [["kind": "Group", "name": "readers"]],
                ]
            )
            for name in ["a", "b"] { try server.store.create(.services, namespace: "default", Samples.service(name)) }
            #expect(try await reader.get("\(Samples.services)?fieldSelector=metadata.name%3Da").names == ["a"])
            for selector in ["", "metadata.name%3Db", "metadata.name!%3Da"] {
                #expect(try await reader.get("\(Samples.services)?fieldSelector=\(selector)").status == 403)
            }
            // The rule does not allow to watch it.
            let watch = "\(Samples.services)?watch=true&fieldSelector=metadata.name%3Da"
            #expect(try await reader.get(watch).status == 403)
        }
    }

    @Test("token reviews identify a user, and access reviews state what a user may do")
    func tokenReviewsIdentifyUsersAndAccessReviewsStatePermissions() async throws {
        try await APIClient.withServer(Self.configuration) { _, client async throws in
            let tokens = "/apis/authentication.k8s.io/v1/tokenreviews"
            let known = try await client.post(tokens, ["spec": ["token": .string(Self.reader.token)]]).json
            #expect(known["status", "user", "username"] == "reader")
            #expect(known["status", "user", "groups"] == ["readers", "system:authenticated"])
            let unknown = try await client.post(tokens, ["spec": ["token": "x"]])
            #expect(unknown.status == 201)
            #expect(unknown.json["status", "authenticated"] == nil)
            let own = try await client.post(
                tokens,
                ["spec": ["token": .string(Self.reader.token), "audiences": ["x", .string(APIUser.apiServer)]]]
            )
            #expect(own.json["status", "audiences"] == [.string(APIUser.apiServer)])
            let others = try await client.post(
                tokens,
                ["spec": ["token": .string(Self.reader.token), "audiences": ["x"]]]
            )
            #expect(others.json["status", "authenticated"] == nil)
            let attributes: JSONValue = ["verb": "get", "resource": "pods", "namespace": "default"]
            let access = "/apis/authorization.k8s.io/v1"
            let mine = try await client.post(
                "\(access)/selfsubjectaccessreviews",
                ["spec": ["resourceAttributes": attributes]]
            )
            #expect(mine.json["status", "allowed"] == true)
            let other = try await client.post(
                "\(access)/subjectaccessreviews",
                ["spec": ["user": "reader", "resourceAttributes": attributes]]
            )
            #expect(other.json["status", "allowed"] == false)
        }
    }
}
