import ArgumentParser
import PreviewCommands

@main
enum Main {
    static func main() async {
        await PreviewGateway.main(nil)
    }
}
