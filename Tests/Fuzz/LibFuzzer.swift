import Dispatch
import FoundationEssentials

/// The target, which the environment names, because libFuzzer's own `main` takes the arguments.
private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"]
    guard let target = name.flatMap(FuzzTarget.init) else {
        fatalError("FUZZ_TARGET: expected one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return target
}()

/// libFuzzer calls this function with each input. It recognizes a fault by the end of the process.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let isDone = DispatchSemaphore(value: 0)
    Task {
        do {
            try await target.run(input)
        } catch {
            fatalError("it does not hold that \(error)")
        }
        isDone.signal()
    }
    isDone.wait()
    return 0
}
