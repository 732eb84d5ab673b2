import HTTPTransport

extension CurlLoop {
    /// Records that a request is about to be sent on a connection.
    ///
    /// - Returns: The record of the connection; a new one if the local port was used by another connection before.
    func connection(_ key: ConnectionKey, generation: Int, isHTTP2: Bool) -> Connection {
        let known = connections[key]
        if let known, known.generation == generation, known.isHTTP2 == isHTTP2 {
            known.requestSent(at: now)
            return known
        }
        let connection = Connection(key: key, generation: generation, isHTTP2: isHTTP2, at: now)
        connections[key] = connection
        connection.requestSent(at: now)
        return connection
    }

    /// Records that a request no longer uses `connection`.
    func requestEnded(on connection: Connection, timedOut: Bool) {
        connection.requestEnded(timedOut: timedOut)
        if connection.needsNoObservation(at: now, maxIdle: configuration.maxIdle),
            connections[connection.key] === connection
        {
            connections[connection.key] = nil
        }
    }

    /// Records that a part of a response arrived on `connection`.
    func received(on connection: Connection) {
        connection.received(at: now)
        guard let lastSilent, lastSilent.key.origin == connection.key.origin else { return }
        if lastSilent === connection {
            // The connection was slow, not broken.
            self.lastSilent = nil
        } else if connection.generation > lastSilent.generation, let silent = SilentConnection(lastSilent) {
            self.lastSilent = nil
            // Also this loop's own streams end in its next iteration: this is part of a callback of libcurl, which removes no
            // transfer in one (`CURLM_RECURSIVE_API_CALL`).
            _ = (streams ?? mailbox).submit(.cutOff(silent))
        }
    }

    /// Finds connections that have been silent for longer than allowed, and moves requests that may be sent again to new ones.
    ///
    /// - Parameters:
    ///   - now: The time at which silence is checked.
    ///   - deadline: The earliest time of the next check; moved forward if a connection has to be checked before.
    func abandonSilentConnections(
        at now: ContinuousClock.Instant,
        nextCheck deadline: inout ContinuousClock.Instant?
    ) {
        let limit = configuration.maxSilence
        var silent: [Connection] = []
        for handle in active.values {
            // A stream whose response has begun may be silent for any time.
            guard mode == .requests || handle.exchange?.isAwaitingHead == true else { continue }
            guard let connection = handle.connection else {
                let end = now.advanced(by: limit)
                deadline = min(deadline ?? end, end)
                continue
            }
            guard connection.silentSince == nil else { continue }
            if let end = connection.checkSilence(at: now, limit: limit) {
                deadline = min(deadline ?? end, end)
            } else {
                silent.append(connection)
            }
        }
        for (key, connection) in connections
        where connection.needsNoObservation(at: now, maxIdle: configuration.maxIdle) {
            connections[key] = nil
        }
        for connection in silent {
            generation.end(connection.generation)
            lastSilent = connection
            for handle in active.values where handle.mayMove && handle.isOn(connection) {
                if !restart(handle, { handle, pool throws(TransportError) in try handle.prepareMove(to: pool) }) {
                    let error = TransportError(
                        handle.mayHaveHadEffect ? .protocolViolation : .connect,
                        "the request could not be moved to another connection"
                    )
                    if let delivery = handle.exchange?.ended(.failure(error)) { deliver(delivery) }
                    remove(handle)
                }
            }
        }
    }

    /// Ends the streams whose connections have been silent for as long as a connection that is known to be broken.
    func cutOff(_ silent: SilentConnection) {
        guard mode == .streams else { return }
        for handle in Array(active.values) {
            guard let exchange = handle.exchange, !exchange.isAwaitingHead, let connection = handle.connection,
                silent.mayShareCause(with: connection)
            else { continue }
            let error = TransportError(
                .protocolViolation,
                "the connection is broken: a new connection to the same peer responds"
            )
            if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            remove(handle)
        }
    }
}

extension EasyHandle {
    /// Whether the exchange uses `connection`, or may be assigned to it once the connection has room.
    fileprivate func isOn(_ connection: Connection) -> Bool {
        if let own = self.connection { return own === connection }
        return exchange?.plan.origin == connection.key.origin && (pool?.generation ?? 0) <= connection.generation
    }
}
