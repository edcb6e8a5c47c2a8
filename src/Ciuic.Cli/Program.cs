return await Ciuic.Cli.CiuicCommandLine.InvokeAsync(args, Console.Out, Console.Error);
