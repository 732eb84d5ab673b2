import FoundationEssentials
package import Logging
import Synchronization

/// Runs pods. Each pod is a process on this machine with its own loopback address.
package final class Kubelet: Sendable {
    private let store: ObjectStore
    private let template: SandboxTemplate
    private let processes: ChildProcess
    private let logFolder: String
    private let logger: Logger
    private let addresses: Mutex<PodAddresses>

    /// - Parameters:
    ///   - store: The cluster's objects.
    ///   - template: The program that all pods run.
    ///   - processes: Starts the processes.
    ///   - logFolder: An existing folder for the processes' output, with one file per pod.
    ///   - addresses: The addresses of pods.
    package init(
        store: ObjectStore,
        template: SandboxTemplate,
        processes: ChildProcess,
        logFolder: String,
        addresses: PodAddresses,
        logger: Logger
    ) {
        self.store = store
        self.template = template
        self.processes = processes
        self.logFolder = logFolder
        self.logger = logger
        self.addresses = Mutex(addresses)
    }

    /// The file with the output of a pod's process.
    package func logFile(ofPod name: String) -> String { "\(logFolder)/\(name).log" }

    /// Runs a pod's process until it ends, the pod is deleted, or the task is cancelled.
    ///
    /// The pod's status is updated, and a pod that was deleted with a grace period is removed. The process group has ended when
    /// this returns.
    func run(_ pod: JSONValue) async {
        await runProcess(of: pod)
        finishDeletion(of: pod)
    }

    private func runProcess(of pod: JSONValue) async {
        guard let program = template.command.first, let address = addresses.withLock({ $0.allocate() }) else {
            write(to: pod) { $0.setEnded(reason: "OutOfAddresses", message: "no address is free", succeeded: false) }
            return
        }
        defer { addresses.withLock { $0.release(address) } }
        let command = ProcessCommand(
            executable: program,
            arguments: Array(template.command.dropFirst()),
            environment: ["HOST": address, "POD_IP": address, "PORT": String(template.port)],
            logFile: logFile(ofPod: pod.name)
        )
        let exit: ProcessExit?
        do {
            exit = try await withThrowingTaskGroup(of: ProcessExit?.self) { group in
                group.addTask {
                    try await self.processes.run(command) { _ in self.write(to: pod) { $0.setRunning(address: address) }
                    }
                }
                group.addTask {
                    await self.waitForDeletion(of: pod)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch {
            logger.debug("a pod's process could not be run", metadata: ["pod": "\(pod.name)", "error": "\(error)"])
            write(to: pod) { $0.setEnded(reason: "StartError", message: "\(error)", succeeded: false) }
            return
        }
        guard let exit else { return }
        write(to: pod) {
            $0.setEnded(
                reason: exit.isSuccess ? "Completed" : "Error",
                message: "the process \(exit)",
                succeeded: exit.isSuccess
            )
        }
    }

    /// Waits until the pod is deleted or being deleted.
    private func waitForDeletion(of pod: JSONValue) async {
        while !Task.isCancelled {
            let changes = store.changes(of: .pods, namespace: pod.namespace)
            guard let current = store.get(.pods, namespace: pod.namespace, name: pod.name), current.uid == pod.uid,
                !current.isTerminating
            else { return }
            for await change in changes where change.object.uid == pod.uid {
                if change.action == .deleted || change.object.isTerminating { return }
            }
        }
    }

    /// Removes a pod that was deleted with a grace period, after its process has ended. A pod that is deleted later has no grace
    /// period, because its status says that it has ended.
    private func finishDeletion(of pod: JSONValue) {
        guard let current = store.get(.pods, namespace: pod.namespace, name: pod.name), current.uid == pod.uid,
            current.isTerminating
        else { return }
        var options = ObjectStore.DeleteOptions()
        options.gracePeriodSeconds = 0
        // An error means that the pod was removed by another caller.
        _ = try? store.delete(.pods, namespace: pod.namespace, name: pod.name, options: options)
    }

    /// Changes the status of the pod, if it still exists with the same UID.
    private func write(to pod: JSONValue, _ change: (inout JSONValue) -> Void) {
        do {
            try store.updateStatus(.pods, namespace: pod.namespace, name: pod.name) { current in
                guard current.uid == pod.uid else { return }
                change(&current)
            }
        } catch {
            logger.debug("the pod was deleted before its status was written", metadata: ["pod": "\(pod.name)"])
        }
    }
}

extension JSONValue {
    fileprivate mutating func setRunning(address: String) {
        let now = JSONValue.string(Timestamp.text(Date()))
        self["status", "phase"] = "Running"
        self["status", "hostIP"] = "127.0.0.1"
        self["status", "podIP"] = .string(address)
        self["status", "podIPs"] = [["ip": .string(address)]]
        self["status", "startTime"] = now
        self["status", "containerStatuses"] = [containerStatus(ready: true, state: ["running": ["startedAt": now]])]
        setPodConditions(.init(true, "", ""))
    }

    fileprivate mutating func setEnded(reason: String, message: String, succeeded: Bool) {
        let now = JSONValue.string(Timestamp.text(Date()))
        self["status", "phase"] = succeeded ? "Succeeded" : "Failed"
        let terminated: JSONValue = [
            "exitCode": succeeded ? 0 : 1, "reason": .string(reason), "message": .string(message), "finishedAt": now,
        ]
        self["status", "containerStatuses"] = [containerStatus(ready: false, state: ["terminated": terminated])]
        setPodConditions(.init(false, succeeded ? "PodCompleted" : "PodFailed", message))
    }

    private func containerStatus(ready: Bool, state: JSONValue) -> JSONValue {
        [
            "name": "app", "image": "localhost/process", "imageID": "", "ready": .bool(ready), "started": .bool(ready),
            "restartCount": 0, "state": state,
        ]
    }

    private mutating func setPodConditions(_ ready: GatewayPlan.ConditionState) {
        var conditions =
            (self["status", "conditions"] ?? []).settingConditions(
                [("PodScheduled", .init(true, "", "")), ("Ready", ready), ("ContainersReady", ready)],
                generation: nil,
                now: Date()
            ).arrayValue ?? []
        // Pods omit empty reasons and messages, unlike other kinds.
        for index in conditions.indices where conditions[index]["status"] == "True" {
            conditions[index]["reason"] = nil
            conditions[index]["message"] = nil
        }
        self["status", "conditions"] = .array(conditions)
    }
}
