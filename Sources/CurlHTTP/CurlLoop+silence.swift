import HTTPTransport

extension CurlLoop {
    /// A request is about to go out on the connection with this local port.
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

    /// A request is no longer on `connection`.
    func leave(_ connection: Connection, timedOut: Bool) {
        connection.requestEnded(timedOut: timedOut)
        if connection.isForgettable(at: now, maxIdle: configuration.maxIdle), connections[connection.key] === connection
        {
            connections[connection.key] = nil
        }
    }

    /// A piece of an answer arrived on `connection`.
    func received(on connection: Connection) {
        connection.received(at: now)
        guard let suspect, suspect.key.origin == connection.key.origin else { return }
        if suspect === connection {
            // It was only slow.
            self.suspect = nil
        } else if connection.generation > suspect.generation, let silent = SilentConnection(suspect) {
            self.suspect = nil
            if let streams { _ = streams.submit(.cutOff(silent)) } else { cutOff(silent) }
        }
    }

    /// Finds the connections on which nothing arrived for too long, and takes from them what may be taken.
    ///
    /// - Parameter deadline: The earliest time to look again; brought forward where that is necessary.
    func leaveSilentConnections(
        at now: ContinuousClock.Instant,
        lookAgain deadline: inout ContinuousClock.Instant?
    ) {
        let limit = configuration.maxSilence
        var silent: [Connection] = []
        for handle in active.values {
            // A stream that has begun may be silent for as long as it likes.
            guard mode == .requests || handle.exchange?.isAwaitingHead == true else { continue }
            guard let connection = handle.connection else {
                let end = now.advanced(by: limit)
                deadline = min(deadline ?? end, end)
                continue
            }
            guard connection.silentSince == nil else { continue }
            if let end = connection.judge(at: now, limit: limit) {
                deadline = min(deadline ?? end, end)
            } else {
                silent.append(connection)
            }
        }
        for (key, connection) in connections
        where connection.isForgettable(at: now, maxIdle: configuration.maxIdle) {
            connections[key] = nil
        }
        for connection in silent {
            generation.end(connection.generation)
            suspect = connection
            for handle in active.values where handle.mayMove && handle.isOn(connection) {
                if !restart(handle, { handle, pool throws(TransportError) in try handle.prepareMove(to: pool) }) {
                    let error = TransportError(
                        handle.wasSent ? .protocolViolation : .connect,
                        "the request could not be put onto another connection"
                    )
                    if let delivery = handle.exchange?.ended(.failure(error)) { deliver(delivery) }
                    remove(handle)
                }
            }
        }
    }

    /// Ends the streams that have been silent for as long as a connection of which it is known that it leads nowhere.
    func cutOff(_ silent: SilentConnection) {
        guard mode == .streams else { return }
        for handle in Array(active.values) {
            guard let exchange = handle.exchange, !exchange.isAwaitingHead, let connection = handle.connection,
                silent.mayResemble(connection)
            else { continue }
            let error = TransportError(
                .protocolViolation,
                "the connection is silent, and a new one to the same peer is not"
            )
            if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            remove(handle)
        }
    }
}

extension EasyHandle {
    /// Whether the exchange is on `connection`, or may be put onto it once there is room.
    fileprivate func isOn(_ connection: Connection) -> Bool {
        if let own = self.connection { return own === connection }
        return exchange?.plan.origin == connection.key.origin && (pool?.generation ?? 0) <= connection.generation
    }
}
