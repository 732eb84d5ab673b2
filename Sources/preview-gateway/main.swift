import PreviewCommands

await PreviewGateway.main()
