enum Stub_PreviewCommands {}
