import CTKCommand

CTK.run(arguments: Array(CommandLine.arguments.dropFirst()))
