import DevCluster
import HTTPTransport
import HTTPTypes
import Testing

@Suite("Faults of the API server", .timeLimit(.minutes(10)))
struct APIServerFaultTests {
    @Test("a rule replaces the server's answer for the given number of requests")
    func aRuleReplacesTheResponseForTheGivenNumberOfRequests() async throws {
        try await APIClient.withServer { server, client async throws in
            let busy = StatusFailure(code: 429, reason: "TooManyRequests", message: "busy", retryAfterSeconds: 1)
            server.faults.add(.init(verb: "create", resource: "services", times: 2, fault: .respond(busy)))
            for _ in 0..<2 {
                let answer = try await client.post(Samples.services, Samples.service("s"))
                #expect(answer.status == 429)
                #expect(answer.headers[.retryAfter] == "1")
            }
            #expect(try await client.get(Samples.services).names.isEmpty)
            #expect(try await client.post(Samples.services, Samples.service("s")).status == 201)
        }
    }

    @Test("a request is carried out although its answer is an error or is missing")
    func aRequestIsCarriedOutAlthoughItsResponseIsAnErrorOrMissing() async throws {
        try await APIClient.withServer { server, client async throws in
            let failure = StatusFailure(code: 500, reason: "InternalError", message: "no")
            server.faults.add(.init(verb: "create", fault: .executeThenRespond(failure)))
            #expect(try await client.post(Samples.services, Samples.service("a")).status == 500)
            server.faults.add(.init(verb: "create", fault: .executeThenDrop))
            await #expect(throws: TransportError.self) { try await client.post(Samples.services, Samples.service("b")) }
            #expect(try await client.get(Samples.services).names == ["a", "b"])
        }
    }

    @Test("a request whose connection is dropped changes nothing, and the next request works")
    func aDroppedRequestChangesNothingAndTheNextOneWorks() async throws {
        try await APIClient.withServer { server, client async throws in
            server.faults.add(.init(verb: "create", fault: .drop))
            await #expect(throws: TransportError.self) { try await client.post(Samples.services, Samples.service("a")) }
            #expect(try await client.get(Samples.services).names.isEmpty)
        }
    }

    @Test("a request that hangs ends when its client cancels it")
    func aHangingRequestEndsWhenItsClientCancelsIt() async throws {
        try await APIClient.withServer { server, client async throws in
            let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
            let hang = FaultPlan.Rule(verb: "get", resource: "services", fault: .hang) { _ in
                arrived.yield()
                return true
            }
            server.faults.add(hang)
            await #expect(throws: (any Error).self) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    group.addTask { try await client.get("\(Samples.services)/s").status }
                    _ = await arrivals.first { _ in true }
                    group.cancelAll()
                    _ = try await group.next()
                }
            }
            #expect(try await client.get(Samples.services).status == 200)
        }
    }

    @Test("a request that is held is carried out once the latch opens")
    func aHeldRequestIsCarriedOutOnceReleased() async throws {
        try await APIClient.withServer { server, client async throws in
            let latch = Latch()
            server.faults.add(.init(verb: "create", fault: .hold(latch)))
            async let answer = client.post(Samples.services, Samples.service("a"))
            await latch.waitForArrival()
            #expect(server.store.list(.services).items.isEmpty)
            latch.open()
            #expect(try await answer.status == 201)
        }
    }

    @Test("a watch that is held delivers every change once the latch opens")
    func aHeldWatchDeliversEveryChangeOnceReleased() async throws {
        try await APIClient.withServer { server, client async throws in
            let latch = Latch()
            server.faults.add(.init(verb: "watch", fault: .holdWatch(latch)))
            try await client.watch("\(Samples.services)?watch=1") { frames async throws in
                for name in ["a", "b"] {
                    try server.store.create(.services, namespace: "default", Samples.service(name))
                }
                latch.open()
                #expect(try await frames.nextChange() == "ADDED a")
                #expect(try await frames.nextChange() == "ADDED b")
            }
        }
    }

    @Test("a watch ends, expires or breaks after the number of changes in its rule")
    func aWatchEndsExpiresOrBreaksAfterTheChangesOfItsRule() async throws {
        try await APIClient.withServer { server, client async throws in
            for name in ["a", "b"] { try server.store.create(.services, namespace: "default", Samples.service(name)) }
            let path = "\(Samples.services)?watch=1"
            server.faults.add(.init(verb: "watch", fault: .endWatch(afterChanges: 1)))
            try await client.watch(path) { frames async throws in
                #expect(try await frames.nextChange() == "ADDED a")
                #expect(try await frames.next() == nil)
            }
            server.faults.add(.init(verb: "watch", fault: .expireWatch(afterChanges: 1)))
            try await client.watch(path) { frames async throws in
                #expect(try await frames.nextChange() == "ADDED a")
                #expect(try await frames.next()?["object", "code"] == 410)
                #expect(try await frames.next() == nil)
            }
            server.faults.add(.init(verb: "watch", fault: .breakWatch(afterChanges: 1)))
            await #expect(throws: TransportError.self) {
                try await client.watch(path) { frames async throws in
                    #expect(try await frames.nextChange() == "ADDED a")
                    _ = try await frames.next()
                }
            }
        }
    }

    @Test("the log counts requests by verb, resource and user")
    func theLogCountsRequestsByVerbResourceAndUser() async throws {
        try await APIClient.withServer { server, client async throws in
            _ = try await client.post(Samples.services, Samples.service("a"))
            _ = try await client.get(Samples.services)
            _ = try await client.get("\(Samples.services)/a")
            _ = try await client.merge("\(Samples.services)/a/status", ["status": [:]])
            #expect(server.requestLog.count(resource: "services") == 3)
            #expect(server.requestLog.count(verb: "patch", resource: "services/status") == 1)
            #expect(server.requestLog.count(verb: "list", user: "devcluster-admin") == 1)
            server.requestLog.reset()
            #expect(server.requestLog.count() == 0)
        }
    }
}
