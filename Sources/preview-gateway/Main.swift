import PreviewCommands

@main
enum Main {
    static func main() async {
        await PreviewGateway.runProcess()
    }
}
